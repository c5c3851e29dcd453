"""Real STAC items, as Earth Search and CDSE answered them, and what they say, read without any of s2kit."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

Json = dict[str, Any]

_NAME = re.compile(r"(S2[A-D])_MSI(L1C|L2A)_(\d{8}T\d{6})_N(\d\d)(\d\d)_R(\d{3})_T(\w{5})_\w+")


def real_items(shared_data: Path) -> list[Json]:
    """Some thirty items of Sentinel-2 (L1C, L2A) and Sentinel-1, each once; the newest collection's twins left out."""
    import yaml

    api = shared_data / "api"
    paths = sorted((api / "earth_search_items_33TWN").rglob("S2?_*_L2A*"))
    found = [json.loads(path.read_text()) for path in paths if path.is_file()]
    found += json.loads((api / "eodag_provider_responses/earth_search_search.json").read_text())["features"]
    for name in (
        "cdse_stac_xcube_cassettes/StacDataStoreTest.test_search_data_cdse_sentinel_2.yaml",
        "pystac_client_cassettes/test_cli/TestCLISearch.test_filter[inprocess].yaml",
    ):
        recorded = yaml.load((api / name).read_text(), Loader=yaml.CSafeLoader)
        for interaction in recorded["interactions"]:
            found += json.loads(interaction["response"]["body"]["string"]).get("features", [])
    known = ("sentinel-2-l1c", "sentinel-2-l2a", "sentinel-1-grd")
    return list({item["id"]: item for item in found if item["collection"] in known}.values())


@dataclass(frozen=True, slots=True)
class Facts:
    """What an item says of its product."""

    id: str
    collection: str
    seen: datetime
    cloud: float | None
    geometry: BaseGeometry
    platform: str | None = None
    level: str | None = None
    baseline: str | None = None
    orbit: int | None = None
    tile: str | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Facts":
        """The facts of an item; platform, baseline, orbit and tile from the product's name."""
        properties = item["properties"]
        name = properties.get("s2:product_uri", item["id"]).removesuffix(".SAFE")
        seen = datetime.fromisoformat(properties["datetime"])
        said = _NAME.fullmatch(name)
        plain = cls(name, item["collection"], seen, properties.get("eo:cloud_cover"), shape(item["geometry"]))
        if said is None:
            return plain
        platform, level, _, major, minor, orbit, tile = said.groups()
        named = {
            "platform": platform,
            "level": level,
            "baseline": f"{major}.{minor}",
            "orbit": int(orbit),
            "tile": tile,
        }
        return cls(name, plain.collection, seen, plain.cloud, plain.geometry, **named)
