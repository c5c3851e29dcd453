"""Addresses of products and images: which archive they lie in, and whether reading there was agreed to; computes."""

import re
from collections.abc import Mapping

from s2kit.errors import AccessError, UsageError
from s2kit.store.archive import Archive, Layout
from s2kit.store.location import RemoteObject

AWS = "aws"
"""What stands for the AWS archive of a product's kind."""
AWS_LAYOUTS = frozenset({Layout.AWS_S2, Layout.AWS_S1})

_GOOGLE = re.compile(r"https://storage\.googleapis\.com/(?P<rest>.+)")
_AMAZON = re.compile(r"https?://(?P<bucket>[a-z0-9.-]+?)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com/(?P<key>.*)")


def normal_address(text: str) -> str:
    """An address of a bucket's web face as that of the bucket: `https://B.s3.REGION.amazonaws.com/K` as `s3://B/K`."""
    google, amazon = _GOOGLE.fullmatch(text), _AMAZON.fullmatch(text)
    if google:
        return f"gs://{google['rest']}"
    return f"s3://{amazon['bucket']}/{amazon['key']}" if amazon else text


def archive_of(address: str, archives: Mapping[str, Archive]) -> Archive:
    """The archive that an address lies in: one of the settings, else the bare bucket or server."""
    address = normal_address(address)
    fitting = [
        archive
        for archive in archives.values()
        if f"{address.rstrip('/')}/".startswith(f"{archive.address.rstrip('/')}/")
    ]
    if fitting:
        return max(fitting, key=lambda archive: len(archive.address))
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0]
    return Archive(name=host, address=f"{scheme}://{host}", anonymous=scheme != "s3")


def object_at(
    address: str, archives: Mapping[str, Archive], choice: str, *, allow_requester_pays: bool
) -> RemoteObject:
    """The object at an address, if reading it was agreed to.

    Raises:
        UsageError: The address names an archive and no object.
        AccessError: Its archive bills its readers, and that was not agreed to.
    """
    address = normal_address(address)
    archive = archive_of(address, archives)
    agree_to_pay(archive, choice, allow_requester_pays=allow_requester_pays)
    key = address.removeprefix(archive.address.rstrip("/")).lstrip("/")
    if not key:
        raise UsageError(f"{address} names no image", "add its key")
    return RemoteObject(archive, key)


def agree_to_pay(archive: Archive, choice: str, *, allow_requester_pays: bool) -> None:
    """Refuse an archive that bills its readers and was neither named nor allowed.

    Args:
        archive: The archive that would be read.
        choice: The user's word (`--archive`): an archive's name, `aws` or `auto`.
        allow_requester_pays: True if any archive may bill.

    Raises:
        AccessError: It was not agreed to.
    """
    named = choice == archive.name or (choice == AWS and archive.layout in AWS_LAYOUTS)
    if archive.requester_pays and not named and not allow_requester_pays:
        raise AccessError(
            f"{archive.address} bills its readers, and that was not agreed to",
            f"name it with --archive {archive.name}, or set allow_requester_pays = true; --dry-run says what it costs",
        )
