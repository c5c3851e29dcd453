"""Where a chip's pixels lie: snapped to the tile's own grid, exactly N x N.

All bands of a chip share one outline. Its north-west corner lies on the grid of the coarsest band in use, so that
no pixel of any band is cut; the first band (or a wanted resolution) sets the pixels.
"""

import math
from dataclasses import dataclass

from s2kit.errors import InputError
from s2kit.grid import Bounds, Grid, Window

DEFAULT_SIZE_M = 1280.0
LARGEST_SIZE_M = 5120.0


@dataclass(frozen=True, slots=True)
class ChipSize:
    """The side of a chip: in metres, or in pixels of its first band; exactly one of the two."""

    metres: float | None = None
    px: int | None = None

    def __post_init__(self) -> None:
        if (self.metres is None) == (self.px is None):
            raise InputError("the size of a chip is either in metres (--chipsize) or in pixels (--size-px)")
        side = self.metres if self.metres is not None else self.px
        if side is None or not math.isfinite(side) or side <= 0:
            raise InputError(f"a chip of size {side}", "sizes are above 0")

    def side_px(self, resolution_m: float) -> int:
        """Pixels along one side; metres that are no whole number of pixels are rounded up."""
        if self.px is not None:
            return self.px
        assert self.metres is not None
        return max(1, math.ceil(self.metres / resolution_m - 1e-9))

    def side_m(self, resolution_m: float) -> float:
        """Metres along one side, for a first band of a resolution."""
        return self.side_px(resolution_m) * resolution_m

    @property
    def about_m(self) -> float:
        """Metres along one side, pixels taken as 10 m: for selecting products before any is opened."""
        return self.metres if self.metres is not None else (self.px or 0) * 10.0


def check_size(size: ChipSize, *, force: bool) -> None:
    """Refuse chips above 5120 m, the most that the legacy chip services allowed.

    Args:
        size: The size asked for.
        force: True lets any size pass.

    Raises:
        InputError: The chip is larger and `force` is False.
    """
    if size.about_m > LARGEST_SIZE_M and not force:
        raise InputError(
            f"a chip of {size.about_m:g} m is larger than {LARGEST_SIZE_M:g} m",
            "--force cuts it all the same; s2kit render draws whole areas",
        )


def chip_frame(band_grid: Grid, coarsest_m: float, centre: tuple[float, float], size: ChipSize) -> Grid:
    """The grid of a chip: N x N pixels of the first band around a point.

    Args:
        band_grid: The tile's grid at the resolution that the chip shall have.
        coarsest_m: Pixel size in metres of the coarsest band in use.
        centre: `(x, y)` in the grid's CRS.
        size: Side of the chip.

    Returns:
        A grid whose origin is a corner of the coarsest band's grid and whose centre is as near to the point as the
        snapping allows; it may reach beyond the tile.
    """
    step = max(coarsest_m, band_grid.resolution_m)
    side_px = size.side_px(band_grid.resolution_m)
    half = side_px * band_grid.resolution_m / 2
    west = band_grid.west + _nearest(centre[0] - half - band_grid.west, step) * step
    north = band_grid.north - _nearest(band_grid.north - centre[1] - half, step) * step
    return Grid(band_grid.epsg, west, north, band_grid.resolution_m, side_px, side_px)


def _nearest(distance: float, step: float) -> int:
    return math.floor(distance / step + 0.5)


def window_in(grid: Grid, frame: Grid) -> Window:
    """The pixels of a band's grid that cover a chip; they may reach beyond the tile."""
    return grid.covering(frame.bounds)


def at_resolution(frame: Grid, resolution_m: float) -> Grid:
    """A chip's outline with pixels of another size; a part pixel at the south or east edge is taken whole."""
    side_px = max(1, math.ceil(frame.width * frame.resolution_m / resolution_m - 1e-9))
    return Grid(frame.epsg, frame.west, frame.north, resolution_m, side_px, side_px)


def square_around(centre: tuple[float, float], side_m: float) -> Bounds:
    """The box of a side around a point, both in a projected CRS."""
    x, y = centre
    return Bounds(x - side_m / 2, y - side_m / 2, x + side_m / 2, y + side_m / 2)


def is_utm(epsg: int) -> bool:
    """True for the UTM zones that ESA's tiles are in."""
    return 32600 < epsg <= 32660 or 32700 < epsg <= 32760


def utm_epsg(lon: float, lat: float) -> int:
    """The UTM zone of a point, with the exceptions of Norway and Svalbard as in MGRS (NGA.STND.0037)."""
    zone = min(60, int((lon + 180) % 360 // 6) + 1)
    if 56 <= lat < 64 and 3 <= lon < 12:
        zone = 32
    if 72 <= lat < 84:
        for west, east, svalbard in ((0, 9, 31), (9, 21, 33), (21, 33, 35), (33, 42, 37)):
            if west <= lon < east:
                zone = svalbard
    return (32600 if lat >= 0 else 32700) + zone
