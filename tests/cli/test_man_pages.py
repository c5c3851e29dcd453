"""Man pages and completion scripts: one page a command, all options in it, no warning of troff."""

import re
import shutil
import subprocess

import pytest
import typer

from s2kit.cli.app import app
from support import man_pages


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manual")
    man_pages.write(folder)
    return folder


def commands(command, name):
    yield name, command
    for verb, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {verb}")


def plain(page: str) -> str:
    return page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")


def test_each_command_has_a_page_with_all_its_options(made):
    wanted = dict(commands(typer.main.get_command(app), "s2kit"))
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (made / "man" / "man1").iterdir()}
    assert set(pages) == {name.replace(" ", "-") for name in wanted}
    for name, command in wanted.items():
        page = plain(pages[name.replace(" ", "-")])
        for parameter in command.params:
            assert parameter.opts[0] in page or not parameter.opts[0].startswith("-"), f"{name} {parameter.opts[0]}"


def test_pages_can_be_made_twice_alike(made):
    assert man_pages.files() == {
        str(path.relative_to(made)): path.read_text(encoding="utf-8") for path in made.rglob("*") if path.is_file()
    }


def test_no_line_is_a_request_by_accident(made):
    requests = re.compile(r"\.(TH|SH|TP|PP|B|BR|I|EX|EE)( |$)")
    for path in (made / "man" / "man1").iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            assert line.isascii()
            assert requests.match(line) or not line.startswith((".", "'")), f"{path.name}: {line}"


def test_troff_has_nothing_to_say(made):
    groff, mandoc = shutil.which("groff"), shutil.which("mandoc")
    pages = sorted((made / "man" / "man1").iterdir())
    for program in [[groff, "-man", "-Tutf8", "-ww", "-z"]] * bool(groff) + [[mandoc, "-Tlint"]] * bool(mandoc):
        for page in pages if program[0] == mandoc else [page for page in pages if len(page.stem.split("-")) < 3]:
            done = subprocess.run([*program, page], capture_output=True, text=True)
            assert (done.stdout, done.stderr) == ("", ""), page.name


@pytest.mark.parametrize("shell", sorted(man_pages.SCRIPTS))
def test_scripts_are_read_by_their_shells(made, shell):
    script = made / man_pages.SCRIPTS[shell]
    assert "_S2KIT_COMPLETE=complete_" in script.read_text(encoding="utf-8")
    if shutil.which(shell):
        done = subprocess.run([shell, "-n", script], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
