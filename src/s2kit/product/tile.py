"""What products are cut into: the 100 km squares of the MGRS (Sentinel-2), paths and rows of the WRS-2 (Landsat)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from s2kit.errors import InputError

_TILE = re.compile(
    r"(?:MGRS-|T)?(?P<zone>\d{1,2})(?P<band>[C-HJ-NP-X])(?P<square>[A-HJ-NP-Z][A-HJ-NP-V])",
    re.IGNORECASE | re.ASCII,
)
_LAST_ZONE = 60


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """A tile, such as 31TDH: UTM zone, latitude band, column and row letter."""

    zone: int
    """UTM zone, 1 to 60."""
    band: str
    """Latitude band, one letter of C to X without I and O; N and later are on the northern hemisphere."""
    square: str
    """Column and row letter of the 100 km square."""

    def __post_init__(self) -> None:
        if not 1 <= self.zone <= _LAST_ZONE or _TILE.fullmatch(str(self)) is None:
            raise InputError(
                f"{self} is no tile id", "a tile id looks like 31TDH: zone 01 to 60, band C to X, two letters"
            )

    @classmethod
    @lru_cache(maxsize=1024)  # a search meets the same few again and again
    def parse(cls, text: str) -> Self:
        """Read `31TDH`, `T31TDH`, `MGRS-31TDH` or `1WCP` (as AWS writes 01WCP), in any case.

        Raises:
            InputError: The text is no tile id.
        """
        match = _TILE.fullmatch(text.strip())
        if match is None:
            raise InputError(
                f"{text!r} is no tile id", "a tile id looks like 31TDH: zone 01 to 60, band C to X, two letters"
            )
        return cls(int(match["zone"]), match["band"].upper(), match["square"].upper())

    def __str__(self) -> str:
        return f"{self.zone:02d}{self.band}{self.square}"

    @property
    def epsg(self) -> int:
        """EPSG code of the tile's CRS: WGS 84 / UTM, 326xx north and 327xx south of the equator."""
        return (32600 if self.band >= "N" else 32700) + self.zone


_PATH_ROW = re.compile(r"(?:WRS2-)?(\d{3})(\d{3})", re.IGNORECASE | re.ASCII)
_PATHS, _ROWS = 233, 248


@dataclass(frozen=True, slots=True, order=True)
class PathRow:
    """A scene's place in the Worldwide Reference System 2 of Landsat 4 to 9, such as 198030."""

    path: int
    """1 to 233."""
    row: int
    """1 to 248."""

    def __post_init__(self) -> None:
        if not (1 <= self.path <= _PATHS and 1 <= self.row <= _ROWS):
            raise InputError(
                f"path {self.path}, row {self.row} is not in the WRS-2", "paths are 1 to 233, rows 1 to 248"
            )

    def __str__(self) -> str:
        return f"{self.path:03d}{self.row:03d}"

    @property
    def epsg(self) -> None:
        """Nothing: the CRS of a scene is its own."""
        return None


Tile = TileId | PathRow


def parse_tile(text: str) -> Tile:
    """Read `31TDH` or `198030`, also as STAC's `grid:code` (`MGRS-31TDH`, `WRS2-198030`).

    Raises:
        InputError: The text is neither.
    """
    scene = _PATH_ROW.fullmatch(text.strip())
    return TileId.parse(text) if scene is None else PathRow(int(scene[1]), int(scene[2]))
