"""Where the pixels of a product come from: a SAFE anywhere, or the GeoTIFFs of Earth Search."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np

from s2kit.archive.dataset import find_in_dataset
from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.grid import Grid, Window
from s2kit.image.open import open_image
from s2kit.product.bands import BANDS, LAYERS
from s2kit.product.cog_item import BoaOffset, CogItem, band_scale, is_cog_item, parse_boa_offset, parse_cog_item
from s2kit.product.name import Level, parse_product_name
from s2kit.product.open import BandImage, Product, open_product
from s2kit.product.ref import ProductRef
from s2kit.run.events import Note, Report
from s2kit.settings import Settings
from s2kit.store.archive import Archive, Layout
from s2kit.store.location import ImageLocation, LocalFile, RemoteObject

DOUBTFUL = frozenset({"item flag", "raster:bands", "assumed"})
"""Sources of an offset that were wrong before."""
_ENOUGH_PX = 64
_AMAZON = re.compile(r"https?://(?P<bucket>[a-z0-9.-]+?)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com/(?P<key>.*)")


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A product's address; small and picklable, opened in the worker."""

    id: str
    """Product name without `.SAFE`."""
    text: str
    """A path, a name or an address; of GeoTIFFs, the item's folder, file or prefix."""
    is_cog: bool = False
    record: Mapping[str, object] = field(default_factory=dict, hash=False)
    """The search record that named it."""


@dataclass(frozen=True, slots=True)
class BandSource:
    """One image and what its numbers mean: `(DN + offset) / quantification`; DN 0 is no data."""

    band: str
    location: ImageLocation
    resolution_m: int
    offset: float
    quantification: float
    grid: Grid | None = None
    """As the product's metadata says; None where only the file tells."""


class PixelSource(Protocol):
    """An opened product."""

    id: str
    level: str
    offset_source: str

    def band(self, name: str, resolution_m: int | None = None) -> BandSource:
        """The image of a band at a resolution where the product has that; else the finest that it has.

        Raises:
            NotFoundError: The product has no such image.
        """
        ...


def open_source(ref: SourceRef, settings: Settings, boa_offset: str = "auto") -> PixelSource:
    """Open a product: read its metadata, no pixel yet.

    Raises:
        NotFoundError: It is nowhere to be found.
        InputError: It cannot be read.
        AccessError: It lies where reading is billed, and that was not agreed to.
    """
    if ref.is_cog:
        return _CogSource(ref, settings, boa_offset)
    return _SafeSource(ref, settings)


def open_safe(ref: SourceRef, settings: Settings) -> Product:
    """The SAFE that a reference names, wherever it is.

    Raises:
        NotFoundError: It is nowhere to be found.
        AccessError: It lies where reading is billed, and that was not agreed to.
    """
    if "://" not in ref.text and Path(ref.text).exists():
        return _open_local(ref.text, Path(ref.text).stat().st_mtime_ns)
    from s2kit.archive.find import locate

    return locate(ProductRef(ref.text, MappingProxyType(dict(ref.record))), settings)


@lru_cache(maxsize=64)
def _open_local(path: str, changed: int) -> Product:
    return open_product(path)


class _SafeSource:
    """A SAFE folder, zip or tree in a bucket."""

    def __init__(self, ref: SourceRef, settings: Settings) -> None:
        self.id = ref.id
        self._product = open_safe(ref, settings)
        self.level = str(self._product.metadata.level)
        self.offset_source = str(self._product.metadata.offset_source)

    def band(self, name: str, resolution_m: int | None = None) -> BandSource:
        if name == "SCL" and self.level == Level.L1C:
            raise InputError(f"{self.id} is L1C and has no SCL", "scene classification comes with L2A: --level l2a")
        image = self._image(name, resolution_m)
        return BandSource(name, image.location, image.resolution_m, image.offset, image.quantification, image.grid)

    def _image(self, name: str, resolution_m: int | None) -> BandImage:
        if resolution_m is None:
            return self._product.image(name)
        try:
            return self._product.image(name, resolution_m)
        except NotFoundError:
            return self._product.image(name)


class _CogSource:
    """GeoTIFFs beside a STAC item."""

    def __init__(self, ref: SourceRef, settings: Settings, boa_offset: str) -> None:
        self._settings = settings
        self._base, item = read_item(ref.text, settings)
        self._item = item
        self.id = item.product
        self.level = str(Level.L2A)
        self._offset = parse_boa_offset(boa_offset) or item.offset
        if not self._offset.is_certain:
            self._offset = self._compared() or self._offset
        self.offset_source = self._offset.source

    def band(self, name: str, resolution_m: int | None = None) -> BandSource:
        href = self._item.hrefs.get(name)
        if href is None:
            has = ", ".join(sorted(self._item.hrefs))
            raise NotFoundError(f"{self.id} has no GeoTIFF of {name}", f"it has {has}")
        offset, quantification = band_scale(name, self._offset)
        native = BANDS[name].resolution_m if name in BANDS else LAYERS[name].resolution_m
        return BandSource(name, self._location(href), native, offset, quantification)

    def _compared(self) -> BoaOffset | None:
        """The offset that the product's SAFE in the dataset folder proves; None where there is none."""
        try:
            name = parse_product_name(self.id)
            here = find_in_dataset(Path(self._settings.dataset), name)
            if here is None:
                return None
            safe = open_product(here)
            band = next(name for name in ("B04", "B03", "B02", "B08") if name in self._item.hrefs)
            ours, theirs = self._location(self._item.hrefs[band]), safe.image(band)
            return _proven_offset(ours, theirs, self._settings)
        except (S2KitError, StopIteration):
            return None

    def _location(self, href: str) -> ImageLocation:
        if isinstance(self._base, Path):
            local = self._base / href.rpartition("/")[2]
            if local.exists() or "://" not in href:
                return LocalFile(local)
        if "://" in href:
            return remote_object(href, self._settings)
        assert isinstance(self._base, str)
        return remote_object(f"{self._base}/{href}", self._settings)


