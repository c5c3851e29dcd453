"""What a cube's files say of themselves: CF attributes, CRS, time, sources; values only."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.area.projection import crs_wkt, is_geographic, linear_unit
from s2kit.cube.layers import CubeLayer
from s2kit.cube.plan import CubePlan
from s2kit.grid import Grid
from s2kit.product.scl import SCENE_CLASSES
from s2kit.version import __version__

SPATIAL_REF = "spatial_ref"
TIME_UNITS = "seconds since 1970-01-01"
SOURCES = "s2kit:sources"
RECIPE = "s2kit:recipe"
DATA_PCT, CLEAR_PCT = "data_pct", "clear_pct"
CONVENTIONS = "CF-1.11"


def crs_attributes(grid: Grid) -> dict[str, Any]:
    """Attributes of the variable `spatial_ref`: what CF, GDAL and rioxarray look for."""
    wkt = crs_wkt(grid.epsg)
    a, b, c, d, e, f = grid.geotransform
    return _grid_mapping(wkt) | {
        "crs_wkt": wkt,
        "spatial_ref": wkt,
        "GeoTransform": " ".join(f"{number:.12g}" for number in (c, a, b, f, d, e)),
        "long_name": f"EPSG:{grid.epsg}",
    }


def _grid_mapping(wkt: str) -> dict[str, Any]:
    """`grid_mapping_name` and parameters (CF 1.11, appendix F); empty for a projection that CF does not know."""
    try:
        from pyproj import CRS
    except ImportError:  # comes with rioxarray; the WKT alone says the same
        return {}
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in CRS(wkt).to_cf().items()}
    return found if "grid_mapping_name" in found else {}


def axes(grid: Grid) -> dict[str, tuple[NDArray[np.floating], dict[str, str]]]:
    """Coordinates of the middles of pixels with their attributes, `y` and `x`."""
    half = grid.resolution_m / 2
    x = grid.west + half + grid.resolution_m * np.arange(grid.width)
    y = grid.north - half - grid.resolution_m * np.arange(grid.height)
    if is_geographic(grid.epsg):
        names, units = ("latitude", "longitude"), ("degrees_north", "degrees_east")
    else:
        names, units = ("projection_y_coordinate", "projection_x_coordinate"), (linear_unit(grid.epsg),) * 2
    return {
        "y": (y, {"standard_name": names[0], "units": units[0], "axis": "Y"}),
        "x": (x, {"standard_name": names[1], "units": units[1], "axis": "X"}),
    }


def seconds(moment: datetime) -> int:
    """Seconds since 1970 in UTC."""
    return round(moment.astimezone(UTC).timestamp())


def moment_of(value: int) -> datetime:
    """The opposite of `seconds`."""
    return datetime.fromtimestamp(int(value), UTC)


def time_attributes() -> dict[str, str]:
    """Of the variable `time`."""
    return {"standard_name": "time", "units": TIME_UNITS, "calendar": "proleptic_gregorian", "axis": "T"}


def share_attributes(name: str) -> dict[str, str]:
    """Of `data_pct` and `clear_pct`, which hold a number for each time."""
    what = "pixels with data" if name == DATA_PCT else "pixels with data that the mask leaves"
    of = "the grid" if name == DATA_PCT else "those with data"
    return {"long_name": f"{what}, of {of}", "units": "percent"}


def layer_attributes(layer: CubeLayer) -> dict[str, Any]:
    """CF attributes of a layer; whole numbers carry what they are to be multiplied by."""
    found: dict[str, Any] = {"long_name": layer.title, "units": layer.units, "grid_mapping": SPATIAL_REF}
    if layer.scale != 1:
        found |= {"scale_factor": layer.scale, "add_offset": 0.0}
    if layer.flags:
        found["flag_values"] = sorted(layer.flags)
        found["flag_meanings"] = " ".join(
            layer.flags[code].replace(",", "").replace(" ", "_") for code in sorted(layer.flags)
        )
        found["flag_colors"] = " ".join(
            "#{:02x}{:02x}{:02x}".format(*SCENE_CLASSES[c].colour) for c in sorted(layer.flags)
        )
        del found["units"]
    if layer.kind == "date":
        found["calendar"] = "proleptic_gregorian"
    return found


def fill_value(layer: CubeLayer) -> float | int | None:
    """CF's `_FillValue`; None for layers in which every number means something (classes, counts)."""
    if layer.flags or layer.kind == "count":
        return None
    return layer.nodata if layer.dtype.startswith("float") else int(layer.nodata)


def recipe_text(plan: CubePlan) -> dict[str, Any]:
    """What two cubes must agree in, so that one can be appended to the other."""
    recipe = plan.recipe
    return {
        "layers": {layer.name: [layer.dtype, layer.scale] for layer in plan.layers},
        "digital": recipe.digital,
        "resampling": recipe.resampling,
        "mask": recipe.mask.text if recipe.mask else None,
        "composite": recipe.composite.text if recipe.composite else None,
        "period": plan.period.text if recipe.composite else None,
        "grid": [plan.grid.epsg, *plan.grid.geotransform, plan.grid.width, plan.grid.height],
    }


def sources_of(plan: CubePlan, steps: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Day and names of the products of each time, by the time in ISO 8601."""
    return {
        iso(plan.steps[at].time): {
            "day": plan.steps[at].start.isoformat(),
            "products": [source.id for one in plan.steps[at].slices for source in plan.slices[one].sources],
        }
        for at in steps
    }


def iso(moment: datetime) -> str:
    """`2024-04-19T10:50:31Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def title(plan: CubePlan) -> str:
    """`Sentinel-2 cube`, `Landsat and Sentinel-2 cube`."""
    return f"{' and '.join(one.name for one in plan.missions)} cube"


def root_attributes(plan: CubePlan, steps: Sequence[int]) -> dict[str, Any]:
    """Attributes of the whole cube."""
    grid = plan.grid
    times = [plan.steps[at].time for at in steps]
    found: dict[str, Any] = {
        "Conventions": CONVENTIONS,
        "title": title(plan),
        "source": "; ".join(one.source for one in plan.missions),
        "history": f"made by s2kit {__version__}",
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:transform": list(grid.geotransform),
        "proj:shape": list(grid.shape),
        "proj:bbox": list(grid.bounds),
        RECIPE: recipe_text(plan),
        SOURCES: sources_of(plan, steps),
    }
    if times:
        found |= {"time_coverage_start": iso(min(times)), "time_coverage_end": iso(max(times))}
    return found


def shares(plan: CubePlan, data_px: Mapping[int, int], clear_px: Mapping[int, int]) -> dict[str, dict[int, float]]:
    """`data_pct` and `clear_pct` by step from counts of pixels by slice."""
    whole = plan.grid.width * plan.grid.height
    data, clear = {}, {}
    for at, step in enumerate(plan.steps):
        seen = sum(data_px.get(one, 0) for one in step.slices)
        data[at] = 100.0 * seen / (whole * max(1, len(step.slices)))
        clear[at] = 100.0 * sum(clear_px.get(one, 0) for one in step.slices) / seen if seen else 0.0
    return {DATA_PCT: data, CLEAR_PCT: clear}
