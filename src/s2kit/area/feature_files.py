"""Features from files, whole folders and standard input: the one reader of vector data.

Text formats are parsed by `area/feature_text.py`; pyogrio (the `vector` extra) reads Shapefile, GeoPackage and
FlatGeobuf, pyarrow (the `parquet` extra) GeoParquet. What a file is, its first bytes tell, and only then is it handed
to the library for that format, so that a file that poses as another is not opened by whatever driver accepts it.
"""

import codecs
import glob
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import shapely

from s2kit.area.feature import WGS84, Feature, FeatureSet, feature_set, normal_crs
from s2kit.area.feature_text import looks_like_geometry, parse_features
from s2kit.errors import ConfigError, InputError, NotFoundError, S2KitError
from s2kit.run.stdin import read_stdin

MAX_FILE_BYTES = 512 * 1024**2
"""Larger text files, and archives that unpack to more, are refused: they are no areas of interest."""
TEXT_SUFFIXES = (".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson", ".wkt", ".kml", ".csv", ".txt")
SUFFIXES = frozenset((*TEXT_SUFFIXES, ".kmz", ".zip", ".shp", ".gpkg", ".fgb", ".parquet", ".geoparquet"))
"""Files of a folder that count."""

_MAGIC = {
    b"\x00\x00\x27\x0a": "shp",
    b"SQLite format 3\x00": "gpkg",
    b"fgb\x03": "fgb",
    b"PAR1": "parquet",
    b"PK\x03\x04": "zip",
}
_BINARY_SUFFIXES = {".shp": "Shapefile", ".gpkg": "GeoPackage", ".fgb": "FlatGeobuf", ".parquet": "GeoParquet"}
_BAR_HINT = "behind the bar stand layername=NAME and crs=EPSG:n"
CRS_WORDS = "--crs EPSG:n of parcels, or 'FILE|crs=EPSG:n', names another"
LAYER_HINT = "choose one with --layer-name NAME of parcels, or as 'FILE|layername=NAME'"
_LIKE_WKT = re.compile(r"\s*[A-Za-z]+\s*[zmZM]*\s*\(\(?\s*[-+.\d]+\s+[-+.\d]")
"""Most likely WKT with a mistake in its first word."""
_DBF_LANGUAGE = 29
"""Position of the byte that names the encoding of a DBF; 0 names none."""
_SHAPEFILE_PARTS = frozenset((".shp", ".shx", ".dbf", ".prj", ".cpg"))


@dataclass(frozen=True, slots=True)
class VectorSource:
    """A vector file as a user names it."""

    path: Path
    layer: str | None = None
    """Layer to read, of a file that has several."""
    crs: str | None = None
    """CRS of a file that names none."""


def named_source(text: str, layer: str | None = None, crs: str | None = None) -> str:
    """A file with the words that `parse_source` reads."""
    words = (("layername", layer), ("crs", crs))
    return "|".join([text, *(f"{key}={value}" for key, value in words if value is not None)])


def parse_source(text: str | Path) -> VectorSource:
    """A file with what it does not say by itself, as QGIS writes it: `FILE|layername=NAME`, `FILE|crs=EPSG:2154`.

    Raises:
        InputError: Something else stands behind the bar, or one thing twice.
    """
    name, *words = str(text).split("|")
    given = dict(word.partition("=")[::2] for word in dict.fromkeys(words))
    if len(given) < len(set(words)):
        raise InputError(f"{text}: one word is given twice", _BAR_HINT)
    unknown = sorted(set(given) - {"layername", "crs"})
    if unknown or not all(given.values()):
        raise InputError(f"{text}: {unknown[0] if unknown else 'an empty word'} is not known", _BAR_HINT)
    return VectorSource(Path(name), given.get("layername"), given.get("crs"))


def read_features(source: str | Path) -> list[FeatureSet]:
    """The features of every file that a source stands for.

    Args:
        source: A file (see `parse_source`), a folder of files, `-` for standard input, or WKT or GeoJSON itself.

    Raises:
        NotFoundError: No such file, or a folder without any.
        InputError: A source that is empty, in no known format, or has no such layer.
        ConfigError: A format whose library is not installed.
    """
    if isinstance(source, str) and source.strip() == "-":
        return [parse_features(_standard_input(), "standard input", "stdin")]
    if isinstance(source, str) and looks_like_geometry(source):
        return [parse_features(source, "the geometry that was typed")]
    named = parse_source(source)
    path = named.path
    if not _exists(path, str(source)):
        if _LIKE_WKT.match(str(source)):
            raise _no_shape(str(source))
        raise NotFoundError(f"{path} does not exist", "name a file, a folder, WKT, GeoJSON text or '-'")
    if not path.is_dir():
        return [read_file(path, layer=named.layer, crs=named.crs)]
    files = sorted(file for file in path.iterdir() if _counts(file))
    if not files:
        raise NotFoundError(f"{path}: no vector file in this folder", f"files end in {', '.join(sorted(SUFFIXES))}")
    return [read_file(file, layer=named.layer, crs=named.crs) for file in files]


