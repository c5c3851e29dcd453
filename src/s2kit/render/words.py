"""The words of `s2kit render` as a request: everything is checked before any work, each wrong word by its name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast, get_args

from shapely import union_all
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import bbox_aoi
from s2kit.area.aoi_files import read_aois
from s2kit.errors import InputError, S2KitError, UsageError
from s2kit.picture.band_pixels import Resampling
from s2kit.picture.composites import Subject, parse_bands, parse_index, parse_recipe
from s2kit.picture.naming import DEFAULT_TEMPLATE, check_template
from s2kit.picture.stretch import Stretch, parse_stretch
from s2kit.product.ref import ProductRef
from s2kit.product.scl import parse_classes
from s2kit.render.batch import read_batch
from s2kit.render.plan import allowed_resolution
from s2kit.render.request import PictureFormat, PictureSpec, RenderRequest
from s2kit.run.events import Note, Report, silent

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderWords:
    """The options of `render` as they were typed; None where one was not."""

    bands: Sequence[str] | None = None
    index: Sequence[str] | None = None
    recipe: Sequence[str] | None = None
    batch: Path | None = None
    res: int | None = None
    stretch: str | None = None
    gamma: float | None = None
    mask: str | None = None
    mask_clouds: str = ""
    """The classes to mask where clouds shall be."""
    aoi: Sequence[str] | None = None
    bbox: Sequence[tuple[float, float, float, float]] | None = None
    clip: bool = False
    crop: str | None = None
    resampling: str = "auto"
    form: str = "jpeg"
    dtype: str | None = None
    quality: int = 90
    out: str | None = None
    name_template: str | None = None
    max_px: int | None = None
    same_stretch: bool = False
    overwrite: bool = False
    dry_run: bool = False


def build_request(
    words: RenderWords, products: Sequence[ProductRef] = (), jobs: int = 0, report: Report = silent
) -> RenderRequest:
    """Check all words and make a request of them.

    Args:
        words: What was typed.
        products: The products that were named; none for all of the dataset folder.
        jobs: Worker processes.
        report: Takes notes about the area.

    Raises:
        UsageError: Words that cannot be; of several wrong pictures, all are named.
        InputError: A batch or an area that cannot be read.
        NotFoundError: A file that is not there.
    """
    if words.crop not in {None, "legacy"}:
        raise UsageError(f"crop {words.crop!r} is not known", "take --crop legacy, or --aoi or --bbox")
    if words.crop and (words.aoi or words.bbox):
        raise UsageError("--crop and an area cannot stand together", "leave one out")
    masked = typed(parse_classes, words.mask_clouds) if words.mask_clouds else frozenset()
    wishes = tuple(_wishes(words))
    return RenderRequest(
        wishes=wishes,
        products=tuple(products),
        out=Path(words.out) if words.out else Path(),
        form=PictureFormat(_one_of("format", words.form, [form.value for form in PictureFormat])),
        dtype=words.dtype,
        quality=words.quality,
        max_px=words.max_px,
        resampling=cast("Resampling", _one_of("resampling", words.resampling, get_args(Resampling))),
        same_stretch=words.same_stretch,
        masked=masked | (typed(parse_classes, words.mask) if words.mask else frozenset()),
        area=_area(words, report),
        clip=words.clip,
        legacy_crop=words.crop == "legacy",
        template=typed(check_template, words.name_template or DEFAULT_TEMPLATE),
        overwrite=words.overwrite,
        dry_run=words.dry_run,
        jobs=jobs,
    )


def _wishes(words: RenderWords) -> Iterator[PictureSpec]:
    """What is wanted: by the options, then by the batch; true colour where nothing is said."""
    res = allowed_resolution(words.res)
    stretch = typed(lambda text: parse_stretch(text, words.gamma), words.stretch or "auto")
    asked: list[tuple[str, Callable[[str], Subject], str]] = [
        *(("--bands", parse_bands, text) for text in words.bands or ()),
        *(("--index", parse_index, text) for text in words.index or ()),
        *(("--recipe", parse_recipe, text) for text in words.recipe or ()),
    ]
    if not asked and words.batch is None:
        asked = [("--recipe", parse_recipe, "true-color")]
    wrong: list[S2KitError] = []
    for option, parse, text in asked:
        try:
            wish = PictureSpec(subject=parse(text).at(res), stretch=stretch)
            check_pairs(wish.subject, stretch)
            yield wish
        except S2KitError as error:
            wrong.append(type(error)(f"{option} {text}: {error.message}", error.hint))
    if wrong:
        raise UsageError("; ".join(error.message for error in wrong), wrong[0].hint)
    if words.batch is not None:
        yield from read_batch(words.batch, res=res, stretch=stretch)


def check_pairs(subject: Subject, stretch: Stretch) -> None:
    """Raise `UsageError` where a stretch has three pairs and the picture one band."""
    if len(stretch.pairs) > 1 and len(subject.bands) != len(stretch.pairs):
        raise UsageError(
            f"stretch {stretch.text} has {len(stretch.pairs)} pairs, {subject.name} has one band", "give one"
        )


def _area(words: RenderWords, report: Report) -> BaseGeometry | None:
    if not words.aoi and not words.bbox:
        return None
    found = read_aois(words.aoi or ())
    for note in found.notes:
        report(Note(note))
    boxes = [bbox_aoi(*numbers) for numbers in words.bbox or ()]
    return union_all([aoi.geometry for aoi in (*found.aois, *boxes)])


def _one_of(option: str, value: str, allowed: Sequence[str]) -> str:
    word = value.strip().lower()
    if word not in allowed:
        raise UsageError(f"--{option} {value!r} is not known", f"take one of {', '.join(allowed)}")
    return word


def typed(parse: Callable[[str], T], text: str) -> T:
    """Parse a word; what cannot be read is a usage error, since somebody typed it."""
    try:
        return parse(text)
    except InputError as error:
        raise UsageError(error.message, error.hint) from error
