"""Sentinel-2 as a collection: the products of a folder, an archive or a search, through `s2kit cube`. Touches files.

Pixels are those of `cube`: reflectance as float32, each product with its own offset, slices by solar day, the finest
band's grid. Only the blocks that a graph needs are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from s2kit.openeo.collections.base import Description, LoadedCube, LoadWanted, chosen_bands
from s2kit.openeo.errors import ProcessError
from s2kit.openeo.processes.words import instant
from s2kit.product.angles import ANGLES
from s2kit.run.events import Note, Report

if TYPE_CHECKING:
    from s2kit.chips.places import WhichOptions
    from s2kit.chips.selection import Candidate
    from s2kit.cube import CubeBlock, CubePlan
    from s2kit.product.ref import ProductRef
    from s2kit.settings import Loaded

_FIRST = "2015-06-27T00:00:00Z"
_COMMON = {
    "B01": "coastal", "B02": "blue", "B03": "green", "B04": "red", "B05": "rededge", "B06": "rededge",
    "B07": "rededge", "B08": "nir", "B8A": "nir08", "B09": "nir09", "B10": "cirrus", "B11": "swir16", "B12": "swir22",
}  # fmt: skip
"""Common names of the STAC extension `eo`."""
_LAYERS = {"L2A": ("SCL", "AOT", "WVP", *ANGLES), "L1C": tuple(ANGLES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel2:
    """All products of one level that can be reached."""

    level: str
    """`L1C` or `L2A`."""
    settings: "Loaded"
    source: str = ""
    """Folders, products or addresses, with commas between; `search` for a search; empty for the dataset folder."""

    @property
    def id(self) -> str:
        """`SENTINEL2_L2A`."""
        return f"SENTINEL2_{self.level}"

    def describe(self) -> Description:
        """Bands, dimensions, extents: those of the mission, not of the products that are there."""
        from s2kit.product.bands import BANDS

        names = [name for name in BANDS if not (self.level == "L2A" and name == "B10")]
        bands = [
            {
                "name": name,
                "common_name": _COMMON[name],
                "center_wavelength": BANDS[name].centre_nm.s2a / 1000,
                "gsd": BANDS[name].resolution_m,
            }
            for name in names
        ]
        layers = _LAYERS[self.level]
        seen = [_FIRST, f"{datetime.now(UTC).date() + timedelta(days=1)}T00:00:00Z"]
        return {
            "type": "Collection",
            "stac_version": "1.0.0",
            "stac_extensions": ["https://stac-extensions.github.io/datacube/v2.2.0/schema.json"],
            "id": self.id,
            "title": f"Sentinel-2 {self.level}",
            "description": f"Reflectance of the {self.level} products that are at hand; offsets are applied.",
            "license": "other",
            "extent": {
                "spatial": {"bbox": [[-180, -84, 180, 84]]},
                "temporal": {"interval": [seen]},
            },
            "links": [],
            "cube:dimensions": {
                "x": {"type": "spatial", "axis": "x", "extent": [-180, 180]},
                "y": {"type": "spatial", "axis": "y", "extent": [-84, 84]},
                "t": {"type": "temporal", "extent": seen},
                "bands": {"type": "bands", "values": [*names, *layers]},
            },
            "summaries": {
                "constellation": ["sentinel-2"],
                "eo:bands": [*bands, *({"name": name} for name in layers)],
            },
        }

    def load(self, wanted: LoadWanted, report: Report) -> LoadedCube:
        """The slices of the time that is wanted; see `Collection.load`."""
        names = chosen_bands(self.describe(), wanted.bands)
        plan = self._planned(wanted, names, report)
        inside = tuple(at for at, one in enumerate(plan.slices) if _within(one.time, wanted))
        if not inside:
            raise ProcessError(f"{self.id} has no product in that time", "look with s2kit search", "NoDataAvailable")
        plan = plan.only(inside)
        sources = tuple(dict.fromkeys(source.id for one in plan.slices for source in one.sources))
        cube = _cube(plan, list(wanted.bands) or names)
        if wanted.extent is not None and str(wanted.extent.get("crs") or 4326) not in {"4326", "EPSG:4326"}:
            from s2kit.openeo.processes.space import filter_bbox

            cube = filter_bbox(cube, wanted.extent)
        return LoadedCube(cube=cube, sources=sources)

    def _planned(self, wanted: LoadWanted, names: list[str], report: Report) -> "CubePlan":
        from s2kit.cube import CubeRequest, plan_cube
        from s2kit.openeo.processes.space import bbox_in

        area = None if wanted.extent is None else bbox_in(wanted.extent, "EPSG:4326")
        if area is not None and area[2] < area[0]:
            hint = "load the two sides of the 180th meridian one by one"
            raise ProcessError("west is more than east", hint, "ExtentInvalid")
        which = self._which(wanted)
        refs = self._refs(report)
        if refs is None and area is None:
            hint = "add a spatial_extent, or name products with --collection ID=PATH"
            raise ProcessError(f"{self.id}: a search needs an area", hint, "ExtentMissing")
        if wanted.properties:
            refs = tuple(one.ref for one in self._found(wanted, which, refs, area, report))
        request = CubeRequest.parse(
            self.settings,
            report,
            products=refs,
            bbox=[area] if area is not None else None,
            bands=names,
            dtype="float32",
            **which,
        )
        return plan_cube(request, report)

    def _which(self, wanted: LoadWanted) -> "WhichOptions":
        """Level and days of the products; slices are told apart to the second afterwards."""
        which: WhichOptions = {"level": self.level.lower()}
        if wanted.start or wanted.end:
            which["range"] = [(_day(wanted.start) or "..", _day(wanted.end, last=True) or "..")]
        return which

    def _found(
        self,
        wanted: LoadWanted,
        which: "WhichOptions",
        refs: "tuple[ProductRef, ...] | None",
        area: tuple[float, float, float, float] | None,
        report: Report,
    ) -> "list[Candidate]":
        """The products in that time that meet the conditions."""
        from s2kit.chips.places import products

        found = list(products(which, refs, [area] if area is not None else [], self.settings, report))
        kept = [one for one in found if _meets(one, wanted.properties)]
        if not kept:
            hint = "look with s2kit search" if not found else f"{len(found)} products do not meet the properties"
            raise ProcessError(f"{self.id} has no product in that time", hint, "NoDataAvailable")
        return kept

    def _refs(self, report: Report) -> "tuple[ProductRef, ...] | None":
        """The products or folders to take from; None for a search."""
        from s2kit.product.ref import ProductRef

        if self.source == "search":
            return None
        if self.source:
            return tuple(ProductRef(part) for part in self.source.split(","))
        dataset = self.settings.settings.dataset
        if any(dataset.glob("*S2*MSIL*")) or any(dataset.glob("*/*S2*MSIL*")):
            return (ProductRef(str(dataset)),)
        report(Note(f"{self.id}: there is no product in {dataset.resolve()}: searching the catalogue"))
        return None


def _day(text: str | None, *, last: bool = False) -> str | None:
    """The day of an instant for a search; the last one that is in an extent whose end is excluded."""
    if text is None:
        return None
    moment = instant(text).astimezone(UTC)
    return (moment - timedelta(microseconds=1) if last else moment).date().isoformat()


def _within(moment: datetime, wanted: LoadWanted) -> bool:
    after = wanted.start is None or moment >= instant(wanted.start)
    return after and (wanted.end is None or moment < instant(wanted.end))


def _meets(one: "Candidate", properties: Mapping[str, Any]) -> bool:
    """Whether a product's metadata meets all conditions; what is not known does not."""
    values = {
        "eo:cloud_cover": one.cloud_pct,
        "s2:mgrs_tile": one.tile,
        "mgrs:tile": one.tile,
        "grid:code": f"MGRS-{one.tile}",
        "s2:processing_baseline": one.baseline,
        "processing:level": one.level,
        "platform": {"A": "sentinel-2a", "B": "sentinel-2b", "C": "sentinel-2c"}.get(one.id[2:3]),
        "sat:relative_orbit": int(one.id[34:37]) if one.id[33:34] == "R" and one.id[34:37].isdigit() else None,
        "datetime": one.sensing.isoformat(),
    }
    for name in properties:
        if name not in values:
            raise ProcessError(f"property {name!r} is not known", f"there are: {', '.join(values)}", "PropertyUnknown")
    return all(condition(value=values[name]) is True for name, condition in properties.items())


