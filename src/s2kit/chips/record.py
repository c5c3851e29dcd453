"""What a chip is of and what it was made from: places, recipes, records."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from s2kit.chips.grid import ChipSize
from s2kit.errors import InputError
from s2kit.picture.clouds import Mask
from s2kit.picture.indices import INDICES, find_index
from s2kit.picture.stretch import Stretch, StretchKind
from s2kit.run.names import file_name


@dataclass(frozen=True, slots=True)
class ChipSite:
    """Where chips are cut."""

    name: str
    """Fit for a folder's name."""
    title: str
    """What people call it."""
    lon: float
    lat: float
    side_m: float | None = None
    """Side of the chip where the place sets it (a parcel's box with a margin)."""
    outline: BaseGeometry | None = None
    """Outline of the parcel, lon/lat, drawn over the pictures."""

    def __post_init__(self) -> None:
        if not (-180 <= self.lon <= 180 and -90 <= self.lat <= 90):
            raise InputError(
                f"place {self.title}: longitude {self.lon:g}, latitude {self.lat:g} is no place on Earth",
                "--lon goes from -180 to 180, --lat from -90 to 90",
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the pipe and the cache."""
        outline = None if self.outline is None else mapping(self.outline)
        return {
            "name": self.name,
            "title": self.title,
            "lon": self.lon,
            "lat": self.lat,
            "side_m": self.side_m,
            "outline": outline,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ChipSite":
        """The place of `to_json`.

        Raises:
            InputError: Something else.
        """
        try:
            outline = shape(value["outline"]) if value.get("outline") else None
            side = value.get("side_m")
            return cls(
                safe_name(str(value["name"])),
                str(value["title"]),
                float(value["lon"]),
                float(value["lat"]),
                None if side is None else float(side),
                outline,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a record's place cannot be used: {error}") from error


def point_place(lon: float, lat: float, name: str | None = None) -> ChipSite:
    """A place known by its coordinates only."""
    return ChipSite(safe_name(name or f"E{lon:g}N{lat:g}"), name or coordinates_text(lon, lat), lon, lat)


def coordinates_text(lon: float, lat: float) -> str:
    """A place as people write it: `43.60000° N, 1.50000° E`."""
    return f"{abs(lat):.5f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.5f}° {'E' if lon >= 0 else 'W'}"


def safe_name(text: str) -> str:
    """A text as the name of a file: letters, digits, `-` and `_`."""
    return file_name(re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "place")


DEFAULT_STRETCH = Stretch(StretchKind.PERCENT, ((5.0, 95.0),))
"""That of the legacy chip services: percentiles of each chip and band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipStyle:
    """How chips are made; together with the place it is what the cache is keyed by."""

    bands: tuple[str, ...]
    """Bands of a picture, or of raw chips."""
    size: ChipSize
    stretch: Stretch = DEFAULT_STRETCH
    res: int | None = None
    """Resolution in metres; None for the first band's own."""
    index: str | None = None
    """An index that is drawn in colours instead of the bands: its name, or `name=formula`."""
    raw: bool = False
    """True for GeoTIFFs of unscaled values, one a band."""
    resampling: str = "auto"
    boa_offset: str = "auto"
    mask: Mask | None = None
    """Pixels that become no data by their scene class."""

    @property
    def is_stretched(self) -> bool:
        """True if the stretch decides what a chip looks like."""
        return not self.raw and self.index not in INDICES

    @property
    def index_name(self) -> str | None:
        """Name of the index, if it is one."""
        return find_index(self.index).name if self.index else None

    @property
    def subject(self) -> str:
        """What is shown: the index, or the bands."""
        return self.index_name or "-".join(self.bands)

    def parameters(self, place: ChipSite) -> dict[str, object]:
        """All that decides what a chip looks like."""
        return {
            "lon": round(place.lon, 7),
            "lat": round(place.lat, 7),
            "side_m": place.side_m,
            "bands": self.bands,
            "metres": self.size.metres,
            "px": self.size.px,
            "stretch": self.stretch.text if self.is_stretched else None,
            "res": self.res,
            "index": self.index,
            "raw": self.raw,
            "resampling": self.resampling,
            "boa_offset": self.boa_offset,
            "version": 2,
            **({"mask": self.mask.text} if self.mask else {}),
        }

    def slug(self, place: ChipSite) -> str:
        """A folder name that people recognise: place, size and bands."""
        side = (
            f"{place.side_m:g}m" if place.side_m else f"{self.size.px}px" if self.size.px else f"{self.size.metres:g}m"
        )
        what = self.index_name or "_".join(self.bands)
        text = f"E{place.lon:.6g}N{place.lat:.6g}_{side}_{'raw_' if self.raw else ''}{what}"
        return safe_name(text.replace(".", "_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipRecord:
    """One chip that was cut."""

    product: str
    """Product name without `.SAFE`."""
    sensing: datetime
    """Datatake start, UTC."""
    level: str
    tile: str
    baseline: str
    files: tuple[str, ...]
    """File names; empty where the product has no data at the place."""
    bands: tuple[str, ...] = ()
    """The band of each file of a raw chip."""
    epsg: int
    transform: tuple[float, float, float, float, float, float]
    """Of the first file, in affine's order."""
    size_px: int
    valid_pct: float
    """Share of the pixels with data."""
    cloud_pct: float | None = None
    """Share of cloud, cirrus and their shadows among the pixels that SCL knows; None without SCL."""
    scl: Mapping[int, int] | None = None
    """SCL histogram of the chip, class 0 left out."""
    companions: tuple[str, ...] = ()
    """Products of the same datatake that completed it."""
    limits: tuple[tuple[float, float], ...] = ()
    """Low and high value by band that became 1 and 255, in reflectance x 10000."""
    offset_source: str = ""
    """Who says what the offset is: the product's metadata, or what stands in its place."""
    footprint: Mapping[str, Any]
    """Outline in lon/lat, as GeoJSON."""
    notes: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """`YYYYMMDDTHHMMSS`, the label of the legacy chip services."""
        return f"{self.sensing:%Y%m%dT%H%M%S}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "id": self.product,
            "datetime": f"{self.sensing:%Y-%m-%dT%H:%M:%SZ}",
            "level": self.level,
            "tile": self.tile,
            "baseline": self.baseline,
            "files": list(self.files),
            "bands": list(self.bands),
            "epsg": self.epsg,
            "transform": list(self.transform),
            "size_px": self.size_px,
            "valid_pct": self.valid_pct,
            "cloud_pct": self.cloud_pct,
            "scl": None if self.scl is None else {str(code): count for code, count in self.scl.items()},
            "companions": list(self.companions),
            "limits": [list(pair) for pair in self.limits],
            "offset_source": self.offset_source,
            "geometry": dict(self.footprint),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ChipRecord":
        """The record of `to_json`.

        Raises:
            InputError: Something else.
        """
        try:
            a, b, c, d, e, f = (float(number) for number in value["transform"])
            scl = value["scl"]
            return cls(
                product=str(value["id"]),
                sensing=datetime.fromisoformat(value["datetime"]),
                level=str(value["level"]),
                tile=str(value["tile"]),
                baseline=str(value["baseline"]),
                files=tuple(value["files"]),
                bands=tuple(value["bands"]),
                epsg=int(value["epsg"]),
                transform=(a, b, c, d, e, f),
                size_px=int(value["size_px"]),
                valid_pct=float(value["valid_pct"]),
                cloud_pct=None if value["cloud_pct"] is None else float(value["cloud_pct"]),
                scl=None if scl is None else {int(code): int(count) for code, count in scl.items()},
                companions=tuple(value["companions"]),
                limits=tuple((float(low), float(high)) for low, high in value["limits"]),
                offset_source=str(value["offset_source"]),
                footprint=value["geometry"],
                notes=tuple(value["notes"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"a chip's record cannot be used: {error}") from error
