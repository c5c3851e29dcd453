"""The formats that a cube is written in: one writer a row."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from s2kit.cube.plan import CubePlan
from s2kit.errors import UsageError
from s2kit.picture.formats import PictureFormat
from s2kit.picture.stretch import Stretch, StretchKind
from s2kit.run.files import fsync_folder, remove, translate_os_error

Shares = Mapping[str, Mapping[int, float]]
"""`data_pct` and `clear_pct`, each by step."""


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
            UsageError: No such format.
        """
        if text is None:
            return cls.NETCDF if path.suffix.lower() in {".nc", ".nc4"} else cls.ZARR
        try:
            return cls(text.strip().lower())
        except ValueError as error:
            raise UsageError(f"--format {text!r} is not known", f"take one of {', '.join(cls)}") from error

    def check(self) -> None:
        """Raise `ConfigError` if the package that writes it is not installed."""
        if self is CubeFormat.ZARR:
            from s2kit.cube.zarr_store import library

            library()
        elif self is CubeFormat.NETCDF:
            from s2kit.cube.netcdf import library as netcdf

            netcdf()


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


Writer = Callable[[CubePlan, Built, Path, CubeOutput], tuple[Path, ...]]
"""Finishes an unfinished cube, puts it in its place, and returns the files."""


def writer_of(form: CubeFormat) -> Writer:
    """The writer of a format."""
    match form:
        case CubeFormat.ZARR:
            return _zarr
        case CubeFormat.NETCDF:
            from s2kit.cube import netcdf

            return netcdf.publish
        case CubeFormat.PICTURES:
            from s2kit.cube import pictures

            return pictures.publish
        case _:
            from s2kit.cube import geotiffs

            return geotiffs.publish


def _zarr(plan: CubePlan, built: Built, part: Path, output: CubeOutput) -> tuple[Path, ...]:
    from s2kit.cube import zarr_store

    del plan
    zarr_store.finish(part, built.shares_in_order)
    replace_folder(part, output.path)
    return (output.path,)


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
