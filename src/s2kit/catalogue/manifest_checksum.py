"""The checksum of a product's manifest as a catalogue lists it: an independent witness for every file of the product.

CDSE's STAC items list `safe_manifest` with size and checksum (STAC file extension: a multihash). Its OData gives a
checksum of the zip that CDSE makes of a product, which proves nothing about a folder that came from elsewhere.
"""

from dataclasses import dataclass

from s2kit.catalogue.base import CatalogueSource
from s2kit.catalogue.transport import Transport
from s2kit.errors import InputError, NotFoundError, UsageError
from s2kit.product.name import AnyProductName, ProductName
from s2kit.run.deadline import Deadline
from s2kit.store.hashes import Algorithm, new_hash, parse_multihash

_ASSETS = ("safe_manifest", "safe-manifest")
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class ManifestChecksum:
    """What a catalogue says of a manifest."""

    catalogue: str
    algorithm: Algorithm
    checksum: str
    """Hexadecimal, lower case."""

    def check(self, manifest: bytes, product: str) -> None:
        """Hold a manifest against it.

        Raises:
            InputError: It is another one.
        """
        digest = new_hash(self.algorithm, manifest).hexdigest()
        if digest != self.checksum:
            raise InputError(
                f"{product}: {self.algorithm} of manifest.safe is {digest}, catalogue {self.catalogue} lists "
                f"{self.checksum}",
                "another edition of the product, or a wrong copy: try another --archive",
            )


def manifest_checksum(source: CatalogueSource, name: AnyProductName) -> ManifestChecksum:
    """What a STAC catalogue lists for a product's manifest.

    Args:
        source: A catalogue of kind `stac` whose items are called as the products are, as CDSE's.
        name: A product of Sentinel-2's compact format.

    Raises:
        UsageError: Another kind of catalogue or of product.
        NotFoundError: The catalogue does not have the product, or lists no checksum of its manifest.
        S2KitError: As `Transport.fetch` says.
    """
    if source.kind != "stac" or not isinstance(name, ProductName):
        raise UsageError(
            f"{name} cannot be checked against {source.name}", "STAC catalogues list manifests of Sentinel-2: cdse does"
        )
    url = f"{source.url.rstrip('/')}/collections/sentinel-2-{name.level.lower()}/items/{name}"
    item = Transport(Deadline(_TIMEOUT_S)).json("GET", url)
    assets = item.get("assets")
    if isinstance(assets, dict):
        for asset in (assets.get(key) for key in _ASSETS):
            text = str(asset.get("file:checksum", "")) if isinstance(asset, dict) else ""
            found = parse_multihash(text)
            if found is not None:
                return ManifestChecksum(source.name, *found)
    raise NotFoundError(f"catalogue {source.name} lists no checksum for the manifest of {name}", "leave it out")
