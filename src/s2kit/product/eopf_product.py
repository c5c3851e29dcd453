"""A product in ESA's Zarr format (EOPF), in a folder or a store: one array an image, scaled as its attributes say."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import shapely
from shapely.geometry import shape

from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.grid import Grid, Window
from s2kit.product.band_image import BandImage
from s2kit.product.bands import BANDS, L2A_BANDS
from s2kit.product.base import Product
from s2kit.product.baseline import UNKNOWN, Baseline, RelativeOrbit
from s2kit.product.contents import ImageEntry
from s2kit.product.eopf_document import (
    ATTRIBUTES,
    CONSOLIDATED,
    L1C_CLASSES,
    RESOLUTIONS,
    ArrayDocument,
    EopfDocument,
    array_of,
    eopf_document,
    grid_of_attributes,
    is_eopf,
    layer_of,
    parse_attributes,
    parse_consolidated,
    parse_json,
)
from s2kit.product.flags import L1C_FLAGS, ClassFlags
from s2kit.product.footprint import Footprint
from s2kit.product.item_document import item_time
from s2kit.product.metadata import OffsetSource, ProductMetadata
from s2kit.product.name import Level, ProductName, Sentinel2Name, parse_product_name
from s2kit.product.safe_tree import MAX_READ
from s2kit.product.stac_name import product_name_in
from s2kit.product.tile import Tile, TileId
from s2kit.run.read_file import read_file
from s2kit.store.archive import Archive
from s2kit.store.base import Store
from s2kit.store.location import ZarrArray
from s2kit.store.open import open_store

SUFFIX = ".zarr"

_REFLECTANCE, _AIR = 1e-4, 1e-3
"""Scale factors where the attributes name none: those of the SAFE."""
_TYPE = re.compile(r"S02MSI(L1C|L2A)(?:_|$)", re.ASCII)
"""How names of ESA's format definition begin: `S02MSIL2A_20250109T100401_0000_A122_T323`, which names no tile."""


class _Scale(NamedTuple):
    """How the numbers of an image become values, and how floats become its numbers."""

    offset: float
    quantification: float
    of_floats: tuple[float, float]
    source: OffsetSource


