"""Man pages and completion scripts, made from the commands: `python tests/support/man_pages.py DIR` writes them.

The build of the sdist puts them into it (`hatch_build.py`), so none is kept in the repository.
"""

import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer
from typer._click.core import Command, Context, Parameter
from typer.completion import get_completion_script
from typer.core import TyperGroup

from s2kit.cli.app import app
from s2kit.errors import ExitCode
from s2kit.version import __version__

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {"bash": "completions/s2kit.bash", "zsh": "completions/_s2kit", "fish": "completions/s2kit.fish"}
_FILES = (
    ("./settings.toml", "Settings of the current folder; `s2kit config init` writes one with every setting explained."),
    ("./.env", "Variables of the environment, such as credentials."),
    ("~/.config/s2kit/settings.toml", "Settings of the user; `s2kit config path` prints where it is."),
)


def files() -> Mapping[str, str]:
    """All pages and scripts by their paths."""
    root = typer.main.get_command(app)
    pages = {f"man/man1/{name.replace(' ', '-')}.1": page for name, page in _pages(root, "s2kit", None)}
    scripts = {
        path: get_completion_script(prog_name="s2kit", complete_var="_S2KIT_COMPLETE", shell=shell) + "\n"
        for shell, path in SCRIPTS.items()
    }
    return {**pages, **scripts}


def write(folder: Path) -> list[Path]:
    """Write all files below a folder."""
    made = []
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        made.append(path)
    return made


def _pages(command: Command, name: str, parent: Context | None) -> Iterator[tuple[str, str]]:
    """The page of a command, then those of the commands below it."""
    command.rich_markup_mode = None  # type: ignore[attr-defined] # plain text, whatever terminal this runs in
    context = Context(command, info_name=name.rpartition(" ")[2], parent=parent, **command.context_settings)
    yield name, "\n".join([*_page(command, name, context), ""])
    for verb, below in sorted(command.commands.items()) if isinstance(command, TyperGroup) else ():
        yield from _pages(below, f"{name} {verb}", context)


def _page(command: Command, name: str, context: Context) -> Iterator[str]:
    title = name.replace(" ", "-")
    paragraphs = re.split(r"\n\s*\n", (command.help or "").strip())
    yield f'.TH {_line(title.upper())} 1 {_released()} "s2kit {__version__}" "User Commands"'
    yield from (".SH NAME", *_lines(rf"{title} \- {_first(paragraphs[0])}"))
    yield from (".SH SYNOPSIS", f".B {_line(name)}", *_lines(" ".join(command.collect_usage_pieces(context))))
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate(paragraphs):
        text = " ".join(paragraph.split())
        yield from ([".PP"] if number else [])
        yield from ([".EX", _line(text), ".EE"] if text.startswith("s2kit ") else _lines(text))
    yield from _parameters(command, context)
    if isinstance(command, TyperGroup):
        yield ".SH COMMANDS"
        for verb, below in sorted(command.commands.items()):
            yield from (".TP", f".BR {_line(f'{title}-{verb}')} (1)", *_lines(_first(below.help or "") + "."))
    yield ".SH EXIT STATUS"
    for code in ExitCode:
        yield from (".TP", f".B {code.value}", *_lines(f"{code.meaning[:1].upper()}{code.meaning[1:]}."))
    yield ".SH FILES"
    for path, about in _FILES:
        yield from (".TP", f".I {_line(path)}", *_lines(about))
    yield from (".SH SEE ALSO", _see_also(name, title))


def _parameters(command: Command, context: Context) -> Iterator[str]:
    """The sections of arguments and options."""
    records = [(one, one.get_help_record(context)) for one in command.get_params(context)]
    for title, wanted in (("ARGUMENTS", False), ("OPTIONS", True)):
        rows = [record for one, record in records if record is not None and _is_option(one) is wanted]
        if rows:
            yield f".SH {title}"
        for head, about in rows:
            yield from (".TP", rf"\fB{_line(head)}\fR", *_lines(about))


def _is_option(parameter: Parameter) -> bool:
    return parameter.opts[0].startswith("-")


def _see_also(name: str, title: str) -> str:
    if name == "s2kit":
        return "Each command has a page of its own, such as\n.BR s2kit\\-render (1)."
    return f".BR {_line(title.rpartition('-')[0])} (1)"


def _first(text: str) -> str:
    """The first sentence, without its full stop."""
    return " ".join(text.split("\n\n", maxsplit=1)[0].split()).partition(". ")[0].rstrip(".")


def _released() -> str:
    """The day of the release, by the changelog; that of the first commit of the project if it is not out yet."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[?{re.escape(__version__)}\]?\D*(\d{{4}}-\d\d-\d\d)", text, re.MULTILINE)
    return found[1] if found else "2026-01-01"


def _lines(text: str) -> list[str]:
    """A text as lines of troff, none of which is a request by accident."""
    lines = textwrap.wrap(text, 70, break_long_words=False, break_on_hyphens=False)
    return [rf"\&{_line(line)}" if line.startswith((".", "'")) else _line(line) for line in lines]


_SPECIAL = str.maketrans({"-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", "\\": r"\e"})


def _line(text: str) -> str:
    """A text with what troff would read as its own escaped; `\\-` is a dash already."""
    parts = (part.translate(_SPECIAL) for part in text.split(r"\-"))
    return "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in r"\-".join(parts))


if __name__ == "__main__":
    for path in write(Path(sys.argv[1] if sys.argv[1:] else "build")):
        print(path)
