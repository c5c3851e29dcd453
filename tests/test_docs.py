"""The README and `docs/` are true: verbs, options, exit codes and set-up commands are those of the program."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.errors import ExitCode
from support import cli_docs

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = {
    command.name or "": command
    for command in typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
}
LINES = sorted(
    {
        part.strip()
        for block in re.findall(r"```(?:sh|cron)\n(.*?)```", README, re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
        for part in re.split(r"\||&&", line.partition("#")[0])
        if "s2kit " in part and "pip" not in part
    }
)


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"`s2kit {verb}`" in README


@pytest.mark.parametrize("code", list(ExitCode), ids=lambda code: code.name)
def test_every_exit_code_is_in_the_readme(code: ExitCode) -> None:
    assert f"| {code.value} | {code.meaning} |" in README


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_readme_names_real_options(line: str) -> None:
    words = shlex.split(line[line.index("s2kit ") :])
    verb, rest = words[1], words[2:]
    known = {name for part in (COMMANDS[verb], typer.main.get_command(app)) for p in part.params for name in p.opts}
    used = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert used <= known, f"{verb}: {used - known}"


def test_every_option_has_help() -> None:
    silent = [
        f"{verb} {parameter.opts[0]}"
        for verb, command in COMMANDS.items()
        for parameter in command.params
        if parameter.opts[0].startswith("-") and not parameter.help
    ]
    assert not silent


def test_the_manual_is_what_help_prints() -> None:
    written = cli_docs.PAGE.read_text(encoding="utf-8")
    assert written == cli_docs.page(), f"docs/cli.md is out of date; write it again with: {cli_docs.COMMAND}"


def test_the_two_commands_that_set_everything_up() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/s2kit demo" in README
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest" in README


def test_no_verb_is_without_a_first_sentence() -> None:
    runner = CliRunner()
    for verb in COMMANDS:
        assert len(runner.invoke(app, [verb, "--help"]).stdout.split("\n")) > 4, verb
