"""The README and the manual are true: verbs, exit codes, set-up commands, generated pages, pictures, links."""

import io
import re
import tomllib
import xml.dom.minidom
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.errors import ExitCode
from support import bytes_drawing, cli_docs, docs_pictures, examples, reference_docs, site

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = {
    command.name or "": command
    for command in typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"`s2kit {verb}`" in README


@pytest.mark.parametrize("code", list(ExitCode), ids=lambda code: code.name)
def test_every_exit_code_is_in_the_manual(code: ExitCode) -> None:
    assert f"| {code.value} | {code.meaning} |" in (reference_docs.FOLDER / "exit-codes.md").read_text(encoding="utf-8")


def test_every_option_has_help() -> None:
    silent = [
        f"{verb} {parameter.opts[0]}"
        for verb, command in COMMANDS.items()
        for parameter in command.params
        if parameter.opts[0].startswith("-") and not parameter.help
    ]
    assert not silent


@pytest.mark.parametrize("made", [cli_docs, reference_docs], ids=["cli", "reference"])
def test_generated_pages_are_what_the_source_says(made: object) -> None:
    pages = made.pages()
    written = {path.name: path.read_text(encoding="utf-8") for path in made.FOLDER.glob("*.md")}
    assert sorted(written) == sorted(pages)
    old = [name for name, text in pages.items() if written[name] != text]
    assert not old, f"{old} in {made.FOLDER} are out of date; write them again with: {made.COMMAND}"


def test_the_python_api_is_all_there() -> None:
    import s2kit

    text = reference_docs.pages()["api.md"]
    assert not [
        name for name in s2kit.__all__ if name not in {"S2KitError", "__version__"} and f"## s2kit.{name}\n" not in text
    ]
    assert "`bbox`: `(west, south, east, north)` in degrees" in text
    assert "| `mask_clouds` | bool | Make clouds, cirrus" in text


def test_the_two_commands_that_set_everything_up() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/s2kit demo" in README
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest" in README


def test_no_verb_is_without_a_first_sentence() -> None:
    runner = CliRunner()
    for verb in COMMANDS:
        assert len(runner.invoke(app, [verb, "--help"]).stdout.split("\n")) > 4, verb


@pytest.fixture(scope="module")
def copied_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the site in a folder of their own, where tests may change them and build."""
    import shutil

    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(site.PROJECT / "docs", folder / "docs")
    shutil.copy(site.CONFIG, folder)
    return folder


def test_the_site_builds_without_warnings_and_every_link_leads_somewhere(copied_site: Path) -> None:
    site.build(copied_site / "zensical.toml")
    assert list(site.problems(copied_site / "build" / "site")) == []
    titles = {path.stem for path in (copied_site / "build" / "site" / "howto").glob("*.html")}
    assert len(titles) > 20


def test_what_is_wrong_in_the_site_is_found(copied_site: Path) -> None:
    page = copied_site / "docs" / "limits.md"
    whole = page.read_text(encoding="utf-8")
    try:
        page.write_text(f"{whole}\n[nowhere](nowhere.md)\n", encoding="utf-8")
        with pytest.raises(SystemExit, match="page does not exist"):
            site.build(copied_site / "zensical.toml")
        page.write_text(f"{whole}\n[no anchor](how/bytes.md#none)\n", encoding="utf-8")
        with pytest.raises(SystemExit, match="anchor does not exist"):
            site.build(copied_site / "zensical.toml")
        bad = '<img src="none.png"> <a href="how/bytes.html#none">x</a> <img src="https://example.org/x.png">'
        page.write_text(f"{whole}\n{bad}\n", encoding="utf-8")
        site.build(copied_site / "zensical.toml")
    finally:
        page.write_text(whole, encoding="utf-8")
    found = list(site.problems(copied_site / "build" / "site"))
    assert [re.sub(r"^limits.html: ", "", line) for line in found] == [
        "none.png does not exist",
        "how/bytes.html#none: there is no such anchor",
        "https://example.org/x.png is on another host",
    ]


def test_every_page_is_in_the_navigation() -> None:
    text = (PROJECT / "zensical.toml").read_text(encoding="utf-8")
    tomllib.loads(text)
    lost = [
        str(path.relative_to(examples.DOCS))
        for path in examples.DOCS.rglob("*.md")
        if f'"{path.relative_to(examples.DOCS)}"' not in text
    ]
    assert not lost


def test_links_of_the_readme_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert len(targets) > 5
    assert not [target for target in targets if not target.startswith("https://") and not (PROJECT / target).is_file()]


def test_the_pictures_are_made_by_their_commands(tmp_path: Path) -> None:
    from PIL import Image

    made = docs_pictures.make(tmp_path / "world")
    assert sum(path.stat().st_size for path in docs_pictures.FOLDER.iterdir()) < 1_000_000
    assert {path.name for path in docs_pictures.FOLDER.iterdir()} == {*made, "bytes.svg"}
    for name, path in made.items():
        kept = np.asarray(Image.open(io.BytesIO((docs_pictures.FOLDER / name).read_bytes())).convert("L"), float)
        new = np.asarray(Image.open(path).convert("L"), float)
        assert kept.shape == new.shape, f"{name}: {docs_pictures.COMMAND}"
        assert np.abs(kept - new).mean() < 8, f"{name} shows something else; {docs_pictures.COMMAND}"


def test_the_drawing_is_what_its_script_draws() -> None:
    text = bytes_drawing.drawing()
    assert bytes_drawing.DRAWING.read_text(encoding="utf-8") == text, bytes_drawing.COMMAND
    xml.dom.minidom.parseString(text)
