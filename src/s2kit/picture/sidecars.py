"""Files beside a picture that say where it lies and what it is: the world file and GDAL's `.aux.xml`."""

from collections.abc import Mapping
from html import escape as quoted  # xml.sax.saxutils loads urllib.request, http.client and ssl
from pathlib import Path

from s2kit.grid import Grid
from s2kit.run.files import write_atomic

_UTM_ZONES = 60
WORLD_SUFFIXES = {".jpg": ".jgw", ".png": ".pgw", ".webp": ".wpw"}


def sidecar_paths(picture: Path) -> tuple[Path, ...]:
    """The files beside a JPEG, PNG or WebP; none for a GeoTIFF, which carries all in itself."""
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
    a, b, c, d, e, f = grid.geotransform
    items = "".join(f'    <MDI key="{quoted(key)}">{quoted(value, quote=False)}</MDI>\n' for key, value in tags.items())
    return (
        "<PAMDataset>\n"
        f'  <SRS dataAxisToSRSAxisMapping="1,2">{quoted(crs_text(grid.epsg), quote=False)}</SRS>\n'
        f"  <GeoTransform>{c!r}, {a!r}, {b!r}, {f!r}, {d!r}, {e!r}</GeoTransform>\n"
        f"  <Metadata>\n{items}  </Metadata>\n"
        "</PAMDataset>\n"
    )


def crs_text(epsg: int) -> str:
    """A CRS as WKT 1; those of UTM, which all Sentinel-2 tiles have, are written here, since GDAL is slow to load.

    Zone 1 to 60 north is EPSG:32601 to 32660, south EPSG:32701 to 32760 (EPSG dataset, method 9807).
    """
    south, zone = divmod(epsg - 32600, 100)
    if south not in {0, 1} or not 1 <= zone <= _UTM_ZONES:
        from rasterio.crs import CRS

        return str(CRS.from_epsg(epsg).to_wkt())
    return (
        f'PROJCS["WGS 84 / UTM zone {zone}{"S" if south else "N"}",GEOGCS["WGS 84",DATUM["WGS_1984",'
        'SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],'
        'PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
        'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]],'
        'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],'
        f'PARAMETER["central_meridian",{6 * zone - 183}],PARAMETER["scale_factor",0.9996],'
        f'PARAMETER["false_easting",500000],PARAMETER["false_northing",{10000000 if south else 0}],'
        'UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],AXIS["Northing",NORTH],'
        f'AUTHORITY["EPSG","{epsg}"]]'
    )


def write_sidecars(picture: Path, grid: Grid, tags: Mapping[str, str], *, synced: bool = True) -> None:
    """Write the files beside a picture, each atomically; those of an older picture are replaced.

    Raises:
        OutputError: They cannot be written.
    """
    paths = sidecar_paths(picture)
    if paths:
        world, aux = paths
        write_atomic(world, world_text(grid).encode(), overwrite=True, synced=synced)
        write_atomic(aux, aux_text(grid, tags).encode(), overwrite=True, synced=synced)
