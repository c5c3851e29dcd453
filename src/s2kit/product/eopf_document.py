"""The metadata of an EOPF product in Zarr: attributes of the product, and its arrays; computes.

ESA's product format (EOPF) stores Sentinel-2 as a group of Zarr v2 (`.zmetadata`) or v3 (`zarr.json` with consolidated
metadata). Names of attributes are those that real products have: `_eopf_attrs` or flat `scale_factor`, `add_offset` and
`fill_value` of an array, `stac_discovery` (a STAC item) and `other_metadata` of the root.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.bands import normal_band

ATTRIBUTES = {2: ".zattrs", 3: "zarr.json"}
CONSOLIDATED = {2: ".zmetadata", 3: "zarr.json"}
L1C_CLASSES = "conditions/mask/l1c_classification/r60m/b00"
RESOLUTIONS = (10, 20, 60)

_LAYER = re.compile(
    r"(?:measurements/reflectance/r(?P<b>10|20|60)m/(?P<band>b\d\d|b8a)"
    r"|conditions/mask/l2a_classification/r(?P<s>10|20|60)m/(?P<scl>scl)"
    r"|quality/atmosphere/r(?P<a>10|20|60)m/(?P<air>aot|wvp)"
    r"|quality/l(?:1c|2a)_quicklook/r(?P<t>10|20|60)m/(?P<tci>tci))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ArrayDocument:
    """What the metadata says of one array."""

    document: Mapping[str, Any]
    """`.zarray` of v2 or `zarr.json` of v3, without attributes."""
    attributes: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """As stored, `(rows, columns)` or `(components, rows, columns)`."""
        return tuple(int(side) for side in self.document["shape"])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the decoded values."""
        dtype: np.dtype[Any] = np.dtype(self.document.get("data_type") or self.document["dtype"])
        return dtype

    @property
    def is_float(self) -> bool:
        """True if decoding gives floats, which are scaled already (a codec may do that to stored integers)."""
        return self.dtype.kind == "f"

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def chunk_nbytes(self) -> int:
        """Bytes of a chunk, of a shard the inner chunk, in memory."""
        if "chunks" in self.document:
            chunks = self.document["chunks"]
        else:
            sharded = next((one for one in self.document.get("codecs", ()) if one["name"] == "sharding_indexed"), None)
            grid = self.document["chunk_grid"]["configuration"]
            chunks = sharded["configuration"]["chunk_shape"] if sharded else grid["chunk_shape"]
        return math.prod(int(side) for side in chunks) * self.dtype.itemsize

    def number(self, key: str) -> float | None:
        """A number of the attributes, of which EOPF's own go first; None if it is not there."""
        own = self.attributes.get("_eopf_attrs")
        for table in (own if isinstance(own, Mapping) else {}, self.attributes):
            value = table.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                return float(value)
        return None

    @property
    def scale(self) -> tuple[float, float] | None:
        """Scale factor and offset of `value = DN * scale + offset`; None if the attributes name none.

        Raises:
            InputError: A scale factor that cannot be.
        """
        factor = self.number("scale_factor")
        if factor is None:
            return None
        if factor <= 0:
            raise InputError(f"a scale factor of {factor:g}")
        return factor, self.number("add_offset") or 0.0


@dataclass(frozen=True, slots=True)
class EopfDocument:
    """A product's metadata."""

    zarr_format: int
    item: Mapping[str, Any]
    """The STAC item of `stac_discovery`."""
    other: Mapping[str, Any]
    """`other_metadata`."""
    arrays: Mapping[str, ArrayDocument] = field(hash=False)
    """Arrays by path below the product."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Properties of the STAC item."""
        return _table(self.item.get("properties"))

    def epsg(self, path: str) -> int | None:
        """EPSG code of an array's CRS; None if nothing gives it."""
        own = self.arrays[path].attributes
        said = (
            *(own.get("proj:code"), own.get("proj:epsg"), self.other.get("horizontal_CRS_code")),
            *(self.properties.get("proj:code"), self.properties.get("proj:epsg")),
        )
        found = (re.fullmatch(r"(?:EPSG:)?(\d{4,6})", str(one).strip(), re.IGNORECASE) for one in said)
        return next((int(match[1]) for match in found if match), None)


