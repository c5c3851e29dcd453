"""The store that stands behind an archive."""

from s2kit.store.archive import Archive
from s2kit.store.base import Store


def open_store(archive: Archive) -> Store:
    """The store that stands behind an archive."""
    if archive.address.startswith(("s3://", "gs://")):
        from s2kit.store.s3 import S3Store

        return S3Store(archive)
    if archive.address.startswith(("http://", "https://")):
        from s2kit.store.https import HttpsStore

        return HttpsStore(archive)
    from s2kit.store.folder import FolderStore

    return FolderStore(archive)
