"""The formats that a cube is written in, where it goes, and what an unfinished one holds."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from s2kit.errors import UsageError
from s2kit.picture.formats import PictureFormat
from s2kit.picture.stretch import Stretch, StretchKind
from s2kit.run.files import fsync_folder, remove, translate_os_error

Shares = Mapping[str, Mapping[int, float]]
"""`data_pct` and `clear_pct`, each by step."""


_IMAGES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp"})


class CubeFormat(StrEnum):
    """What a cube is written as."""

    ZARR = "zarr"
    NETCDF = "netcdf"
    COG = "cog"
    """A GeoTIFF for each time and layer."""
    MULTICOG = "multicog"
    """A GeoTIFF for each time, with all layers as its bands."""
    PICTURES = "pictures"
    """A picture for each time: bands in colours, indices and classes with their palettes."""

    @classmethod
    def of(cls, text: str | None, path: Path) -> "CubeFormat":
        """The format of `--format`, else that of the output's name: `.nc` is netCDF, anything else Zarr.

        Raises:
            UsageError: No such format, or the name of an image.
        """
        if text is None:
            if path.suffix.lower() in _IMAGES:
                raise UsageError(
                    f"{path} is the name of one image, and a cube has one for each time",
                    "name a folder, and add --format cog, multicog or pictures",
                )
            return cls.NETCDF if path.suffix.lower() in {".nc", ".nc4"} else cls.ZARR
        try:
            return cls(text.strip().lower())
        except ValueError as error:
            raise UsageError(f"--format {text!r} is not known", f"take one of {', '.join(cls)}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStyle:
    """How the pictures of a cube are drawn."""

    form: PictureFormat = PictureFormat.JPEG
    stretch: Stretch = field(default_factory=Stretch)
    quality: int = 90
    """Of JPEG and WebP, 1 to 100."""
    same_stretch: bool = True
    """True for one stretch for all times."""
    scl_is_drawn: bool = True
    """False if SCL beside bands only says which pixels are clear."""

    @property
    def stretch_needs_clear(self) -> bool:
        """True if clouds are to be left out of the percentiles."""
        return self.stretch.kind is StretchKind.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class CubeOutput:
    """Where a cube goes and how."""

    path: Path
    form: CubeFormat = CubeFormat.ZARR
    overwrite: bool = False
    append: bool = False
    jobs: int = 0
    style: PictureStyle = field(default_factory=PictureStyle)
    """Of pictures."""


@dataclass(frozen=True, slots=True)
class Built:
    """What an unfinished cube holds."""

    steps: tuple[int, ...] = ()
    """Steps of the plan, in order."""
    places: tuple[int, ...] = ()
    """Where each of them lies in the unfinished cube."""
    shape: tuple[int, int, int] = (0, 0, 0)
    """Of the unfinished cube: `(times, rows, columns)`."""
    shares: Shares = field(default_factory=dict, hash=False)

    @property
    def shares_in_order(self) -> dict[str, list[float]]:
        """`data_pct` and `clear_pct` of the steps."""
        return {name: [values[step] for step in self.steps] for name, values in self.shares.items()}


def replace_folder(part: Path, path: Path) -> None:
    """Put a finished folder in its place; what was there goes.

    Raises:
        OutputError: It cannot be moved.
    """
    try:
        os.sync()
        old = path.with_name(f"{path.name}.old.part") if path.exists() else None
        if old is not None:
            remove(old)
            path.rename(old)
        part.rename(path)
        if old is not None:
            remove(old)
        fsync_folder(path.parent)
    except OSError as error:
        raise translate_os_error(error, path) from error
