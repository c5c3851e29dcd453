"""Settings from five places, each value with its origin.

Precedence: flag > environment `S2KIT_*` > `.env` > `./settings.toml` > the user's settings file > built-in. Secrets
come from the environment, `.env`, AWS profiles or `.netrc` only; a settings file that holds one is refused.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from s2kit.errors import ConfigError
from s2kit.store.archive import ARCHIVES, Archive

APP = "s2kit"
ENV_PREFIX = "S2KIT_"
BUILT_IN = "built-in"
OLD_NAMES = {"DATASET_PATH": "dataset", "LOCAL_TMP_BUCKET": "destination"}
"""Names of the older system's `.env` file that are still understood."""
SECRETS: Mapping[str, tuple[str, ...]] = {
    "cdse_access_key": ("CDSE_S3_ACCESS_KEY",),
    "cdse_secret": ("CDSE_S3_SECRET",),
    "dhus_url": ("DHUS_URL",),
    "dhus_user": ("DHUS_USER", "USER_SENTINEL_HUB"),
    "dhus_password": ("DHUS_PASSWORD", "PASS_SENTINEL_HUB"),
}
"""Credentials by the environment variables that carry them, the first name being the one to use."""


def _setting(default: Any, about: str, example: str | None = None) -> Any:
    """A field with the line that documents it and, where the default is not what to show, an example."""
    metadata = {"about": about, "example": example}
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


CATALOGUES: Mapping[str, CatalogueSettings] = {
    "earth-search": CatalogueSettings(url="https://earth-search.aws.element84.com/v1"),
    "cdse": CatalogueSettings(url="https://stac.dataspace.copernicus.eu/v1"),
    "cdse-odata": CatalogueSettings(url="https://catalogue.dataspace.copernicus.eu/odata/v1", kind="odata"),
}

