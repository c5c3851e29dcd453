"""What pixels are wanted of which images: the request, how it is made of options, and the files for its answers."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Self, TypedDict, Unpack

from s2kit.area.aoi_files import read_aois
from s2kit.errors import NotFoundError, UsageError
from s2kit.grid import Bounds, Window
from s2kit.pixels.dump import PixelFormat, PixelRequestError
from s2kit.run.choices import one_of
from s2kit.run.events import Note, Report, silent
from s2kit.run.options import Rows, Text, Texts, rows, text, texts, words
from s2kit.run.read_file import read_named
from s2kit.run.stdin import read_stdin_text
from s2kit.settings import Loaded, Settings

LEGACY_ARCHIVE = "gcp"
"""The archive that the legacy service's paths are keys of."""
DEFAULT_NAME = "{stem}"
LOWEST = -1
"""The `rlevel` of the smallest reduction there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelWish:
    """Pixels of one image."""

    source: str
    """A path, an address, the key of an archive, or a product."""
    record: Mapping[str, object] = field(default_factory=dict, hash=False)
    """The search record that named the product, empty if there was none."""
    rlevel: int = LOWEST
    """Reduction: 0 full resolution, n halves the sides n times, -1 the smallest there is."""
    window: Window | None = None
    """Full-resolution pixels; None for all."""
    box: Bounds | None = None
    """Box in degrees whose pixels are wanted; None for all."""
    band: str | None = None
    """Band or layer of a product."""
    resolution_m: int | None = None
    archive: str | None = None
    """Archive that the source is a key of."""
    is_legacy: bool = False
    """True if the body of the legacy service asked for it: its answer has the levels of classes as they are stored."""


class PixelOptions(TypedDict, total=False):
    """What `pixels` takes, by the names of the options of `s2kit pixels`; None means not given."""

    request: Text | None
    """File with a JSON body as the legacy service took it, `-` for stdin."""
    band: Texts
    """Bands or layers, if the sources are products."""
    res: int | None
    """10, 20, 30 or 60 metres."""
    rlevel: int | None
    """0 for full resolution, n halves the sides n times, -1 for the smallest there is; None takes 0 for a window or an
    area, else the smallest."""
    window: str | Sequence[int] | None
    """`(col, row, width, height)` in pixels of full resolution."""
    bbox: Rows
    """Boxes `(west, south, east, north)` in degrees."""
    aoi: Texts
    """Areas: files, WKT or GeoJSON."""
    archive: str | None
    """Archive that the sources are keys of."""
    format: str | None
    """`json`, `jsonl`, `npy`, `csv`, `gtiff` or `stats`."""
    meta: bool
    """True adds CRS, transform, no data, band, bytes and requests to JSON."""
    force: bool
    """True writes text of more than 500 MB."""
    jobs: int | None
    """Worker processes; 0 takes every core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelsRequest:
    """The images that are wanted, and how."""

    wishes: tuple[PixelWish, ...]
    """In the order in which they were named."""
    form: PixelFormat
    settings: Settings
    meta: bool = False
    force: bool = False

    @classmethod
    def parse(
        cls,
        loaded: Loaded,
        report: Report = silent,
        *,
        sources: Texts = None,
        **options: Unpack[PixelOptions],
    ) -> Self:
        """The request that options mean; everything is checked before any work.

        Args:
            loaded: The settings, for everything that is not given.
            report: Takes notes about areas.
            sources: Files, addresses, keys of an archive, or products.
            options: See `PixelOptions`.

        Raises:
            UsageError: Nothing was named, or options that exclude each other.
            PixelRequestError: A body that is not of the legacy service's form.
            InputError: An area that cannot be read.
        """
        body, archive, given = options.get("request"), options.get("archive"), options.get("window")
        named, bands, window = (
            texts(sources),
            words(options.get("band")),
            None if given is None else parse_window(given),
        )
        _refuse(options, named, bands)
        box = _box(options, report)
        rlevel = options.get("rlevel")
        if rlevel is None:
            rlevel = LOWEST if window is None and box is None else 0
        base = PixelWish(
            source="",
            rlevel=rlevel,
            window=window,
            box=box,
            resolution_m=options.get("res"),
            archive=archive,
        )
        wishes = [replace(base, source=source, band=band) for source in named for band in bands or (None,)]
        if body is not None:
            asked = parse_requests(_request_text(text(body)), archive or LEGACY_ARCHIVE)
            wishes += [replace(wish, window=window, box=box) for wish in asked]
        return cls(
            wishes=tuple(wishes),
            form=parse_format(options.get("format"), len(wishes)),
            settings=loaded.settings.given(archive=archive, jobs=options.get("jobs")),
            meta=options.get("meta", False),
            force=options.get("force", False),
        )


