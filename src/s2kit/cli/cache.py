"""`s2kit cache`: what is kept between runs, and how to be rid of it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.options import Format, StdoutFormat

if TYPE_CHECKING:
    from s2kit.run.cache_folders import CacheUsage

cache_app = typer.Typer(no_args_is_help=True, help="Show or clear the cache.")

Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="Parts of the cache: index, chips, products; by default all.")
]


@cache_app.command()
def show(names: Names = None, form: StdoutFormat = Format.TABLE) -> None:
    """List each part of the cache with its size and folder."""
    with session("cache") as run:
        from s2kit.admin.cache import show_cache

        _print(show_cache(run.settings, names or ()), form)


@cache_app.command()
def clear(
    names: Names = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Remove only what is older, such as 12h, 30d or 8w."),
    ] = None,
    form: StdoutFormat = Format.TABLE,
) -> None:
    """Empty the cache and list what was removed; it fills again as needed."""
    with session("cache") as run:
        from s2kit.admin.cache import clear_cache

        _print(clear_cache(run.settings, names or (), older_than), form)


def _print(found: "Iterable[CacheUsage]", form: Format) -> None:
    from dataclasses import asdict

    from s2kit.cli.output import emit

    columns = ("name", "files", "nbytes", "oldest_days", "holds", "folder")
    emit((asdict(one) for one in found), form, columns, command="cache", id_key="name")
