"""What pictures are called: a template of fields.

Pure: no input or output.
"""

import difflib
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from s2kit.errors import InputError
from s2kit.picture.legacy import LEGACY_TEMPLATE
from s2kit.run.names import SEPARATORS
from s2kit.run.names import file_name as foreign

DEFAULT_TEMPLATE = "{datetime}_{tile}_{level}_{baseline}_{discriminator}_{composite}_{res}m.{ext}"
"""With the discriminator, since one datatake may have several products of one tile and baseline."""

FIELDS: Mapping[str, str] = {
    "datetime": "start of sensing, 20221005T115411",
    "date": "day of sensing, 20221005",
    "tile": "29UNU",
    "level": "L1C or L2A",
    "baseline": "processing baseline, N0400",
    "discriminator": "differs between products of one datatake and tile, 20221005T164454",
    "satellite": "S2A",
    "orbit": "relative orbit, R023",
    "product": "the product's whole name",
    "composite": "B04-B03-B02, a recipe or an index",
    "r": "band shown in red, or the only one",
    "g": "band shown in green, or the only one",
    "b": "band shown in blue, or the only one",
    "res": "side of a pixel in metres",
    "now": "when the run began, 20221005-115411, local time",
    "ext": "jpg, png, webp or tif",
}
"""What a template may hold, with what each field becomes."""


_SPEC = re.compile(r"(?:[^{}]?[<>^])?\d{0,3}(?:\.\d{1,3})?s?")
"""How a field may be formatted: fill and alignment, width and length of at most three digits."""


def check_template(template: str) -> str:
    """The template itself, with `legacy` written out.

    Raises:
        InputError: An unknown field, a format that texts do not have, a brace without its partner, a path that leads
            out of the folder, no extension.
    """
    text = LEGACY_TEMPLATE if template.strip().lower() == "legacy" else template
    try:
        fields = [field for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        raise InputError(f"name template {template!r}: {error}", f"as in {DEFAULT_TEMPLATE}") from error
    for _, name, spec, conversion in fields:
        if name is not None and name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1)
            hint = f"did you mean {{{near[0]}}}? " if near else ""
            raise InputError(
                f"name template {template!r}: there is no field {{{name}}}", f"{hint}fields: {', '.join(FIELDS)}"
            )
        if conversion or not _SPEC.fullmatch(spec or ""):
            written = f"{name}{'!' if conversion else ''}{conversion or ''}{':' if spec else ''}{spec or ''}"
            raise InputError(
                f"name template {template!r}: {{{written}}} is no format of a text", "as in {res:0>3} or {product:.30}"
            )
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise InputError(f"name template {template!r} leads out of the output folder", "name the folder with --out")
    if not text.endswith("{ext}"):
        raise InputError(f"name template {template!r} does not end with its extension", "end it with .{ext}")
    return text


def file_name(template: str, fields: Mapping[str, str]) -> str:
    """The name of one output, relative to the output folder.

    Args:
        template: As `check_template` returned it.
        fields: Text of every field of `FIELDS`.
    """
    return template.format_map({name: value and foreign(value, SEPARATORS, "-") for name, value in fields.items()})


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """The same names, with `-2`, `-3` … before the extension of repeated ones; upper and lower case are the same."""
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate.lower() in seen or (number > 1 and candidate.lower() in taken):
            number += 1
            stem, dot, ext = name.rpartition(".")
            candidate = f"{stem}-{number}{dot}{ext}" if dot else f"{name}-{number}"
        seen.add(candidate.lower())
        unique.append(candidate)
    return tuple(unique)