class EopfProduct(Product):
    """One product as arrays of a Zarr group."""

    def __init__(self, document: EopfDocument, store: Store) -> None:
        """Take metadata that was read.

        Args:
            document: The metadata.
            store: The group: its archive's address is that of the group.

        Raises:
            InputError: Nothing says which tile or level it is, or when it was seen.
        """
        self.document, self._store = document, store
        self.address = store.archive.address
        self.name = _name(document, self.address)
        self.id = str(self.name) if self.name is not None else _stem(self.address)
        self.tile = _tile(document, self.name, self.address)
        self.metadata = self._metadata()

    @cached_property
    def entries(self) -> tuple[ImageEntry, ...]:
        """The bands and layers; sizes are those of the chunks on this machine, and not known of remote ones (0)."""
        found = ((path, layer) for path in self.document.arrays if (layer := layer_of(path)) is not None)
        return tuple(sorted(ImageEntry(self.tile, *layer, path, self._nbytes(path)) for path, layer in found))

    def location(self, entry: ImageEntry) -> ZarrArray:
        """The array of an entry."""
        return self._array(entry.path, self._scale(entry.path, entry.band))

    def open_entry(self, entry: ImageEntry) -> BandImage:
        """The image of an entry."""
        scale = self._scale(entry.path, entry.band)
        fill = self.document.arrays[entry.path].number("fill_value")
        is_float = self.document.arrays[entry.path].is_float
        return BandImage(
            band=entry.band,
            resolution_m=entry.resolution_m,
            path=entry.path,
            location=self._array(entry.path, scale),
            grid=self._grid(entry.path),
            offset=scale.offset,
            quantification=scale.quantification,
            nodata=0 if fill is None or is_float else int(fill),
            saturated=self.metadata.saturated if entry.band in BANDS else None,
            tile=entry.tile,
            product=self.id,
            nbytes=entry.nbytes,
        )

    def extents(self) -> tuple[Grid, ...]:
        """The grid of its finest image."""
        finest = min(self.entries, key=lambda entry: entry.resolution_m, default=None)
        return () if finest is None else (self._grid(finest.path),)

    def class_flags(self, tile: Tile | None = None) -> ClassFlags | None:
        """The classification of L1C, of 60 m, as flags."""
        del tile
        if L1C_CLASSES not in self.document.arrays or self.metadata.level is not Level.L1C:
            return None
        entry = ImageEntry(self.tile, "MSK_CLASSI", RESOLUTIONS[-1], L1C_CLASSES, self._nbytes(L1C_CLASSES))
        return ClassFlags(self.open_entry(entry), L1C_FLAGS)

    def _array(self, path: str, scale: _Scale) -> ZarrArray:
        array = self.document.arrays[path]
        return ZarrArray(
            self._store.archive,
            path,
            json.dumps(dict(array.document)),
            array.chunk_nbytes,
            array.nbytes,
            scale.of_floats if array.is_float else (1.0, 0.0),
        )

    def _scale(self, path: str, band: str) -> _Scale:
        return _scale_of(self.document.arrays[path], band, self._own_baseline(), f"{self.address}/{path}")

    def _own_baseline(self) -> Baseline:
        if isinstance(self.name, ProductName):
            return self.name.baseline
        said = re.match(r"\d\d\.\d\d", str(self.document.properties.get("processing:version") or ""))
        return Baseline.parse(said[0]) if said else UNKNOWN

    def _metadata(self) -> ProductMetadata:
        properties, name = self.document.properties, self.name
        seen = properties.get("datetime") or properties.get("start_datetime")
        try:
            sensing = name.sensing if name is not None else item_time(str(seen))
        except ValueError as error:
            raise InputError(f"{self.address}: neither its name nor its attributes say when it was seen") from error
        scales = {entry.band: self._scale(entry.path, entry.band) for entry in self.entries}
        bands = {band: scale for band, scale in scales.items() if band in BANDS}
        first = next(iter(bands.values()), None)
        cloud, platform = properties.get("eo:cloud_cover"), str(properties.get("platform") or "").lower()
        base = ProductMetadata(
            name=name,
            level=_level(self.document, name, self.address),
            baseline=self._own_baseline(),
            satellite=name.satellite
            if name
            else f"S2{platform[-1].upper()}"
            if platform[-1:] in tuple("abcd")
            else None,
            sensing_start=sensing,
            orbit=name.orbit if name else _orbit(properties),
            orbit_direction=_upper(properties.get("sat:orbit_state")),
            cloud_pct=float(cloud) if isinstance(cloud, int | float) else None,
            offsets={band: scale.offset for band, scale in bands.items() if scale.offset},
            footprint=_footprint(self.document.item.get("geometry")),
        )
        if first is not None:
            base = replace(base, quantification=first.quantification, offset_source=first.source)
        if "AOT" in scales:
            base = replace(base, aot_quantification=scales["AOT"].quantification)
        return replace(base, wvp_quantification=scales["WVP"].quantification) if "WVP" in scales else base

    def _nbytes(self, path: str) -> int:
        if "://" in self.address:
            return 0
        return sum(one.nbytes for one in self._store.list(f"{path}/") if not one.key.endswith((".zattrs", ".json")))

    def _grid(self, path: str) -> Grid:
        group = path.rpartition("/")[0]
        if group not in self._grids:
            self._grids[group] = self._grid_of(path, group)
        return self._grids[group]

    @cached_property
    def _grids(self) -> dict[str, Grid]:
        return {}

    def _grid_of(self, path: str, group: str) -> Grid:
        """From the array's attributes, else from the coordinates of its group, else from the product's box."""
        epsg = self.document.epsg(path) or self.tile.epsg
        array = self.document.arrays[path]
        grid = grid_of_attributes(array, {}, epsg)
        axes = [f"{group}/{axis}" for axis in "xy"]
        if grid is None and all(axis in self.document.arrays for axis in axes):
            grid = self._grid_of_axes(axes, array.shape[-2:], epsg)
        grid = grid or grid_of_attributes(array, self.document.properties, epsg)
        if grid is None:
            raise InputError(f"{self.address}/{path}: neither attributes nor coordinates say where it lies")
        return grid

    def _grid_of_axes(self, axes: list[str], size: tuple[int, ...], epsg: int) -> Grid:
        """The grid whose pixels have their centres at the coordinates of two arrays."""
        from s2kit.image.zarr_image import read_values

        x, y = (read_values(self._array(axis, _PLAIN)) for axis in axes)
        side = float(x[1] - x[0]) if len(x) > 1 else float(RESOLUTIONS[0])
        grid = Grid(epsg, float(x[0]) - side / 2, float(y[0]) + side / 2, side, len(x), len(y))
        last = grid.bounds_of(Window(len(x) - 1, len(y) - 1, 1, 1))
        steady = abs(float(x[-1]) - last.west - side / 2) < 1e-3 and abs(float(y[-1]) - last.south - side / 2) < 1e-3
        if not steady or side <= 0 or grid.shape != size:
            raise InputError(f"{self.address}/{axes[0]}: coordinates that are no grid of {size[1]} x {size[0]} pixels")
        return grid


