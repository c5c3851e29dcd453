"""Checks of the machine s2kit runs on, each with what to mend."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s2kit.admin.check import CheckState, DoctorCheck
from s2kit.admin.installation import decoder_checks, extra_checks, python_checks
from s2kit.admin.machine import MAX_SKEW_S, file_clock_check, limit_checks, place_checks
from s2kit.errors import AccessError, S2KitError, ServiceError
from s2kit.settings import Settings

if TYPE_CHECKING:
    from s2kit.store.archive import Archive
    from s2kit.store.probe import Answer

__all__ = ["CheckState", "DoctorCheck", "diagnose", "worst"]


def diagnose(settings: Settings, secrets: Mapping[str, str], *, offline: bool) -> list[DoctorCheck]:
    """Look at everything; a failing check never stops the others.

    Args:
        settings: The merged settings.
        secrets: Credentials that were found, by the names of `settings.SECRETS`.
        offline: True if no service shall be asked.
    """
    checks = [
        *python_checks(),
        *extra_checks(),
        *decoder_checks(settings.openjpeg),
        *place_checks(settings),
        *limit_checks(settings),
        *_credentials(settings, secrets),
        *_proxies(),
    ]
    return [*checks, *([file_clock_check(settings)] if offline else _services(settings))]


def worst(checks: Sequence[DoctorCheck]) -> S2KitError | None:
    """The error that the checks add up to, if any failed: the first failure decides."""
    failed = [check for check in checks if check.state is CheckState.FAIL]
    if not failed:
        return None
    names = ", ".join(check.check for check in failed)
    return failed[0].exit_code_of(f"{len(failed)} of {len(checks)} checks failed: {names}", failed[0].hint or None)


def _credentials(settings: Settings, secrets: Mapping[str, str]) -> Iterator[DoctorCheck]:
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


def _key_check(name: str, source: str, hosts: Mapping[str, Sequence[str]], hint: str) -> DoctorCheck:
    """A key and its hosts, each with the archives that are read there."""
    if not source:
        return DoctorCheck(name, CheckState.WARN, "none", hint)
    places = [f"{host} ({', '.join(archives)})" if archives else host for host, archives in hosts.items()]
    return DoctorCheck(name, CheckState.OK, f"{source} → {'; '.join(places) or 'no host'}")


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


def _proxies() -> Iterator[DoctorCheck]:
    """The proxies that requests go through, without their passwords; none are listed if there are none."""
    from urllib.request import getproxies

    from s2kit.run.redact import redacted

    for scheme, address in sorted(getproxies().items()):
        if scheme in {"http", "https", "all"}:
            yield DoctorCheck(f"proxy {scheme}", CheckState.OK, redacted(address.rpartition("@")[2]))


def _server_of(archive: "Archive") -> str:
    """The address that is asked whether the server of a remote archive can be reached."""
    from s2kit.store.keys import host_of

    if archive.endpoint_url:
        return archive.endpoint_url
    return archive.address if archive.address.startswith("http") else f"https://{host_of(archive)}"


def _services(settings: Settings) -> Iterator[DoctorCheck]:
    """Each service, then the clock against theirs."""
    from s2kit.store.probe import probe

    addresses = {f"catalogue {name}": catalogue.url for name, catalogue in settings.catalogues.items()}
    addresses |= {
        f"archive {archive.name}": _server_of(archive)
        for archive in settings.archives.values()
        if "://" in archive.address
    }
    skews: dict[str, float] = {}
    for name, url in addresses.items():
        if not url.startswith(("http://", "https://")):
            continue
        answer = probe(url)
        yield _service_check(name, url, answer)
        if answer.skew_s is not None:
            skews[name] = answer.skew_s
    yield _clock_check(skews) if skews else file_clock_check(settings)


def _service_check(name: str, url: str, answer: "Answer") -> DoctorCheck:
    if answer.error:
        hint = "check the network, or leave services out with --offline"
        return DoctorCheck(name, CheckState.FAIL, f"{url}: {answer.error}", hint, ServiceError)
    return DoctorCheck(name, CheckState.OK, f"{url}: {answer.seconds * 1000:.0f} ms")


def _clock_check(skews: Mapping[str, float]) -> DoctorCheck:
    """This clock against those of the services, in the middle, so that one wrong service does not count.

    Args:
        skews: Seconds that this clock is ahead of each service's.
    """
    skew = median(skews.values())
    others = "1 service" if len(skews) == 1 else f"{len(skews)} services"
    if abs(skew) <= MAX_SKEW_S:
        return DoctorCheck("clock", CheckState.OK, f"{skew:+.0f} s against {others}")
    hint = "set the clock: signed requests are refused if it is off"
    return DoctorCheck("clock", CheckState.FAIL, f"this clock is {skew:+.0f} s off, by {others}", hint, AccessError)
