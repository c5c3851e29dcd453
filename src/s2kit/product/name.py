"""Product names: what they say, read and written exactly.

Three grammars are known: the compact names of Sentinel-2 (since December 2016; Sentinel-2 Products Specification
Document, S2-PDGS-TAS-DI-PSD, issue 14, "Compact Product naming convention"), the long names before them (the same
document, issue 13) and those of Sentinel-1 (Product Specification, S1-RS-MDA-52-7441, "Product naming convention").
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from s2kit.errors import InputError
from s2kit.product.baseline import Baseline, RelativeOrbit
from s2kit.product.tile import TileId

__all__ = [
    "AnyProductName",
    "Baseline",
    "Level",
    "OldFormatName",
    "ProductName",
    "RelativeOrbit",
    "Sentinel1Name",
    "Sentinel2Name",
    "TileId",
    "compact_time",
    "parse_compact_time",
    "parse_product_name",
]

_TIME = r"\d{8}T\d{6}"
_COMPACT_TIME = re.compile(_TIME, re.ASCII)
_COMPACT = re.compile(
    rf"(?P<satellite>S2[A-D])_MSI(?P<level>L1C|L2A)_(?P<sensing>{_TIME})_(?P<baseline>N\d{{4}})_(?P<orbit>R\d{{3}})"
    r"_(?P<tile>T\d{2}[A-Z]{3})_(?P<discriminator>[0-9A-Za-z]+)",
    re.ASCII,
)
_LEGACY = re.compile(
    rf"(?P<satellite>S2[A-D])_(?P<file_class>OPER|USER)_PRD_MSI(?P<level>L1C|L2A)_(?P<centre>[0-9A-Z_]{{4}})"
    rf"_(?P<created>{_TIME})_(?P<orbit>R\d{{3}})_V(?P<sensing>{_TIME})_(?P<sensing_stop>{_TIME})",
    re.ASCII,
)
_SENTINEL1 = re.compile(
    r"(?P<satellite>S1[A-D])_(?P<mode>[A-Z][A-Z0-9])_(?P<product_type>[A-Z]{3})(?P<resolution_class>[FHM_])"
    rf"_(?P<processing_level>[A0-2])(?P<product_class>[A-Z])(?P<polarisation>[A-Z]{{2}})"
    rf"_(?P<sensing>{_TIME})_(?P<sensing_stop>{_TIME})_(?P<absolute_orbit>\d{{6}})_(?P<datatake>[0-9A-F]{{6}})"
    r"_(?P<unique_id>[0-9A-F]{4})(?P<cog>_COG)?",
    re.ASCII,
)
_SUFFIX = re.compile(r"(\.zarr|(\.SAFE)?(\.zip)?)/?", re.IGNORECASE)


class Level(StrEnum):
    """Processing level of a product."""

    L1C = "L1C"
    """Top-of-atmosphere reflectance."""
    L2A = "L2A"
    """Surface reflectance, with scene classification, aerosol and water vapour."""
    L2SP = "L2SP"
    """Landsat: surface reflectance and temperature."""
    L2SR = "L2SR"
    """Landsat: surface reflectance only."""


def same_stage(level: str, other: str) -> bool:
    """True if two levels hold the same: both reflectance at the top of the atmosphere, or both at the surface."""
    return (level == Level.L1C) == (other == Level.L1C)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductName:
    """A compact Sentinel-2 name, such as `S2A_MSIL1C_20180101T105441_N0206_R051_T31TDH_20180101T124911`."""

    satellite: str
    """`S2A`, `S2B`, `S2C` or `S2D`."""
    level: Level
    sensing: datetime
    """Start of the datatake, UTC, whole seconds; a tile of it was seen up to some minutes later."""
    baseline: Baseline
    orbit: RelativeOrbit
    tile: TileId
    discriminator: str
    """What tells two products of the same datatake and tile apart: nearly always a time such as `20180101T124911`."""

    def __str__(self) -> str:
        return (
            f"{self.satellite}_MSI{self.level}_{compact_time(self.sensing)}_{self.baseline.code}_{self.orbit}"
            f"_T{self.tile}_{self.discriminator}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OldFormatName:
    """A long Sentinel-2 name from before December 2016; such a product may hold many tiles.

    Example: `S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424`.
    """

    satellite: str
    file_class: str
    """`OPER` as ESA made it, `USER` as a user's own processor made it."""
    level: Level
    centre: str
    """Where it was made: four characters, padded with underscores."""
    created: datetime
    """When it was made, UTC."""
    orbit: RelativeOrbit
    sensing: datetime
    """Start of the datatake, UTC."""
    sensing_stop: datetime
    """End of the datatake, UTC."""

    def __str__(self) -> str:
        return (
            f"{self.satellite}_{self.file_class}_PRD_MSI{self.level}_{self.centre}_{compact_time(self.created)}"
            f"_{self.orbit}_V{compact_time(self.sensing)}_{compact_time(self.sensing_stop)}"
        )

    @property
    def metadata_file(self) -> str:
        """Name of the product's metadata file (PSD, issue 13): `PRD` becomes `MTD`, `MSIL1C` becomes `SAFL1C`."""
        return f"{str(self).replace('_PRD_MSI', '_MTD_SAF', 1)}.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel1Name:
    """A Sentinel-1 name, such as `S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8`."""

    satellite: str
    """`S1A` to `S1D`."""
    mode: str
    """Acquisition mode: `IW`, `EW`, `WV`, `S1` … `S6`."""
    product_type: str
    """`GRD`, `SLC`, `OCN` or `RAW`."""
    resolution_class: str
    """`F`, `H`, `M`, or `_` where the type has none."""
    processing_level: str
    """`0`, `1`, `2`, or `A` for annotations."""
    product_class: str
    """`S` standard, `A` annotation, `N` noise, `C` calibration."""
    polarisation: str
    """`SH`, `SV`, `DH`, `DV` or one of the partial ones (`HH`, `HV`, `VV`, `VH`)."""
    sensing: datetime
    """Start, UTC."""
    sensing_stop: datetime
    """End, UTC."""
    absolute_orbit: int
    datatake: str
    """Mission datatake, six hexadecimal digits."""
    unique_id: str
    """CRC-16 of the manifest, four hexadecimal digits."""
    cog: bool = False
    """True for the copies whose images are cloud-optimised GeoTIFFs."""

    def __str__(self) -> str:
        return (
            f"{self.satellite}_{self.mode}_{self.product_type}{self.resolution_class}"
            f"_{self.processing_level}{self.product_class}{self.polarisation}"
            f"_{compact_time(self.sensing)}_{compact_time(self.sensing_stop)}_{self.absolute_orbit:06d}"
            f"_{self.datatake}_{self.unique_id}{'_COG' if self.cog else ''}"
        )