def layer_of(path: str) -> tuple[str, int] | None:
    """Band or layer of an array and its resolution in metres; None for other arrays."""
    match = _LAYER.fullmatch(path)
    if match is None:
        return None
    name = next(text for key in ("band", "scl", "air", "tci") if (text := match[key]))
    resolution = next(text for key in ("b", "s", "a", "t") if (text := match[key]))
    try:
        return normal_band(name), int(resolution)
    except InputError:
        return None


def is_eopf(attributes: object) -> bool:
    """True for the root attributes of an EOPF product."""
    return isinstance(attributes, Mapping) and isinstance(attributes.get("stac_discovery"), Mapping)


def parse_attributes(data: bytes, zarr_format: int, label: str) -> Mapping[str, Any]:
    """The attributes of a group out of its `.zattrs` or `zarr.json`.

    Raises:
        InputError: Not JSON, or no table.
    """
    document = parse_json(data, label)
    return _table(document.get("attributes")) if zarr_format == 3 else document


def parse_consolidated(data: bytes, zarr_format: int, label: str) -> EopfDocument | None:
    """The metadata of a product out of its consolidated metadata; None if a `zarr.json` of v3 has none.

    Raises:
        InputError: Damaged, or no EOPF product.
    """
    document = parse_json(data, label)
    arrays: dict[str, ArrayDocument] = {}
    if zarr_format == 2:
        entries = _table(document.get("metadata"))
        attributes = _table(entries.get(".zattrs"))
        for key, value in entries.items():
            if key.endswith("/.zarray"):
                path = key.removesuffix("/.zarray")
                arrays[path] = array_of(_table(value), _table(entries.get(f"{path}/.zattrs")), f"{label}: {path}")
    else:
        attributes = _table(document.get("attributes"))
        entries = _table(_table(document.get("consolidated_metadata")).get("metadata"))
        if not entries:
            return None
        for path, value in entries.items():
            if _table(value).get("node_type") == "array":
                arrays[path] = array_of(_table(value), _table(value.get("attributes")), f"{label}: {path}")
    return eopf_document(zarr_format, attributes, arrays, label)


def eopf_document(
    zarr_format: int, attributes: Mapping[str, Any], arrays: Mapping[str, ArrayDocument], label: str
) -> EopfDocument:
    """The metadata of a product out of root attributes and arrays.

    Raises:
        InputError: It is no EOPF product.
    """
    if not is_eopf(attributes):
        raise InputError(f"{label}: a Zarr group without stac_discovery is no EOPF product")
    item = _table(attributes["stac_discovery"])
    inner = item.get("stac_discovery")  # some versions of ESA's processor nest it twice
    return EopfDocument(
        zarr_format, inner if isinstance(inner, Mapping) else item, _table(attributes.get("other_metadata")), arrays
    )


def array_of(document: Mapping[str, Any], attributes: Mapping[str, Any], label: str) -> ArrayDocument:
    """One array.

    Raises:
        InputError: Its shape, type or chunks are missing or cannot be.
    """
    bare = {key: value for key, value in document.items() if key not in {"attributes", "consolidated_metadata"}}
    array = ArrayDocument({"zarr_format": 2, **bare}, attributes)
    try:
        _ = array.nbytes, array.chunk_nbytes
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{label}: no metadata of a Zarr array") from error
    return array


def grid_of_attributes(array: ArrayDocument, group: Mapping[str, Any], epsg: int) -> Grid | None:
    """The grid that an array's or its group's `proj:transform` or `proj:bbox` gives; None if neither does."""
    height, width = array.shape[-2:]
    for said in (array.attributes, group):
        transform = said.get("proj:transform") or said.get("spatial:transform")
        bbox = said.get("proj:bbox")
        try:
            if transform:
                a, b, west, d, e, north = (float(number) for number in transform[:6])
                if a > 0 and a == -e and b == d == 0:
                    return Grid(epsg, west, north, a, width, height)
            elif bbox:
                west, south, east, north = (float(number) for number in bbox)
                side = (east - west) / width
                if side > 0 and math.isclose(side, (north - south) / height, rel_tol=1e-6):
                    return Grid(epsg, west, north, side, width, height)
        except (TypeError, ValueError):
            continue
    return None


def parse_json(data: bytes, label: str) -> dict[str, Any]:
    """A JSON table.

    Raises:
        InputError: Something else.
    """
    try:
        document = json.loads(data)
    except ValueError as error:
        raise InputError(f"{label} is not JSON") from error
    if not isinstance(document, dict):
        raise InputError(f"{label} is no table of JSON")
    return document


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
