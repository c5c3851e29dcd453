"""Cubes as Zarr v3 by zarr-python: made, filled block by block, joined, read back; its exceptions stay here.

The layout is that of xarray with CF and GDAL's `_CRS`, so that xarray, rioxarray, GDAL and QGIS find CRS, time and
names. A chunk is one time of one layer, 512 x 512 pixels, and one file: `B04/c/TIME/ROW/COL`.
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.area.projection import crs_wkt
from s2kit.cube import meaning
from s2kit.cube.grids import CHUNK_PX
from s2kit.cube.layers import CubeLayer
from s2kit.cube.plan import CubePlan
from s2kit.errors import ConfigError, InputError
from s2kit.grid import Grid, Window
from s2kit.run.files import remove, translate_os_error, write_atomic

_TIME_CHUNK = 4096
"""Times in one chunk of the coordinates: an appended date rewrites one small file."""
_LEVEL = 1
"""Of zstd: at 3, 10 m bands are a tenth smaller and take six times as long. Not blosc: its lock outlives workers."""
_TAKING = ".s2kit-taking"
"""Stands in a cube whose times are being moved into another."""
_ALONG_TIME = ("time", meaning.DATA_PCT, meaning.CLEAR_PCT)
INSTALL = "install the extra: pip install 's2kit[xarray]'"


def library() -> Any:
    """zarr-python.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise ConfigError("Zarr needs the package zarr", INSTALL) from error
    return zarr


