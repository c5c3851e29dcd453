"""Areas of interest from files: text formats, Shapefile and GeoPackage, whole folders, standard input, other CRSs.

rasterio reprojects, pyogrio (the `vector` extra) reads Shapefile and GeoPackage; their exceptions stay here.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import Aoi, clean, merged, with_unique_names
from s2kit.area.aoi_formats import WGS84, RawArea, looks_like_geometry, read_geometries
from s2kit.errors import ConfigError, InputError, NotFoundError

TEXT_SUFFIXES = frozenset((".geojson", ".json", ".wkt", ".kml", ".csv", ".txt"))
VECTOR_SUFFIXES = frozenset((".shp", ".gpkg"))
MAX_FILE_BYTES = 512 * 1024**2
"""Larger text files are refused: they are no area of interest."""


@dataclass(frozen=True, slots=True)
class AoiSet:
    """The areas of one or more sources, and what had to be done to them."""

    aois: tuple[Aoi, ...]
    notes: tuple[str, ...] = ()


def read_aois(sources: Iterable[str | Path], *, each_feature: bool = False) -> AoiSet:
    """The areas that a user named.

    Args:
        sources: Each a file, a folder of such files, `-` for standard input, or WKT or GeoJSON itself.
        each_feature: True makes every feature of a file an area of its own, under its own name;
            False makes one area of each file, under the file's name.

    Raises:
        NotFoundError: No such file, or a folder without any.
        InputError: A source that is empty, in no known format, or no place on Earth.
        ConfigError: A Shapefile or GeoPackage without pyogrio.
    """
    aois: list[Aoi] = []
    notes: list[str] = []
    for source in sources:
        for label, stem, raw in _open(source):
            cleaned = [(area, clean(_to_lonlat(area, label), label)) for area in raw]
            notes += dict.fromkeys(note for _, result in cleaned for note in result.notes)
            if each_feature:
                aois += [
                    Aoi(area.name or _numbered(stem, i, len(raw)), r.geometry) for i, (area, r) in enumerate(cleaned)
                ]
            else:
                name = stem or raw[0].name or "aoi"
                aois.append(merged([Aoi(name, result.geometry) for _, result in cleaned], name))
    return AoiSet(with_unique_names(aois), tuple(notes))


def _numbered(stem: str, index: int, count: int) -> str:
    return (stem or "aoi") if count == 1 else f"{stem or 'aoi'}-{index + 1}"


def _open(source: str | Path) -> Iterable[tuple[str, str, tuple[RawArea, ...]]]:
    """`(label, name for its areas, areas)` of every file that a source stands for."""
    if isinstance(source, str) and source.strip() == "-":
        yield "AOI on standard input", "stdin", read_geometries(_standard_input(), "AOI on standard input")
    elif isinstance(source, str) and looks_like_geometry(source):
        yield "--aoi", "", read_geometries(source, "--aoi")
    elif Path(source).is_dir():
        files = sorted(file for file in Path(source).iterdir() if _is_vector_file(file))
        if not files:
            wanted = ", ".join(sorted(TEXT_SUFFIXES | VECTOR_SUFFIXES))
            raise NotFoundError(f"no AOI file in folder {source}", f"files that count end in {wanted}")
        for file in files:
            yield file.name, file.stem, _read_file(file)
    else:
        path = Path(source)
        yield path.name, path.stem, _read_file(path)


def _is_vector_file(file: Path) -> bool:
    return file.suffix.lower() in TEXT_SUFFIXES | VECTOR_SUFFIXES and not file.name.startswith(".") and file.is_file()


def _standard_input() -> str:
    if sys.stdin.isatty():
        raise InputError("--aoi - waits for an area on standard input, which is a terminal", "pipe a GeoJSON into it")
    return _decoded(sys.stdin.buffer.read(), "AOI on standard input")


def _decoded(data: bytes, label: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{label} is not UTF-8 text", "save it as UTF-8, or name a .gpkg or .shp file") from error


def _read_file(path: Path) -> tuple[RawArea, ...]:
    if not path.exists():
        raise NotFoundError(f"AOI {path} does not exist", "--aoi takes a file, a folder, WKT, GeoJSON text or '-'")
    if path.suffix.lower() in VECTOR_SUFFIXES:
        return _read_vector(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"AOI {path} is larger than {MAX_FILE_BYTES // 1024**2} MB", "is it an area of interest?")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"AOI {path} cannot be read: {error.strerror}") from error
    return read_geometries(_decoded(data, f"AOI {path}"), f"AOI {path}")


def _read_vector(path: Path) -> tuple[RawArea, ...]:
    try:
        from pyogrio.errors import DataSourceError
        from pyogrio.raw import read
    except ImportError as error:
        raise ConfigError(
            f"AOI {path}: reading {path.suffix} files needs pyogrio", "pip install 's2kit[vector]', or use GeoJSON"
        ) from error
    try:
        meta, _, geometries, values = read(path)
    except (DataSourceError, ValueError, OSError) as error:
        raise InputError(f"AOI {path} cannot be read: {' '.join(str(error).split())}") from error
    fields = [str(field) for field in meta["fields"]]
    column = next((fields.index(name) for name in ("name", "Name", "NAME", "id", "ID", "fid") if name in fields), None)
    names = values[column] if column is not None else [None] * len(geometries)
    crs = str(meta["crs"] or WGS84)
    areas = tuple(
        RawArea(None if name is None else str(name), shapely.from_wkb(wkb), crs)
        for wkb, name in zip(geometries, names, strict=True)
        if wkb is not None
    )
    if not areas:
        raise InputError(f"AOI {path} holds no geometry")
    return areas


def _to_lonlat(area: RawArea, label: str) -> BaseGeometry:
    if area.crs == WGS84:
        return area.geometry
    from rasterio.crs import CRS
    from rasterio.errors import CRSError, RasterioError
    from rasterio.warp import transform_geom

    try:
        source = CRS.from_string(area.crs)
        moved = transform_geom(source, CRS.from_epsg(4326), mapping(area.geometry))
    except CRSError as error:
        raise InputError(f"{label}: CRS {area.crs} is not known", "name it as EPSG:n") from error
    except (RasterioError, ValueError, RuntimeError) as error:
        raise InputError(f"{label}: cannot be brought from {area.crs} to longitude and latitude: {error}") from error
    return shape(moved)
