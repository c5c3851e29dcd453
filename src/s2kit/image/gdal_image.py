"""Images through plain GDAL: COG, GeoTIFF, and every JPEG 2000 file whose packets cannot be picked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.grid import Window
from s2kit.image.gdal_open import open_raster
from s2kit.jp2.decode import first_cause, gdal_threads
from s2kit.jp2.georeference import dataset_info
from s2kit.jp2.reader import ImageInfo, ImageSize, check_reduction, check_request, checked_components
from s2kit.store.byte_source import Traffic


class GdalImage:
    """One image, opened with rasterio. Not to be shared by threads."""

    def __init__(self, path: str, name: str, driver: str) -> None:
        """Open an image.

        Args:
            path: What GDAL calls it, `/vsi…` included.
            name: What messages call it.
            driver: GDAL's driver, see `gdal_open.driver_of`; no other is tried.

        Raises:
            InputError: GDAL cannot read it.
        """
        self._path, self._name, self._driver = path, name, driver
        self._datasets: dict[int, Any] = {0: self._open()}
        self._info = dataset_info(self._datasets[0])
        self._wavelet = self._datasets[0].driver == "JP2OpenJPEG"

    @property
    def info(self) -> ImageInfo:
        """What the image is."""
        return self._info

    @property
    def size(self) -> ImageSize:
        """The part of `info` that costs nothing."""
        info = self._info
        return ImageSize(info.width, info.height, info.count, info.dtype, info.reductions, self._wavelet)

    @property
    def traffic(self) -> Traffic:
        """GDAL does not say what it reads."""
        return Traffic()

    def window(
        self, window: Window, reduction: int = 0, components: Sequence[int] | None = None, fill: int = 0
    ) -> NDArray[Any]:
        """Read a window of full-resolution pixels; see `open.Image.window`."""
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
        """Read the whole image at a reduction; see `open.Image.level`."""
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

    def _open(self, **options: Any) -> Any:
        with translated(self._name):
            return open_raster(self._path, self._driver, **options)

    def _read(self, dataset: Any, window: Window, bands: Sequence[int]) -> NDArray[Any]:
        from rasterio.windows import Window as RasterioWindow

        # with several threads, GDAL's JPEG 2000 driver loses errors of tiles and hands out what was in memory
        with translated(self._name), gdal_threads() if dataset.driver == "JP2OpenJPEG" else nullcontext():
            pixels: NDArray[Any] = dataset.read(
                [band + 1 for band in bands], window=RasterioWindow(window.col, window.row, window.width, window.height)
            )
        return pixels


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
