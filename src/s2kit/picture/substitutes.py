"""What is read in place of what was asked for, and the notes that report it.

Pure: no input or output. An index may take the other near infrared (`indices.SUBSTITUTES`); any band may come from a
coarser file than its own if that is gone. Either is reported once on stderr and is written into tags.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from s2kit.picture.indices import SUBSTITUTES
from s2kit.product.band_image import BandImage
from s2kit.product.bands import native_resolution, serves
from s2kit.run.events import Note


def standing_in(band: str, there: Callable[[str], bool]) -> str:
    """The band itself if it is there, else the one that an index may take in its place if that is there.

    Args:
        band: That the index names.
        there: True for bands that the product has.
    """
    other = SUBSTITUTES.get(band)
    return other if other is not None and not there(band) and there(other) else band


def substitute_notes(
    subject: str, asked: Sequence[str], images: Sequence[BandImage], resolution_m: int | None = None
) -> tuple[str, ...]:
    """A sentence for everything that was substituted.

    Args:
        subject: What is made: an index, a recipe, bands.
        asked: The bands that it names.
        images: What is read for each of them.
        resolution_m: The resolution that was wanted; None for that of the bands.
    """
    return tuple(dict.fromkeys(_notes(subject, asked, images, resolution_m)))


def _notes(subject: str, asked: Sequence[str], images: Sequence[BandImage], resolution_m: int | None) -> Iterator[str]:
    for band, image in zip(asked, images, strict=True):
        if not serves(image.band, band):
            yield f"{subject} is made with {image.band}, since there is no {band}"
    for image in images:
        if note := coarser_note(image.band, image.resolution_m, resolution_m):
            yield note


def coarser_note(band: str, read_m: int, wanted_m: int | None = None) -> str:
    """The sentence for a band that is read coarser than it is made, or than is wanted; empty if it is not.

    Args:
        band: Band or layer.
        read_m: Resolution of what is read, in metres.
        wanted_m: The resolution that was wanted; None for that of the band.
    """
    best = max(native_resolution(band), wanted_m or 0)
    return f"{band} is read at {read_m} m, since there is no file at {best} m" if read_m > best else ""


def grouped(notes: Iterable[tuple[str, str]]) -> Iterator[Note]:
    """One warning for each sentence, however many products it is true of.

    Args:
        notes: Product and sentence.
    """
    products: dict[str, dict[str, None]] = {}
    for product, note in notes:
        products.setdefault(note, {})[product] = None
    for note, ids in products.items():
        more = len(ids) - 1
        others = f" and {more} more product{'s' if more > 1 else ''}" if more else ""
        yield Note(f"{next(iter(ids))}{others}: {note}", warning=True)
