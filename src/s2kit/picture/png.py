"""PNG writing in parallel: stripes of 64 rows, deflated by ISA-L each on its own, joined to one valid stream.

Stripes end with a full flush, so their deflate blocks may follow one another (RFC 1951), and the Adler-32 sums
of the stripes combine into that of the whole (RFC 1950). If isal is missing, zlib does the same, slower.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

STRIPE_ROWS = 64
MAX_SIDE = 2**31 - 1
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ADLER_BASE = 65521
_GREY, _RGB, _INDEXED, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_FILTER_NONE, _FILTER_UP = 0, 2
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class PngOptions:
    """What goes into a PNG besides its pixels."""

    palette: NDArray[np.uint8] | None = None
    """`[256, 3]` for a picture of one byte a pixel whose bytes name colours."""
    transparent: bool = False
    """True if pixels whose bytes are all 0 are transparent."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Keywords (Latin-1, up to 79 characters) with their texts."""
    threads: int = 0
    """Threads that deflate; 0 takes every core."""


def write_png(path: Path, pixels: NDArray[np.uint8], options: PngOptions) -> None:
    """Write pixels to a file, all of them and without loss.

    Args:
        path: The file; it is not made atomically, see `run.files`.
        pixels: `[row, col, band]` with 1 band (grey, or names of colours), 3 (red, green, blue), or opacity as a 2nd or
            4th.
        options: Palette, transparency, texts, threads.

    Raises:
        ValueError: Another shape.
        OSError: The disk is full or failing.
    """
    with path.open("wb") as file:
        _write(file, pixels, options)


def encode_png(pixels: NDArray[np.uint8], options: PngOptions | None = None) -> bytes:
    """The bytes of a PNG; see `write_png`."""
    file = BytesIO()
    _write(file, pixels, options or PngOptions(threads=1))
    return file.getvalue()


def _write(file: BinaryIO, pixels: NDArray[np.uint8], options: PngOptions) -> None:
    rows, cols, bands = pixels.shape
    kind = _colour_type(bands, options)
    file.write(_SIGNATURE)
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, kind, 0, 0, 0))
    if options.palette is not None:
        _chunk(file, b"PLTE", options.palette.astype(np.uint8).tobytes())
    if options.transparent:
        _chunk(file, b"tRNS", {_GREY: b"\0\0", _RGB: b"\0" * 6, _INDEXED: b"\0"}[kind])
    for keyword, text in options.texts.items():
        _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())
    _write_pixels(file, pixels, options, _FILTER_NONE if kind == _INDEXED else _FILTER_UP)
    _chunk(file, b"IEND", b"")


def _colour_type(bands: int, options: PngOptions) -> int:
    kinds = {1: _GREY if options.palette is None else _INDEXED, 2: _GREY_ALPHA, 3: _RGB, 4: _RGBA}
    opaque = bands in {1, 3}
    if bands not in kinds or (options.palette is not None and bands != 1) or (options.transparent and not opaque):
        raise ValueError(f"a PNG of {bands} bands with {options} cannot be written")
    return kinds[bands]


def _write_pixels(file: BinaryIO, pixels: NDArray[np.uint8], options: PngOptions, row_filter: int) -> None:
    rows = pixels.shape[0]
    threads = options.threads or os.cpu_count() or 1
    starts = range(0, rows, STRIPE_ROWS)

    def deflated(start: int) -> tuple[bytes, int, int]:
        return _stripe(pixels, start, row_filter, last=start + STRIPE_ROWS >= rows)

    total = 1
    with ThreadPoolExecutor(threads) as pool:  # which starts no thread before it is asked to
        stripes = map(deflated, starts) if min(threads, len(starts)) == 1 else _bounded(pool, deflated, starts, threads)
        for start, (data, adler, nbytes) in zip(starts, stripes, strict=True):
            total = adler_combine(total, adler, nbytes)
            _chunk(file, b"IDAT", (b"\x78\x01" if start == 0 else b"") + data)
    _chunk(file, b"IDAT", total.to_bytes(4, "big"))


def _bounded(pool: ThreadPoolExecutor, function: Any, items: range, threads: int) -> Iterator[tuple[bytes, int, int]]:
    """Results in order with only a few stripes on their way, so that a slow disk does not fill the memory."""
    ahead = 4 * threads
    futures = [pool.submit(function, item) for item in items[:ahead]]
    for at in range(len(items)):
        yield futures[at].result()
        futures[at] = None  # type: ignore[call-overload]
        if at + ahead < len(items):
            futures.append(pool.submit(function, items[at + ahead]))


def _stripe(pixels: NDArray[np.uint8], start: int, row_filter: int, *, last: bool) -> tuple[bytes, int, int]:
    """One stripe: its deflate blocks, the Adler-32 of what was deflated, and how many bytes that was."""
    deflate = _deflate()
    part = pixels[start : start + STRIPE_ROWS]
    flat = part.reshape(part.shape[0], -1)
    filtered = np.empty((flat.shape[0], flat.shape[1] + 1), np.uint8)
    filtered[:, 0] = row_filter
    if row_filter == _FILTER_UP:
        above = pixels[start - 1].reshape(-1) if start else np.zeros(flat.shape[1], np.uint8)
        np.subtract(flat[0], above, out=filtered[0, 1:])
        np.subtract(flat[1:], flat[:-1], out=filtered[1:, 1:])
    else:
        filtered[:, 1:] = flat
    squeeze = deflate.compressobj(_LEVEL, deflate.DEFLATED, -15)
    data: bytes = squeeze.compress(filtered) + squeeze.flush(deflate.Z_FINISH if last else deflate.Z_FULL_FLUSH)
    return data, deflate.adler32(filtered), filtered.size


def _deflate() -> Any:
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def adler_combine(first: int, second: int, nbytes: int) -> int:
    """The Adler-32 of two texts one behind the other, from the sums of each and the length of the second."""
    rest = nbytes % _ADLER_BASE
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + rest * ((first & 0xFFFF) - 1)
    return low % _ADLER_BASE | high % _ADLER_BASE << 16


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(len(data).to_bytes(4, "big") + kind)
    file.write(data)
    file.write(zlib.crc32(data, zlib.crc32(kind)).to_bytes(4, "big"))
