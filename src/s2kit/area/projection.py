"""Coordinates from one CRS to another; PROJ's exceptions stay here."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from s2kit.area.feature import CRS_HINT, WGS84, Feature, normal_crs
from s2kit.errors import InputError

LON_LAT = 4326


def crs_epsg(text: str, label: str) -> int | None:
    """The EPSG code of a CRS given as `EPSG:n`, a URN or WKT; None if it has none.

    Raises:
        InputError: The text names no CRS.
    """
    text = normal_crs(text, label)
    if text == WGS84:
        return LON_LAT
    from rasterio import Env
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        with Env():
            code = CRS.from_user_input(text).to_epsg()
    except CRSError as error:
        raise InputError(f"{label}: CRS {text[:80]!r} is not known", CRS_HINT) from error
    return None if code is None else int(code)


def is_geographic(epsg: int) -> bool:
    """True for a CRS whose unit is the degree.

    Raises:
        InputError: There is no such CRS.
    """
    return bool(_crs(epsg).is_geographic)


def linear_unit(epsg: int) -> str:
    """The unit of a projected CRS in the words of UDUNITS: `m`, `US_survey_foot`.

    Raises:
        InputError: There is no such CRS.
    """
    unit = str(_crs(epsg).linear_units)
    return "m" if unit in {"metre", "meter"} else unit.replace(" ", "_")


def crs_wkt(epsg: int) -> str:
    """A CRS as WKT 2 (ISO 19162:2019).

    Raises:
        InputError: There is no such CRS.
    """
    from rasterio import Env

    with Env():
        return str(_crs(epsg).to_wkt(version="WKT2_2019"))


def _crs(epsg: int) -> Any:
    from rasterio import Env
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        with Env():
            return CRS.from_epsg(epsg)
    except CRSError as error:
        raise InputError(f"EPSG:{epsg} is not known", "name it as EPSG:n") from error


def project_all(geometries: Sequence[BaseGeometry], source: int | str, target: int) -> list[BaseGeometry]:
    """Many geometries in another CRS, vertex by vertex; a degree pair is `(lon, lat)`.

    Args:
        geometries: Two-dimensional.
        source: EPSG code, or text that names a CRS.
        target: EPSG code.

    Raises:
        InputError: The CRS is not known, or a vertex has no place in the target.
    """
    if source == target:
        return list(geometries)
    from rasterio import Env
    from rasterio.crs import CRS
    from rasterio.errors import CRSError
    from rasterio.warp import transform

    def move(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        xs, ys = transform(from_crs, to_crs, coordinates[:, 0], coordinates[:, 1])
        return np.column_stack([xs, ys])

    try:
        with Env():
            from_crs, to_crs = CRS.from_user_input(source), CRS.from_epsg(target)
            moved = list(shapely.transform(np.array(geometries, dtype=object), move))
    except CRSError as error:
        raise InputError(f"CRS {source} or EPSG:{target} is not known", "name it as EPSG:n") from error
    except Exception as error:  # PROJ's errors come as rasterio's private classes
        raise InputError(f"a geometry has no place in EPSG:{target}: {error}") from error
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise InputError(f"a geometry has no place in EPSG:{target}", "is its CRS the right one?")
    return moved


def project(geometry: BaseGeometry, source: int | str, target: int) -> BaseGeometry:
    """One geometry in another CRS, see `project_all`."""
    return project_all([geometry], source, target)[0]


def project_point(x: float, y: float, source: int, target: int) -> tuple[float, float]:
    """One point in another CRS."""
    point = project(shapely.Point(x, y), source, target)
    return float(shapely.get_x(point)), float(shapely.get_y(point))


def in_lon_lat(features: Sequence[Feature], label: str) -> list[BaseGeometry]:
    """The geometries of features in longitude and latitude, in their order.

    Raises:
        InputError: A CRS is not known, or a vertex has no place on Earth in it.
    """
    geometries: list[BaseGeometry] = [feature.geometry for feature in features]
    for crs in dict.fromkeys(feature.crs for feature in features):
        source = crs_epsg(crs, label) or crs
        if source == LON_LAT:
            continue
        at = [index for index, feature in enumerate(features) if feature.crs == crs]
        for index, moved in zip(at, project_all([geometries[index] for index in at], source, LON_LAT), strict=True):
            geometries[index] = moved
    return geometries
