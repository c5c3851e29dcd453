"""What the files of the current folder may say, as git's `safe.directory` has it.

`settings.toml` and `.env` of the current folder come with whatever was unpacked or checked out there. They may say what
to do (dataset, jobs, limits, names of known archives, folders beside them), never where logs, caches, credentials,
addresses and payments go. The user's own settings lift this for the folders that they trust (`trusted_folders`).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from s2kit.settings.model import Settings

_BY_OTHERS = 0o022
_TRUSTED_ONLY = frozenset(setting.name for setting in fields(Settings) if setting.metadata.get("trusted_only"))
_FREE_ENTRIES = {"archives": frozenset({"layout", "max_connections"}), "catalogues": frozenset[str]()}
"""Tables of tables, with the entries that any file may set, whatever their value."""
_PLACES = frozenset({"collections", "parcel_files"})
"""Tables of names for files, folders and addresses."""


def is_trusted(folder: Path, trusted: Iterable[str]) -> bool:
    """True if a folder is in a list: a folder by its path, all below it with `/*`, everything with `*`."""
    here = folder.resolve()
    for text in trusted:
        if text == "*":
            return True
        pattern = Path(text.removesuffix("*").rstrip("/") or "/").expanduser()
        if not pattern.is_absolute():  # relative to what? a list that moves with the current folder trusts all
            continue
        root = pattern.resolve()
        if here == root or (text.endswith("/*") and root in here.parents):
            return True
    return False


def why_not_read(path: Path) -> str | None:
    """Why a file is not to be read at all: another user owns it, or others may write it or its folder; else None."""
    if not hasattr(os, "geteuid"):
        return None  # Windows keeps other lists
    file, folder = path.stat(), path.parent.resolve().stat()
    mine = {os.geteuid(), 0}
    if file.st_uid not in mine or folder.st_uid not in mine:
        return "another user owns it or its folder"
    if any(_others_write(stat) for stat in (file, folder)):
        return "other users may write it or its folder"
    return None


def _others_write(stat: os.stat_result) -> bool:
    writers = stat.st_mode & _BY_OTHERS
    return bool(writers & 0o002) or (bool(writers & 0o020) and not _is_private_group(stat.st_gid))


def _is_private_group(gid: int) -> bool:
    """True if a group is a user's own, of the same name and with no other member, as most systems make them."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def permitted(
    table: Mapping[str, Any], folder: Path, known: Mapping[str, Any], billing: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """What of a table a file of an untrusted folder may say, and the names of what it may not.

    Args:
        table: Settings as the file has them.
        folder: Folder of the file.
        known: Settings of the stronger files that are trusted, as tables.
        billing: Names of archives that bill the reader.
    """
    kept: dict[str, Any] = {}
    ignored: list[str] = []
    for name, value in table.items():
        if name in {*_FREE_ENTRIES, *_PLACES} and isinstance(value, Mapping):
            good = {one: entry for one, entry in value.items() if _is_harmless_table(name, entry, folder)}
            ignored += [f"{name}.{one}" for one in value if one not in good]
            if good:
                kept[name] = good
        elif name in _TRUSTED_ONLY or not _is_harmless_choice(name, value, known, billing):
            ignored.append(name)
        else:
            kept[name] = value
    return kept, ignored


def _is_harmless_choice(name: str, value: Any, known: Mapping[str, Any], billing: Iterable[str]) -> bool:
    """False for an address where a name belongs, and for the name of an archive that bills without consent."""
    if name in {"archive", "catalogue"} and "://" in str(value):
        return False
    if name == "archive" and not known.get("allow_requester_pays"):
        return value != "aws" and value not in billing
    return True


def _is_harmless_table(name: str, entry: Any, folder: Path) -> bool:
    if name in _PLACES:
        return _is_harmless_entry("address", entry, folder)
    if not isinstance(entry, Mapping):
        return True  # refused later, as no table
    return all(key in _FREE_ENTRIES[name] or _is_harmless_entry(key, value, folder) for key, value in entry.items())


def _is_harmless_entry(key: str, value: Any, folder: Path) -> bool:
    """True for folders below the file's own, and for what makes an archive cost nothing."""
    text = str(value).lower()
    match key:
        case "address" | "url":
            return "://" not in text and folder.resolve() in [(folder / str(value)).resolve(), *_parents(folder, value)]
        case "kind":
            return text == "local"
        case "requester_pays":
            return text in {"false", "0", "no", "off"}
        case "anonymous":
            return text in {"true", "1", "yes", "on"}
    return key not in {"endpoint_url", "region", "profile"}


def _parents(folder: Path, value: Any) -> Iterator[Path]:
    yield from (folder / str(value)).resolve().parents