def _refuse(options: PixelOptions, sources: Sequence[str], bands: Sequence[str]) -> None:
    """Raise `UsageError` if options exclude or miss each other."""
    body, has_area = options.get("request"), bool(options.get("bbox") or options.get("aoi"))
    if body is None and not sources:
        raise UsageError("no image was named", "name a file, an address, or a product with --band; or --request FILE")
    if options.get("window") is not None and has_area:
        raise UsageError("--window and an area exclude each other", "leave one out")
    if options.get("res") is not None and not bands:
        raise UsageError("--res chooses among the images of a band", "add --band")
    if body == "-" and "-" in texts(options.get("aoi")):
        raise UsageError("stdin cannot be both --request and --aoi", "name a file for one of them")


def parse_format(word: str | None, count: int) -> PixelFormat:
    """The format of the answers: JSON for one image, JSON lines for several, unless it is named.

    Raises:
        UsageError: There is no such format.
    """
    if word is None:
        return PixelFormat.JSON if count == 1 else PixelFormat.JSONL
    return PixelFormat(one_of("format", word, [form.value for form in PixelFormat]))


def parse_requests(body: str, archive: str) -> list[PixelWish]:
    """The bodies that the legacy service took: an object with `Path` or `path` and `rlevel`, or a list of such.

    Args:
        body: JSON.
        archive: The archive that a bare path is a key of.

    Raises:
        PixelRequestError: It is something else.
    """
    try:
        found = json.loads(body)
    except ValueError as error:
        raise PixelRequestError(
            f"the request is not JSON: {error}", 'write {"Path": "tiles/…jp2", "rlevel": -1}'
        ) from None
    bodies = found if isinstance(found, list) else [found]
    if not bodies:
        raise PixelRequestError("the request is an empty list")
    return [_wish(body, number, archive) for number, body in enumerate(bodies, 1)]


def _wish(body: Any, number: int, archive: str) -> PixelWish:
    if not isinstance(body, Mapping):
        raise PixelRequestError(f"request {number} is no object", 'write {"Path": "tiles/…jp2", "rlevel": -1}')
    path = body.get("Path", body.get("path"))
    if not isinstance(path, str) or not path.strip():
        raise PixelRequestError(f"request {number} names no Path", 'write {"Path": "tiles/…jp2", "rlevel": -1}')
    rlevel = body.get("rlevel", LOWEST)
    if isinstance(rlevel, bool) or not isinstance(rlevel, int) or rlevel < LOWEST:
        raise PixelRequestError(f"request {number}: rlevel {rlevel!r}", "rlevel is -1 for the smallest, 0, 1, 2 …")
    return PixelWish(source=path.strip(), rlevel=rlevel, archive=None if "://" in path else archive, is_legacy=True)


def parse_window(given: str | Sequence[int]) -> Window:
    """A window out of `COL,ROW,WIDTH,HEIGHT`, or of these four numbers.

    Raises:
        UsageError: It is something else.
    """
    shown = given if isinstance(given, str) else ",".join(map(str, given))
    try:
        col, row, width, height = (int(word) for word in shown.split(","))
    except ValueError:
        raise UsageError(
            f"--window {shown}: four whole numbers are needed", "write --window COL,ROW,WIDTH,HEIGHT"
        ) from None
    if width < 1 or height < 1:
        raise UsageError(f"--window {shown}: width and height must be at least 1")
    return Window(col, row, width, height)


def outer_box(boxes: list[Bounds]) -> Bounds | None:
    """The box around boxes, or None if there are none."""
    if not boxes:
        return None
    return Bounds(
        min(box.west for box in boxes),
        min(box.south for box in boxes),
        max(box.east for box in boxes),
        max(box.north for box in boxes),
    )


def part_of(window: Window | None, width: int, height: int) -> float:
    """The share of an image that a window takes."""
    if window is None:
        return 1.0
    inside = window.intersection(Window(0, 0, width, height))
    return 0.0 if inside is None else math.prod(inside.shape) / (width * height)


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


def _box(options: PixelOptions, report: Report) -> Bounds | None:
    boxes = [Bounds(*one) for one in rows(options.get("bbox"), 4, "bbox")]
    for west, south, east, north in boxes:
        if not (west < east and south < north):
            raise UsageError(f"--bbox {west} {south} {east} {north}: no area", "the order is W S E N, in degrees")
    if files := texts(options.get("aoi")):
        areas = read_aois(files)
        for note in areas.notes:
            report(Note(note))
        boxes += [aoi.bounds for aoi in areas.aois]
    return outer_box(boxes)


def _request_text(source: str) -> str:
    if source == "-":
        return read_stdin_text("--request -", "pipe the request into it")
    try:
        return read_named(Path(source)).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise NotFoundError(f"{source}: no such file", "--request takes a file or -") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PixelRequestError(f"{source}: cannot be read as JSON: {error}") from error
