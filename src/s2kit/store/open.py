"""The store that stands behind an archive."""

from s2kit.run.sharing import is_leased
from s2kit.run.tally import is_counting
from s2kit.store.archive import Archive
from s2kit.store.base import Store
from s2kit.store.counted import CountedStore


def open_store(archive: Archive) -> Store:
    """The store that stands behind an archive."""
    if "://" not in archive.address:
        from s2kit.store.folder import FolderStore

        return FolderStore(archive)
    store = _remote(archive)
    return CountedStore(store) if is_leased() or is_counting() else store


def missing_keys(archives: tuple[Archive, ...]) -> str:
    """Which of some archives this machine has no keys for; empty if it has all that are needed."""
    for archive in archives:
        if archive.address.startswith("s3://") and not archive.anonymous:
            from s2kit.store.s3 import has_keys

            if not has_keys(archive):
                return f"it has no keys for the archive {archive.name}"
    return ""


def _remote(archive: Archive) -> Store:
    if archive.address.startswith(("s3://", "gs://")):
        from s2kit.store.s3 import S3Store

        return S3Store(archive)
    if archive.sas_endpoint is not None:
        from s2kit.store.sas import SasStore

        return SasStore(archive)
    from s2kit.store.https import HttpsStore

    return HttpsStore(archive)
