"""Options that take several words and may be repeated: `--range START END`, `--bbox W S E N`, `--point LON LAT`.

Typer 0.29 has no list of tuples. The words of each occurrence are folded into one before parsing; the option's parser
unfolds them again.
"""

from typing import Any

from typer._click.exceptions import UsageError
from typer._click.parser import _Argument, _Option
from typer.core import TyperCommand

from s2kit.cli.plain_values import converting_plainly

WORDS = {"--range": 2, "--bbox": 4, "--point": 2}
_SEPARATOR = "\x1f"
_UNSET = ": is a variable of the shell not set?"


_MAY_BE_EMPTY = frozenset(("cluster", "log_file", "log_requests", "max_bytes", "ptype"))
"""Options whose empty value switches something off."""


class _Each(_Option):
    """An option that may be repeated."""

    def process(self, value: Any, state: Any) -> None:
        """Take the value, unless it is empty."""
        if value == "" and self.dest not in _MAY_BE_EMPTY:
            raise UsageError(f"Option '{self.obj.opts[0]}' is empty{_UNSET}")
        super().process(value, state)


class _Once(_Each):
    """An option with one value."""

    def process(self, value: Any, state: Any) -> None:
        """Take the value, unless it is empty, or there is another one already."""
        if state.opts.get(self.dest, value) != value:
            first, name = state.opts[self.dest], self.obj.opts[0]
            raise UsageError(f"Option '{name}' is given twice: {_shown(first)} and {_shown(value)}.")
        super().process(value, state)


class _Words(_Argument):
    """Words that are no options."""

    def process(self, value: Any, state: Any) -> None:
        """Take the words, unless one is empty: as a path it would be the current folder, with all that is in it."""
        if value == "" or (isinstance(value, (list, tuple)) and "" in value):
            raise UsageError(f"An argument is empty{_UNSET}")
        super().process(value, state)


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


class Verb(TyperCommand):
    """A verb: the options of `WORDS` take that many words each, also as `--bbox=W,S,E,N`; no value is lost silently."""

    def get_params(self, ctx: Any) -> Any:
        """The options and arguments, and `--help`."""
        return converting_plainly(super().get_params(ctx))

    def make_parser(self, ctx: Any) -> Any:
        """A parser that refuses empty values, and an option that is given twice with different ones.

        A shell that asks what may follow gets the parser as it is.
        """
        parser = super().make_parser(ctx)
        if ctx.resilient_parsing:
            return parser
        for option in (*parser._short_opt.values(), *parser._long_opt.values()):
            if option.takes_value:
                option.__class__ = _Once if option.action == "store" else _Each
        for argument in parser._args:
            argument.__class__ = _Words
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fold the words, then parse as usual."""
        folded: list[str] = []
        rest = list(args)
        while rest:
            word = rest.pop(0)
            name, equals, first = word.partition("=")
            if word == "--":
                folded += [word, *rest]
                break
            if name not in WORDS:
                folded.append(word)
                continue
            values = first.replace("/", ",").split(",") if equals else []
            while len(values) < WORDS[name] and rest and not rest[0].startswith("--"):
                values += [rest.pop(0)] if values or "," not in rest[0] else rest.pop(0).split(",")
            if len(values) != WORDS[name] and ctx.resilient_parsing:
                continue  # a shell asks what may follow: the words are still being typed
            if len(values) != WORDS[name]:
                ctx.fail(f"Option '{name}' takes {WORDS[name]} values, not {len(values)}.")
            if "" in values and not ctx.resilient_parsing:
                ctx.fail(f"A value of option '{name}' is empty{_UNSET}")
            folded += [name, _SEPARATOR.join(values)]
        try:
            return super().parse_args(ctx, folded)
        except UsageError as error:
            error.ctx = error.ctx or ctx
            raise


def words(text: str) -> tuple[str, ...]:
    """The words of one occurrence, as they were typed."""
    return tuple(text.split(_SEPARATOR))


def numbers(text: str) -> tuple[float, ...]:
    """The numbers of one occurrence."""
    import typer

    try:
        return tuple(float(word) for word in words(text))
    except ValueError as error:
        raise typer.BadParameter(f"{' '.join(words(text))}: not numbers") from error