_PLAIN = _Scale(0.0, 1.0, (1.0, 0.0), OffsetSource.METADATA)


def _scale_of(array: ArrayDocument, band: str, baseline: Baseline, label: str) -> _Scale:
    if band not in BANDS and band not in {"AOT", "WVP"}:
        return _PLAIN
    try:
        said = array.scale
    except InputError as error:
        raise InputError(f"{label}: {error.message}") from error
    if said is not None:
        factor, shift = said
        return _Scale(round(shift / factor, 6), round(1 / factor, 6), said, OffsetSource.METADATA)
    if band not in BANDS:
        return _Scale(0.0, round(1 / _AIR), (_AIR, 0.0), OffsetSource.ASSUMED)
    offset = -1000.0 if array.is_float else float(baseline.reflectance_offset)
    source = OffsetSource.METADATA if array.is_float else OffsetSource.BASELINE
    if baseline == UNKNOWN and not array.is_float:
        source = OffsetSource.ASSUMED
    return _Scale(offset, round(1 / _REFLECTANCE), (_REFLECTANCE, offset * _REFLECTANCE), source)


def is_eopf_folder(path: Path) -> bool:
    """True for a folder of this machine that holds an EOPF product; other Zarr groups, as cubes, are none."""
    if not path.name.lower().endswith(SUFFIX):
        return False
    for zarr_format, file in ATTRIBUTES.items():
        with suppress(OSError, S2KitError):
            return is_eopf(parse_attributes(read_file(path / file, MAX_READ), zarr_format, file))
    return False


def eopf_files(path: Path) -> tuple[Path, ...]:
    """The metadata files of an EOPF product in a folder of this machine; none if there is no such product."""
    if not is_eopf_folder(path):
        return ()
    return tuple(file for name in ("zarr.json", ".zattrs", ".zmetadata") if (file := path / name).is_file())


def open_eopf(archive: Archive) -> EopfProduct:
    """The product in a Zarr group; its consolidated metadata is one request, without it each array is asked for.

    Args:
        archive: Its address is that of the group: a folder, `https://…/NAME.zarr` or `s3://…/NAME.zarr`.

    Raises:
        NotFoundError: There is no Zarr group.
        InputError: It is no EOPF product, or damaged.
    """
    store = open_store(archive)
    for zarr_format in (3, 2):
        key = CONSOLIDATED[zarr_format]
        with suppress(NotFoundError):
            document = parse_consolidated(store.read(key), zarr_format, f"{archive.address}/{key}")
            return EopfProduct(document or _asked(store, zarr_format), store)
    with suppress(NotFoundError):
        return EopfProduct(_asked(store, 2), store)
    raise NotFoundError(f"{archive.address}: there is no Zarr group", "name the folder or address NAME.zarr")