def read_file(path: Path, *, layer: str | None = None, crs: str | None = None) -> FeatureSet:
    """The features of one file; see `read_features`."""
    label, stem = str(path), path.stem
    try:
        with path.open("rb") as file:
            start = file.read(16)
            kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "text")
            data = start + file.read(MAX_FILE_BYTES + 1) if kind == "text" else start
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    expected = _BINARY_SUFFIXES.get(path.suffix.lower())
    if kind == "text" and expected:
        raise InputError(f"{path} cannot be read: it is no {expected}", "its first bytes are those of another format")
    if kind in {"shp", "gpkg", "fgb"}:
        return _by_pyogrio(path, label, stem, layer, crs)
    if kind == "parquet":
        return _by_pyarrow(path, label, stem)
    if kind == "zip":
        return _from_zip(path, label, stem, layer, crs)
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than {MAX_FILE_BYTES // 1024**2} MB", "is it an area of interest?")
    return parse_features(data, label, stem)


def _exists(path: Path, text: str) -> bool:
    """True if there is something at a path; a text that cannot be a path is most likely mistyped WKT."""
    try:
        return path.exists()
    except (OSError, ValueError):
        raise _no_shape(text) from None


def _no_shape(text: str) -> InputError:
    shown = f"{text[:60]!r} …" if len(text) > 60 else repr(text)
    return InputError(
        f"{shown} is neither a file nor valid WKT or GeoJSON", "WKT begins as in POLYGON((1 43, 2 43, …))"
    )


def _counts(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def _standard_input() -> bytes:
    return read_stdin("-", "pipe a GeoJSON into it")


def _by_pyogrio(path: Path, label: str, stem: str, layer: str | None, crs: str | None) -> FeatureSet:
    try:
        from pyogrio import list_layers
        from pyogrio.errors import DataLayerError, DataSourceError
        from pyogrio.raw import read
    except ImportError as error:
        raise ConfigError(
            f"{label}: reading {path.suffix} files needs pyogrio", "pip install 's2kit[vector]', or use GeoJSON"
        ) from error
    try:
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            layers = [str(name) for name, kind in list_layers(path) if kind is not None]
            chosen = _chosen_layer(layers, layer, label)
            meta, _, geometries, values = read(path, layer=chosen, force_2d=True, encoding=_encoding(path))
    except S2KitError:
        raise
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        raise InputError(f"{label} cannot be read: {' '.join(str(error).split())}") from error
    columns = [str(name) for name in meta["fields"]]
    rows = zip(*values, strict=True) if columns else (() for _ in geometries)
    own = meta["crs"] or crs
    code = normal_crs(str(own), label) if own else WGS84
    found = [
        None
        if wkb is None
        else Feature(
            shapely.from_wkb(wkb), code, {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        )
        for wkb, row in zip(geometries, rows, strict=True)
    ]
    result = feature_set(label, stem, found, columns=columns)
    notes = [f"{label}: {' '.join(str(remark.message).split())}" for remark in remarks]
    if not own:
        notes.append(f"{label} names no CRS: its coordinates are taken for longitude and latitude ({CRS_WORDS})")
    return FeatureSet(label, stem, result.features, result.columns, (*result.notes, *dict.fromkeys(notes)))


def _encoding(path: Path) -> str | None:
    """UTF-8 for a Shapefile that names no encoding and whose attributes are UTF-8; None leaves it to GDAL."""
    dbf = next(
        (file for file in path.parent.glob(f"{glob.escape(path.stem)}.*") if file.suffix.lower() == ".dbf"), None
    )
    if path.suffix.lower() != ".shp" or dbf is None or path.with_suffix(".cpg").exists():
        return None
    with dbf.open("rb") as file:
        head = file.read(32)
        if len(head) < 32 or head[_DBF_LANGUAGE]:
            return None
        file.seek(int.from_bytes(head[8:10], "little"))
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
        except UnicodeDecodeError:
            return None
    return "UTF-8"


def _chosen_layer(layers: list[str], layer: str | None, label: str) -> str:
    """The layer to read.

    Raises:
        InputError: None has a geometry, several have, or none of that name.
    """
    if layer is not None and layer not in layers:
        raise InputError(f"{label} has no layer {layer!r}", f"it has {', '.join(layers) or 'none'}")
    if not layers:
        raise InputError(f"{label} holds no geometry")
    if layer is None and len(layers) > 1:
        raise InputError(f"{label} has {len(layers)} layers: {', '.join(layers)}", LAYER_HINT)
    return layer or layers[0]


def _by_pyarrow(path: Path, label: str, stem: str) -> FeatureSet:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ConfigError(
            f"{label}: reading GeoParquet needs pyarrow", "pip install 's2kit[parquet]', or save it as GeoJSON"
        ) from error
    try:
        table = parquet.read_table(path)
        about = json.loads((table.schema.metadata or {}).get(b"geo", b"{}"))
    except (ArrowException, OSError, ValueError) as error:
        raise InputError(f"{label} cannot be read: {' '.join(str(error).split())}") from error
    column = about.get("primary_column")
    details = about.get("columns", {}).get(column, {})
    if details.get("encoding") != "WKB":
        raise InputError(f"{label}: no GeoParquet with WKB geometries", "save it as GeoParquet 1.0 or 1.1, or GeoJSON")
    crs = _projjson_crs(details.get("crs"), label)
    names = [str(name) for name in table.column_names if name != column]
    found = [
        None
        if row[column] is None
        else Feature(shapely.force_2d(shapely.from_wkb(row[column])), crs, {name: _plain(row[name]) for name in names})
        for row in table.to_pylist()
    ]
    return feature_set(label, stem, found, columns=names)


def _projjson_crs(value: object, label: str) -> str:
    """The CRS of a GeoParquet column: PROJJSON with an identifier; longitude and latitude if it has none."""
    if value is None:
        return WGS84
    identifier = value.get("id") if isinstance(value, Mapping) else None
    if not isinstance(identifier, Mapping):
        raise InputError(f"{label}: its CRS has no identifier", "save it in a CRS with an EPSG code")
    return normal_crs(f"{identifier.get('authority')}:{identifier.get('code')}", label)


def _from_zip(path: Path, label: str, stem: str, layer: str | None, crs: str | None) -> FeatureSet:
    """A KMZ, or a zip with one Shapefile or one other vector file."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            wanted = [info for info in members if PurePosixPath(info.filename).suffix.lower() in SUFFIXES - {".zip"}]
            if not wanted:
                raise InputError(f"{label}: no vector file in this zip", f"files end in {', '.join(sorted(SUFFIXES))}")
            if len(wanted) > 1:
                names = ", ".join(info.filename for info in wanted[:3])
                raise InputError(f"{label}: holds {len(wanted)} vector files: {names} …", "unpack it and name one")
            with _unpacked(archive, members, wanted[0], label) as file:
                inner = read_file(file, layer=layer, crs=crs)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InputError(f"{label} cannot be read: {error}", "the zip is damaged") from error
    notes = tuple(note.replace(inner.label, label) for note in inner.notes)
    return FeatureSet(label, stem, inner.features, inner.columns, notes)


@contextmanager
def _unpacked(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], wanted: zipfile.ZipInfo, label: str
) -> Iterator[Path]:
    """The member, with the files beside it that a Shapefile is made of, in a folder that goes away again."""
    pure = PurePosixPath(wanted.filename)
    parts = [
        info
        for info in members
        if info is wanted
        or (
            pure.suffix.lower() == ".shp"
            and PurePosixPath(info.filename).with_suffix("") == pure.with_suffix("")
            and PurePosixPath(info.filename).suffix.lower() in _SHAPEFILE_PARTS
        )
    ]
    if sum(info.file_size for info in parts) > MAX_FILE_BYTES:
        raise InputError(f"{label}: unpacks to more than {MAX_FILE_BYTES // 1024**2} MB", "unpack it and name the file")
    with TemporaryDirectory(prefix="s2kit-") as folder:
        for info in parts:
            target = Path(folder) / f"features{PurePosixPath(info.filename).suffix.lower()}"
            with archive.open(info) as file:
                target.write_bytes(file.read(info.file_size))
        yield Path(folder) / f"features{pure.suffix.lower()}"


def _plain(value: Any) -> object:
    """A numpy scalar as Python's own; NaN is None, dates become text."""
    item = getattr(value, "item", None)
    plain = item() if callable(item) else value
    if isinstance(plain, float) and plain != plain:
        return None
    return plain if plain is None or isinstance(plain, bool | int | float | str) else str(plain)
