"""Help as a person reads it, on a narrow terminal: no text is cut, no type of Python is named, words are consistent."""

import re
import sys
from pathlib import Path

import pytest
import typer

from s2kit.cli.app import app
from support.screens import on_terminal


def commands(command, name=()):
    yield name, command
    for verb, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*name, verb))


COMMANDS = dict(commands(typer.main.get_command(app)))
PARAMETERS = [(" ".join(name), one) for name, command in COMMANDS.items() for one in command.params]


def told(parameter) -> str:
    return parameter.help or ""


@pytest.mark.parametrize("name", [(), ("render",), ("search",), ("download",), ("jobs", "create"), ("pixels",)])
def test_on_a_narrow_terminal_no_text_is_cut(name, tmp_path):
    lines = on_terminal([sys.executable, "-m", "s2kit", *name, "--help"], columns=80, rows=250, cwd=tmp_path).lines
    assert max(map(len, lines)) <= 80
    command = COMMANDS[name]
    texts = [command.help or "", *map(told, command.params), *(str(one.metavar or "") for one in command.params)]
    shown = "".join("".join(lines).replace("│", "").split())
    assert shown.count("…") == "".join(texts).count("…") or not command.params
    assert "<bool>" not in shown
    assert "<list[str]>" not in shown


@pytest.mark.parametrize("name", COMMANDS, ids=lambda name: " ".join(name) or "s2kit")
def test_the_first_sentence_fits_into_the_list_of_commands(name):
    first, *_ = (COMMANDS[name].help or "").split("\n\n")
    first = first.partition(". ")[0].rstrip(".") + "."
    assert first.endswith("."), "a sentence"
    if len(name) == 1:
        assert len(first) <= 65, first


def test_every_sentence_ends_and_begins_as_one():
    wrong = [
        f"{name} {one.opts[0]}: {told(one)}"
        for name, one in PARAMETERS
        if not told(one).endswith(".") or not re.match(r"[A-Z0-9('-]|[a-z][\w-]*[,:]", told(one))
    ]
    assert not wrong


def test_words_that_people_from_elsewhere_stumble_over_are_not_in_the_help():
    odd = re.compile(r"\b(tells?|stands?|lies|wherever|thither|nought|repeatable|will do)\b", re.IGNORECASE)
    found = [f"{name} {one.opts[0]}: {told(one)}" for name, one in PARAMETERS if odd.search(told(one))]
    found += [" ".join(name) for name, command in COMMANDS.items() if odd.search(command.help or "")]
    assert not found


def test_an_option_means_the_same_in_every_verb():
    texts: dict[tuple[str, str], set[str]] = {}
    own = {"--out", "--format", "--bands", "--limit", "--force", "--timeout", "--overwrite", "--no-cache", "--index",
           "--collection", "--batch", "--list", "--res", "--resampling", "--dtype", "--mask-clouds", "--min-clear",
           "--composite", "--dn", "--crs", "--max-bytes", "--cluster", "--max-px", "--period", "--recipe"}  # fmt: skip
    for _, one in PARAMETERS:
        if one.opts[0].startswith("--") and one.opts[0] not in own:
            texts.setdefault((one.opts[0], str(one.metavar)), set()).add(told(one))
    assert {key: found for key, found in texts.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("verb", "line"),
    [
        (" ".join(name), paragraph)
        for name, command in COMMANDS.items()
        for paragraph in (command.help or "").split("\n\n")
        if paragraph.startswith("s2kit ")
    ],
)
def test_examples_in_the_help_are_understood(verb, line):
    """Each verb of an example is one, and all its options are of that verb."""
    for part in line.split(" | "):
        words = part.split()[1:]
        command = COMMANDS[tuple(words[: len([*filter(None, verb.split())])])] if words[0] in verb.split() else None
        command = command or COMMANDS[(words[0],)]
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= known, line


def test_flags_and_arguments_keep_their_meaning():
    done = on_terminal([sys.executable, "-m", "s2kit", "jobs", "show"], columns=80, cwd=Path())
    assert done.exit_code == 2
    assert "Missing argument 'JOB'" in " ".join(done.lines)