def _proven_offset(ours: ImageLocation, theirs: BandImage, settings: Settings) -> BoaOffset | None:
    """Compare some pixels of a GeoTIFF with those of the SAFE that it was made from.

    Returns:
        The offset that the GeoTIFF's pixels still need; None where their grids differ or too few pixels have data.
    """
    with (
        open_image(ours, openjpeg=settings.openjpeg, cache=settings.kept_in) as cog,
        open_image(theirs.location, openjpeg=settings.openjpeg, cache=settings.kept_in) as jp2,
    ):
        if cog.info.grid != theirs.grid:
            return None
        grid = theirs.grid
        for share in (0.5, 0.25, 0.75, 0.1, 0.9):
            window = Window(int(grid.width * share) - 16, int(grid.height * share) - 16, 32, 32)
            mine, source = cog.window(window)[0].astype(np.int32), jp2.window(window)[0].astype(np.int32)
            valid = (mine > 0) & (source > 1 - theirs.offset)
            if valid.sum() >= _ENOUGH_PX:
                applied = float(np.median(mine[valid] - source[valid]))
                return BoaOffset(theirs.offset - applied, "pixels") if applied in {0.0, theirs.offset} else None
    return None


def warn_offsets(offset_sources: Iterable[tuple[str, str]], report: Report) -> None:
    """Warn of products whose offset only their catalogue's item knows: the values of such items were wrong before."""
    doubtful = sorted({product for product, source in offset_sources if source in DOUBTFUL})
    if doubtful:
        some = f"{doubtful[0]}" + (f" and {len(doubtful) - 1} more" if len(doubtful) > 1 else "")
        text = "whether the offset of -1000 is in the pixels already is known from the STAC item only"
        report(Note(f"{some}: {text}; --boa-offset applied or needed decides", warning=True))


def read_item(text: str, settings: Settings) -> tuple[Path | str, CogItem]:
    """The STAC item at a folder, file or address, and what its relative addresses stand beside.

    Raises:
        NotFoundError: Nothing is there.
        InputError: Something else than an item of GeoTIFFs.
    """
    if "://" in text:
        base = text.removesuffix(".json") if not text.endswith(".json") else text.rpartition("/")[0]
        base = base.rstrip("/")
        address = text if text.endswith(".json") else f"{base}/{base.rpartition('/')[2]}.json"
        target = remote_object(address, settings)
        from s2kit.store.open import open_store

        return base, parse_cog_item(_json(open_store(target.archive).read(target.key), address))
    path = local_item_file(Path(text))
    if path is None:
        raise NotFoundError(f"{text} holds no STAC item of GeoTIFFs")
    return path.parent, parse_cog_item(_json(path.read_bytes(), text))


def local_item_file(path: Path) -> Path | None:
    """The STAC item in a folder of GeoTIFFs, or the file itself; None where there is none."""
    candidates = [path] if path.is_file() and path.suffix == ".json" else [path / f"{path.name}.json"]
    for candidate in candidates:
        if candidate.is_file():
            try:
                document = json.loads(candidate.read_bytes())
            except ValueError:
                continue
            if is_cog_item(document):
                return candidate
    return None


def _json(data: bytes, label: str) -> Mapping[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise InputError(f"{label} is not JSON") from error
    if not is_cog_item(document):
        raise InputError(f"{label} is no STAC item of GeoTIFFs")
    return dict(document)


def remote_object(address: str, settings: Settings) -> RemoteObject:
    """An address as an archive of the settings and a key; an unknown host becomes an archive of its own."""
    amazon = _AMAZON.fullmatch(address)
    if amazon:
        address = f"s3://{amazon['bucket']}/{amazon['key']}"
    parts = urlsplit(address)
    key = parts.path.lstrip("/")
    for archive in settings.archives.values():
        if address.startswith(f"{archive.address.rstrip('/')}/"):
            return RemoteObject(archive, address.removeprefix(archive.address.rstrip("/")).lstrip("/"))
    if address.startswith("s3://sentinel-cogs/") and "cogs" in settings.archives:
        return RemoteObject(settings.archives["cogs"], key)
    root = f"{parts.scheme}://{parts.netloc}"
    return RemoteObject(Archive(name=parts.netloc, address=root, layout=Layout.COGS, anonymous=True), key)
