"""STAC collections with `cube:dimensions` on disk: their items' files as a cube. Touches files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from s2kit.errors import InputError
from s2kit.openeo.collections.base import Description, LoadedCube, LoadWanted
from s2kit.openeo.collections.files import Files
from s2kit.openeo.source import read_source
from s2kit.run.events import Report


@dataclass(frozen=True, kw_only=True)
class StacCollection:
    """A file `collection.json`; the data lies beside it, as its items or assets say."""

    id: str
    source: Path
    """The file."""

    @cached_property
    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = read_source(self.source)
        if "cube:dimensions" not in body:
            raise InputError(f"{self.source.name}: the collection has no cube:dimensions", "name its folder instead")
        return body

    def describe(self) -> Description:
        """The file itself, under the id that graphs use."""
        return {**self._body, "id": self.id}

    def load(self, wanted: LoadWanted, report: Report) -> LoadedCube:
        """See `Collection.load`."""
        paths = sorted(set(self._files()))
        if not paths:
            raise InputError(f"{self.source.name}: no item has a file of data beside it")
        files = Files(id=self.id, source=self.source.parent)
        files.__dict__["paths"] = tuple(paths)  # those that the items name, not all of the folder
        return files.load(wanted, report)

    def _files(self) -> Iterator[Path]:
        """Files of the assets of the collection and of its items; addresses elsewhere are never opened."""
        yield from self._assets(self._body, self.source.parent)
        for link in self._body.get("links", ()):
            if link.get("rel") == "item" and (path := _beside(link.get("href"), self.source.parent)) is not None:
                yield from self._assets(read_source(path), path.parent)

    def _assets(self, body: Mapping[str, Any], folder: Path) -> Iterator[Path]:
        for asset in body.get("assets", {}).values():
            path = _beside(asset.get("href"), folder)
            if path is not None and path.suffix.lower() in {".nc", ".tif", ".tiff", ".zarr"}:
                yield path


def _beside(href: Any, folder: Path) -> Path | None:
    """The file of a relative address, if it is there and below the folder's parent; None otherwise."""
    if not isinstance(href, str) or urlparse(href).scheme or href.startswith("/"):
        return None
    path = (folder / href).resolve()
    return path if path.exists() and folder.resolve().parent in path.parents else None
