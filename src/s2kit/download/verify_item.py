"""The files of a STAC item, held against it: `file:checksum`, else what was recorded when they were fetched.

The item's multihash proves a file; without one the MD5 tag of the store does, which the record `ITEM.s2kit.json` keeps;
else only the size is known, `file:size` or the recorded one, and the verdict says so.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s2kit.download.verdict import Check, Checked, FileVerdict, Verdict
from s2kit.product.item_document import item_file, json_at
from s2kit.store.hashes import Algorithm, is_md5, parse_multihash
from s2kit.store.location import LocalFile

RECORD = ".s2kit.json"
"""End of the name of the record beside an item."""


def is_item(path: Path) -> bool:
    """True for the folder of a STAC item of any collection, or the item's file."""
    document = json_at(item_file(path))
    return isinstance(document, Mapping) and document.get("type") == "Feature" and "assets" in document


def checked_item(number: int, path: Path) -> Checked:
    """What is known of an item's files without reading them, and which of them are to be read.

    Args:
        number: Of the product in this run.
        path: One that `is_item` is True of.
    """
    file = item_file(path)
    folder, document = file.parent, json_at(file)
    assert isinstance(document, Mapping), "looked at before"
    known = _recorded(folder / f"{file.stem}{RECORD}")
    found = Checked(path, str(document.get("id") or file.stem), "item")
    listed = {file.name, f"{file.stem}{RECORD}"}
    for key, asset in dict(document["assets"]).items():
        href = str(asset.get("href") or "") if isinstance(asset, Mapping) else ""
        if "://" in href:
            found.verdicts.append(FileVerdict(str(key), Verdict.SKIPPED, message=f"not fetched: it is at {href}"))
            continue
        name = href.removeprefix("./")
        listed.add(name)
        one = _judged(number, folder / name, name, asset, known.get(name, {}))
        (found.checks if isinstance(one, Check) else found.verdicts).append(one)  # type: ignore[arg-type]
    found.verdicts += list(_extra(folder, listed))
    found.pending = len(found.checks)
    return found


def _judged(
    number: int, file: Path, name: str, asset: Mapping[str, Any], recorded: Mapping[str, Any]
) -> Check | FileVerdict:
    """The check that a file needs, or what is known of it already."""
    if not file.is_file():
        return FileVerdict(name, Verdict.MISSING)
    nbytes = file.stat().st_size
    sizes = {"the item": asset.get("file:size"), "the record": (recorded.get("stamp") or [None])[0]}
    for who, size in sizes.items():
        if isinstance(size, int) and size != nbytes:
            return FileVerdict(name, Verdict.WRONG, nbytes, f"{nbytes} bytes, {who} says {size}")
    proof = _proof(asset, recorded)
    if proof is not None:
        algorithm, digest, who, words = proof
        return Check(number, name, LocalFile(file), nbytes, algorithm, digest, who, words)
    if any(isinstance(size, int) for size in sizes.values()):
        return FileVerdict(name, Verdict.SIZED, nbytes, "right by its size only: nothing gives a checksum")
    return FileVerdict(name, Verdict.UNLISTED, nbytes, "neither the item nor a record gives its size or checksum")


def _proof(asset: Mapping[str, Any], recorded: Mapping[str, Any]) -> tuple[Algorithm, str, str, str] | None:
    """Algorithm, digest, who gives it, and what the verdict says then; None if there is none."""
    said = parse_multihash(str(asset.get("file:checksum") or ""))
    if said is not None:
        return *said, "the item", "right by the item's file:checksum"
    tag = recorded.get("etag")
    if isinstance(tag, str) and is_md5(tag):
        return "MD5", tag, "the record", "right by the MD5 tag that its store had"
    return None


def _recorded(path: Path) -> Mapping[str, Mapping[str, Any]]:
    document = json_at(path)
    files = document.get("files") if isinstance(document, Mapping) else None
    return files if isinstance(files, dict) and all(isinstance(one, dict) for one in files.values()) else {}


def _extra(folder: Path, listed: set[str]) -> Iterator[FileVerdict]:
    for one in sorted(folder.rglob("*")):
        name = one.relative_to(folder).as_posix()
        if one.is_file() and name not in listed:
            yield FileVerdict(name, Verdict.EXTRA, one.stat().st_size)
