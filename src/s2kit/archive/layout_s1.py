"""Where AWS keeps the files of a Sentinel-1 product (GRD and SLC).

`productInfo.json` holds the whole answer since its version 3: `filenameMap` gives the key below the product's prefix
for every SAFE path. Older ones have no map; there the manifest's own long names say what the short keys stand for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from s2kit.product.manifest import safe_path
from s2kit.product.name import Sentinel1Name

_LONG = re.compile(
    r"(?P<prefix>(?:calibration-|noise-|rfi-)?)s1[a-d]-(?P<swath>[a-z0-9]+)-(?P<kind>[a-z]{3})-(?P<pol>[a-z]{2})"
    r"-\d{8}t\d{6}-\d{8}t\d{6}-\d{6}-[0-9a-f]{6}-(?P<number>\d{3})(?P<cog>-cog)?(?P<extension>\.[a-z]+)",
    re.ASCII,
)
_SAME_NAME = re.compile(r"(?:manifest\.safe|preview/.+|support/[^/]+)", re.ASCII)
_REPORT = re.compile(r".*\.SAFE-(report-\w+\.pdf)", re.ASCII)
_FOLDERS = frozenset({"annotation", "annotation/calibration", "annotation/rfi", "measurement"})


@dataclass(frozen=True, slots=True)
class Sentinel1Rules:
    """The rule set for one Sentinel-1 product."""

    name: Sentinel1Name
    prefix: str
    """`GRD/2022/11/30/EW/DH/NAME/`, with its slash."""
    filename_map: Mapping[str, str] | None = field(default=None, hash=False)
    """SAFE path to key below the prefix, from `productInfo.json`; None where that has none."""

    def keys(self, path: str) -> tuple[str, ...]:
        """The key of a SAFE path; several where only a listing can tell; none where AWS never had it."""
        if self.filename_map is not None:
            key = self.filename_map.get(path)
            return () if key is None else (self.prefix + key,)
        return tuple(self.prefix + key for key in short_keys(path))

    def extras(self) -> tuple[str, ...]:
        """SAFE paths that the map knows besides the manifest's: schemas, icons, the report."""
        return tuple(self.filename_map or ())


def product_folder(name: Sentinel1Name) -> str:
    """`GRD/2022/11/30/EW/DH/NAME/`; month and day without leading zeros."""
    day = name.sensing
    return f"{name.product_type}/{day.year}/{day.month}/{day.day}/{name.mode}/{name.polarisation}/{name}/"


def short_keys(path: str) -> tuple[str, ...]:
    """What the bucket may call a file with one of the manifest's long names, likeliest first.

    GRD files are `MODE-POL.ext` (`annotation/calibration/noise-iw-vv.xml`). SLC files name the sub-swath in place of
    the mode; those of wave mode also need their running number. Keys are below the product's prefix.
    """
    if _SAME_NAME.fullmatch(path):
        return (path,)
    report = _REPORT.fullmatch(path)
    if report and "/" not in path:
        return (report[1],)
    folder, _, file = path.rpartition("/")
    match = _LONG.fullmatch(file)
    if folder not in _FOLDERS or match is None:
        return ()
    plain = f"{match['swath']}-{match['pol']}"
    with_kind = f"{match['swath']}-{match['kind']}-{match['pol']}"
    stems = [plain] if match["kind"] == "grd" else [plain, with_kind, f"{plain}-{match['number']}"]
    if match["swath"].startswith("wv"):
        stems = [f"{plain}-{match['number']}", f"{with_kind}-{match['number']}"]
    cog = match["cog"] or ""
    return tuple(f"{folder}/{match['prefix']}{stem}{cog}{match['extension']}" for stem in stems)


def read_filename_map(info: Mapping[str, object]) -> Mapping[str, str] | None:
    """The `filenameMap` of a `productInfo.json`, or None where it has none.

    Raises:
        InputError: A path or key in it leads outside the product.
    """
    table = info.get("filenameMap")
    if not isinstance(table, Mapping) or not table:
        return None
    return MappingProxyType({safe_path(str(path)): safe_path(str(key)) for path, key in table.items()})
