"""One picture that is wanted: what it shows and how values become bytes.

Pure: no input or output.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from s2kit.errors import S2KitError, UsageError
from s2kit.picture.composites import Subject, parse_bands, parse_index, parse_recipe
from s2kit.picture.stretch import Stretch
from s2kit.product.ref import ProductRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSpec:
    """One picture that is wanted of each product, or of one."""

    subject: Subject
    stretch: Stretch
    product: ProductRef | None = None
    """The only product that it is wanted of; None for all of the request."""
    label: str = ""
    """What messages call it: `jobs.json, entry 2`; empty if it comes from options."""

    def __post_init__(self) -> None:
        if self.subject.index is None:
            self.stretch.check_bands(self.subject.name, self.subject.bands)

    def check_picture(self) -> None:
        """Raise `UsageError` if the bands make no picture, but only data."""
        bands = self.subject.bands
        if self.subject.index is None and len(bands) not in {1, 3}:
            raise UsageError(
                f"bands {','.join(bands)}: a picture is made of one band or of three, not of {len(bands)}",
                "--dtype uint16 (stored numbers) or float32 (reflectance) makes a GeoTIFF of any number of bands",
            )


def specs_of(
    *, bands: Sequence[str], index: Sequence[str], recipe: Sequence[str], res: int | None, stretch: Stretch
) -> Iterator[PictureSpec]:
    """The pictures that options name, in the order bands, indices, recipes.

    Raises:
        UsageError: Some cannot be; the message names all of them.
    """
    asked: list[tuple[str, Callable[[str], Subject], str]] = [
        *(("--bands", parse_bands, text) for text in bands),
        *(("--index", parse_index, text) for text in index),
        *(("--recipe", parse_recipe, text) for text in recipe),
    ]
    wrong: list[S2KitError] = []
    for option, parse, text in asked:
        try:
            yield PictureSpec(subject=parse(text).at(res), stretch=stretch)
        except S2KitError as error:
            wrong.append(type(error)(f"{option} {text}: {error.message}", error.hint))
    if wrong:
        raise UsageError("; ".join(error.message for error in wrong), wrong[0].hint)
