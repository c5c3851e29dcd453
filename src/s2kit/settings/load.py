"""Settings from five places, each value with its origin.

Precedence: flag > environment `S2KIT_*` > `.env` > `./settings.toml` > the user's settings file > built-in. Secrets
come from the environment, `.env`, AWS profiles or `.netrc` only; a settings file that holds one is refused. What the
two files of the current folder may say is in `trust`.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from s2kit.errors import ConfigError, InputError
from s2kit.run.read_file import read_named
from s2kit.settings.model import CATALOGUES, PARCEL_FIELDS, CatalogueSettings, Settings
from s2kit.settings.trust import is_trusted, permitted, why_not_read
from s2kit.store.archive import ARCHIVES, Archive

APP = "s2kit"
ENV_PREFIX = "S2KIT_"
BUILT_IN = "built-in"
OLD_NAMES = {"DATASET_PATH": "dataset", "LOCAL_TMP_BUCKET": "destination"}
"""Names of the older system's `.env` file that are still understood."""
SECRETS: Mapping[str, tuple[str, ...]] = {
    "aws_access_key_id": ("AWS_ACCESS_KEY_ID",),
    "aws_secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "aws_session_token": ("AWS_SESSION_TOKEN",),
    "cdse_access_key": ("CDSE_S3_ACCESS_KEY",),
    "cdse_secret": ("CDSE_S3_SECRET",),
    "dhus_url": ("DHUS_URL",),
    "dhus_user": ("DHUS_USER", "USER_SENTINEL_HUB"),
    "dhus_password": ("DHUS_PASSWORD", "PASS_SENTINEL_HUB"),
}
"""Credentials by the environment variables that carry them, the first name being the one to use."""
PUBLIC_SECRETS = frozenset({"dhus_url", "dhus_user", "aws_access_key_id", "cdse_access_key"})
"""Those of `SECRETS` that name an account and are useless alone."""
_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_PROFILE_KEYS = re.compile(r"[A-Z0-9_]+_S3_(?:ACCESS_KEY|SECRET|TOKEN)")
"""Keys of the archives that name a profile: `CDSE_S3_ACCESS_KEY` for `cdse`."""


_TABLES = ("collections", "parcels", "parcel_files", "archives", "catalogues")


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
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Keys of stores that `.env` adds to the environment, by the names of their variables."""
    ignored: str = ""
    """What the files of the current folder said and may not say, with the way to allow it; empty if nothing."""


def user_settings_path() -> Path:
    """The user's own settings file, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path(APP) / "settings.toml"


def default_cache_dir() -> Path:
    """The user's cache folder for s2kit."""
    from platformdirs import user_cache_path

    return user_cache_path(APP)


def default_job_store() -> Path:
    """The user's folder for batch jobs."""
    from platformdirs import user_data_path

    return user_data_path(APP) / "jobs"


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
    layers = _Layers()
    own = _read_toml(user_settings_path(), required=False)
    if own is not None:
        layers.add(own, user_settings_path())
    stronger = [_from_environment(environment), {k: v for k, v in (flags or {}).items() if v is not None}]
    guard = _Guard(here, layers.values, stronger, environment)
    for path, read, given in (
        (config or here / "settings.toml", _settings_table, config),
        (env_file or here / ".env", _dotenv_table, env_file),
    ):
        if given is not None:
            layers.add(read(path, required=True), path)
        elif path.is_file() and (table := guard.permitted(path, read)):
            layers.add(table, path)
    dotenv = guard.dotenv if env_file is None else _read_dotenv(env_file)
    layers.add(stronger[0], "environment")
    layers.add(stronger[1], "flag")
    settings = _validate(layers.values, layers.origins)
    origins = layers.origins
    known = {name: origins.get(name, BUILT_IN) for name in (f.name for f in fields(Settings)) if name not in _TABLES}
    known |= {name: origin for name, origin in origins.items() if name.partition(".")[0] in _TABLES}
    keys = _keys(dotenv, environment)
    others = {name: value for name, value in dotenv.items() if name not in _AWS}
    secrets = _secrets({**others, **keys, **environment})
    return Loaded(settings, known, secrets, tuple(layers.files), keys, guard.hint())


