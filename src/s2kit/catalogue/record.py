"""One found product, whatever catalogue it came from: the stable schema of search results.

`to_stac_properties` is the schema: keys are added, never renamed, and all are always there, null where unknown.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, TypeVar, dataclass_transform

import shapely
from shapely.geometry import Polygon, mapping
from shapely.geometry.base import BaseGeometry

from s2kit.errors import InputError
from s2kit.product.mission import satellite_name
from s2kit.product.name import ProductName, Sentinel1Name, parse_product_name
from s2kit.product.ref import ProductRef

T = TypeVar("T")

_COMPACT_TIME = re.compile(r"\d{8}T\d{6}", re.ASCII)
_CONSTELLATIONS = {"s1": "sentinel-1", "s2": "sentinel-2"}


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def _quick_dataclass(cls: type[T]) -> type[T]:
    """A dataclass that only the type checker guards: at run time the guard takes four times as long as the making."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)


@_quick_dataclass
class ProductRecord:
    """A product as a catalogue describes it."""

    id: str
    """The product's name without `.SAFE`; the catalogue's own id where no such name is known."""
    datetime: dt.datetime
    """Start of sensing, UTC: the time in the product's name; that of the catalogue if the name has none."""
    catalogue_datetime: dt.datetime | None = None
    """The catalogue's own time, UTC: of the tile with most, of the datatake with some; its filters go by it."""
    end: dt.datetime | None = None
    """Last moment of a longer stretch (Sentinel-1)."""
    mission: str = "s2"
    """`s2`, `s1`, or another word for items of other collections: `landsat`."""
    level: str | None = None
    """`L1C` or `L2A`."""
    platform: str | None = None
    """`S2A` … `S2D`, `S1A` … `S1D`."""
    cloud_cover: float | None = None
    """Percent."""
    tile: str | None = None
    """MGRS tile, `31TCJ`; of Landsat path and row, `198030`."""
    baseline: str | None = None
    """Processing baseline, `04.00`."""
    orbit: int | None = None
    """Relative orbit."""
    datatake: dt.datetime | None = None
    """Start of the datatake, UTC, to the second."""
    datastrip: str | None = None
    """Identifier of its datastrip, whose start tells pieces of one datatake apart."""
    generated: str | None = None
    """When it was made, or another text that orders reprocessed twins."""
    geometry: BaseGeometry | None = None
    """Footprint in lon/lat, cut at the antimeridian."""
    nbytes: int | None = None
    """Size of the product's zip, where the catalogue knows it."""
    checksum: str | None = None
    """Of the product's zip, as a multihash in hex: `d50110…` is MD5, `1620…` SHA3-256."""
    locations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Addresses by the name of the archive."""
    product_type: str | None = None
    """`S2MSI2A`, `S2MSI1C`; `GRD`, `SLC` …"""
    mode: str | None = None
    """Sentinel-1's `IW`, `EW` …"""
    polarisations: tuple[str, ...] = ()
    """Sentinel-1's channels, `VV`, `VH` …"""
    quicklook: str | None = None
    """Address of a small picture that needs no account, or a local path."""
    catalogue: str = ""
    """Name of the catalogue that answered."""
    item: str | None = None
    """The catalogue's own id."""
    collection: str | None = None
    """Collection of a STAC API that it is an item of."""
    aoi: str | None = None
    """Name of the area that it answers."""
    range: str | None = None
    """The dates that it answers."""
    coverage_pct: float | None = None
    """Share of the area that its footprint covers."""

    def with_facts(self, **facts: Any) -> "ProductRecord":
        """The same product with other values of some fields."""
        return ProductRecord(**{name: getattr(self, name) for name in FIELDS} | facts)

    @property
    def searched_time(self) -> dt.datetime:
        """The time that filters of dates look at: what the catalogue that answered goes by."""
        return self.catalogue_datetime or self.datetime

    @property
    def ref(self) -> ProductRef:
        """The product as other verbs take it."""
        return ProductRef(self.id, self.to_stac_properties())

    def to_stac_properties(self) -> dict[str, Any]:
        """The record as plain values under STAC's names, `geometry` as GeoJSON."""
        is_s2 = self.mission == "s2"
        return {
            "id": self.id,
            "datetime": _iso(self.datetime),
            "end_datetime": _iso(self.end),
            "tile": self.tile,
            "level": self.level,
            "constellation": _CONSTELLATIONS.get(self.mission, self.mission),
            "platform": _platform(self.platform),
            "eo:cloud_cover": self.cloud_cover,
            "grid:code": _grid_code(self.tile),
            "processing:level": self.level,
            "processing:version": self.baseline,
            "processing:datetime": _generated(self.generated),
            "sat:relative_orbit": self.orbit,
            "product:type": self.product_type,
            "sar:instrument_mode": self.mode,
            "sar:polarizations": list(self.polarisations) or None,
            "s2:product_uri": f"{self.id}.SAFE" if is_s2 and self.datatake else None,
            "s2:mgrs_tile": self.tile if self.mission != "landsat" else None,
            "s2:datatake_start": _iso(self.datatake),
            "s2:datastrip_id": self.datastrip,
            "file:size": self.nbytes,
            "file:checksum": self.checksum,
            "s2kit:locations": dict(self.locations),
            "s2kit:quicklook": self.quicklook,
            "s2kit:catalogue": self.catalogue,
            "s2kit:catalogue_datetime": _iso(self.catalogue_datetime),
            "s2kit:item": self.item,
            "s2kit:collection": self.collection,
            "s2kit:aoi": self.aoi,
            "s2kit:range": self.range,
            "s2kit:coverage_pct": None if self.coverage_pct is None else round(self.coverage_pct, 3),
            "geometry": None if self.geometry is None else _geojson(self.geometry),
        }


