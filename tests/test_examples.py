"""Every command line and Python block of the manual and the README runs, each page in a folder as the demo leaves it."""

import doctest
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import typer

from s2kit.cli.app import app
from s2kit.settings import load_settings
from support import examples
from support.demo_world import lay_out
from support.examples import FOLDER, PRINTS, SERVES, SHOWN_ONLY, Block
from support.landsat import write_landsat
from support.service import running
from support.warm_s2kit import warm_s2kit

PAGES = {str(page.relative_to(examples.PROJECT)): page for page in examples.pages()}
BLOCKS = [block for page in PAGES.values() for block in examples.blocks(page)]
EXTRAS = set(metadata("s2kit").get_all("Provides-Extra") or ())
ROOT = typer.main.get_command(app)
OTHER_PROGRAMS = frozenset({
    ".venv/bin/pip", ".venv/bin/python", ".venv/bin/s2kit", "dask", "docker", "export", "pip", "pipx", "python", "python3", "sbatch", "squeue",
    "systemctl", "uv", "uvx", "xdg-open",
})  # fmt: skip
"""What blocks that do not run here may call besides s2kit."""
_CATALOGUES = """
# the catalogues that examples name are the demo's bucket here
[catalogues.earth-search]
kind = "local"
url = "bucket"
"""
ADDRESS = "http://127.0.0.1:8080"
"""Of the service that a page starts; the test's has a free port."""
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that does not exist: whatever asks another host fails."""
_MAIL = """\
#!/bin/sh
echo "mail $*" >> "$HOME/sent"
cat >> "$HOME/sent"
"""
"""Stands for the machine's `mail`: what would be sent lies in a file."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the programs that examples call."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "mail").write_text(_MAIL)
    (folder / "mail").chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    with warm_s2kit(folder):
        yield folder


@pytest.fixture
def folder(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's folder, as the current one."""
    place = lay_out(tmp_path / "s2kit-demo")
    (tmp_path / "home").mkdir()
    with (place / "settings.toml").open("a") as settings:
        settings.write(_CATALOGUES)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, _NOWHERE)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("S2KIT_JOBS", "1")
    return place


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if examples.blocks(page)])
def test_the_examples_of_a_page_run(name: str, folder: Path) -> None:
    if name.endswith("landsat.md"):  # what the download on that page, which is parsed only, would leave
        scene = write_landsat(folder / "landsat")
        (scene.folder / f"{scene.folder.name}_MTL.json").write_text("{}")
    names: dict[str, Any] = {"__name__": "__main__"}
    address, printed = ADDRESS, None
    with ExitStack() as services:
        for block in examples.blocks(PAGES[name]):
            here = replace(block, text=block.text.replace(ADDRESS, address))
            if block.kind == SERVES:
                (words,) = examples.commands(block.text)
                assert words[:2] == ["s2kit", "serve"], f"{block}: only a service runs until Ctrl-C"
                address = services.enter_context(running(folder, folder / "settings.toml", words[2:])).address
            elif block.kind == PRINTS:
                flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
                assert doctest.OutputChecker().check_output(block.text, printed or "", flags), f"{block}\n{printed}"
            elif not block.needs and block.kind in _RUN:
                printed = _RUN[block.kind](here, folder, names)


def _sh(block: Block, folder: Path, names: dict[str, Any]) -> str:
    return _bash(str(block), block.text, folder)


def _bash(where: str, script: str, folder: Path) -> str:
    script = script.replace(FOLDER, str(folder))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{where} ends with {done.returncode}\n{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _cron(block: Block, folder: Path, names: dict[str, Any]) -> None:
    for _, command in examples.cron_lines(block.text):
        _bash(str(block), command, folder)


def _python(block: Block, folder: Path, names: dict[str, Any]) -> None:
    code = compile("\n" * block.line + block.text, str(block.page), "exec")
    exec(code, names)


def _pycon(block: Block, folder: Path, names: dict[str, Any]) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(block.text, names, str(block), str(block.page), block.line)
    assert test.examples
    result = doctest.DocTestRunner(optionflags=flags).run(test, clear_globs=False)
    names.update(test.globs)
    assert result.failed == 0, f"{block}: see the output of doctest"


_RUN = {"sh": _sh, "cron": _cron, "python": _python, "pycon": _pycon}


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.needs], ids=str)
def test_what_cannot_run_here_is_understood(block: Block) -> None:
    if block.kind in {"python", "pycon"}:
        compile(block.text, str(block), "exec")
        return
    assert block.kind == "sh", f"{block}: what needs something is a command or Python"
    done = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for words in examples.commands(block.text):
        _understand(words, str(block))


def _understand(words: list[str], where: str) -> None:
    """Parse a call of s2kit as the program itself would; of pip see that the extras exist."""
    program = words[0]
    if Path(program).name == "s2kit":
        _parse(words[1:])
        return
    assert program in OTHER_PROGRAMS, f"{where}: who knows {program}?"
    for word in words[1:]:
        if word.startswith("s2kit["):
            assert set(word[6:-1].split(",")) <= EXTRAS, f"{where}: {word}"


def _parse(words: list[str]) -> None:
    command, name = ROOT, "s2kit"
    context = None
    while True:
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "commands"):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        found, command_below, words = command.resolve_command(context, rest)
        command, name = command_below, found


def test_a_wrong_option_is_found() -> None:
    _parse(["search", "--aoi", "aoi.geojson", "--range", "2024-01-01", "2024-02-01"])
    with pytest.raises(Exception, match="--no-such"):
        _parse(["search", "--no-such", "x"])
    with pytest.raises(Exception, match="no-such"):
        _parse(["jobs", "no-such"])


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind in {"toml", "json"}], ids=str)
def test_files_are_what_they_should_be(block: Block, tmp_path: Path) -> None:
    if block.kind == "json":
        json.loads(block.text)
        return
    tomllib.loads(block.text)
    (tmp_path / "given.toml").write_text(block.text)
    load_settings(config=tmp_path / "given.toml", folder=tmp_path)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "cron"], ids=str)
def test_schedules_are_schedules(block: Block) -> None:
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    for schedule, _ in examples.cron_lines(block.text):
        for word, (low, high) in zip(schedule.split(), limits, strict=True):
            assert word == "*" or all(low <= int(part) <= high for part in word.split("-")), schedule


def test_each_block_has_a_kind_that_is_known() -> None:
    known = {*_RUN, PRINTS, SERVES, "toml", "json", *SHOWN_ONLY}
    assert not [f"{block}: {block.kind}" for block in BLOCKS if block.kind not in known]


def test_nearly_all_of_it_runs() -> None:
    """What is only parsed stays the exception."""
    commands = {block: list(examples.commands(block.text)) for block in BLOCKS if block.kind == "sh"}
    ours = {block: [words for words in found if words[0] == "s2kit"] for block, found in commands.items()}
    parsed = sum(len(found) for block, found in ours.items() if block.needs)
    total = sum(len(found) for found in ours.values())
    assert total > 100
    assert parsed < total / 4, f"{parsed} of {total} commands are parsed only"
