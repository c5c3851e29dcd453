"""What a collection is, and what is asked of it. Computes only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from s2kit.openeo.errors import Problem, ProcessError
from s2kit.openeo.processes.words import instant
from s2kit.run.events import Report

Description = Mapping[str, Any]
"""A STAC collection with `cube:dimensions`, as the openEO API describes collections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWanted:
    """What a graph asks of a collection; None for everything."""

    extent: Mapping[str, Any] | None = None
    """`west`, `south`, `east`, `north` and perhaps `crs`."""
    start: str | None = None
    """First instant, included."""
    end: str | None = None
    """Last instant, excluded."""
    bands: tuple[str, ...] = ()
    """Names or common names, in this order; empty for all."""
    properties: Mapping[str, Callable[..., Any]] = field(default_factory=dict, hash=False)
    """Conditions on a product's metadata, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedCube:
    """What a collection gave."""

    cube: Any
    """An `xarray.DataArray`, lazy; `attrs["crs"]` is its reference system."""
    sources: tuple[str, ...] = ()
    """Names of the products or files that it is made of."""


class Collection(Protocol):
    """One collection."""

    @property
    def id(self) -> str:
        """Its name in graphs."""
        ...

    def describe(self) -> Description:
        """What it holds, without opening every file."""
        ...

    def load(self, wanted: LoadWanted, report: Report) -> LoadedCube:
        """Plan the pixels that are wanted; they are read when they are computed.

        Raises:
            ProcessError: A band is not known, or nothing is there.
            S2KitError: As the files or services say.
        """
        ...


def wanted_of(
    spatial_extent: Any, temporal_extent: Sequence[str | None] | None, bands: Sequence[str] | None, properties: Any
) -> LoadWanted:
    """What the arguments of `load_collection` ask for.

    Raises:
        ProcessError: An extent that is empty.
        KeyError: A box without one of its sides.
    """
    start, end = temporal_extent or (None, None)
    if start and end and instant(end) <= instant(start):
        hint = "the end is excluded: for one day give the next day as the end"
        raise ProcessError(f"the extent in time is empty: {start} to {end}", hint, "TemporalExtentEmpty")
    extent = spatial_extent if spatial_extent is None or "west" in spatial_extent else _box_around(spatial_extent)
    if extent is not None:
        _, south, _, north = (extent[side] for side in ("west", "south", "east", "north"))
        if north < south:
            raise ProcessError(f"north {north} is less than south {south}", code="ExtentInvalid")
    return LoadWanted(extent=extent, start=start, end=end, bands=tuple(bands or ()), properties=properties or {})


def _box_around(geojson: Any) -> dict[str, Any]:
    from shapely import union_all

    from s2kit.openeo.processes.geometry import read_shapes

    shapes = read_shapes(geojson)
    west, south, east, north = union_all(list(shapes.geometries)).bounds
    return {"west": west, "south": south, "east": east, "north": north, "crs": shapes.crs}


def band_names(description: Description) -> dict[str, str]:
    """Names of the bands by the words that may stand for them: names, and common names if only one band has them."""
    found: dict[str, str] = {}
    bands = description.get("summaries", {}).get("eo:bands", ())
    commons = [one.get("common_name") for one in bands]
    for one in bands:
        common = one.get("common_name")
        if common and commons.count(common) == 1:
            found.setdefault(common, one["name"])
    names = [name for one in dimensions_of(description, "bands") for name in one.get("values", ())]
    return {**found, **{str(name): str(name) for name in names}}


def dimensions_of(description: Description, kind: str) -> list[Mapping[str, Any]]:
    """Dimensions of a type, by the description."""
    dimensions = description.get("cube:dimensions", {})
    return [one for one in dimensions.values() if one.get("type") == kind]


def chosen_bands(description: Description, bands: Sequence[str]) -> list[str]:
    """Names of the bands that are asked for, all if none is.

    Raises:
        ProcessError: One is not there.
    """
    known = band_names(description)
    if not bands:
        return list(dict.fromkeys(known.values()))
    for band in bands:
        if band not in known:
            raise ProcessError(*_unknown_band(description, band))
    return [known[band] for band in bands]


def _unknown_band(description: Description, band: str) -> tuple[str, str, str]:
    names = list(dict.fromkeys(band_names(description).values()))
    hint = f"there are: {', '.join(names)}"
    return f"collection {description.get('id')!r} has no band {band!r}", hint, "BandNotAvailable"


def problems_of(description: Description, place: str, arguments: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the arguments of `load_collection` for a collection, as far as its description tells."""
    found = []
    for band in arguments.get("bands") or ():
        if isinstance(band, str) and band not in band_names(description):
            message, hint, code = _unknown_band(description, band)
            found.append(Problem(code, message, place, "bands", hint))
    found += extent_problems(place, arguments)
    return found or _outside(description, place, arguments)


def extent_problems(place: str, arguments: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the extents of `load_collection`, whatever the collection."""
    found = []
    for name, code in (("temporal_extent", "TemporalExtentEmpty"), ("spatial_extent", "ExtentInvalid")):
        value = arguments.get(name)
        try:
            wanted_of(value if name[0] == "s" else None, value if name[0] == "t" else None, None, None)
        except ProcessError as error:
            found.append(Problem(error.code, error.message, place, name, error.hint))
        except KeyError as error:
            found.append(Problem(code, f"{name} needs {error.args[0]!r}", place, name))
        except (TypeError, ValueError):
            hint = "give numbers" if name[0] == "s" else "give two dates, as in 2024-04-01"
            found.append(Problem(code, f"{name} {value!r} cannot be read"[:200], place, name, hint))
    return found


def _outside(description: Description, place: str, arguments: Mapping[str, Any]) -> list[Problem]:
    """Extents that do not meet those of the collection."""
    extent = description.get("extent", {})
    low, high = (extent.get("temporal", {}).get("interval") or [[None, None]])[0]
    start, end = arguments.get("temporal_extent") or (None, None)
    found = []
    if (low and end and instant(end) <= instant(low)) or (high and start and instant(start) > instant(high)):
        hint = f"it has {low} to {high or 'now'}"
        text = f"collection {description.get('id')!r} has nothing in {start} to {end}"
        found.append(Problem("NoDataAvailable", text, place, "temporal_extent", hint))
    box = arguments.get("spatial_extent")
    if isinstance(box, Mapping) and "west" in box and str(box.get("crs", 4326)) in {"4326", "EPSG:4326"}:
        _, south, _, north = (extent.get("spatial", {}).get("bbox") or [[-180, -90, 180, 90]])[0]
        if box["north"] < south or box["south"] > north:
            hint = f"it has latitudes {south:g} to {north:g}"
            text = f"collection {description.get('id')!r} has nothing in that box"
            found.append(Problem("NoDataAvailable", text, place, "spatial_extent", hint))
    return found