AnyProductName = ProductName | OldFormatName | Sentinel1Name
Sentinel2Name = ProductName | OldFormatName


def parse_product_name(text: str) -> AnyProductName:
    """Read the name of a product.

    Args:
        text: The name, with or without `.SAFE`, `.zip`, `.SAFE.zip`, `.zarr` or a slash at its end.

    Raises:
        InputError: The text is no name of any known grammar, or one with an impossible date, tile or orbit.
    """
    for pattern, build in ((_COMPACT, _compact), (_LEGACY, _legacy), (_SENTINEL1, _sentinel1)):
        match = pattern.match(text)
        if match and _SUFFIX.fullmatch(text, match.end()):
            try:
                return build(match)
            except InputError as error:
                raise InputError(f"{text!r} is no product name: {error.message}") from error
    raise InputError(
        f"{text!r} is no product name",
        "a name looks like S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454",
    )


def compact_time(time: datetime) -> str:
    """A time as product names write it: `20180101T105441`, UTC."""
    moment = time.astimezone(UTC)
    return (
        f"{moment.year:04d}{moment.month:02d}{moment.day:02d}T{moment.hour:02d}{moment.minute:02d}{moment.second:02d}"
    )


def parse_compact_time(text: str) -> datetime:
    """Read `20180101T105441` as an aware UTC time.

    Raises:
        InputError: There is no such moment.
    """
    if _COMPACT_TIME.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(f"{text}Z")
    raise InputError(f"{text!r} is no time of the form YYYYMMDDTHHMMSS")


def _compact(match: re.Match[str]) -> ProductName:
    return ProductName(
        satellite=match["satellite"],
        level=Level(match["level"]),
        sensing=parse_compact_time(match["sensing"]),
        baseline=Baseline.parse(match["baseline"]),
        orbit=RelativeOrbit.parse(match["orbit"]),
        tile=TileId.parse(match["tile"]),
        discriminator=match["discriminator"],
    )


def _legacy(match: re.Match[str]) -> OldFormatName:
    return OldFormatName(
        satellite=match["satellite"],
        file_class=match["file_class"],
        level=Level(match["level"]),
        centre=match["centre"],
        created=parse_compact_time(match["created"]),
        orbit=RelativeOrbit.parse(match["orbit"]),
        sensing=parse_compact_time(match["sensing"]),
        sensing_stop=parse_compact_time(match["sensing_stop"]),
    )


def _sentinel1(match: re.Match[str]) -> Sentinel1Name:
    return Sentinel1Name(
        satellite=match["satellite"],
        mode=match["mode"],
        product_type=match["product_type"],
        resolution_class=match["resolution_class"],
        processing_level=match["processing_level"],
        product_class=match["product_class"],
        polarisation=match["polarisation"],
        sensing=parse_compact_time(match["sensing"]),
        sensing_stop=parse_compact_time(match["sensing_stop"]),
        absolute_orbit=int(match["absolute_orbit"]),
        datatake=match["datatake"],
        unique_id=match["unique_id"],
        cog=match["cog"] is not None,
    )
