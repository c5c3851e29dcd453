"""How products are downloaded: the request, and how it is made of options. Computes only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self, TypedDict, Unpack

from s2kit.catalogue.base import CatalogueSource
from s2kit.errors import UsageError
from s2kit.product.subset import Subset
from s2kit.run.choices import one_of
from s2kit.run.options import Text, Texts, text, texts
from s2kit.settings import Loaded
from s2kit.store.archive import Archive, Layout
from s2kit.store.cost import parse_size

DATASET = "dataset"
"""Name under which the dataset folder is asked as an archive."""


class Arrangement(StrEnum):
    """How products lie in the destination."""

    FLAT = "flat"
    """`NAME.SAFE` directly in it."""
    SEED = "seed"
    """`START_END/AOI/original/NAME.SAFE`."""


class DownloadOptions(TypedDict, total=False):
    """How to download, by the names of the options of `s2kit download`; None means not given."""

    out: Text | None
    """A folder, `s3://bucket/prefix` or `ARCHIVE:prefix`; by default the dataset folder."""
    archive: str | None
    """`auto`, `aws`, `cdse`, `gcp` or an archive of the settings."""
    bands: Texts
    """Bands and layers, `B04` or `B04@20`; by default all."""
    include: Texts
    """Only files of the SAFE that match one of these patterns."""
    exclude: Texts
    """No files that match one of these patterns."""
    assets: Texts
    """Assets of STAC items, `red,nir08,qa_pixel`; by default all."""
    complete_from: str | None
    """Archive to take files from that the first archive does not have."""
    check_against: str | None
    """Catalogue whose checksum of the manifest must be that of the archive's, `cdse`."""
    zip: bool
    """True makes `NAME.zip` of each product."""
    keep_folder: bool
    """True keeps the folder beside the zip."""
    layout: str
    """`flat` or `seed`."""
    max_bytes: str | None
    """Do not start if more than this is to be fetched, `20GB`."""
    min_free: str | None
    """Disk space that must stay free, `10GB`."""
    timeout: float | None
    """Seconds for the whole run."""
    wait: float
    """Seconds to wait for another run at the same destination."""
    jobs: int | None
    """Products at work at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadRequest:
    """How products are downloaded."""

    out: str
    """A folder, `s3://bucket/prefix` or `ARCHIVE:prefix`."""
    archives: Mapping[str, Archive] = field(hash=False)
    archive: str = "auto"
    allow_requester_pays: bool = False
    complete_from: str | None = None
    """Archive that supplies what the first one never had."""
    check_against: CatalogueSource | None = None
    """Catalogue that has to confirm the manifest, None for none."""
    subset: Subset = field(default_factory=Subset)
    assets: tuple[str, ...] = ()
    """Keys of assets that are fetched of STAC items; empty for all."""
    as_zip: bool = False
    keep_folder: bool = False
    """True if the folder stays beside the zip."""
    arrangement: Arrangement = Arrangement.FLAT
    max_bytes: int | None = None
    """Refuse to start if more than this is to be fetched."""
    min_free: int = 0
    """Bytes that must stay free on the disk."""
    timeout_s: float | None = None
    """For the whole run; None for no bound."""
    stall_s: float = 600.0
    """For one file without progress."""
    wait_s: float = 0.0
    """How long to wait for another run at the same destination."""
    products_at_once: int = 2
    """Products at work at one time; connections are bounded by each archive's own number."""

    @classmethod
    def parse(cls, loaded: Loaded, **options: Unpack[DownloadOptions]) -> Self:
        """The request that options mean.

        Args:
            loaded: The settings, for everything that is not given.
            options: See `DownloadOptions`.

        Raises:
            UsageError: A word that is not known, a size that is none, or no such band.
        """
        names = ("archive", "max_bytes", "min_free", "jobs")
        settings = loaded.settings.given(**{name: options.get(name) for name in names})
        out = options.get("out")
        place = text(out) if out else settings.destination or str(settings.dataset)
        return cls(
            out=place,
            archives=with_dataset(settings.archives, settings.dataset, place),
            archive=settings.archive,
            allow_requester_pays=settings.allow_requester_pays,
            complete_from=options.get("complete_from"),
            check_against=confirming(options.get("check_against"), loaded),
            subset=Subset.parse(
                texts(options.get("bands")), texts(options.get("include")), texts(options.get("exclude"))
            ),
            assets=tuple(key for text in texts(options.get("assets")) for key in text.split(",") if key),
            as_zip=options.get("zip", False),
            keep_folder=options.get("keep_folder", False),
            arrangement=Arrangement(one_of("layout", options.get("layout", "flat"), tuple(Arrangement))),
            max_bytes=parse_size(settings.max_bytes),
            min_free=parse_size(settings.min_free) or 0,
            timeout_s=options.get("timeout"),
            stall_s=settings.timeout_s,
            wait_s=options.get("wait", 0.0),
            products_at_once=settings.jobs or 2,
        )


def confirming(name: str | None, loaded: Loaded) -> CatalogueSource | None:
    """The catalogue of the settings that `--check-against` names, None if it is not given.

    Raises:
        UsageError: There is no STAC catalogue of that name.
    """
    if name is None:
        return None
    known = {key: one.url for key, one in loaded.settings.catalogues.items() if one.kind == "stac"}
    if name not in known:
        raise UsageError(f"--check-against {name}: no such STAC catalogue", f"there are {', '.join(sorted(known))}")
    return CatalogueSource(name=name, kind="stac", url=known[name])


def is_bucket(out: str, archives: Mapping[str, Archive]) -> bool:
    """True if `--out` names a bucket or a prefix of an archive, and no folder of this machine."""
    return out.startswith("s3://") or (":" in out and out.partition(":")[0] in archives)


def with_dataset(archives: Mapping[str, Archive], dataset: Path, out: str) -> dict[str, Archive]:
    """The archives with the dataset folder before them, if the destination is another folder."""
    if Path(out).expanduser().absolute() == dataset.absolute():
        return dict(archives)
    own = Archive(name=DATASET, address=str(dataset.absolute()), layout=Layout.SAFE)
    return {DATASET: own, **archives}