class _Layers:
    """Values laid over one another, with the origin of each."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.files: list[Path] = []

    def add(self, table: Mapping[str, Any], origin: Path | str) -> None:
        _merge(self.values, self.origins, table, str(origin))
        if isinstance(origin, Path) and origin.suffix == ".toml":
            self.files.append(origin)


class _Guard:
    """Reads the files of the current folder, as far as they are trusted."""

    def __init__(
        self,
        folder: Path,
        own: Mapping[str, Any],
        stronger: Iterable[Mapping[str, Any]],
        environment: Mapping[str, str],
    ) -> None:
        self.dotenv: dict[str, str] = {}
        """Variables of `.env`, if it is read."""
        self._environment = environment
        self._folder = folder
        self._known: dict[str, Any] = {}
        for table in (own, *stronger):
            _merge(self._known, {}, table, "")
        self._trusted = is_trusted(folder, _listed(self._known.get("trusted_folders", ())))
        self._ignored: list[str] = []

    def permitted(self, path: Path, read: Any) -> dict[str, Any]:
        """What a file says, without what it may not say."""
        reason = None if self._trusted else why_not_read(path)
        if reason is not None:
            self._ignored.append(f"{path} ({reason})")
            return {}
        table: dict[str, Any] = read(path, required=False)
        if path.name == ".env":
            self.dotenv = _read_dotenv(path)
        if self._trusted:
            return table
        kept, ignored = permitted(table, self._folder, self._known, self._billing())
        if path.name == ".env" and "DHUS_URL" in self.dotenv and not self._brings_login():
            del self.dotenv["DHUS_URL"]
            ignored.append("DHUS_URL")
        self._ignored += [f"{name} of {path}" for name in ignored]
        return kept

    def _brings_login(self) -> bool:
        """True if `.env` holds user and password for the hub that it names, so that no others are sent there."""
        variables = [SECRETS[name] for name in ("dhus_user", "dhus_password")]
        return all(
            any(map(self.dotenv.get, names)) and not any(map(self._environment.get, names)) for names in variables
        )

    def _billing(self) -> set[str]:
        """Names of archives that bill the reader, as far as the trusted places say."""
        changes = self._known.get("archives", {})
        names = {name: archive.requester_pays for name, archive in ARCHIVES.items()}
        names |= {name: bool(change.get("requester_pays", names.get(name))) for name, change in changes.items()}
        return {name for name, bills in names.items() if bills}

    def hint(self) -> str:
        """What was ignored and what to do about it."""
        if not self._ignored:
            return ""
        return (
            f"ignored: {', '.join(self._ignored)}: the current folder does not decide where logs, caches, credentials,"
            f" addresses and payments go; name the file with --config or --env-file, or trust the folder:"
            f' trusted_folders = ["{self._folder.resolve()}"] in {user_settings_path()}'
        )


def _settings_table(path: Path, *, required: bool) -> dict[str, Any]:
    return _read_toml(path, required=required) or {}


def _dotenv_table(path: Path, *, required: bool) -> dict[str, Any]:
    if required and not path.is_file():
        raise ConfigError(f"{path}: no such file", "name the file that --env-file shall read")
    return _from_environment(_read_dotenv(path))


def _keys(dotenv: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Keys of stores that `.env` adds: those of AWS together, or not at all if the environment has any or a profile."""
    keys = {name: value for name, value in dotenv.items() if _PROFILE_KEYS.fullmatch(name) and value}
    if not any(environment.get(name) for name in (*_AWS, "AWS_PROFILE")):
        keys |= {name: dotenv[name] for name in _AWS if dotenv.get(name)}
    return {name: value for name, value in keys.items() if not environment.get(name)}


def _secrets(known: Mapping[str, str]) -> dict[str, str]:
    """Values by the names of `SECRETS`."""
    return {
        name: next(known[variable] for variable in variables if known.get(variable))
        for name, variables in SECRETS.items()
        if any(known.get(variable) for variable in variables)
    }


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(one) for one in value)


def _read_dotenv(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(path, encoding="utf-8-sig").items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def _read_toml(path: Path, *, required: bool) -> dict[str, Any] | None:
    try:
        table = tomllib.loads(read_named(path).decode("utf-8-sig"))
    except FileNotFoundError as error:
        if required:
            raise ConfigError(f"{path}: no such settings file", "make one with: s2kit config init") from error
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except InputError as error:
        raise ConfigError(str(error)) from error
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
    if isinstance(table.get("trusted_folders"), str):
        table["trusted_folders"] = tuple(filter(None, table["trusted_folders"].split(os.pathsep)))
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
    merged["job_store"] = values.get("job_store") or default_job_store()
    if all(type(values[f.name]) is type(f.default) for f in fields(Settings) if f.name in values):
        return Settings(**merged)  # what a flag gave, or nothing; pydantic is half of the start of a short run
    from pydantic import TypeAdapter, ValidationError

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
