"""What the shell offers after TAB: the names that s2kit knows, and the products of the dataset folder.

Loaded only if a shell asks. It reads settings, folder listings and the table of jobs; nothing heavy is imported.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from typer._click.core import Command, Context, Parameter
from typer._click.shell_completion import CompletionItem

from s2kit.errors import S2KitError

if TYPE_CHECKING:
    from s2kit.settings import Settings

Names = Callable[[Context], Iterable[tuple[str, str]]]
"""Gives names, each with what it is; empty if the name says it."""

_PRODUCT = re.compile(r"(S[12][A-D]_[A-Z0-9_]+)\.(SAFE|zip|zarr)")
_MAX_DEPTH = 4
"""Folders below the dataset folder: `{range}/{aoi}/original/NAME.SAFE`."""
_MAX_FOLDERS = 500
"""Folders that are looked into while somebody waits."""
_WORD = re.compile(r"[a-z0-9-]*[a-z0-9][A-Za-z0-9_.:%-]*")
"""An alternative of a metavar that is to be typed as it stands; FILE, DN and EPSG:N are placeholders."""


def attach(root: Command) -> None:
    """Give every option and argument of a program what completes it."""
    from typer import _completion_classes

    _attach(root)
    # Typer would load rich to look for markup in descriptions, and ours have none
    _completion_classes._sanitize_help_text = lambda text: text


def _attach(command: Command) -> None:
    for below in getattr(command, "commands", {}).values():
        _attach(below)
    for parameter in command.params:
        names = _names_for(parameter, command.name or "")
        if names is not None:
            completer = _completer(names, lists=not _LISTS.isdisjoint(parameter.opts))
            parameter._custom_shell_complete = completer


def _names_for(parameter: Parameter, verb: str) -> Names | None:
    is_option = parameter.opts[0].startswith("-")
    keys = parameter.opts if is_option else (f"{verb} {parameter.name}", parameter.name or "")
    known = next((_NAMES[key] for key in keys if key in _NAMES), None)
    return known or _alternatives(str(getattr(parameter, "metavar", None) or ""))


def _alternatives(metavar: str) -> Names | None:
    """The words of a metavar such as `jpeg|png|webp`; None if it names placeholders only."""
    words = [(word, "") for word in metavar.split("|") if _WORD.fullmatch(word)] if "|" in metavar else []
    return (lambda _: words) if words else None


def _completer(names: Names, *, lists: bool) -> Callable[[Context, Parameter, str], list[CompletionItem]]:
    def complete(ctx: Context, _: Parameter, incomplete: str) -> list[CompletionItem]:
        head, comma, last = incomplete.rpartition(",") if lists else ("", "", incomplete)
        found = ((f"{head}{comma}{name}", about) for name, about in names(ctx) if name.startswith(last))
        return [CompletionItem(name, help=about or None) for name, about in found]

    return complete


def _settings(ctx: Context) -> "Settings":
    """The settings of the command line so far; the built-in ones if they cannot be read."""
    from s2kit.settings import Settings, load_settings

    options = ctx.find_root().params
    given = {"dataset": None if options.get("dataset") is None else str(options["dataset"])}
    with suppress(S2KitError):
        return load_settings(given, config=options.get("config"), env_file=options.get("env_file")).settings
    return Settings()


def _bands(_: Context) -> Iterator[tuple[str, str]]:
    from s2kit.product.bands import BANDS, COMMON_NAMES, LAYERS

    yield from ((band.name, f"{band.colour}, {band.resolution_m} m") for band in BANDS.values())
    yield from ((layer.name, layer.title) for layer in LAYERS.values())
    yield from COMMON_NAMES.items()


def _indices(_: Context) -> Iterator[tuple[str, str]]:
    from s2kit.picture.indices import INDICES

    yield from ((index.name, index.title) for index in INDICES.values())


def _recipes(_: Context) -> Iterator[tuple[str, str]]:
    from s2kit.picture.recipes import RECIPES

    yield from ((recipe.name, recipe.shows) for recipe in RECIPES.values())
    yield from ((name, "one picture of many dates") for name in ("median", "mean", "p25", "first-clear"))


def _archives(ctx: Context) -> Iterator[tuple[str, str]]:
    yield "auto", "the archives that cost nothing"
    yield "aws", "AWS, billed to the reader"
    for archive in _settings(ctx).archives.values():
        yield archive.name, archive.address + (", billed to the reader" if archive.requester_pays else "")


def _catalogues(ctx: Context) -> Iterator[tuple[str, str]]:
    yield "all", "every catalogue that is free to ask"
    yield "local", "the dataset folder"
    yield from ((name, one.url) for name, one in _settings(ctx).catalogues.items())


def _products(ctx: Context) -> Iterator[tuple[str, str]]:
    """Names of the products in the dataset folder, each once."""
    yield from ((name, "") for name in sorted(set(_below(_settings(ctx).dataset))))


def _below(dataset: Path) -> Iterator[str]:
    folders = [(dataset, 0)]
    for _ in range(_MAX_FOLDERS):
        if not folders:
            return
        folder, depth = folders.pop(0)
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if found := _PRODUCT.fullmatch(entry.name):
                    yield found[1]
                elif depth < _MAX_DEPTH and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                    folders.append((Path(entry.path), depth + 1))


def _jobs(ctx: Context) -> Iterator[tuple[str, str]]:
    from s2kit.openeo.job_store import JobStore

    settings = _settings(ctx)
    if not settings.job_store.is_dir():
        return
    with suppress(S2KitError):
        for job in JobStore(settings.job_store, settings.job_slots).jobs():
            yield job.id, f"{job.state}: {job.title}" if job.title else str(job.state)


def _caches(_: Context) -> Iterator[tuple[str, str]]:
    from s2kit.run.cache_folders import CACHES

    yield from CACHES.items()


def _schemas(_: Context) -> Iterator[tuple[str, str]]:
    from s2kit.cli.schemas.versions import VERSIONS

    yield from ((name, f"version {version}") for name, version in VERSIONS.items())


def _processes(_: Context) -> Iterator[tuple[str, str]]:
    from s2kit.openeo.specs import AVAILABLE

    yield from ((name, "") for name in AVAILABLE)


_NAMES: Mapping[str, Names] = MappingProxyType(
    {
        "--bands": _bands,
        "--band": _bands,
        "--layer": _bands,
        "--index": _indices,
        "--recipe": _recipes,
        "--archive": _archives,
        "--complete-from": _archives,
        "--catalogue": _catalogues,
        "--check-against": _catalogues,
        "products": _products,
        "sources": _products,
        "job": _jobs,
        "jobs": _jobs,
        "names": _caches,
        "processes name": _processes,
        "schema name": _schemas,
    }
)
"""What completes an option, by its spelling, or an argument, by its name, after that of a verb."""
_LISTS = frozenset({"--bands", "--band", "--layer"})
"""Options that take names with commas between them."""
