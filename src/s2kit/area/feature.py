"""A feature of a vector file: a shape, its attributes and its CRS; what areas, points and parcels are made of."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from shapely.geometry.base import BaseGeometry

from s2kit.errors import InputError

WGS84 = "EPSG:4326"

_LON_LAT_CRS = re.compile(r"(?:OGC:.*)?CRS84$|EPSG:{1,2}[\d.]*:?4326$", re.IGNORECASE)
_EPSG = re.compile(r"(?:urn:ogc:def:crs:)?EPSG:+(?:[\d.]+:)?(\d{4,6})", re.IGNORECASE)
_WKT_CRS = re.compile(r"\s*(?:PROJ|GEOG|GEOD|BOUND|COMPD)[A-Z0-9]*(?:CRS|CS)\s*\[", re.IGNORECASE)
_NAME_KEYS = ("name", "title", "id", "fid")
CRS_HINT = "name it as EPSG:n, urn:ogc:def:crs:EPSG::n or WKT"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature as its source gives it."""

    geometry: BaseGeometry
    """Not empty; in the CRS `crs`."""
    crs: str = WGS84
    """`EPSG:n`, or WKT; `EPSG:4326` is longitude and latitude in this order, whatever the registry says of the axes."""
    attributes: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Attributes under the names that the source has for them."""
    id: str | None = None
    """The source's own identifier (of GeoJSON, the member `id`); None if it has none."""

    @property
    def name(self) -> str | None:
        """What the source calls it: the first attribute that is a name, else its identifier; None if nothing is."""
        by_lower = {key.lower(): value for key, value in self.attributes.items()}
        named = (text_or_none(by_lower.get(key)) for key in _NAME_KEYS)
        return next((name for name in named if name), self.id)


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The features of one source."""

    label: str
    """What messages call the source, for example the name of the file."""
    stem: str
    """A name for what is made of them; empty for text that was typed."""
    features: tuple[Feature, ...]
    columns: tuple[str, ...] = ()
    """Names of the attributes, in the order of the source."""
    notes: tuple[str, ...] = ()
    """What the user should know, such as features without a shape that were left out."""


def feature_set(
    label: str, stem: str, found: Iterable[Feature | None], *, columns: Iterable[str] = (), hint: str | None = None
) -> FeatureSet:
    """The features of a source, without those that have no shape (RFC 7946 section 3.1: null or empty).

    Args:
        label: What messages call the source.
        stem: A name for what is made of the features.
        found: The features; None for one whose geometry is null.
        columns: Names of the attributes; without any, those of the features.
        hint: What an error says of the form that is expected.

    Raises:
        InputError: No feature has a shape.
    """
    listed = list(found)
    features = tuple(one for one in listed if one is not None and not one.geometry.is_empty)
    if not features:
        raise InputError(f"{label} holds no geometry", hint)
    lost = len(listed) - len(features)
    notes = (f"{label}: {lost} {'feature' if lost == 1 else 'features'} without a geometry left out",) if lost else ()
    names = tuple(columns) or tuple(dict.fromkeys(name for one in features for name in one.attributes))
    return FeatureSet(label, stem, features, names, notes)


def normal_crs(name: str, label: str) -> str:
    """`EPSG:n` of a CRS name or URN; WKT as it is. Nothing else is a CRS: no address, no file, no PROJ string.

    Raises:
        InputError: The name is of none of these forms.
    """
    text = name.strip()
    if _LON_LAT_CRS.search(text):
        return WGS84
    if _WKT_CRS.match(text):
        return text
    match = _EPSG.fullmatch(text)
    if not match:
        raise InputError(f"{label}: CRS {text[:80]!r} is not known", CRS_HINT)
    return f"EPSG:{match[1]}"


def text_or_none(value: object) -> str | None:
    """An attribute as text; None and blanks are None, whole floats lose their `.0`."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return text or None
