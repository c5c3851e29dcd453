"""Checks of the machine s2kit runs on, each with what to mend."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from s2kit.errors import AccessError, ConfigError, S2KitError, ServiceError
from s2kit.settings import Settings
from s2kit.version import __version__

_LIBRARIES = ("rasterio", "numpy", "boto3", "shapely", "joblib", "pystac_client", "typer", "simplejpeg", "isal")
_LOW_SPACE = 2 * 10**9
_MAX_SKEW_S = 300.0
"""S3 refuses signatures that are more than 15 minutes off; a third of that is worth a warning."""


class CheckState(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    check: str
    state: CheckState
    detail: str
    hint: str = ""
    exit_code_of: type[S2KitError] = ConfigError
    """The error that a failure of this check stands for."""

    def record(self) -> dict[str, object]:
        """The check for output."""
        record = asdict(self)
        del record["exit_code_of"]
        return record


def diagnose(settings: Settings, secrets: Mapping[str, str], *, offline: bool) -> list[Check]:
    """Look at everything; a failing check never stops the others.

    Args:
        settings: The merged settings.
        secrets: Credentials that were found, by the names of `settings.SECRETS`.
        offline: True where no service shall be asked.
    """
    checks = [*_versions(), *_decoders(settings.openjpeg), *_places(settings), *_credentials(settings, secrets)]
    if not offline:
        checks += _services(settings)
    return checks


def worst(checks: Sequence[Check]) -> S2KitError | None:
    """The error that the checks add up to, if any failed: the first failure decides."""
    failed = [check for check in checks if check.state is CheckState.FAIL]
    if not failed:
        return None
    names = ", ".join(check.check for check in failed)
    return failed[0].exit_code_of(f"{len(failed)} of {len(checks)} checks failed: {names}", failed[0].hint or None)


def _versions() -> Iterator[Check]:
    from importlib.metadata import version

    yield Check("python", CheckState.OK, sys.version.split()[0])
    yield Check("s2kit", CheckState.OK, __version__)
    for library in _LIBRARIES:
        yield Check(library, CheckState.OK, version(library.replace("_", "-")))


def _decoders(openjpeg: str) -> Iterator[Check]:
    from s2kit.jp2.openjpeg import route_in_use
    from s2kit.run.gdal_info import driver_names, environment_problems, gdal_version

    yield Check("gdal", CheckState.OK, gdal_version())
    for problem in environment_problems():
        yield Check("environment", CheckState.FAIL, str(problem), problem.hint or "")
    if "JP2OpenJPEG" in driver_names():
        yield Check("jpeg 2000 driver", CheckState.OK, "JP2OpenJPEG")
    else:
        hint = "install rasterio from its wheel: pip install --force-reinstall --only-binary :all: rasterio"
        yield Check("jpeg 2000 driver", CheckState.FAIL, "rasterio has no JP2OpenJPEG", hint)
    yield Check("jpeg 2000 windows", CheckState.OK, route_in_use(openjpeg))
    yield _openjpeg()


def _openjpeg() -> Check:
    """The OpenJPEG that was found, against the faults that were published."""
    from s2kit.jp2.openjpeg import load
    from s2kit.jp2.openjpeg_faults import faults_of

    library = load()
    if library is None:
        return Check("openjpeg", CheckState.WARN, "no library of known kind was found, so its faults are not known")
    faults = faults_of(library.version)
    told = ", ".join(f"{one.name} ({'reached' if one.reached else 'not reached'})" for one in faults)
    state = CheckState.WARN if any(fault.reached for fault in faults) else CheckState.OK
    hint = "" if state is CheckState.OK else "install rasterio 1.4.4 or later from its wheel, which carries a newer one"
    return Check("openjpeg", state, f"{library.version}; published faults: {told or 'none'}", hint)


def _places(settings: Settings) -> Iterator[Check]:
    from s2kit.run.files import free_bytes

    for name, folder in (("dataset folder", settings.dataset), ("cache folder", settings.cache_dir)):
        free = free_bytes(folder)
        state = CheckState.OK if free > _LOW_SPACE else CheckState.WARN
        hint = "" if state is CheckState.OK else "free some space, or name another folder in the settings"
        there = "" if folder.is_dir() else " (not there yet)"
        yield Check(name, state, f"{folder.absolute()}{there}, {free / 1e9:.1f} GB free", hint)


def _credentials(settings: Settings, secrets: Mapping[str, str]) -> Iterator[Check]:
    """Each key that is there, and the hosts that it would be sent to."""
    from s2kit.store.keys import key_use

    hosts: dict[str, dict[str, list[str]]] = {"AWS keys": {}, "cdse": {}}
    for archive in settings.archives.values():
        if archive.address.startswith(("s3://", "gs://")) and not archive.anonymous:
            use = key_use(archive)
            name = "cdse" if archive.profile == "cdse" else use.key
            hosts.setdefault(name, {}).setdefault(use.host, []).append(archive.name)
    aws = _aws_source(Path("~/.aws/credentials").expanduser())
    yield _key_check("aws keys", aws, hosts.pop("AWS keys"), "aws configure")
    cdse = "environment or .env" if {"cdse_access_key", "cdse_secret"} <= set(secrets) else ""
    hint = "set CDSE_S3_ACCESS_KEY and CDSE_S3_SECRET, or the AWS profile cdse"
    yield _key_check("cdse keys", cdse, hosts.pop("cdse"), hint)
    for name, used in hosts.items():
        yield _key_check(name, "settings", used, "")
    if secrets.get("dhus_password"):
        hubs = [secrets["dhus_url"]] if secrets.get("dhus_url") else _hubs(settings)
        yield _key_check(
            "dhus password", "environment or .env", {urlsplit(hub).hostname or hub: [] for hub in hubs}, ""
        )
    netrc = Path("~/.netrc").expanduser()
    if netrc.is_file():
        yield _key_check("netrc", str(netrc), {"the hosts that it names, by HTTPS": []}, "")


def _key_check(name: str, source: str, hosts: Mapping[str, Sequence[str]], hint: str) -> Check:
    """A key and its hosts, each with the archives that are read there."""
    if not source:
        return Check(name, CheckState.WARN, "none", hint)
    places = [f"{host} ({', '.join(archives)})" if archives else host for host, archives in hosts.items()]
    return Check(name, CheckState.OK, f"{source} → {'; '.join(places) or 'no host'}")


def _hubs(settings: Settings) -> list[str]:
    return [catalogue.url for catalogue in settings.catalogues.values() if catalogue.kind == "dhus"]


def _aws_source(file: Path) -> str:
    import os

    from s2kit.run.sharing import handed_down

    if os.environ.get("AWS_PROFILE"):
        return f"profile {os.environ['AWS_PROFILE']}"
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return "environment"
    if handed_down().get("AWS_ACCESS_KEY_ID"):
        return ".env"
    return str(file) if file.is_file() else ""


def _services(settings: Settings) -> Iterator[Check]:
    from s2kit.store.probe import probe

    addresses = {f"catalogue {name}": catalogue.url for name, catalogue in settings.catalogues.items()}
    addresses |= {
        f"archive {archive.name}": archive.endpoint_url or f"https://s3.{archive.region}.amazonaws.com"
        for archive in settings.archives.values()
        if "://" in archive.address
    }
    for name, url in addresses.items():
        if not url.startswith(("http://", "https://")):
            continue
        answer = probe(url)
        if answer.error:
            hint = "check the network, or leave services out with --offline"
            yield Check(name, CheckState.FAIL, f"{url}: {answer.error}", hint, ServiceError)
        elif answer.skew_s is not None and abs(answer.skew_s) > _MAX_SKEW_S:
            hint = "set the clock: signed requests are refused when it is off"
            yield Check(name, CheckState.FAIL, f"{url}: this clock is {answer.skew_s:+.0f} s off", hint, AccessError)
        else:
            yield Check(name, CheckState.OK, f"{url}: {answer.seconds * 1000:.0f} ms")
