"""Damaged JPEG 2000 files without end, and what reading them gives: the pixels, those that GDAL gives, or one error.

As a program it runs as many cases as wanted: `PYTHONPATH=tests python -m support.jp2_fuzz 10000 [SEED [FOLDER]]`, FOLDER
with `.jp2` files of one's own, ESA's small ones say, beside the committed files.
"""

import logging
import random
import struct
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import rasterio

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Window
from s2kit.image.open import open_image
from s2kit.jp2.boxes import parse_header
from s2kit.jp2.codestream import MainHeader
from support.jp2_files import BY_PACKETS, path_of

ROUTES = ("auto", "off")
KINDS = ("header", "part", "data", "cut", "insert", "delete", "zeros")
LARGEST = 3_000_000


@dataclass(frozen=True)
class Case:
    """One damaged file."""

    number: int
    source: Path
    kind: str
    outcome: str
    """`right`; `as GDAL`; `as GDAL where read`, if what was not read were sound; `not judged`, as GDAL fails on the sound
    file; `other`; `refused`; or `routes differ`."""


def header_of(data: bytes) -> MainHeader:
    """The main header of a file that is sound."""
    header = parse_header(data, len(data))
    assert isinstance(header, MainHeader)
    return header


def tile_starts(data: bytes) -> list[int]:
    """Where each SOT of a sound file lies."""
    offset, found = header_of(data).first_sot, []
    while data[offset : offset + 2] == b"\xff\x90":
        found.append(offset)
        offset += struct.unpack_from(">I", data, offset + 6)[0]
    return found


def mutated(rng: random.Random, data: bytes, kind: str) -> bytes:
    """Change a few bytes, most of them where they hurt: headers, SOT, PLT."""
    changed, starts = bytearray(data), tile_starts(data)
    if kind == "header":
        for _ in range(rng.choice([1, 1, 2, 4])):
            changed[rng.randrange(header_of(data).first_sot)] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
    elif kind == "part":
        changed[min(rng.choice(starts) + rng.randrange(30), len(data) - 1)] = rng.randrange(256)
    elif kind == "data":
        changed[rng.randrange(starts[0] + 40, len(data))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del changed[rng.randrange(len(changed)) :]
    elif kind == "insert":
        at = rng.randrange(len(changed))
        changed[at:at] = rng.randbytes(rng.choice([1, 2, 50]))
    elif kind == "delete":
        at = rng.randrange(len(changed))
        del changed[at : at + rng.choice([1, 2, 50])]
    else:
        at, length = rng.randrange(len(changed)), rng.choice([4, 64, 500])
        changed[at : at + length] = bytes(len(changed[at : at + length]))
    return bytes(changed)


def fuzz(seed: int, cases: int, folder: Path, sources: tuple[Path, ...] = ()) -> Iterator[Case]:
    """Damage files and read a window of each, by both ways of decoding.

    Args:
        seed: Of what is random.
        cases: How many.
        folder: Where the damaged file lies, one at a time.
        sources: Sound files; none for those that are committed.
    """
    rng = random.Random(seed)
    sources = sources or tuple(path_of(name) for name in BY_PACKETS)
    for number in range(cases):
        source, kind = rng.choice(sources), rng.choice(KINDS)
        path = folder / f"mutated{source.suffix}"
        path.write_bytes(mutated(rng, source.read_bytes(), kind) or b"\0")
        width, height = size_of(source)
        window = Window(
            rng.randrange(max(width * 2 // 3, 1)), rng.randrange(max(height * 2 // 3, 1)), *_sides(rng, width, height)
        )
        yield Case(number, source, kind, _outcome(path, source, window))


@cache
def size_of(path: Path) -> tuple[int, int]:
    """Columns and rows."""
    with open_image(path) as image:
        return image.info.width, image.info.height


def _sides(rng: random.Random, width: int, height: int) -> tuple[int, int]:
    return rng.randrange(8, max(width * 2 // 3, 9)), rng.randrange(8, max(height * 2 // 3, 9))


def _outcome(path: Path, source: Path, window: Window) -> str:
    found = []
    for openjpeg in ROUTES:
        try:
            with open_image(path, openjpeg=openjpeg) as image:
                found.append(image.window(window))
        except (InputError, NotFoundError):
            continue
    if len(found) == 2 and not np.array_equal(*found):
        return "routes differ"
    return _judged(path, source, window, found[0]) if found else "refused"


def _judged(path: Path, source: Path, window: Window, pixels: np.ndarray) -> str:
    with open_image(source) as image:
        if np.array_equal(pixels, image.window(window)):
            return "right"
    if not _known_to_gdal(source):
        return "not judged"
    if _as_gdal(path, window, pixels):
        return "as GDAL"
    mended = path.with_name(f"mended{path.suffix}")
    mended.write_bytes(_mended(path, source, window))
    return "as GDAL where read" if _as_gdal(mended, window, pixels) else "other"


@cache
def _known_to_gdal(source: Path) -> bool:
    """True where GDAL reads the sound file right; it does not where tiles begin before the image."""
    with open_image(source) as image:
        return _as_gdal(source, Window(0, 0, *size_of(source)), image.level())


def _as_gdal(path: Path, window: Window, pixels: np.ndarray) -> bool:
    for by_window in (False, True):
        try:
            return np.array_equal(pixels, _by_gdal(path, window, by_window=by_window))
        except rasterio.errors.RasterioError:
            continue
    return False


def _mended(path: Path, source: Path, window: Window) -> bytes:
    """The damaged file with all bytes sound that were not read: nobody can know their damage."""
    damaged, mended = path.read_bytes(), bytearray(source.read_bytes())
    with open_image(path) as image:
        reader = image._reader
        read_many, spans = reader._source.read_many, []

        def recorded(ranges):
            spans.extend(ranges)
            return read_many(ranges)

        reader._source.read_many = recorded
        image.window(window)
        spans.append((0, reader._header.first_sot))
    for offset, nbytes in spans:
        mended[offset : offset + nbytes] = damaged[offset : offset + nbytes]
    return bytes(mended)


def _by_gdal(path: Path, window: Window, *, by_window: bool) -> np.ndarray:
    """GDAL's pixels of a window, padded; of all its tiles, or of those that the window touches."""
    with rasterio.open(path) as dataset:
        row_end, col_end = min(window.row_end, dataset.height), min(window.col_end, dataset.width)
        bounds = ((window.row, max(row_end, window.row)), (window.col, max(col_end, window.col)))
        part = dataset.read(window=bounds) if by_window else dataset.read()[:, slice(*bounds[0]), slice(*bounds[1])]
        found = np.zeros((dataset.count, *window.shape), part.dtype)
    found[:, : part.shape[1], : part.shape[2]] = part
    return found


def main(cases: str = "10000", seed: str = "1", folder: str = "") -> None:
    """Run cases and count what became of them; tell those that gave other pixels than anyone else."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sources = [path_of(name) for name in BY_PACKETS]
    if folder:
        sources += [path for path in sorted(Path(folder).rglob("*.jp2")) if path.stat().st_size <= LARGEST]
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as place:
        for case in fuzz(int(seed), int(cases), Path(place), tuple(sources)):
            counts[case.kind, case.outcome] += 1
            if case.outcome in {"other", "routes differ"}:
                print(f"case {case.number}: {case.source.name}, {case.kind}: {case.outcome}", flush=True)
    for kind in KINDS:
        print(kind, {outcome: count for (one, outcome), count in sorted(counts.items()) if one == kind})


if __name__ == "__main__":
    main(*sys.argv[1:])
