"""The committed JPEG 2000 files, whose pixels are a formula, and what each of their reductions must be by the standard."""

import importlib.util
from pathlib import Path

import numpy as np

from s2kit.jp2.boxes import parse_header
from s2kit.jp2.codestream import MainHeader
from s2kit.jp2.tile_part import TilePartHeader, parse_tile_part

FOLDER = Path(__file__).parents[1] / "data" / "jp2"

_spec = importlib.util.spec_from_file_location("make_jp2_files", FOLDER / "make.py")
_make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_make)

BY_PACKETS = [
    "plain",
    "tlm",
    "offsets",
    "offsets_rgb",
    "sop_eph",
    "sop",
    "eph",
    "uneven",
    "one_tile",
    "empty_resolutions",
    "eight_components",
    "no_levels",
    "parts",
    "parts_rgb",
    "parts_empty",
]
BY_GDAL = ["rlcp", "rpcl", "pcrl", "cprl", "layers", "no_plt", "poc", "irreversible"]
OFFSETS = {"offsets": (37, 21, 11, 5), "offsets_rgb": (37, 21, 37, 21), "empty_resolutions": (5, 5, 5, 5)}
OFFSETS["parts_rgb"] = OFFSETS["offsets_rgb"]


def path_of(name):
    return FOLDER / f"{name}.j2k"


def parameters(name):
    """`width, height, components, bits, options`."""
    return _make.FILES[_make.SPLIT[name][0] if name in _make.SPLIT else name]


def pixels_of(name):
    """The samples that were encoded, `[component, row, col]`."""
    return _make.pixels(*parameters(name)[:4])


def reduced_pixels_of(name, reduction):
    """The samples of a reduction: the low-pass band of each tile after that many 5-3 transforms (F.4), colours included."""
    _, _, _, bits, options = parameters(name)
    words = options.split()
    x0, y0, tile_x0, tile_y0 = OFFSETS.get(name, (0, 0, 0, 0))
    samples = pixels_of(name).astype(np.int64) - (1 << (bits - 1))
    colour = "-mct" in words and words[words.index("-mct") + 1] == "1"
    if colour:
        red, green, blue = samples
        samples = np.stack([(red + 2 * green + blue) >> 2, blue - green, red - green])
    height, width = samples.shape[1:]
    tile_width, tile_height = map(int, words[words.index("-t") + 1].split(",")) if "-t" in words else (width, height)
    rows = []
    for top, bottom in _edges(y0, height, tile_y0, tile_height):
        row = [
            _low_pass(samples[:, top - y0 : bottom - y0, left - x0 : right - x0], left, top, reduction)
            for left, right in _edges(x0, width, tile_x0, tile_width)
        ]
        rows.append(np.concatenate(row, axis=2))
    low = np.concatenate(rows, axis=1)
    if colour:
        luma, blue_difference, red_difference = low
        green = luma - ((blue_difference + red_difference) >> 2)
        low = np.stack([red_difference + green, green, blue_difference + green])
    return np.clip(low + (1 << (bits - 1)), 0, (1 << bits) - 1).astype(np.uint16 if bits > 8 else np.uint8)


def _edges(start, length, tile_start, tile_length):
    """Where each tile begins and ends on the reference grid."""
    cuts = [at for at in range(tile_start + tile_length, start + length, tile_length) if at > start]
    return list(zip([start, *cuts], [*cuts, start + length], strict=True))


def _low_pass(samples, x0, y0, times):
    for _ in range(times):
        samples = _low_pass_rows(samples.swapaxes(1, 2), y0).swapaxes(1, 2)  # columns first (F.4.2)
        samples = _low_pass_rows(samples, x0)
        x0, y0 = -(-x0 // 2), -(-y0 // 2)
    return samples


def _low_pass_rows(samples, x0):
    """One 5-3 analysis along the last axis (F.4.8.2.1), of which only the samples at even places are kept."""
    length = samples.shape[2]
    if length == 1:
        return samples if x0 % 2 == 0 else samples[:, :, :0]
    if samples.size == 0:
        return samples[:, :, : -(-(x0 + length) // 2) - -(-x0 // 2)]
    place = np.arange(x0, x0 + length)

    def at(places):  # whole-sample symmetric extension (F.3.7)
        period = 2 * (length - 1)
        folded = (places - x0) % period
        return np.where(folded < length, folded, period - folded)

    even = place[place % 2 == 0]

    def high(places):
        return samples[:, :, at(places)] - ((samples[:, :, at(places - 1)] + samples[:, :, at(places + 1)]) >> 1)

    # a high-pass sample beyond the edge is that of the mirrored place, which has the same parity
    return samples[:, :, even - x0] + ((high(x0 + at(even - 1)) + high(x0 + at(even + 1)) + 2) >> 2)


def opened(name: str) -> tuple[MainHeader, dict[int, list[TilePartHeader]]]:
    """The main header of a file and the tile-parts of each tile."""
    data = path_of(name).read_bytes()
    header = parse_header(data, len(data))
    assert isinstance(header, MainHeader)
    parts: dict[int, list[TilePartHeader]] = {}
    offset = header.first_sot
    while data[offset : offset + 2] == b"\xff\x90":
        part = parse_tile_part(data[offset:], offset, header.codestream_end)
        assert isinstance(part, TilePartHeader)
        parts.setdefault(part.part.tile, []).append(part)
        offset = part.part.end
    return header, parts
