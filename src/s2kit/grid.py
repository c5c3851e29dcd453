"""Pixel grids, windows and bounds: whole numbers in pixels, floats in metres or degrees.

A grid is north-up with square pixels, as every Sentinel-2 tile is (PSD S2-PDGS-TAS-DI-PSD, section 3.4):
column numbers grow to the east, row numbers to the south, and the origin is the *outer* corner of the first pixel.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from s2kit.errors import InputError


class Bounds(NamedTuple):
    """A box: `west, south, east, north`, in the units of the CRS that goes with it."""

    west: float
    south: float
    east: float
    north: float

    @property
    def is_empty(self) -> bool:
        """True where the box holds no area."""
        return self.east <= self.west or self.north <= self.south


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A rectangle of pixels; it may reach beyond its image, whose pixels count from 0."""

    col: int
    """First column."""
    row: int
    """First row."""
    width: int
    """Columns; at least 1."""
    height: int
    """Rows; at least 1."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InputError(f"window of {self.width} x {self.height} pixels: both must be at least 1")

    @property
    def col_end(self) -> int:
        """The column after the last one."""
        return self.col + self.width

    @property
    def row_end(self) -> int:
        """The row after the last one."""
        return self.row + self.height

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows, columns)`, as numpy has it."""
        return self.height, self.width

    def intersection(self, other: "Window") -> "Window | None":
        """The pixels that both have, or None."""
        col, row = max(self.col, other.col), max(self.row, other.row)
        col_end, row_end = min(self.col_end, other.col_end), min(self.row_end, other.row_end)
        if col_end <= col or row_end <= row:
            return None
        return Window(col, row, col_end - col, row_end - row)

    def contains(self, other: "Window") -> bool:
        """True where no pixel of `other` lies outside."""
        return self.intersection(other) == other

    def shifted(self, cols: int, rows: int) -> "Window":
        """The same rectangle, moved."""
        return Window(self.col + cols, self.row + rows, self.width, self.height)

    def reduced(self, reduction: int) -> "Window":
        """The window at a JPEG 2000 reduction: both edges are divided by `2**reduction` and rounded up.

        This is the rule of ISO/IEC 15444-1 B.5 for the samples of a resolution level. Where it leaves none, because the
        window is narrower than a reduced pixel, the one before takes its place: no window within an image is reduced
        to one without.
        """
        scale = 1 << reduction
        col_end, row_end = -(-self.col_end // scale), -(-self.row_end // scale)
        col, row = min(-(-self.col // scale), col_end - 1), min(-(-self.row // scale), row_end - 1)
        return Window(col, row, col_end - col, row_end - row)


@dataclass(frozen=True, slots=True)
class Grid:
    """A north-up raster grid with square pixels in a projected CRS."""

    epsg: int
    """EPSG code of the CRS, 32631 for UTM zone 31 north."""
    west: float
    """x of the outer left edge, in the CRS's unit."""
    north: float
    """y of the outer top edge, in the CRS's unit."""
    resolution_m: float
    """Side of a pixel, in the CRS's unit."""
    width: int
    """Columns."""
    height: int
    """Rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows, columns)`."""
        return self.height, self.width

    @property
    def bounds(self) -> Bounds:
        """The outer edges of the grid in its CRS."""
        return self.bounds_of(self.window)

    @property
    def window(self) -> Window:
        """All pixels of the grid."""
        return Window(0, 0, self.width, self.height)

    @property
    def geotransform(self) -> tuple[float, float, float, float, float, float]:
        """`(a, b, c, d, e, f)` of `x = a*col + b*row + c`, `y = d*col + e*row + f`, in affine's order."""
        return (self.resolution_m, 0.0, self.west, 0.0, -self.resolution_m, self.north)

    def bounds_of(self, window: Window) -> Bounds:
        """The outer edges of a window in the grid's CRS."""
        return Bounds(
            self.west + window.col * self.resolution_m,
            self.north - window.row_end * self.resolution_m,
            self.west + window.col_end * self.resolution_m,
            self.north - window.row * self.resolution_m,
        )

    def pixel_at(self, x: float, y: float) -> tuple[int, int]:
        """`(col, row)` of the pixel that holds a point of the grid's CRS; it may lie outside the grid."""
        return (
            math.floor((x - self.west) / self.resolution_m),
            math.floor((self.north - y) / self.resolution_m),
        )

    def covering(self, bounds: Bounds, tolerance: float = 1e-6) -> Window:
        """The smallest window whose pixels cover a box, both in the grid's CRS.

        Args:
            bounds: The box.
            tolerance: Share of a pixel by which an edge may overlap a neighbour without taking it in.
        """
        col = math.floor((bounds.west - self.west) / self.resolution_m + tolerance)
        row = math.floor((self.north - bounds.north) / self.resolution_m + tolerance)
        col_end = math.ceil((bounds.east - self.west) / self.resolution_m - tolerance)
        row_end = math.ceil((self.north - bounds.south) / self.resolution_m - tolerance)
        return Window(col, row, max(1, col_end - col), max(1, row_end - row))

    def cropped(self, window: Window) -> "Grid":
        """The grid of a window's pixels."""
        west, _, _, north = self.bounds_of(window)
        return Grid(self.epsg, west, north, self.resolution_m, window.width, window.height)

    def with_resolution(self, resolution_m: float) -> "Grid":
        """The same outline with pixels of another size, rounded to whole pixels."""
        scale = self.resolution_m / resolution_m
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        return Grid(self.epsg, self.west, self.north, float(resolution_m), width, height)

    def reduced(self, reduction: int) -> "Grid":
        """The grid of a JPEG 2000 resolution level: sizes are rounded up, pixels are `2**reduction` times as wide."""
        scale = 1 << reduction
        return Grid(
            self.epsg,
            self.west,
            self.north,
            self.resolution_m * scale,
            -(-self.width // scale),
            -(-self.height // scale),
        )
