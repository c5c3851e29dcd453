"""Keys of S3 archives, each bound to the hosts that it is for.

An archive without a profile uses botocore's own chain (environment, profile, single sign-on, instance role), or the
AWS keys of `.env`. One with a profile `cdse` takes `CDSE_S3_ACCESS_KEY` and `CDSE_S3_SECRET` (and `CDSE_S3_TOKEN`),
or the AWS profile of that name. Endpoints come from the built-in archives and from settings that the user trusts: the
settings see to that. CDSE's keys go to CDSE's hosts only, whatever the settings say.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from s2kit.errors import AccessError
from s2kit.run.sharing import variable
from s2kit.store.archive import Archive

CDSE_HOSTS = ("dataspace.copernicus.eu", "cloudferro.com")
"""Domains of CDSE and of the company that runs its storage."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys for one endpoint, as plain values."""

    access_key: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Which key an archive is read with, and where it goes; nothing secret."""

    key: str
    """`AWS keys`, `CDSE_S3_ACCESS_KEY`, `AWS profile NAME`; empty if requests are not signed."""
    host: str
    """Host that gets the signed requests."""


def credentials_for(archive: Archive) -> Credentials | None:
    """The keys that the environment or `.env` has for an archive; None leaves it to botocore's chain.

    Raises:
        AccessError: The keys are CDSE's, and the endpoint is not.
    """
    if archive.anonymous:
        return None
    if archive.profile is None:
        return _aws_of_dotenv()
    prefix = _prefix(archive.profile)
    access_key, secret = variable(f"{prefix}_ACCESS_KEY"), variable(f"{prefix}_SECRET")
    if not access_key or not secret:
        return None
    host = host_of(archive)
    if archive.profile == "cdse" and not (is_loopback(host) or _is_below(host, CDSE_HOSTS)):
        raise AccessError(
            f"archives.{archive.name}: the keys of CDSE are not sent to {host}",
            "give that archive a profile of another name, with its own keys",
        )
    return Credentials(access_key, secret, variable(f"{prefix}_TOKEN"))


def key_use(archive: Archive) -> KeyUse:
    """Which key would be sent to which host for an archive."""
    host = host_of(archive)
    if archive.anonymous:
        return KeyUse("", host)
    if archive.profile is None:
        return KeyUse("AWS keys", host)
    name = f"{_prefix(archive.profile)}_ACCESS_KEY"
    return KeyUse(name if variable(name) else f"AWS profile {archive.profile}", host)


def host_of(archive: Archive) -> str:
    """The host that is asked for the objects of an S3 archive."""
    if archive.endpoint_url:
        return urlsplit(archive.endpoint_url).hostname or archive.endpoint_url
    if archive.address.startswith("gs://"):
        return "storage.googleapis.com"
    region = archive.region
    return f"s3.{region}.amazonaws.com" if region else "s3.amazonaws.com"


def is_loopback(host: str) -> bool:
    """True if a host is this machine."""
    import ipaddress

    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _aws_of_dotenv() -> Credentials | None:
    """AWS keys that `.env` adds; those of the environment are botocore's own business."""
    from s2kit.run.sharing import handed_down

    keys = handed_down()
    if "AWS_ACCESS_KEY_ID" not in keys or "AWS_SECRET_ACCESS_KEY" not in keys:
        return None
    return Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys.get("AWS_SESSION_TOKEN"))


def _prefix(profile: str) -> str:
    return f"{profile.upper().replace('-', '_')}_S3"


def _is_below(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
