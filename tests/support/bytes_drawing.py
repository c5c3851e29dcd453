"""The drawing of `docs/how/bytes.md`, `docs/pictures/bytes.svg`: an image, a tile of it, and the packets that a window needs.

`python tests/support/bytes_drawing.py` writes it. Colours suit a light and a dark page.
"""

from collections.abc import Iterator
from pathlib import Path

DRAWING = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "bytes.svg"
COMMAND = "python tests/support/bytes_drawing.py"
_LINE, _NEEDED, _WORDS = "#7d8a94", "#00897b", "#5f6b73"
_HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 300" font-family="sans-serif" font-size="13" fill="{_WORDS}" role="img">
<title>An image of 11 x 11 tiles; a tile in five sizes, each cut into precincts; the packets of the file, few of them needed</title>
"""


def drawing() -> str:
    """The whole file."""
    return _HEAD + "".join(f"{line}\n" for line in (*_image(), *_tile(), *_file())) + "</svg>\n"


def _box(x: float, y: float, width: float, height: float, fill: str = "none", line: float = 1) -> str:
    shape = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'{shape} fill="{fill}" stroke="{_LINE}" stroke-width="{line:g}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'


def _image() -> Iterator[str]:
    """The image as tiles: 10 980 px are ten tiles of 1024 and one of 740."""
    yield _text(10, 18, "one band: 11 x 11 tiles")
    sizes = [16.0] * 10 + [11.6]
    for row, height in enumerate(sizes):
        for col, width in enumerate(sizes):
            yield _box(10 + 16 * col, 30 + 16 * row, width, height, _NEEDED if (col, row) == (6, 4) else "none", 0.6)
    for y0, y1 in ((94, 30), (110, 190)):
        yield f'<path d="M122 {y0} L238 {y1}" stroke="{_LINE}" stroke-dasharray="3 3" fill="none"/>'


def _tile() -> Iterator[str]:
    """The tile at its five sizes; the largest two have precincts of 256 coefficients."""
    yield _text(240, 18, "one tile, 1024 x 1024 px, at five sizes")
    x = 240.0
    for size, parts in ((160, 4), (80, 2), (40, 1), (20, 1), (10, 1)):
        side = size / parts
        for row in range(parts):
            for col in range(parts):
                needed = parts == 1 or (row, col) == (parts // 2 - 1, parts // 2)
                yield _box(x + side * col, 30 + side * row, side, side, _NEEDED if needed else "none", 0.8)
        x += size + 14
    x = 240.0
    for name, size in (("full", 160), ("1/2", 80), ("1/4", 40)):
        yield _text(x + size / 2, 206, name, "middle")
        x += size + 14
    yield _text(x + 20, 206, "… 1/16", "middle")
    yield _text(640, 60, "each square is")
    yield _text(640, 77, "a precinct; its")
    yield _text(640, 94, "bytes: a packet")


def _file() -> Iterator[str]:
    """The tile's bytes in the file: small sizes first, each packet as wide as it is long."""
    yield _text(10, 236, "the same tile in the file: packets one after another, small sizes first")
    widths = [5, 8, 14, *[11] * 4, *[27] * 16]
    needed = {0, 1, 2, 4, 13}
    x = 10.0
    for number, width in enumerate(widths):
        yield _box(x, 246, width, 22, _NEEDED if number in needed else "none", 0.8)
        x += width + 2
    yield f'<rect x="10" y="282" width="12" height="12" fill="{_NEEDED}"/>'
    yield _text(28, 293, "what a window in that corner needs: five packets of 23; the rest of the file is not read")


if __name__ == "__main__":
    DRAWING.write_text(drawing(), encoding="utf-8")
