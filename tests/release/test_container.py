"""The image holds what the project has, runs without root, and its check of health asks an address that the service has."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from s2kit.cli.app import app

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "Dockerfile").read_text(encoding="utf-8")


def steps(name: str) -> list[str]:
    """What follows an instruction, continued lines joined."""
    joined = TEXT.replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def copied() -> list[str]:
    words = [shlex.split(text) for text in steps("COPY")]
    return [source for parts in words if not parts[0].startswith("--from") for source in parts[:-1]]


def test_bases_are_named_by_their_full_version() -> None:
    bases = {text.split()[0] for text in steps("FROM")}
    assert len(steps("FROM")) == 2
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.1[1-9]\.\d+-slim-\w+", bases.pop())


def test_it_does_not_run_as_root() -> None:
    last_stage = TEXT[TEXT.rindex("\nFROM ") :]
    users = re.findall(r"^USER (\S+)$", last_stage, re.MULTILINE)
    assert users
    assert users[-1].partition(":")[0] not in {"root", "0"}


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_let_in(source: str) -> None:
    assert (PROJECT / source).exists()
    assert f"!{source}" in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_nothing_else_is_let_in() -> None:
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == set(copied())


def test_what_is_copied_is_enough_to_build_the_wheel(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for name in copied():
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / name, source / name)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("s2kit-*.whl"))) == 1


def test_its_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", TEXT)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_health_is_asked_where_the_service_answers() -> None:
    from s2kit.serve import pages

    (address,) = re.findall(r"urlopen\('http://127\.0\.0\.1:(\d+)(/\w+)'", TEXT)
    assert address == (steps("EXPOSE")[0], "/health")
    assert f'"{address[1]}"' in Path(pages.__file__).parent.joinpath("app.py").read_text(encoding="utf-8")


def test_no_secret_is_in_it() -> None:
    assert not steps("ARG")
    assert not re.search(r"password|secret|token|aws_|https?://(?!127\.)", TEXT, re.IGNORECASE)


@pytest.mark.parametrize("words", re.findall(r"s2kit (serve[^\n]*|render[^\n]*)$", TEXT, re.MULTILINE))
def test_the_lines_of_its_head_name_real_options(words: str) -> None:
    arguments = shlex.split(words)
    command = get_command(app)
    known: set[str] = set()
    while hasattr(command, "commands") and arguments and arguments[0] in command.commands:
        command = command.commands[arguments.pop(0)]
        known |= {name for parameter in command.params for name in parameter.opts}
    assert {word for word in arguments if word.startswith("--")} <= known


def test_what_it_runs_by_default_refuses_to_serve_strangers(tmp_path: Path) -> None:
    """Without a user it ends at once and says how to add one."""
    words = json.loads(steps("CMD")[-1])
    words[words.index("/state")] = str(tmp_path)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "there are no users" in done.stderr
