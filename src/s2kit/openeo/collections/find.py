"""Which collections there are: those of the settings, those that are named, and Sentinel-2. Touches files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2kit.errors import NotFoundError, S2KitError, UsageError
from s2kit.openeo.collections.base import Collection, Description, extent_problems, problems_of
from s2kit.openeo.collections.files import Files
from s2kit.openeo.collections.sentinel2 import Sentinel2
from s2kit.openeo.collections.stac import StacCollection
from s2kit.openeo.errors import Problem, ProcessError
from s2kit.settings import Loaded

_LEVELS = ("L2A", "L1C")


@dataclass(frozen=True, slots=True)
class Collections:
    """All collections by id."""

    collections: Mapping[str, Collection]

    def get(self, name: str) -> Collection:
        """One collection.

        Raises:
            ProcessError: There is none.
        """
        if name not in self.collections:
            problem = self.missing(name)
            raise ProcessError(problem.message, problem.hint, problem.code)
        return self.collections[name]

    def find(self, name: str) -> Collection:
        """One collection that a user names.

        Raises:
            NotFoundError: There is none.
        """
        if name not in self.collections:
            problem = self.missing(name)
            raise NotFoundError(problem.message, problem.hint)
        return self.collections[name]

    def missing(self, name: Any, place: str | None = None) -> Problem:
        """The problem that there is no such collection."""
        hint = f"there are: {', '.join(self.collections)}; name another with --collection ID=PATH"
        return Problem("CollectionNotFound", f"there is no collection {name!r}", place, "id", hint)

    def check(self, place: str, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """What is wrong with the arguments of `load_collection`."""
        name = arguments.get("id")
        if not isinstance(name, str):
            return
        if name not in self.collections:
            yield self.missing(name, place)
            yield from extent_problems(place, arguments)
            return
        try:
            description = self.collections[name].describe()
        except S2KitError as error:
            yield Problem("CollectionUnavailable", error.message, place, "id", error.hint)
            return
        yield from problems_of(description, place, arguments)

    def described(self) -> Iterator[Description]:
        """Descriptions of all collections that can be read; the others say why they cannot."""
        for name, one in self.collections.items():
            try:
                yield one.describe()
            except S2KitError as error:
                yield {"id": name, "title": name, "description": error.message, "s2kit:unavailable": True}


def open_catalogue(loaded: Loaded, named: Iterable[str] = ()) -> Collections:
    """The collections of the settings with those that are named over them.

    Args:
        loaded: The settings: `collections`, and where products are.
        named: `ID=PATH`, `ID=ADDRESS`; for Sentinel-2 also `SENTINEL2_L2A=search`.

    Raises:
        UsageError: A text that is neither.
    """
    found: dict[str, Collection] = {}
    given: dict[str, str] = {}
    for name, source in map(_pair, named):  # several places of products are one collection
        more = name in given and name.removeprefix("SENTINEL2_") in _LEVELS
        given[name] = f"{given[name]},{source}" if more else source
    for level in _LEVELS:
        one = Sentinel2(level=level, settings=loaded)
        found[one.id] = one
    for name, source in {**loaded.settings.collections, **given}.items():
        found[name] = _collection(name, source, loaded)
    return Collections(found)


def _pair(text: str) -> tuple[str, str]:
    name, equals, source = text.partition("=")
    if not equals or not name or not source:
        raise UsageError(f"--collection {text!r}: a name and a place are needed", "as in --collection OISST=/data/sst")
    return name, source


def _collection(name: str, source: str, loaded: Loaded) -> Collection:
    for level in _LEVELS:
        if name == f"SENTINEL2_{level}":
            return Sentinel2(level=level, settings=loaded, source=source)
    if "://" in source:
        raise UsageError(
            f"collection {name}: {source.partition('://')[0]}:// is not read",
            "Sentinel-2 may come from addresses; else a path",
        )
    path = Path(source).expanduser()
    described = path / "collection.json"
    if path.suffix == ".json" or described.is_file():
        return StacCollection(id=name, source=described if described.is_file() else path)
    return Files(id=name, source=path)
