"""What a picture says of itself in its tags, and by which of them the very same picture is known again.

It reads the tags of files that exist.
"""

import json
from hashlib import sha256

from shapely import to_wkb

from s2kit.errors import OutputError
from s2kit.picture.painter import Mode
from s2kit.picture.raster import read_tags
from s2kit.picture.tags import common_tags
from s2kit.picture.write import Output
from s2kit.product.open import Product
from s2kit.render.picture import Picture
from s2kit.render.request import RenderRequest
from s2kit.run.files import writes_straight

FINGERPRINT_TAG = "S2KIT_RECIPE"
"""The tag that holds all that decides the pixels; its name is older than what it is called now."""


def tags_of(product: Product, picture: Picture, request: RenderRequest, notes: tuple[str, ...]) -> dict[str, str]:
    """All tags but those of how it is painted, which the writer adds."""
    metadata = product.metadata
    tags = common_tags(
        product=product.id,
        sensing=metadata.sensing_start,
        level=str(metadata.level),
        baseline=str(metadata.baseline),
        tile=str(picture.sources[0].tile),
        subject=picture.subject.name,
        grid=picture.grid,
        sources=[(image.band, image.resolution_m) for image in picture.sources],
        resampling=picture.resampling,
        credit=product.mission.credit,
        use=picture.use,
    )
    tags[FINGERPRINT_TAG] = fingerprint(product.id, picture, request, "")
    if picture.mask:
        tags["MASKED_CLASSES"] = picture.mask.text
    if notes:
        tags["NOTE"] = "; ".join(notes)
    return tags


def fingerprint(product: str, picture: Picture, request: RenderRequest, series: str) -> str:
    """All that decides the pixels, as JSON that compares: the same fingerprint makes the same picture.

    Args:
        product: Its id.
        picture: Planned.
        request: For the file format.
        series: A word for the products that share one stretch; empty if the picture has its own.
    """
    look = picture.look
    west, south, east, north = picture.grid.bounds
    parts: dict[str, object] = {
        "product": product,
        "tile": str(picture.sources[0].tile),
        "sources": [f"{image.band}@{image.resolution_m}" for image in picture.sources],
        "index": look.index.spec if look.index else None,
        "grid": [picture.grid.epsg, west, south, east, north, picture.grid.width, picture.grid.height],
        "form": request.form.value,
        "dtype": look.dtype,
        "resampling": picture.resampling,
        "masked": sorted(picture.mask.classes) if picture.mask else [],
        "clip": sha256(to_wkb(picture.clip)).hexdigest()[:16] if picture.clip is not None else None,
    }
    if request.boa_offset != "auto":
        parts["boa_offset"] = request.boa_offset
    if picture.mask and picture.mask.dilate_m:
        parts["dilate"] = picture.mask.dilate_m
    if request.form.has_quality:
        parts["quality"] = request.quality
    if look.mode is Mode.COLOURS:
        parts |= {"stretch": look.stretch.text, "gamma": look.stretch.gamma, "series": series}
    if look.mode is Mode.VALUES and look.index and look.index.is_own:
        parts["range"] = list(look.value_range)
    return json.dumps(parts, sort_keys=True, separators=(",", ":"))


def is_there(output: Output) -> bool:
    """True if the very same picture exists already.

    Raises:
        OutputError: Something else has its name.
    """
    if not output.path.exists() or writes_straight(output.path):
        return False
    found = read_tags(output.path).get(FINGERPRINT_TAG)
    if found == output.tags[FINGERPRINT_TAG]:
        return True
    what = "was made with other options" if found else "is there already, and not made by s2kit render"
    raise OutputError(
        f"{output.path} {what}", "use --overwrite to replace it, or name another --out or --name-template"
    )
