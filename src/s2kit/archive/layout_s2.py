"""Where AWS keeps the files of a compact Sentinel-2 product: one table, read in both directions.

The buckets `sentinel-s2-l1c` and `sentinel-s2-l2a` split a product over two trees: what belongs to the product as a
whole lies below its product prefix (`products/2021/3/19/NAME/`), what belongs to its one tile below a tile prefix
(`tiles/51/R/VQ/2021/3/19/0/`). The rows were checked against real manifests of the baselines 02.01 to 05.09 and a real
list of keys; file names of the SAFE side are those of the product specification (S2-PDGS-TAS-DI-PSD, section 3).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from types import MappingProxyType

from s2kit.product.baseline import Baseline
from s2kit.product.name import Level, ProductName, compact_time

_FIRST = Baseline(0, 0)
_LAST = Baseline(99, 99)
_USER_L2A_LAST = Baseline(2, 6)
"""Up to here L2A files carry the prefix `L2A_`; 00.01 already has today's names."""
_TODAY_L2A_FIRST = Baseline(2, 7)
_MASKS_AS_IMAGES = Baseline(4, 0)
_OLDEST_L2A = Baseline(0, 1)

_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "datastrip": r"DS_[^/]+",
        "granule": r"L(?:1C|2A)_[^/]+",
        "index": r"\d+",
        "stem": r"T\d{2}[A-Z]{3}_\d{8}T\d{6}",
        "band": r"B0[0-9]|B1[0-2]|B8A",
        "image": r"B0[1-9]|B1[0-2]|B8A|TCI",
        "layer": r"B0[1-9]|B1[0-2]|B8A|TCI|AOT|WVP|SCL|VIS",
        "res": r"10|20|60",
        "gml": r"MSK_(?:CLOUDS|DEFECT|DETFOO|NODATA|SATURA|TECQUA)",
        "mask": r"CLASSI|DETFOO|QUALIT",
        "report": r"FORMAT_CORRECTNESS|(?:GENERAL|GEOMETRIC|RADIOMETRIC|SENSOR|L2A)_QUALITY",
        "aux": r"CAMSFO|CAMSRE|ECMWFT",
        "when": r"\d{8}T\d{6}",
    }
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One row: a key below the product or tile prefix, and the SAFE path it stands for."""

    tree: str
    """`P` below the product prefix, `T` below the tile prefix."""
    key: str
    path: str
    level: Level | None = None
    """The one level that has it; None for both."""
    since: Baseline = _FIRST
    until: Baseline = _LAST


def _rules() -> tuple[_Rule, ...]:
    granule, datastrip = "GRANULE/{granule}/", "DATASTRIP/{datastrip}/"
    images, quality, auxiliary = f"{granule}IMG_DATA/", f"{granule}QI_DATA/", f"{granule}AUX_DATA/"
    l1c, l2a = Level.L1C, Level.L2A
    user = {"level": l2a, "since": Baseline(0, 2), "until": _USER_L2A_LAST}
    today = {"level": l2a, "since": _TODAY_L2A_FIRST}
    oldest = {"level": l2a, "until": _OLDEST_L2A}
    rows: list[tuple[str, str, str, dict[str, object]]] = [
        ("P", "manifest.safe", "manifest.safe", {}),
        ("P", "metadata.xml", "MTD_MSI{level}.xml", {}),
        ("P", "inspire.xml", "INSPIRE.xml", {}),
        ("P", "L2AManifest.xml", "L2A_Manifest.xml", user),
        ("P", "report.xml", "{name}_{when}_report.xml", user),
        ("P", "datastrip/{index}/metadata.xml", f"{datastrip}MTD_DS.xml", {}),
        ("P", "datastrip/{index}/qi/{report}_report.xml", f"{datastrip}QI_DATA/{{report}}.xml", {"level": l1c}),
        ("P", "datastrip/{index}/qi/{report}.xml", f"{datastrip}QI_DATA/{{report}}.xml", {"level": l2a}),
        ("T", "metadata.xml", f"{granule}MTD_TL.xml", {}),
        ("T", "{image}.jp2", f"{images}{{stem}}_{{image}}.jp2", {"level": l1c}),
        ("T", "R{res}m/{layer}.jp2", f"{images}R{{res}}m/{{stem}}_{{layer}}_{{res}}m.jp2", today),
        ("T", "R{res}m/{layer}.jp2", f"{images}R{{res}}m/{{stem}}_{{layer}}_{{res}}m.jp2", oldest),
        ("T", "R{res}m/{layer}.jp2", f"{images}R{{res}}m/L2A_{{stem}}_{{layer}}_{{res}}m.jp2", user),
        ("T", "preview.jp2", f"{quality}{{stem}}_PVI.jp2", {"level": l1c}),
        ("T", "qi/L2A_PVI.jp2", f"{quality}{{stem}}_PVI.jp2", today),
        ("T", "qi/L2A_PVI.jp2", f"{quality}{{stem}}_PVI.jp2", oldest),
        ("T", "qi/L2A_PVI.jp2", f"{quality}L2A_{{stem}}_PVI.jp2", user),
        ("T", "qi/L1C_PVI.jp2", f"{quality}{{stem}}_PVI.jp2", user),
        ("T", "qi/{gml}_{band}.gml", f"{quality}{{gml}}_{{band}}.gml", {"until": Baseline(3, 99)}),
        ("T", "qi/{mask}_{band}.jp2", f"{quality}MSK_{{mask}}_{{band}}.jp2", {"since": _MASKS_AS_IMAGES}),
        ("T", "qi/CLD_{res}m.jp2", f"{quality}MSK_CLDPRB_{{res}}m.jp2", today),
        ("T", "qi/SNW_{res}m.jp2", f"{quality}MSK_SNWPRB_{{res}}m.jp2", today),
        ("T", "qi/CLD_{res}m.jp2", f"{quality}MSK_CLDPRB_{{res}}m.jp2", oldest),
        ("T", "qi/SNW_{res}m.jp2", f"{quality}MSK_SNWPRB_{{res}}m.jp2", oldest),
        ("T", "qi/CLD_{res}m.jp2", f"{quality}L2A_{{stem}}_CLD_{{res}}m.jp2", user),
        ("T", "qi/SNW_{res}m.jp2", f"{quality}L2A_{{stem}}_SNW_{{res}}m.jp2", user),
        ("T", "qi/{report}.xml", f"{quality}{{report}}.xml", {}),
        ("T", "auxiliary/{aux}", f"{auxiliary}AUX_{{aux}}", {"level": l1c}),
        ("T", "auxiliary/AUX_{aux}", f"{auxiliary}AUX_{{aux}}", {"level": l2a}),
        ("T", "auxiliary/GIP_TL.xml", f"{auxiliary}GIP_TL.xml", user),
        # AUX_CAMSRE came with the reprocessed collection 05.00; no spelling of its key was seen: a listing decides
        ("T", "auxiliary/AUX_CAMSRE", f"{auxiliary}AUX_CAMSRE", {"level": l1c}),
        ("T", "auxiliary/CAMSRE", f"{auxiliary}AUX_CAMSRE", {"level": l2a}),
    ]
    return tuple(_Rule(tree, key, path, **options) for tree, key, path, options in rows)  # type: ignore[arg-type]


_RULES = _rules()


@dataclass(frozen=True, slots=True)
class CompactRules:
    """The rule set for one compact product.

    `keys` and `path` are each other's inverse on everything that a real manifest lists, except `HTML/` and `rep_info/`,
    which AWS never had.
    """

    name: ProductName
    product_prefix: str
    """`products/2021/3/19/NAME/`, with its slash."""
    tile_prefix: str
    """`tiles/51/R/VQ/2021/3/19/0/`, with its slash."""
    datastrips: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Datastrip folder to its index below the product prefix; one that is not named is `0`."""

    def keys(self, path: str) -> tuple[str, ...]:
        """The key of a SAFE path; more than one where the place is not confirmed; none where AWS never had it."""
        found: list[str] = []
        for rule, match in self._matches(path, side="path"):
            values = match.groupdict()
            index = self.datastrips.get(values.get("datastrip", ""), "0")
            key = self._prefix(rule) + _fill(rule.key, {**values, "index": index})
            if key not in found:
                found.append(key)
        return tuple(found)

    def path(self, key: str, granule: str, datastrip: str) -> str | None:
        """The SAFE path of a key, or None for what is no part of a SAFE.

        Args:
            key: A key of the bucket.
            granule: Name of the granule folder, as the manifest gives it.
            datastrip: Name of the datastrip folder with the index that the key names.
        """
        stem = f"T{self.name.tile}_{compact_time(self.name.sensing)}"
        for tree, prefix in (("P", self.product_prefix), ("T", self.tile_prefix)):
            if not key.startswith(prefix):
                continue
            for rule, match in self._matches(key[len(prefix) :], side="key", tree=tree):
                if "{when}" in rule.path:
                    continue  # the time is not in the key
                own = {"granule": granule, "datastrip": datastrip, "stem": stem, "level": self.name.level}
                return _fill(rule.path, {**match.groupdict(), **own, "name": str(self.name)})
        return None

    def _prefix(self, rule: _Rule) -> str:
        return self.product_prefix if rule.tree == "P" else self.tile_prefix

    def _matches(self, text: str, *, side: str, tree: str | None = None) -> Iterator[tuple[_Rule, re.Match[str]]]:
        for rule in _RULES:
            if tree not in {None, rule.tree} or rule.level not in {None, self.name.level}:
                continue
            if not rule.since <= self.name.baseline <= rule.until:
                continue
            template = (rule.path if side == "path" else rule.key).replace("{level}", self.name.level)
            match = _pattern(template.replace("{name}", str(self.name))).fullmatch(text)
            if match:
                yield rule, match


def tile_folder(name: ProductName, days_later: int = 0) -> str:
    """`tiles/31/U/FS/2022/1/27/`: below it lie the sequence numbers of that tile and day, nothing zero-padded.

    Args:
        name: The product.
        days_later: 1 for a tile that was seen after midnight, of a datatake that began before.
    """
    tile, day = name.tile, name.sensing + timedelta(days=days_later)
    return f"tiles/{tile.zone}/{tile.band}/{tile.square}/{day.year}/{day.month}/{day.day}/"


def product_folder(name: ProductName) -> str:
    """`products/2022/1/27/NAME/`."""
    day = name.sensing
    return f"products/{day.year}/{day.month}/{day.day}/{name}/"


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A template as a pattern; a field that comes twice must read the same both times."""
    seen: set[str] = set()
    parts: list[str] = []
    for literal, name in re.findall(r"([^{}]*)(?:\{(\w+)\})?", template):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{_FIELDS[name]})")
            seen.add(name)
    return re.compile("".join(parts), re.ASCII)


def _fill(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template)
