"""Planetary Computer on loopback: token service, blobs that want a token, and items of its form.

Written from the public specification of its data authentication API (`/api/sas/v1/token/ACCOUNT/CONTAINER`) and the
layout of its Sentinel-2 items; no recorded answers are at hand.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import rasterio

from support.chip_items import write_item
from support.http_server import Fault, RangeServer, Request, serving

COLLECTION = "/api/stac/v1/collections/sentinel-2-l2a/items"


@dataclass
class Planetary:
    """A running service."""

    server: RangeServer
    folder: Path
    valid: set[str] = field(default_factory=set)
    """Signatures that blobs are given for."""
    issued: int = 0
    life: timedelta = timedelta(hours=1)
    busy: int = 0
    """How many token requests are answered with 429 first."""
    other: str | None = None
    """A server that blobs are redirected to."""

    @property
    def settings(self) -> str:
        """TOML of the archive."""
        return (
            f'[archives.pc]\naddress = "{self.server.url}/sentinel2-l2"\nsas_endpoint = "{self.server.url}/sas/token"\n'
        )

    def item(self, name: str, bands: dict[str, np.ndarray], lacking: tuple[str, ...] = (), **options: object) -> str:
        """Publish a product; its address."""
        made = write_item(self.folder / "made", bands, name=name, **options)
        parts = name.split("_")
        folder = f"33/U/UP/{name}.SAFE/GRANULE/L2A_{parts[5]}_A034946_{parts[2]}/IMG_DATA"
        assets = {}
        for band in bands:
            key = f"sentinel2-l2/{folder}/R10m/{parts[5]}_{parts[2]}_{band}_10m.tif"
            target = self.folder / key
            target.parent.mkdir(parents=True, exist_ok=True)
            with rasterio.open(made / f"{band}.tif") as file:
                transform, shape = list(file.transform)[:6], list(file.shape)
            if band not in lacking:
                shutil.copy(made / f"{band}.tif", target)
            assets[band] = {"href": f"{self.server.url}/{key}", "proj:transform": transform, "proj:shape": shape}
        document = json.loads((made / f"{made.name}.json").read_bytes())
        short = "_".join([*parts[:3], *parts[4:]])
        properties = {
            "datetime": f"{parts[2][:4]}-{parts[2][4:6]}-{parts[2][6:8]}T10:50:31.024000Z",
            "platform": "Sentinel-2A",
            "constellation": "Sentinel 2",
            "proj:epsg": 32631,
            "s2:mgrs_tile": parts[5][1:],
            "s2:product_uri": f"{name}.SAFE",
            "s2:product_type": "S2MSI2A",
            "s2:processing_baseline": f"{parts[3][1:3]}.{parts[3][3:]}",
            "eo:cloud_cover": 3.0,
        }
        own = f"{self.server.url}{COLLECTION}/{short}"
        published = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": short,
            "collection": "sentinel-2-l2a",
            "geometry": document["geometry"],
            "bbox": [0, 0, 1, 1],
            "properties": properties,
            "assets": assets,
            "links": [{"rel": "self", "href": own}],
        }
        self.server.files[f"{COLLECTION}/{short}".lstrip("/")] = json.dumps(published).encode()
        return own

    def hook(self, request: Request) -> Fault | None:
        """Hand out tokens; refuse blobs without a valid one."""
        parts = urlsplit(request.path)
        if parts.path == "/sas/token":
            if self.busy > 0:
                self.busy -= 1
                return Fault(status=429, headers={"Retry-After": "0"})
            self.issued += 1
            signature = f"signature{self.issued}"
            self.valid.add(signature)
            ends = (datetime.now(UTC) + self.life).isoformat().replace("+00:00", "Z")
            answer = {"msft:expiry": ends, "token": f"sv=2021&sr=c&sig={signature}%3D"}
            return Fault(status=200, body=json.dumps(answer).encode())
        if parts.path.startswith("/sentinel2-l2/"):
            if self.other is not None:
                return Fault(status=302, headers={"Location": f"{self.other}{parts.path}"})
            given = parse_qs(parts.query).get("sig", [""])[0].rstrip("=")
            return None if given in self.valid else Fault(status=403)
        return None

    def asked(self, path: str) -> list[Request]:
        """Requests whose path begins so."""
        return [one for one in self.server.log if one.path.startswith(path)]


@contextmanager
def planetary(folder: Path) -> Iterator[Planetary]:
    """A running service that publishes nothing yet."""
    with serving(folder) as server:
        service = Planetary(server, folder)
        server.hook = service.hook
        yield service
