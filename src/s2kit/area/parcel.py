"""Parcels: the fields of a farmer's application, whatever a file calls its attributes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from s2kit.area.feature import text_or_none
from s2kit.errors import InputError, NotFoundError

FIELD_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pid": ("pid", "parcel_id", "parcelid", "ogc_fid", "gis_id", "id", "fid", "objectid"),
        "cropname": ("cropname", "crop_name", "crop", "nutzung", "name"),
        "cropcode": ("cropcode", "crop_code", "nutzungsco", "code"),
    }
)
"""Attribute names, in lower case, under which a field is looked for when nothing else is said."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel of a file."""

    pid: str
    """Its id; the number of the feature, from 1, where the file has none."""
    geometry: BaseGeometry
    """Polygon or multipolygon in lon/lat."""
    cropname: str | None = None
    cropcode: str | None = None
    srid: int = 4326
    """EPSG code of the file's CRS."""
    area: int | None = None
    """Square metres, in EPSG:3035 (an equal-area CRS)."""
    source_geometry: BaseGeometry | None = None
    """As in the file, in the CRS `srid`."""
    attributes: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """All attributes as the file has them."""
    is_point: bool = False
    """True for the surroundings of a point, which hold at least the pixel that the point lies in."""

    @property
    def centre(self) -> tuple[float, float]:
        """`(lon, lat)` of the centroid of the part that is largest, antimeridian or not."""
        parts = list(getattr(self.geometry, "geoms", [self.geometry]))
        biggest = max(parts, key=lambda part: part.area)
        point = biggest.centroid
        return float(point.x), float(point.y)


def attribute_names(columns: Sequence[str], fields: Mapping[str, str] | None = None) -> dict[str, str]:
    """Which column of a file holds which field.

    Args:
        columns: The file's attribute names.
        fields: Field → column, as the settings say; these columns must exist.

    Raises:
        InputError: The settings name a column that the file does not have.
    """
    by_lower = {column.lower(): column for column in columns}
    found: dict[str, str] = {}
    for name, column in (fields or {}).items():
        if column.lower() not in by_lower:
            raise InputError(
                f"the parcel file has no attribute {column!r} for {name}", f"it has {', '.join(columns) or 'none'}"
            )
        found[name] = by_lower[column.lower()]
    for name, guesses in FIELD_NAMES.items():
        for guess in guesses:
            if name not in found and guess in by_lower:
                found[name] = by_lower[guess]
    return found


def parse_where(text: str) -> tuple[str, str]:
    """Split `key=value`.

    Raises:
        InputError: There is no `=` or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--where {text!r} is not of the form key=value", "as in --where cropname=barley")
    return key.strip(), value.strip()


def matching(parcels: Iterable[Parcel], conditions: Sequence[tuple[str, str]]) -> Iterator[Parcel]:
    """The parcels whose fields or attributes equal all the values, letter case aside.

    Raises:
        InputError: No parcel has an attribute of that name.
    """
    known: set[str] = set()
    wanted = [(key.lower(), value.lower()) for key, value in conditions]
    for parcel in parcels:
        values = {key.lower(): value for key, value in parcel.attributes.items()}
        values |= {"pid": parcel.pid, "cropname": parcel.cropname, "cropcode": parcel.cropcode}
        known |= values.keys()
        if all((text_or_none(values.get(key)) or "").lower() == value for key, value in wanted):
            yield parcel
    for key, _ in wanted:
        if known and key not in known:
            raise InputError(f"no parcel has an attribute {key!r}", f"there are {', '.join(sorted(known))}")


def by_pid(parcels: Iterable[Parcel], pids: Sequence[str]) -> list[Parcel]:
    """The parcels of some ids, in the order of the ids.

    Raises:
        NotFoundError: An id is not there.
    """
    wanted = set(pids)
    found: dict[str, list[Parcel]] = {}
    for parcel in parcels:
        if parcel.pid in wanted:
            found.setdefault(parcel.pid, []).append(parcel)
    for pid in pids:
        if pid not in found:
            raise NotFoundError(
                f"no parcel has the id {pid!r}", "list the ids with: s2kit parcels --parcels FILE -f ids"
            )
    return [parcel for pid in dict.fromkeys(pids) for parcel in found[pid]]


def at_point(parcels: Iterable[Parcel], lon: float, lat: float) -> list[Parcel]:
    """The parcels that hold a point, borders included."""
    point = Point(lon, lat)
    return [parcel for parcel in parcels if parcel.geometry.intersects(point)]
