"""Images through plain GDAL: COG, GeoTIFF, and every JPEG 2000 file whose packets cannot be picked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid, Window
from s2kit.jp2.decode import first_cause, gdal_threads, no_georeference_warning
from s2kit.store.byte_source import Traffic


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What an image is."""

    width: int
    """Columns at full resolution."""
    height: int
    """Rows at full resolution."""
    count: int
    """Bands or components."""
    dtype: np.dtype[Any]
    nodata: float | None
    """The value that means no data; None where the file names none (ESA's JPEG 2000 files do not: there it is 0)."""
    epsg: int | None
    """EPSG code of the CRS."""
    grid: Grid | None
    """None where the image has no CRS, or is not north-up with square pixels."""
    reductions: tuple[int, ...]
    """The reductions there are; 0 is full resolution, each further one halves the sides."""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """What is known of an image without asking where it lies, which takes GDAL."""

    width: int
    height: int
    count: int
    dtype: np.dtype[Any]
    reductions: tuple[int, ...]


class GdalImage:
    """One image, opened with rasterio. Not to be shared by threads."""

    def __init__(self, path: str, name: str) -> None:
        """Open an image.

        Args:
            path: What GDAL calls it, `/vsi…` included.
            name: What messages call it.

        Raises:
            InputError: GDAL cannot read it.
        """
        self._path, self._name = path, name
        self._datasets: dict[int, Any] = {0: self._open()}
        self._info = _info(self._datasets[0])

    @property
    def info(self) -> ImageInfo:
        """What the image is."""
        return self._info

    @property
    def size(self) -> ImageSize:
        """The part of `info` that costs nothing."""
        info = self._info
        return ImageSize(info.width, info.height, info.count, info.dtype, info.reductions)

    @property
    def traffic(self) -> Traffic:
        """GDAL does not say what it reads."""
        return Traffic()

    def window(
        self, window: Window, reduction: int = 0, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """Read a window of full-resolution pixels; see `io.imagery.Image.window`."""
        info = self._info
        check_request(info.width, info.height, info.reductions, window, reduction, self._name)
        return self.reduced_window(window.reduced(reduction), reduction, components, fill)

    def reduced_window(
        self, target: Window, reduction: int, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """Read a window of pixels of the image at a reduction; beyond its edge stands `fill`."""
        check_reduction(self._info.reductions, reduction, self._name)
        bands = checked_components(self._info.count, components, self._name)
        dataset = self._at(reduction)
        inside = target.intersection(Window(0, 0, dataset.width, dataset.height))
        if inside == target:
            return self._read(dataset, target, bands)
        pixels = np.full((len(bands), *target.shape), fill, self._info.dtype)
        if inside is not None:
            at = inside.shifted(-target.col, -target.row)
            pixels[:, at.row : at.row_end, at.col : at.col_end] = self._read(dataset, inside, bands)
        return pixels

    def level(self, reduction: int = 0, components: Sequence[int] | None = None) -> NDArray[Any]:
        """Read the whole image at a reduction; see `io.imagery.Image.level`."""
        check_reduction(self._info.reductions, reduction, self._name)
        bands = checked_components(self._info.count, components, self._name)
        dataset = self._at(reduction)
        return self._read(dataset, Window(0, 0, dataset.width, dataset.height), bands)

    def close(self) -> None:
        """Close the file."""
        for dataset in self._datasets.values():
            dataset.close()

    def _at(self, reduction: int) -> Any:
        """The dataset of a reduction: GDAL numbers overviews from 0, the first of a file need not be 1/2."""
        if reduction not in self._datasets:
            factors = self._datasets[0].overviews(1)
            self._datasets[reduction] = self._open(overview_level=factors.index(1 << reduction))
        return self._datasets[reduction]

    def _open(self, **options: int) -> Any:
        import rasterio

        with translated(self._name), no_georeference_warning():
            return rasterio.open(self._path, **options)

    def _read(self, dataset: Any, window: Window, bands: Sequence[int]) -> NDArray[Any]:
        from rasterio.windows import Window as RasterioWindow

        # with several threads, GDAL's JPEG 2000 driver loses errors of tiles and hands out what was in memory
        with translated(self._name), gdal_threads() if dataset.driver == "JP2OpenJPEG" else nullcontext():
            pixels: NDArray[Any] = dataset.read(
                [band + 1 for band in bands], window=RasterioWindow(window.col, window.row, window.width, window.height)
            )
        return pixels


def georeference(data: bytes) -> tuple[int | None, Grid | None]:
    """EPSG code and grid of a JPEG 2000 file, from its first bytes up to and with the first SOT segment.

    Whatever box has them (GML, GeoTIFF), GDAL knows how to read it. `(None, None)` where it finds nothing.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    try:
        with (
            MemoryFile(data, ext=".jp2") as memory,
            no_georeference_warning(),
            rasterio.open(memory.name, driver="JP2OpenJPEG") as dataset,
        ):
            info = _info(dataset)
            return info.epsg, info.grid
    except RasterioError:
        return None, None


def check_request(
    width: int, height: int, reductions: tuple[int, ...], window: Window, reduction: int, name: str
) -> None:
    """Make sure that an image has a reduction, and something of a window.

    Raises:
        NotFoundError: There is no such reduction.
        InputError: The window lies wholly outside.
    """
    check_reduction(reductions, reduction, name)
    if window.intersection(Window(0, 0, width, height)) is None:
        raise InputError(
            f"{name}: window {window.col},{window.row},{window.width},{window.height} lies wholly outside the image",
            f"the image has {width} x {height} pixels, counted from 0",
        )


def check_reduction(reductions: tuple[int, ...], reduction: int, name: str) -> None:
    """Make sure that an image has a reduction.

    Raises:
        NotFoundError: It has not; the hint says which there are.
    """
    if reduction not in reductions:
        there = ", ".join(str(one) for one in reductions)
        raise NotFoundError(f"{name}: there is no reduction {reduction}", f"there are {there}; 0 is full resolution")


def checked_components(count: int, components: Sequence[int] | None, name: str) -> tuple[int, ...]:
    """The components asked for, counted from 0; all of them for None.

    Raises:
        NotFoundError: One is not there.
    """
    if components is None:
        return tuple(range(count))
    for component in components:
        if not 0 <= component < count:
            raise NotFoundError(f"{name}: there is no component {component}", f"it has {count}, counted from 0")
    return tuple(components)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn rasterio's exceptions into ours, with the name of the file in front."""
    from rasterio.errors import RasterioError

    try:
        yield
    except RasterioError as error:
        raise InputError(f"{name}: {first_cause(error)}") from None
    except MemoryError:
        raise InputError(f"{name}: the image is too large for this machine's memory") from None


def _info(dataset: Any) -> ImageInfo:
    epsg = dataset.crs.to_epsg() if dataset.crs else None
    factors = dataset.overviews(1)
    reductions = [0]
    while 1 << len(reductions) in factors:
        reductions.append(len(reductions))
    return ImageInfo(
        width=dataset.width,
        height=dataset.height,
        count=dataset.count,
        dtype=np.dtype(dataset.dtypes[0]),
        nodata=dataset.nodata,
        epsg=epsg,
        grid=_grid(dataset, epsg),
        reductions=tuple(reductions),
    )


def _grid(dataset: Any, epsg: int | None) -> Grid | None:
    transform = dataset.transform
    north_up = transform.b == 0 and transform.d == 0 and transform.a > 0 and transform.e == -transform.a
    if epsg is None or not north_up:
        return None
    return Grid(epsg, transform.c, transform.f, transform.a, dataset.width, dataset.height)
