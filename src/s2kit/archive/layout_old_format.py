"""Where AWS keeps the files of a product in the old format (before 6 December 2016, several granules each).

Every granule has a tile prefix of its own. The names of the SAFE side repeat the granule's id (S2-PDGS-TAS-DI-PSD,
issue 13, section "File naming convention"); what the bucket dropped from them is in the manifest, or lost.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from s2kit.errors import InputError
from s2kit.product.name import OldFormatName

UNRECOVERABLE: Mapping[str, str] = MappingProxyType(
    {
        "GRANULE/*/AUX_DATA/*": "the manifest does not list it, and its key, auxiliary/ECMWFT, has dropped two times",
        "HTML/*": "AWS never had it",
        "rep_info/*": "AWS never had it, and the manifest does not list it",
    }
)
"""Files of an old-format product whose names no tree on AWS can give back, each with the reason."""

_GRANULE_ID = re.compile(
    r"(S2[A-D])_(?:OPER|USER)_MSI_(L1C|L2A)_TL_.+_T(\d{2})([A-Z])([A-Z]{2})_N\d{2}\.\d{2}", re.ASCII
)
_BAND = r"(?:B0[0-9]|B1[0-2]|B8A)"
_MASK = re.compile(rf"S2[A-D]_(?:OPER|USER)_(MSK_[A-Z]{{6}})_.*_({_BAND})_MSIL1C\.gml", re.ASCII)
_REPORT = re.compile(r".*_((?:FORMAT_CORRECTNESS|\w+?_QUALITY))_report\.xml", re.ASCII)
_L2A_IMAGE = re.compile(rf"R(\d\d)m/L2A_.*_({_BAND}|TCI|AOT|WVP|SCL|VIS)_\1m\.jp2", re.ASCII)


@dataclass(frozen=True, slots=True)
class OldFormatRules:
    """The rule set for one product in the old format."""

    name: OldFormatName
    product_prefix: str
    tiles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Tile id (`53HLA`) to tile prefix, from `productInfo.json`."""
    datastrips: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Datastrip id (its folder name) to its index below the product prefix; one that is not named is `0`."""

    def keys(self, path: str) -> tuple[str, ...]:
        """The key of a SAFE path; none where AWS never had it or its tile is not archived."""
        folder, _, rest = path.partition("/")
        if folder == "GRANULE":
            return self._granule(*rest.partition("/")[::2])
        if folder == "DATASTRIP":
            return self._datastrip(*rest.partition("/")[::2])
        key = {
            "manifest.safe": "manifest.safe",
            "INSPIRE.xml": "inspire.xml",
            self.name.metadata_file: "metadata.xml",
            str(self.name).replace("_PRD_", "_BWI_", 1) + ".png": "preview.png",
        }.get(path)
        return () if key is None else (self.product_prefix + key,)

    def _granule(self, granule: str, rest: str) -> tuple[str, ...]:
        try:
            tile = tile_of_granule(granule)
        except InputError:
            return ()
        prefix = self.tiles.get(tile)
        if prefix is None:
            return ()
        short = re.sub(r"_N\d{2}\.\d{2}$", "", granule)
        return tuple(prefix + key for key in _granule_keys(short, rest))

    def _datastrip(self, datastrip: str, rest: str) -> tuple[str, ...]:
        prefix = f"{self.product_prefix}datastrip/{self.datastrips.get(datastrip, '0')}/"
        short = re.sub(r"_N\d{2}\.\d{2}$", "", datastrip)
        if rest == short.replace("_MSI_", "_MTD_", 1) + ".xml":
            return (f"{prefix}metadata.xml",)
        report = _REPORT.fullmatch(rest.removeprefix("QI_DATA/")) if rest.startswith("QI_DATA/") else None
        return () if report is None else (f"{prefix}qi/{report[1]}_report.xml",)


def tile_of_granule(granule: str) -> str:
    """`53HLA` out of `S2A_OPER_MSI_L1C_TL_SGS__20160905T073438_A006291_T53HLA_N02.04`.

    Raises:
        InputError: The text is no granule id.
    """
    match = _GRANULE_ID.fullmatch(granule)
    if match is None:
        raise InputError(f"{granule!r} is no granule of the old format")
    return f"{match[3]}{match[4]}{match[5]}"


def _granule_keys(short: str, rest: str) -> tuple[str, ...]:
    if rest == short.replace("_MSI_", "_MTD_", 1) + ".xml":
        return ("metadata.xml",)
    folder, _, file = rest.partition("/")
    if folder == "IMG_DATA":
        band = re.fullmatch(rf"{re.escape(short)}_({_BAND}|TCI)\.jp2", file, re.ASCII)
        layer = _L2A_IMAGE.fullmatch(file)
        if band:
            return (f"{band[1]}.jp2",)
        return (f"R{layer[1]}m/{layer[2]}.jp2",) if layer else ()
    return _quality_keys(short, file) if folder == "QI_DATA" else ()


def _quality_keys(short: str, file: str) -> tuple[str, ...]:
    if file == short.replace("_MSI_", "_PVI_", 1) + ".jp2":
        return ("preview.jp2",)
    mask = _MASK.fullmatch(file)
    if mask:
        return (f"qi/{mask[1]}_{mask[2]}.gml",)
    probability = re.fullmatch(rf"L2A_{re.escape(short)}_(CLD|SNW)_(20|60)m\.jp2", file, re.ASCII)
    if probability:
        return (f"qi/{probability[1]}_{probability[2]}m.jp2",)
    report = _REPORT.fullmatch(file)  # neither spelling of the key was seen: a listing decides
    return (f"qi/{report[1]}.xml", f"qi/{report[1]}_report.xml") if report else ()
