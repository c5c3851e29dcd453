"""One small picture of a product: from an address, or made of the preview inside a local SAFE."""

from pathlib import Path

import numpy as np

from s2kit.catalogue.record import ProductRecord
from s2kit.errors import InputError, NotFoundError
from s2kit.run.deadline import Deadline
from s2kit.run.files import atomic_file, write_atomic

_PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def picture(record: ProductRecord, target: Path, deadline: Deadline) -> None:
    """Make sure that a picture of a product stands at `target`.

    Raises:
        S2KitError: It cannot be fetched or made, or is no picture.
    """
    if target.exists():
        return
    if record.quicklook is not None:
        from s2kit.catalogue.transport import Transport

        data = Transport(deadline).fetch("GET", record.quicklook)
        if not data.startswith(_PICTURE_STARTS):
            raise InputError(f"{record.quicklook} is no picture")
        write_atomic(target, data, overwrite=True)
    else:
        _from_preview(Path(record.locations["local"]), target)


def _from_preview(product: Path, target: Path) -> None:
    """Turn the preview of a product on disk into a JPEG."""
    previews = [*product.glob("*-ql.jpg"), *product.glob("preview.jpg"), *product.glob("GRANULE/*/QI_DATA/*PVI*.jp2")]
    if not previews:
        raise NotFoundError(f"{product} holds no preview")
    if previews[0].suffix == ".jpg":
        write_atomic(target, previews[0].read_bytes(), overwrite=True)
        return
    from s2kit.image.open import open_image
    from s2kit.picture.jpeg import write_jpeg

    with open_image(previews[0]) as image:
        pixels = image.level()
    with atomic_file(target, overwrite=True) as part:
        write_jpeg(part, np.moveaxis(pixels.clip(0, 255).astype(np.uint8), 0, 2), quality=85)