@contextmanager
def _quiet(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # consolidated metadata is not part of the specification yet
            yield
    except OSError as error:
        raise translate_os_error(error, path) from error


def create(path: Path, plan: CubePlan, steps: Sequence[int]) -> None:
    """Make a cube without pixels.

    Args:
        path: Folder of the cube; it must not hold one.
        plan: The plan.
        steps: Which of its steps, in order.

    Raises:
        OutputError: It cannot be written.
        ConfigError: zarr is not installed.
    """
    zarr = library()
    with _quiet(path):
        root = zarr.create_group(path, zarr_format=3, overwrite=True, attributes=_root_attributes(plan, steps))
        _coordinates(root, plan.grid)
        _times(root, plan, steps)
        crs = {"wkt": crs_wkt(plan.grid.epsg), "url": f"http://www.opengis.net/def/crs/EPSG/0/{plan.grid.epsg}"}
        for layer in plan.layers:
            _layer(root, layer, (len(steps), *plan.grid.shape), crs)


def _root_attributes(plan: CubePlan, steps: Sequence[int]) -> dict[str, Any]:
    return meaning.root_attributes(plan, steps) | {
        "coordinates": f"{meaning.SPATIAL_REF} {meaning.DATA_PCT} {meaning.CLEAR_PCT}"
    }


def _compressors() -> list[Any]:
    return [library().codecs.ZstdCodec(level=_LEVEL)]


def _coordinates(root: Any, grid: Grid) -> None:
    for name, (values, attributes) in meaning.axes(grid).items():
        array = root.create_array(
            name, shape=values.shape, dtype="float64", chunks=values.shape, compressors=_compressors(),
            dimension_names=(name,), attributes=attributes,
        )  # fmt: skip
        array[:] = values
    scalar = root.create_array(
        meaning.SPATIAL_REF, shape=(), dtype="int64", chunks=(), attributes=meaning.crs_attributes(grid)
    )
    scalar[...] = grid.epsg


def _times(root: Any, plan: CubePlan, steps: Sequence[int]) -> None:
    times = [meaning.seconds(plan.steps[at].time) for at in steps]
    _along_time(root, "time", np.array(times, np.int64), meaning.time_attributes())
    for name in (meaning.DATA_PCT, meaning.CLEAR_PCT):
        _along_time(root, name, np.full(len(steps), np.nan, np.float32), meaning.share_attributes(name))


def _along_time(root: Any, name: str, values: NDArray[Any], attributes: Mapping[str, Any]) -> None:
    fill = float("nan") if values.dtype.kind == "f" else 0
    array = root.create_array(
        name, shape=values.shape, dtype=values.dtype.name, chunks=(_TIME_CHUNK,), compressors=_compressors(),
        dimension_names=("time",), attributes=dict(attributes), fill_value=fill,
    )  # fmt: skip
    array[:] = values


def _layer(root: Any, layer: CubeLayer, shape: tuple[int, int, int], crs: Mapping[str, Any]) -> None:
    attributes = meaning.layer_attributes(layer) | {"_CRS": dict(crs)}
    fill = meaning.fill_value(layer)
    if fill is not None and not layer.dtype.startswith("float"):
        attributes["_FillValue"] = fill
    root.create_array(
        layer.name, shape=shape, dtype=layer.dtype, chunks=(1, CHUNK_PX, CHUNK_PX), compressors=_compressors(),
        dimension_names=("time", "y", "x"), attributes=attributes, fill_value=0 if fill is None else fill,
    )  # fmt: skip


def write(path: Path, name: str, step: int, window: Window, values: NDArray[Any]) -> None:
    """Put one block of one layer into a cube; runs in the workers.

    Args:
        path: The cube.
        name: The layer.
        step: Position of the time.
        window: Where; its edges are those of chunks or of the grid.
        values: `[row, col]`.

    Raises:
        DiskError: The disk is full or failing.
    """
    with _quiet(path):
        array = library().open_array(path / name, mode="r+", zarr_format=3)  # not remembered: the next cube is another
        array[step, window.row : window.row_end, window.col : window.col_end] = values


def finish(path: Path, shares: Mapping[str, Sequence[float]]) -> None:
    """Write the shares of each time and gather all metadata in one file."""
    zarr = library()
    with _quiet(path):
        root = zarr.open_group(path, mode="r+", zarr_format=3)
        for name, values in shares.items():
            root[name][:] = np.asarray(values, np.float32)
        zarr.consolidate_metadata(path, zarr_format=3)


def drop(path: Path, plan: CubePlan, places: Sequence[int], steps: Sequence[int]) -> None:
    """Take times out of an unfinished cube.

    Args:
        path: The cube.
        plan: Its plan.
        places: Positions of the times that stay.
        steps: The steps of the plan that they are.
    """
    with _quiet(path):
        for layer in plan.layers:
            chunks = path / layer.name / "c"
            for at, place in enumerate(places):
                if at != place:
                    remove(chunks / str(at))
                    _move(chunks / str(place), chunks / str(at))
            for at in range(len(places), len(places) + _times_of(path / layer.name)):
                remove(chunks / str(at))
            _set_length(path / layer.name / "zarr.json", len(places))
        for name in ("time", meaning.DATA_PCT, meaning.CLEAR_PCT):
            remove(path / name)
        root = library().open_group(path, mode="r+", zarr_format=3)
        _times(root, plan, steps)
        root.attrs.update(_root_attributes(plan, steps))


def _times_of(array: Path) -> int:
    return int(json.loads((array / "zarr.json").read_bytes())["shape"][0])


class Existing:
    """A cube that is there."""

    def __init__(self, path: Path) -> None:
        """Read its metadata.

        Raises:
            InputError: It is no cube of s2kit.
        """
        self.path = path
        try:
            self._meta = json.loads((path / "zarr.json").read_bytes())
            attributes = self._meta["attributes"]
            self.recipe: dict[str, Any] = attributes[meaning.RECIPE]
            self._sources: dict[str, dict[str, Any]] = attributes[meaning.SOURCES]
            self._layers = tuple(self.recipe["layers"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is no cube that s2kit made", "name another --out") from error

    @classmethod
    def opened(cls, path: Path, part: Path) -> "Existing":
        """The cube; times that an earlier run was moving into it when it was killed are moved first."""
        there = cls(path)
        if (part / _TAKING).exists():
            there.take(part)
            there = cls(path)
        return there

    @property
    def times(self) -> list[int]:
        """Seconds since 1970, ascending."""
        return sorted(meaning.seconds(datetime.fromisoformat(text)) for text in self._sources)

    @property
    def days(self) -> dict[str, list[str]]:
        """Names of the products of each solar day."""
        return {one["day"]: one["products"] for one in self._sources.values()}

    def take(self, part: Path) -> None:
        """Move the times of another cube behind those of this one; it may be begun again after it was interrupted.

        Chunks are moved first: no reader sees them before the metadata says that they are there. The file that holds
        all metadata is replaced last.

        Args:
            part: The other cube, complete, of the same recipe; it is used up.
        """
        zarr = library()
        write_atomic(part / _TAKING, b"", overwrite=True)
        with _quiet(self.path):
            new = zarr.open_group(part, mode="r", zarr_format=3)
            coming = [int(value) for value in new["time"][:]]
            have = len([value for value in self.times if value < coming[0]])
            total = have + len(coming)
            for name in self._layers:
                for at in range(len(coming)):
                    _move(part / name / "c" / str(at), self.path / name / "c" / str(have + at))
            for name in _ALONG_TIME:
                _set_length(self.path / name / "zarr.json", total)
                zarr.open_array(self.path / name, mode="r+")[have:total] = new[name][:]
            for name in self._layers:
                _set_length(self.path / name / "zarr.json", total)
            added = dict(new.attrs)
        self._replace_root(added, total)
        remove(part)

    def _replace_root(self, added: Mapping[str, Any], total: int) -> None:
        attributes = self._meta["attributes"]
        attributes[meaning.SOURCES] = self._sources | dict(added[meaning.SOURCES])
        attributes["time_coverage_end"] = added["time_coverage_end"]
        for name, array in self._meta["consolidated_metadata"]["metadata"].items():
            if name in {*self._layers, *_ALONG_TIME}:
                array["shape"][0] = total
        write_atomic(self.path / "zarr.json", json.dumps(self._meta, indent=2).encode(), overwrite=True)


def _move(source: Path, target: Path) -> None:
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        remove(target)
        source.rename(target)


def _set_length(path: Path, total: int) -> None:
    document = json.loads(path.read_bytes())
    document["shape"][0] = total
    write_atomic(path, json.dumps(document, indent=2).encode(), overwrite=True)