PARCEL_FIELDS: Mapping[str, str] = {"pid": "pid", "cropname": "cropname", "cropcode": "cropcode"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting; the texts beside them are what `settings.example.toml` says."""

    dataset: Path = _setting(Path(), "Dataset folder: where download puts products, and where the other verbs look.")
    destination: str = _setting("", "Where download puts products, if not in the dataset folder: a folder or s3://….")
    jobs: int = _setting(0, "Worker processes; 0 takes every core.")
    archive: str = _setting("auto", "Archive that products come from; auto asks the free ones only.")
    allow_requester_pays: bool = _setting(False, "Let auto use archives that bill the reader.")
    catalogue: str = _setting("earth-search", "Catalogue that search asks.")
    level: str = _setting("l2a", "Processing level that search asks for: l2a or l1c.")
    limit: int = _setting(0, "Most products for an area and a range of dates; 0 means all.", example="10")
    max_bytes: str = _setting("", "Refuse to download more than this, such as 20GB; empty means no bound.")
    min_free: str = _setting("1GB", "Free disk space that a download must leave.")
    timeout_s: float = _setting(600.0, "Seconds after which a remote service is given up.")
    openjpeg: str = _setting("auto", "Fast decoding through libopenjp2: auto or off.")
    cache: bool = _setting(True, "Keep what was learned of remote files and the chips that were cut.")
    cache_dir: Path = _setting(Path(), "Folder of the cache; empty means the user's cache folder.", example='""')
    cloud_classes: str = _setting("3,8,9,10", "Scene classes (SCL) that render --mask-clouds makes no data.")
    log_file: str = _setting("", "File that gets a line for each event, besides what is shown.")
    log_requests: str = _setting("", "File that gets a JSON line for each run: time, parameters, result.")
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
        for name in ("jobs", "limit", "timeout_s"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} = {getattr(self, name)}: must not be negative")

    @property
    def kept_in(self) -> Path | Literal[False]:
        """The cache folder, or False where nothing shall be kept."""
        return self.cache_dir if self.cache else False


_TABLES = ("parcels", "parcel_files", "archives", "catalogues")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with where each came from, and the secrets, which are never shown."""

    settings: Settings
    origins: Mapping[str, str]
    """Origin of each setting by its dotted name."""
    secrets: Mapping[str, str] = field(repr=False)
    """Values by the names of `SECRETS`; a missing one is absent."""
    files: tuple[Path, ...] = ()
    """Settings files that were read."""


def user_settings_path() -> Path:
    """The user's own settings file, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path(APP) / "settings.toml"


def default_cache_dir() -> Path:
    """The user's cache folder for s2kit."""
    from platformdirs import user_cache_path

    return user_cache_path(APP)


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    config: Path | None = None,
    env_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Loaded:
    """Read all layers and merge them.

    Args:
        flags: Settings given on the command line; None values were not given.
        config: A settings file that stands in for `./settings.toml`.
        env_file: A file that stands in for `./.env`.
        environment: The environment; the process's own by default.
        folder: Folder of `settings.toml` and `.env`; the current one by default.

    Raises:
        ConfigError: A file that cannot be read, an unknown name, a value of the wrong kind, a secret in a file.
    """
    here = folder or Path()
    environment = os.environ if environment is None else environment
    dotenv = _read_dotenv(env_file, here / ".env")
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    files: list[Path] = []
    for path, required in ((user_settings_path(), False), (config or here / "settings.toml", config is not None)):
        table = _read_toml(path, required=required)
        if table is not None:
            files.append(path)
            _merge(values, origins, table, str(path))
    _merge(values, origins, _from_environment(dotenv), str(env_file or here / ".env"))
    _merge(values, origins, _from_environment(environment), "environment")
    _merge(values, origins, {k: v for k, v in (flags or {}).items() if v is not None}, "flag")
    settings = _validate(values, origins)
    known = {name: origins.get(name, BUILT_IN) for name in (f.name for f in fields(Settings)) if name not in _TABLES}
    known |= {name: origin for name, origin in origins.items() if name.partition(".")[0] in _TABLES}
    both = {**dotenv, **environment}
    secrets = {
        name: next(both[variable] for variable in variables if both.get(variable))
        for name, variables in SECRETS.items()
        if any(both.get(variable) for variable in variables)
    }
    return Loaded(settings, known, secrets, tuple(files))


def _read_dotenv(given: Path | None, default: Path) -> dict[str, str]:
    path = given or default
    if not path.is_file():
        if given is not None:
            raise ConfigError(f"{given}: no such file", "name the file that --env-file shall read")
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def _read_toml(path: Path, *, required: bool) -> dict[str, Any] | None:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if required:
            raise ConfigError(f"{path}: no such settings file", "make one with: s2kit config init") from error
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    for name in table:
        if name in SECRETS or any(word in name for word in ("password", "secret")):
            raise ConfigError(
                f"{path}: {name}: secrets do not belong in a settings file",
                f"set {SECRETS.get(name, (name.upper(),))[0]} in the environment or in .env",
            )
    return table


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for old, name in OLD_NAMES.items():
        if environment.get(old):
            table[name] = environment[old]
    for variable, value in sorted(environment.items()):
        if variable.startswith(ENV_PREFIX) and value:
            place = table
            *parents, last = variable.removeprefix(ENV_PREFIX).lower().split("__")
            for parent in parents:
                place = place.setdefault(parent.replace("_", "-") if place is not table else parent, {})
            place[last] = value
    return table


def _merge(
    values: dict[str, Any], origins: dict[str, str], table: Mapping[str, Any], origin: str, at: str = ""
) -> None:
    """Lay a table over the values, table by table, and note the origin of each leaf."""
    for name, value in table.items():
        dotted = f"{at}{name}"
        if isinstance(value, Mapping):
            if not isinstance(values.setdefault(name, {}), dict):
                values[name] = {}
            _merge(values[name], origins, value, origin, f"{dotted}.")
        else:
            values[name] = value
            origins[dotted] = origin


def _validate(values: dict[str, Any], origins: Mapping[str, str]) -> Settings:
    from pydantic import TypeAdapter, ValidationError

    names = [f.name for f in fields(Settings)]
    for name in values:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            where = next((origin for dotted, origin in origins.items() if dotted.partition(".")[0] == name), "")
            raise ConfigError(f"{where}: no setting is called {name!r}", f"did you mean {near[0]}?" if near else None)
    merged = dict(values)
    for name, built_in, kind in (("archives", ARCHIVES, Archive), ("catalogues", CATALOGUES, CatalogueSettings)):
        merged[name] = _overlay(name, built_in, kind, values.get(name, {}))
    merged["parcels"] = {**PARCEL_FIELDS, **values.get("parcels", {})}
    merged["cache_dir"] = values.get("cache_dir") or default_cache_dir()
    try:
        return TypeAdapter(Settings).validate_python(merged)
    except ValidationError as error:
        first = error.errors()[0]
        dotted = ".".join(str(part) for part in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        where = origins.get(dotted, "settings")
        raise ConfigError(f"{where}: {dotted} = {first['input']!r}: {text}") from error


def _overlay(table: str, built_in: Mapping[str, Any], kind: Any, changes: Any) -> dict[str, Any]:
    """Named tables over the built-in ones: a table of a known name changes only what it says."""
    if not isinstance(changes, dict) or not all(isinstance(change, dict) for change in changes.values()):
        raise ConfigError(f"{table} must be tables, such as [{table}.mine]")
    allowed = {f.name for f in fields(kind)}
    merged: dict[str, Any] = dict(built_in)
    for name, change in changes.items():
        for key in change:
            if key not in allowed:
                raise ConfigError(f"{table}.{name}.{key}: no such entry", f"there are: {', '.join(sorted(allowed))}")
        known = built_in.get(name)
        base = {f.name: getattr(known, f.name) for f in fields(kind)} if known is not None else {}
        if "name" in allowed:
            base["name"] = name
        merged[name] = {**base, **change}
    return merged
