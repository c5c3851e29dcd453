"""Files beside a picture that say where it lies and what it is: the world file and GDAL's `.aux.xml`."""

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from s2kit.core.grid import Grid
from s2kit.io.files import write_atomic

WORLD_SUFFIXES = {".jpg": ".jgw", ".png": ".pgw", ".webp": ".wpw"}


def sidecar_paths(picture: Path) -> tuple[Path, ...]:
    """The files that stand beside a JPEG, PNG or WebP; none for a GeoTIFF, which carries all in itself."""
    suffix = WORLD_SUFFIXES.get(picture.suffix)
    if suffix is None:
        return ()
    return picture.with_suffix(suffix), picture.with_name(f"{picture.name}.aux.xml")


def world_text(grid: Grid) -> str:
    """The six lines of a world file; its origin is the centre of the first pixel."""
    half = grid.resolution_m / 2
    numbers = (grid.resolution_m, 0.0, 0.0, -grid.resolution_m, grid.west + half, grid.north - half)
    return "".join(f"{number!r}\n" for number in numbers)


def aux_text(grid: Grid, tags: Mapping[str, str]) -> str:
    """GDAL's side file (PAM): CRS, geotransform and tags."""
    from rasterio.crs import CRS

    a, b, c, d, e, f = grid.geotransform
    items = "".join(f"    <MDI key={quoteattr(key)}>{escape(value)}</MDI>\n" for key, value in tags.items())
    return (
        "<PAMDataset>\n"
        f'  <SRS dataAxisToSRSAxisMapping="1,2">{escape(CRS.from_epsg(grid.epsg).to_wkt())}</SRS>\n'
        f"  <GeoTransform>{c!r}, {a!r}, {b!r}, {f!r}, {d!r}, {e!r}</GeoTransform>\n"
        f"  <Metadata>\n{items}  </Metadata>\n"
        "</PAMDataset>\n"
    )


def write_sidecars(picture: Path, grid: Grid, tags: Mapping[str, str]) -> None:
    """Write the files that stand beside a picture, each atomically; those of an older picture are replaced.

    Raises:
        OutputError: They cannot be written.
    """
    paths = sidecar_paths(picture)
    if paths:
        world, aux = paths
        write_atomic(world, world_text(grid).encode(), overwrite=True)
        write_atomic(aux, aux_text(grid, tags).encode(), overwrite=True)
