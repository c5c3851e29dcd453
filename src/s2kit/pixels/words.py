"""The words of `s2kit pixels` as wishes and files: everything is checked before any work."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from s2kit.area.aoi_files import read_aois
from s2kit.errors import NotFoundError, UsageError
from s2kit.grid import Bounds
from s2kit.pixels.dump import PixelFormat, PixelRequestError
from s2kit.pixels.request import LOWEST, PixelWish, outer_box, parse_requests, parse_window
from s2kit.run.events import Note, Report
from s2kit.run.files import refuse_existing
from s2kit.run.stdin import read_stdin_text

SEED_ARCHIVE = "gcp"
"""The archive that the older service's paths are keys of."""
DEFAULT_NAME = "{stem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelWords:
    """The options as they were typed; None where one was not."""

    sources: Sequence[str] = ()
    request: str | None = None
    rlevel: int = LOWEST
    window: str | None = None
    bbox: Sequence[tuple[float, float, float, float]] = ()
    aoi: Sequence[str] = ()
    band: str | None = None
    resolution_m: int | None = None
    archive: str | None = None


def wishes(words: PixelWords, report: Report) -> list[PixelWish]:
    """The images that are wanted, in the order they were named.

    Raises:
        UsageError: Nothing was named, or words that cannot stand together.
        PixelRequestError: A request that is not of the older service's form.
        InputError: An area that cannot be read.
    """
    if words.request is None and not words.sources:
        raise UsageError("no image was named", "name a file, an address, or a product with --band; or --request FILE")
    if words.window is not None and (words.bbox or words.aoi):
        raise UsageError("--window and an area cannot stand together", "take one of them")
    if words.resolution_m is not None and words.band is None:
        raise UsageError("--res says which image of a band", "add --band")
    if words.request == "-" and "-" in words.aoi:
        raise UsageError("stdin cannot be both --request and --aoi")
    base = PixelWish(
        source="",
        rlevel=words.rlevel,
        window=None if words.window is None else parse_window(words.window),
        box=_box(words, report),
        band=words.band,
        resolution_m=words.resolution_m,
        archive=words.archive,
    )
    found = [replace(base, source=source) for source in words.sources]
    if words.request is not None:
        asked = parse_requests(_request_text(words.request), words.archive or SEED_ARCHIVE)
        found += [replace(wish, window=base.window, box=base.box) for wish in asked]
    return found


def file_names(found: Sequence[PixelWish], form: PixelFormat, template: str, folder: Path) -> list[Path]:
    """A file for each image; where two would have the same name, the later ones are numbered.

    Args:
        found: The images.
        form: Decides the suffix.
        template: May hold `{stem}`, `{parent}`, `{band}` and `{index}`.
        folder: Where they will stand.

    Raises:
        UsageError: The template holds something else.
    """
    taken: set[str] = set()
    paths = []
    for index, wish in enumerate(found, 1):
        place = PurePosixPath(wish.source.partition("?")[0].rstrip("/"))
        parts = {"stem": place.stem, "parent": place.parent.name, "band": wish.band or "", "index": index}
        try:
            name = (template if template != DEFAULT_NAME or not wish.band else "{stem}_{band}").format(**parts)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise UsageError(
                f"--name {template}: cannot be filled in", "it may hold {stem}, {parent}, {band} and {index}"
            ) from error
        if not name or name != Path(name).name:
            raise UsageError(f"--name {template}: makes {name!r}, which is no file name")
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique)
        paths.append(folder / f"{unique}{form.suffix}")
    return paths


def refuse_files(paths: Sequence[Path]) -> None:
    """Raise `OutputError` where one of these files is there already, before any work."""
    for path in paths:
        refuse_existing(path)


def _box(words: PixelWords, report: Report) -> Bounds | None:
    boxes = [Bounds(*one) for one in words.bbox]
    for west, south, east, north in boxes:
        if not (west < east and south < north):
            raise UsageError(f"--bbox {west} {south} {east} {north}: no area", "the order is W S E N, in degrees")
    if words.aoi:
        areas = read_aois(words.aoi)
        for note in areas.notes:
            report(Note(note))
        boxes += [aoi.bounds for aoi in areas.aois]
    return outer_box(boxes)


def _request_text(source: str) -> str:
    if source == "-":
        return read_stdin_text("--request -", "pipe the request into it")
    try:
        return Path(source).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"{source}: no such file", "--request takes a file or -") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PixelRequestError(f"{source}: cannot be read as JSON: {error}") from error