def _cube(plan: "CubePlan", names: list[str]) -> Any:
    """A lazy cube `[t, bands, y, x]`: one chunk a block of a slice."""
    import dask
    import dask.array
    import numpy as np
    import xarray as xr

    from s2kit.cube.meaning import axes

    da: Any = dask.array
    read: Any = dask.delayed(read_block, traverse=False, pure=False)  # type: ignore[attr-defined]
    rows = sorted({window.row for window in plan.blocks})
    layers = tuple(layer.name for layer in plan.layers)
    steps = []
    for step in range(len(plan.steps)):
        blocks = [plan.task(step, block) for block in range(len(plan.blocks))]
        grid = [
            [
                da.from_delayed(read(task, layers), (len(layers), *task.grid.shape), np.float32)
                for task in blocks
                if task.window.row == row
            ]
            for row in rows
        ]
        steps.append(da.concatenate([da.concatenate(line, axis=2) for line in grid], axis=1))
    place = axes(plan.grid)
    own = [layers[at] for at in range(len(layers))]
    times = [np.datetime64(step.time.astimezone(UTC).replace(tzinfo=None), "ns") for step in plan.steps]
    coords = {"t": times, "bands": names, "y": place["y"][0], "x": place["x"][0]}
    cube = xr.DataArray(da.stack(steps), coords=coords, dims=("t", "bands", "y", "x"))
    resolution = plan.grid.resolution_m
    attrs = {"crs": f"EPSG:{plan.grid.epsg}", "x_step": resolution, "y_step": -resolution}
    common = ("bands", np.asarray([_COMMON.get(name, "") for name in own], dtype=object))
    return cube.assign_coords(common_name=common).assign_attrs(attrs)


def read_block(task: "CubeBlock", layers: tuple[str, ...]) -> Any:
    """`[layer, row, col]` reflectance of one block as float32, NaN for no data; runs in workers."""
    import numpy as np

    from s2kit.cube import make_block

    made = make_block(task).layers
    by_name = {layer.name: layer for layer in task.recipe.outputs}
    out = np.empty((len(layers), *task.grid.shape), np.float32)
    for at, name in enumerate(layers):
        values, layer = made[name], by_name[name]
        out[at] = values if layer.scale == 1 else values * np.float32(layer.scale)
        if not np.isnan(layer.nodata):
            out[at][values == layer.nodata] = np.nan
    return out
