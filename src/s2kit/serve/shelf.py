"""Files that clients fetch without a login: each request's files lie below a name that nobody can guess."""

import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from s2kit.errors import NotFoundError
from s2kit.serve.names import contained

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


class Shelf:
    """A folder of folders with random names (192 bits each), which is all the permission that their files need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def new(self) -> Path:
        """An empty folder of its own; its name is the secret."""
        place = self.folder / secrets.token_urlsafe(24)
        place.mkdir(mode=0o700)
        return place

    def find(self, token: str, path: str) -> Path:
        """A file of such a folder.

        Raises:
            InputError: The path is not plain.
            NotFoundError: There is no such file.
        """
        if not _TOKEN.fullmatch(token):
            raise NotFoundError("there is no such file")
        place = self.folder / token
        file = contained(place, path) if place.is_dir() else None
        if file is None or not file.is_file():
            raise NotFoundError("there is no such file")
        return file

    def tidy(self, kept_s: float) -> None:
        """Remove the folders that were made more than some seconds ago."""
        with suppress(OSError):
            for place in self.folder.iterdir():
                with suppress(OSError):
                    if time.time() - place.stat().st_mtime > kept_s:
                        shutil.rmtree(place, ignore_errors=True)