FIELDS = tuple(f.name for f in fields(ProductRecord))

COLUMNS = (
    "id",
    "datetime",
    "eo:cloud_cover",
    "tile",
    "processing:version",
    "s2kit:coverage_pct",
    "s2kit:aoi",
)
"""What a table shows of a record."""


def named_record(name: str, seen: dt.datetime | None = None, **facts: Any) -> ProductRecord:
    """A record with everything that a product's name says, other facts laid over it where they are known.

    Args:
        name: Name of the product, with or without `.SAFE`; any other text becomes the id as it is.
        seen: The catalogue's time; the record's own if the name has none.
        facts: Other fields of `ProductRecord`; None stands for unknown.

    Raises:
        InputError: The name says no time, and none is given.
    """
    said = _from_name(name)
    moment = said.get("datetime") or seen
    if moment is None:
        raise InputError(f"product {name!r} without a time")
    known = {key: value for key, value in facts.items() if value is not None}
    return ProductRecord(**{"id": name, **said, **known, "datetime": moment, "catalogue_datetime": seen})


def with_missing(record: ProductRecord, other: ProductRecord) -> ProductRecord:
    """A record with what it lacks taken from another of the same product; addresses are joined."""
    lacking = {
        name: getattr(other, name)
        for name in FIELDS
        if name not in {"aoi", "range", "coverage_pct"} and getattr(record, name) in (None, ())
    }
    return record.with_facts(**lacking, locations={**other.locations, **record.locations})


def _from_name(name: str) -> dict[str, Any]:
    try:
        parsed = parse_product_name(name)
    except InputError:
        return {}
    bare = name.partition(".")[0].rstrip("/")  # there is one way to spell a name
    if isinstance(parsed, ProductName):
        return {
            "id": bare,
            "datetime": parsed.sensing,
            "level": str(parsed.level),
            "platform": parsed.satellite,
            "tile": str(parsed.tile),
            "baseline": str(parsed.baseline),
            "orbit": int(parsed.orbit),
            "datatake": parsed.sensing,
            "generated": parsed.discriminator,
            "product_type": f"S2MSI{parsed.level.removeprefix('L')}",
        }
    if isinstance(parsed, Sentinel1Name):
        return {
            "id": bare,
            "mission": "s1",
            "datetime": parsed.sensing,
            "end": parsed.sensing_stop,
            "platform": parsed.satellite,
            "mode": parsed.mode,
            "product_type": parsed.product_type,
            "polarisations": POLARISATIONS.get(parsed.polarisation, ()),
            "orbit": sentinel1_orbit(parsed.satellite, parsed.absolute_orbit),
        }
    return {
        "id": bare,
        "datetime": parsed.sensing,
        "level": str(parsed.level),
        "platform": parsed.satellite,
        "orbit": int(parsed.orbit),
        "datatake": parsed.sensing,
        "generated": f"{parsed.created:%Y%m%dT%H%M%S}",
    }


POLARISATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"SH": ("HH",), "SV": ("VV",), "DH": ("HH", "HV"), "DV": ("VV", "VH"), "HH": ("HH",), "HV": ("HV",)}
    | {"VV": ("VV",), "VH": ("VH",)}
)
"""Channels by the class letters of a Sentinel-1 name (Product Specification, S1-RS-MDA-52-7441)."""

_S1_FIRST_ORBITS = {"S1A": 73, "S1B": 27, "S1C": 172}
_S1_CYCLE = 175


def sentinel1_orbit(satellite: str, absolute_orbit: int) -> int | None:
    """Relative orbit of Sentinel-1, 1 to 175 (`(absolute - 73) mod 175 + 1` for S1A); None for a newer satellite."""
    first = _S1_FIRST_ORBITS.get(satellite)
    return None if first is None else (absolute_orbit - first) % _S1_CYCLE + 1


def _iso(moment: dt.datetime | None) -> str | None:
    if moment is None:
        return None
    text = moment.astimezone(dt.UTC).isoformat()
    return f"{text[:23] if moment.microsecond else text[:19]}Z"


def _geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """GeoJSON of a geometry; the usual polygon without holes is done here, since `mapping` takes ten times as long."""
    if isinstance(geometry, Polygon) and shapely.get_num_interior_rings(geometry) == 0 and not geometry.is_empty:
        return {"type": "Polygon", "coordinates": [shapely.get_coordinates(geometry).tolist()]}
    return dict(mapping(geometry))


def _generated(text: str | None) -> str | None:
    """The time in a name's last field, `20200105T131500`, as ISO 8601; None where that is no time."""
    if text is None or not _COMPACT_TIME.fullmatch(text):
        return None
    return f"{text[:4]}-{text[4:6]}-{text[6:11]}:{text[11:13]}:{text[13:]}Z"


def _grid_code(tile: str | None) -> str | None:
    """A tile as STAC's grid extension writes it."""
    return None if not tile else f"{'WRS2' if tile.isdecimal() else 'MGRS'}-{tile}"


def _platform(satellite: str | None) -> str | None:
    return satellite_name(satellite).lower() if satellite else None


SCHEMA = tuple(ProductRecord(id="", datetime=dt.datetime(2015, 6, 23, tzinfo=dt.UTC)).to_stac_properties())
"""All keys of a record, in order."""
