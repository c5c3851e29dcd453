"""Which files of a SAFE are wanted: by band, by glob; always said, so that a subset is never taken for the whole."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from s2kit.errors import InputError, UsageError
from s2kit.product.bands import normal_band

MANIFEST = "manifest.safe"

_IMAGE = re.compile(r"GRANULE/[^/]+/IMG_DATA/(?:.*/)?[^/]*?_([A-Z0-9]{3})(?:_(\d\d)m)?\.jp2", re.ASCII)
_MASK = re.compile(r"GRANULE/[^/]+/QI_DATA/.*_(B[01][0-9]|B8A)(?:_MSIL1C)?\.(?:gml|jp2)", re.ASCII)
_NO_BAND = "B00"
"""Masks of the whole tile carry this in place of a band."""


@dataclass(frozen=True, slots=True)
class Subset:
    """A choice of files; empty, it means all of them. `manifest.safe` always belongs to it."""

    bands: tuple[str, ...] = ()
    """Bands and layers whose images (and whose band's masks) are wanted, `B04` or `B04@20`; metadata always come."""
    include: tuple[str, ...] = ()
    """Globs over SAFE paths or file names; only what matches one is wanted."""
    exclude: tuple[str, ...] = ()
    """Globs; what matches one is not wanted."""

    @classmethod
    def parse(cls, bands: Sequence[str] = (), include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Self:
        """Read what a user typed; bands may be separated by commas, and in small letters.

        Raises:
            UsageError: There is no such band, or a resolution is none.
        """
        words = [word.strip() for text in bands for word in text.split(",") if word.strip()]
        return cls(tuple(dict.fromkeys(_band(word) for word in words)), tuple(include), tuple(exclude))

    @classmethod
    def from_record(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_record` wrote."""
        return cls(*(tuple(str(item) for item in value.get(name) or ()) for name in ("bands", "include", "exclude")))

    def to_record(self) -> dict[str, list[str]]:
        """As plain values, for the record beside a product."""
        return {"bands": list(self.bands), "include": list(self.include), "exclude": list(self.exclude)}

    @property
    def is_all(self) -> bool:
        """True where nothing is left out."""
        return not (self.bands or self.include or self.exclude)

    def wants(self, path: str) -> bool:
        """True where a SAFE path is wanted."""
        if path == MANIFEST:
            return True
        if self.bands and not self._band_wanted(path):
            return False
        if self.include and not any(_matches(path, glob) for glob in self.include):
            return False
        return not any(_matches(path, glob) for glob in self.exclude)

    def _band_wanted(self, path: str) -> bool:
        image = _IMAGE.fullmatch(path)
        if image:
            return any(wish in {image[1], f"{image[1]}@{image[2]}"} for wish in self.bands)
        mask = _MASK.fullmatch(path)
        return mask is None or mask[1] == _NO_BAND or any(wish.partition("@")[0] == mask[1] for wish in self.bands)


def _band(word: str) -> str:
    name, mark, resolution = word.partition("@")
    try:
        band = normal_band(name)
    except InputError as error:
        raise UsageError(str(error), error.hint) from error
    if mark and resolution not in {"10", "20", "60"}:
        raise UsageError(f"{word!r}: {resolution!r} is no resolution", "it is 10, 20 or 60")
    return band + mark + resolution


def _matches(path: str, glob: str) -> bool:
    return fnmatchcase(path, glob) or fnmatchcase(path.rpartition("/")[2], glob)