def _asked(store: Store, zarr_format: int) -> EopfDocument:
    """The metadata of a product without consolidated metadata: every array that s2kit can use is asked for."""
    label = store.archive.address
    attributes = parse_attributes(store.read(ATTRIBUTES[zarr_format]), zarr_format, label)
    arrays: dict[str, ArrayDocument] = {}
    for path in _usual_arrays():
        with suppress(NotFoundError):
            file = "zarr.json" if zarr_format == 3 else ".zarray"
            document = parse_json(store.read(f"{path}/{file}"), f"{label}/{path}/{file}")
            own: Mapping[str, Any] = document.get("attributes") or {}
            if zarr_format == 2:
                with suppress(NotFoundError):
                    own = parse_json(store.read(f"{path}/.zattrs"), f"{label}/{path}/.zattrs")
            arrays[path] = array_of(document, own, f"{label}/{path}")
    return eopf_document(zarr_format, attributes, arrays, label)


def _usual_arrays() -> list[str]:
    groups: dict[str, list[str]] = {}
    names = [name.lower() for name in {*BANDS, *(band for bands in L2A_BANDS.values() for band in bands)}]
    for side in RESOLUTIONS:
        groups[f"measurements/reflectance/r{side}m"] = sorted(names)
        groups[f"conditions/mask/l2a_classification/r{side}m"] = ["scl"]
        groups[f"quality/atmosphere/r{side}m"] = ["aot", "wvp"]
        for level in ("l1c", "l2a"):
            groups[f"quality/{level}_quicklook/r{side}m"] = ["tci"]
    found = [f"{group}/{name}" for group, members in groups.items() for name in (*members, "x", "y")]
    group = L1C_CLASSES.rpartition("/")[0]
    return [*found, L1C_CLASSES, f"{group}/x", f"{group}/y"]


def _stem(address: str) -> str:
    name = address.rstrip("/").replace("\\", "/").rpartition("/")[2]
    return name[: -len(SUFFIX)] if name.lower().endswith(SUFFIX) else name


def _name(document: EopfDocument, address: str) -> Sentinel2Name | None:
    """The name that the SAFE has: the id of the item, a property of it, or the name of the folder."""
    said = (document.item.get("id"), product_name_in(document.properties), _stem(address))
    for text in said:
        with suppress(InputError):
            name = parse_product_name(str(text or "").removesuffix(SUFFIX))
            if isinstance(name, ProductName):
                return name
    return None


def _tile(document: EopfDocument, name: Sentinel2Name | None, address: str) -> TileId:
    if isinstance(name, ProductName):
        return name.tile
    for key in ("grid:code", "s2:mgrs_tile"):
        with suppress(InputError):
            return TileId.parse(str(document.properties.get(key) or ""))
    raise InputError(f"{address}: neither its id nor its attributes say which tile it is")


def _level(document: EopfDocument, name: Sentinel2Name | None, address: str) -> Level:
    if name is not None:
        return name.level
    said = (document.properties.get("product:type"), document.item.get("id"), _stem(address))
    found = (_TYPE.match(str(text)) for text in said)
    text = next((match[1] for match in found if match), None)
    has_l2a = any("l2a_" in path for path in document.arrays)
    return Level(text) if text else Level.L2A if has_l2a else Level.L1C


def _orbit(properties: Mapping[str, Any]) -> RelativeOrbit | None:
    with suppress(InputError):
        return RelativeOrbit.parse(str(properties.get("sat:relative_orbit") or ""))
    return None


def _upper(text: object) -> str | None:
    return text.upper() if isinstance(text, str) else None


def _footprint(geometry: object) -> Footprint | None:
    with suppress(KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError):
        found = shape(geometry)  # type: ignore[arg-type]
        if isinstance(found, Footprint) and not found.is_empty:
            return found
    return None
