"""`xarray.open_dataset("….SAFE", engine="s2kit", resolution=10)`: the entry point that xarray looks up."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from xarray.backends import BackendEntrypoint

from s2kit.archive.find import locate
from s2kit.cube.dataset import opened
from s2kit.cube.prepare import plan_cube
from s2kit.cube.request import CubeRequest
from s2kit.product.bands import in_order
from s2kit.product.ref import ProductRef
from s2kit.run.options import words
from s2kit.settings import Loaded, in_use

if TYPE_CHECKING:
    import xarray as xr


class S2kitBackend(BackendEntrypoint):
    """One product as a Dataset, read when it is looked at."""

    description = "Sentinel-2 products: SAFE folders, zips, s3:// and gs:// addresses, COG items"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "resolution", "bands", "mask_and_scale", "settings")

    def open_dataset(  # type: ignore[override]
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        drop_variables: str | Iterable[str] | None = None,
        resolution: int | None = None,
        bands: str | Iterable[str] | None = None,
        mask_and_scale: bool = True,
        settings: Loaded | None = None,
    ) -> "xr.Dataset":
        """Open a product.

        Args:
            filename_or_obj: A SAFE folder or zip, an address, a product's name.
            drop_variables: Bands to leave out.
            resolution: Side of a pixel in metres; None for the finest of the bands.
            bands: Bands and layers; None for all that are there.
            mask_and_scale: True gives reflectance as float32 with NaN, False reflectance x 10 000 as uint16 with 0.
            settings: Where defaults come from.

        Raises:
            NotFoundError: It is nowhere to be found.
            InputError: It is no product, or has no such band.
        """
        text, loaded = os.fspath(filename_or_obj), in_use(settings)
        dropped = {drop_variables} if isinstance(drop_variables, str) else set(drop_variables or ())
        if bands is None:
            there = {entry.band for entry in locate(ProductRef(text), loaded.settings).entries}
            bands = [name for name in in_order(there) if name not in _PICTURES]
        names = words(bands)
        request = CubeRequest.parse(
            loaded,
            products=text,
            bands=[name for name in names if name not in dropped],
            res=resolution,
            dtype="float32" if mask_and_scale else "uint16",
        )
        return opened(plan_cube(request))

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """True for what is called like a SAFE."""
        try:
            text = str(os.fspath(filename_or_obj)).rstrip("/").upper()
        except TypeError:
            return False
        return text.endswith((".SAFE", ".SAFE.ZIP"))


_PICTURES = frozenset({"TCI", "PVI"})
