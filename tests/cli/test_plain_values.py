"""Values of the command line are converted as Typer would, without its pydantic."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperArgument, TyperOption

from s2kit.cli.app import app
from s2kit.cli.plain_values import converting_plainly

TEXTS = ["", " ", "x", "12", "-3", "+4", "007", "1.5", "1e3", "nan", "99999999999", "true", "auto", "table", "JSON",
         "yes", ".", "/", "/there/is/nothing", "a\0b", "jpeg", "ü", "1\x1f2", "1\x1f2\x1f3\x1f4", "2024-01-01\x1f-1d"]  # fmt: skip


def parameters(command: Any) -> dict[str, Any]:
    found = {f"{command.name} {one.name}": one for one in command.params}
    for below in getattr(command, "commands", {}).values():
        found |= parameters(below)
    return {name: one for name, one in found.items() if isinstance(one, (TyperOption, TyperArgument))}


def shape(parameter: Any) -> tuple[object, ...]:
    """What decides how a value is converted, so that no two parameters of one kind are tried."""
    about, kind = parameter.type_descriptor.parameter_info, parameter.type_descriptor.annotation
    bounds = about.min, about.max, about.clamp, about.parser, about.exists, about.file_okay, about.dir_okay
    return repr(kind), parameter.multiple, parameter.nargs, repr(parameter.default), *bounds


def answer(parameter: Any, context: Any, value: Any) -> object:
    try:
        converted = parameter.get_runtime_param().coerce(value, param=parameter, ctx=context)
    except Exception as error:  # noqa: BLE001 - both have to raise the same
        return type(error), str(error)
    return type(converted), converted


def test_every_parameter_takes_what_typer_takes() -> None:
    command = typer.main.get_command(app)
    context = typer.Context(command)
    both = parameters(command), parameters(typer.main.get_command(app))
    converting_plainly(list(both[1].values()))
    assert len(both[0]) > 300
    kinds = {shape(one): name for name, one in both[0].items()}
    for name in kinds.values():
        theirs = both[0][name]
        ours = both[1][name]
        plain, many = ours._runtime_param, theirs.multiple or theirs.nargs == -1
        for value in [None, theirs.default, *([(text,) for text in TEXTS] if many else TEXTS)]:
            ours._runtime_param = plain
            expected, got = answer(theirs, context, value), answer(ours, context, value)
            assert got == expected or repr(got) == repr(expected), (name, value)


@pytest.mark.parametrize(
    "words", [["bands", "-f", "json"], ["info", "no/such.SAFE"], ["render", "no.SAFE", "--bands", "B04", "--jobs", "2"]]
)
def test_a_plain_command_line_loads_no_pydantic(words: list[str], tmp_path: Path) -> None:
    code = f"import sys\nfrom s2kit.cli.app import app\ntry:\n    app({words})\nfinally:\n    assert 'pydantic' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "Traceback" not in done.stderr, done.stderr
