"""Every setting with its text and its built-in value; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from s2kit.errors import ConfigError
from s2kit.store.archive import ARCHIVES, Archive


def _setting(default: Any, about: str, example: str | None = None, *, trusted_only: bool = False) -> Any:
    """A field with the line that documents it.

    Args:
        default: The built-in value.
        about: What the setting does.
        example: What the example files show instead of the built-in value.
        trusted_only: True if a file of the current folder may set it only if the folder is trusted.
    """
    metadata = {"about": about, "example": example, "trusted_only": trusted_only}
    if isinstance(default, (dict, Mapping)):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSettings:
    """A catalogue that `search` can ask."""

    url: str
    """Root of the service, or a folder for `local`."""
    kind: str = "stac"
    """`stac`, `odata`, `dhus` or `local`."""
    in_all: bool = True
    """True if `--catalogue all` asks it."""


CATALOGUES: Mapping[str, CatalogueSettings] = {
    "earth-search": CatalogueSettings(url="https://earth-search.aws.element84.com/v1"),
    "cdse": CatalogueSettings(url="https://stac.dataspace.copernicus.eu/v1"),
    "cdse-odata": CatalogueSettings(
        url="https://catalogue.dataspace.copernicus.eu/odata/v1", kind="odata", in_all=False
    ),
    "planetary-computer": CatalogueSettings(url="https://planetarycomputer.microsoft.com/api/stac/v1", in_all=False),
    "eopf": CatalogueSettings(url="https://stac.core.eopf.eodc.eu", in_all=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How products are found and read: what a task carries to its worker instead of the settings."""

    dataset: Path
    archive: str
    archives: Mapping[str, Archive]
    allow_requester_pays: bool
    openjpeg: str
    kept_in: Path | Literal[False]
    """The cache folder for what is learned of remote files; False for none."""


PARCEL_FIELDS: Mapping[str, str] = {"pid": "pid", "cropname": "cropname", "cropcode": "cropcode"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting; the texts beside them are what `settings.example.toml` says."""

    dataset: Path = _setting(Path(), "Dataset folder: where download puts products, and where the other verbs look.")
    destination: str = _setting(
        "", "Where download puts products, if not in the dataset folder: a folder or s3://….", trusted_only=True
    )
    jobs: int = _setting(0, "Worker processes; 0 takes every core.")
    archive: str = _setting("auto", "Archive that products come from; auto asks the free ones only.")
    allow_requester_pays: bool = _setting(False, "Let auto use archives that bill the reader.", trusted_only=True)
    catalogue: str = _setting("earth-search", "Catalogue that search asks.")
    level: str = _setting("l2a", "Processing level that search asks for: l2a or l1c.")
    limit: int = _setting(0, "Most products for an area and a range of dates; 0 means all.")
    max_bytes: str = _setting("", "Refuse to download more than this, such as 20GB; empty means no bound.")
    min_free: str = _setting("1GB", "Free disk space that a download must leave.")
    timeout_s: float = _setting(600.0, "Seconds after which a remote service is given up.")
    openjpeg: str = _setting("auto", "Fast decoding through libopenjp2: auto or off.")
    cache: bool = _setting(True, "Keep what was learned of remote files and the chips that were cut.")
    cache_dir: Path = _setting(
        Path(), "Folder of the cache; empty means the user's cache folder.", example='""', trusted_only=True
    )
    cloud_classes: str = _setting("3,8,9,10", "Scene classes (SCL) that render --mask-clouds makes no data.")
    log_file: str = _setting("", "File that gets a line for each event, besides what is shown.", trusted_only=True)
    log_requests: str = _setting(
        "", "File that gets a JSON line for each run: time, parameters, result.", trusted_only=True
    )
    trusted_folders: tuple[str, ...] = _setting(
        (),
        "Folders whose settings.toml and .env may say everything, not only what to do; /* at the end for all below.",
        trusted_only=True,
    )
    job_store: Path = _setting(
        Path(), "Folder of batch jobs; empty means the user's own.", example='""', trusted_only=True
    )
    job_slots: int = _setting(2, "Batch jobs that run at once; the others wait.")
    job_timeout_s: float = _setting(0.0, "Seconds after which a batch job is ended; 0 means no bound.")
    job_max_memory: str = _setting("", "Memory that a batch job may take, such as 8GB; empty means no bound.")
    collections: dict[str, str] = _setting(
        {},
        "Collections that process graphs may load, by name: a folder, a file, or the address of a STAC collection.",
        example='OISST = "sst"',
    )
    cluster: str = _setting(
        "",
        "Dask cluster that does the work: tcp://host:8786, tls://host:8786 or local:N; empty for this machine.",
        trusted_only=True,
    )
    cluster_wait_s: float = _setting(60.0, "Seconds to wait for workers of the cluster, at first or if all are gone.")
    parcels: dict[str, str] = _setting(PARCEL_FIELDS, "Names that your parcel files use for s2kit's parcel fields.")
    parcel_files: dict[str, str] = _setting(
        {},
        "Parcel files that serve offers, by name (aoi); {year} and {ptype} in a path are replaced.",
        example='es = "parcels_es_{year}.gpkg"',
    )
    archives: dict[str, Archive] = _setting(ARCHIVES, "Archives by name; a table changes or adds one.")
    catalogues: dict[str, CatalogueSettings] = _setting(CATALOGUES, "Catalogues by name; a table changes or adds one.")

    def __post_init__(self) -> None:
        choices = {"level": ("l2a", "l1c"), "openjpeg": ("auto", "off")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: must be one of {', '.join(allowed)}")
        for name in ("jobs", "limit", "timeout_s", "job_timeout_s"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} = {getattr(self, name)}: must not be negative")
        if self.job_slots < 1:
            raise ConfigError(f"job_slots = {self.job_slots}: at least one job must be able to run")

    def given(self, **values: Any) -> "Settings":
        """These settings with others laid over them; None means not given.

        Raises:
            ConfigError: A value that the setting cannot have.
        """
        return replace(self, **{name: value for name, value in values.items() if value is not None})

    @property
    def access(self) -> Access:
        """What workers need of them."""
        return Access(
            dataset=self.dataset,
            archive=self.archive,
            archives=self.archives,
            allow_requester_pays=self.allow_requester_pays,
            openjpeg=self.openjpeg,
            kept_in=self.kept_in,
        )

    @property
    def kept_in(self) -> Path | Literal[False]:
        """The cache folder, or False if nothing shall be kept."""
        return self.cache_dir if self.cache else False
