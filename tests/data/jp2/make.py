"""Make the JPEG 2000 files beside this script with `opj_compress` of OpenJPEG 2.5 (Debian: libopenjp2-tools).

Their pixels are `pixels(...)`, which the tests compute again: a formula, not a picture, so that they are known exactly.
Run by hand, `python make.py`, where a file is to be added; the files are committed, since no test may need the program.
"""

import struct
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
BASE = "-n 4 -t 64,48 -b 16,16 -c [32,32],[32,32],[32,32],[32,32] -p LRCP"

# name: width, height, components, bits, options
FILES = {
    "plain": (150, 110, 1, 15, f"{BASE} -PLT"),
    "tlm": (150, 110, 1, 16, f"{BASE} -PLT -TLM"),
    "offsets": (150, 110, 1, 15, f"{BASE} -PLT -TLM -d 37,21 -T 11,5"),
    "offsets_rgb": (90, 70, 3, 8, f"{BASE} -PLT -d 37,21 -T 37,21 -mct 1"),
    "sop_eph": (150, 110, 1, 15, f"{BASE} -PLT -SOP -EPH"),
    "sop": (90, 70, 1, 8, f"{BASE} -PLT -SOP"),
    "eph": (90, 70, 1, 8, f"{BASE} -PLT -EPH"),
    "uneven": (150, 110, 1, 15, "-n 3 -t 70,53 -b 64,4 -c [64,16],[16,32],[32,8] -p LRCP -PLT"),
    "one_tile": (150, 110, 3, 8, "-n 5 -b 32,32 -p LRCP -PLT -mct 1"),
    "empty_resolutions": (55, 56, 3, 8, "-n 5 -t 16,16 -b 16,16 -p LRCP -SOP -mct 1 -d 5,5 -T 5,5"),
    "eight_components": (60, 52, 8, 8, f"{BASE} -PLT -mct 0"),
    "no_levels": (60, 52, 1, 8, "-n 1 -t 32,32 -b 16,16 -p LRCP -PLT"),
    "rlcp": (90, 70, 1, 8, f"{BASE} -PLT -p RLCP"),
    "rpcl": (90, 70, 1, 8, f"{BASE} -PLT -p RPCL"),
    "pcrl": (90, 70, 1, 8, f"{BASE} -PLT -p PCRL"),
    "cprl": (90, 70, 1, 8, f"{BASE} -PLT -p CPRL"),
    "layers": (90, 70, 1, 8, f"{BASE} -PLT -r 8,4,1"),
    "no_plt": (90, 70, 1, 8, BASE),
    "poc": (90, 70, 1, 8, f"{BASE} -PLT -POC T1=0,0,1,4,1,LRCP"),
    "irreversible": (90, 70, 1, 8, f"{BASE} -PLT -I -r 2"),
}


def pixels(width, height, components, bits):
    """`[component, row, col]`: slopes, steps and noise that code-blocks cannot share."""
    component, row, col = np.mgrid[0:components, 0:height, 0:width]
    noise = (row * 7919 + col * 104729 + row * col * 31 + component * 1299709) % 97
    value = row * 23 + col * 17 + component * 41 + (row // 20 + col // 30) % 3 * 200 + noise
    return (value * (1 << bits) // (1 << 13) % (1 << bits)).astype(np.uint16 if bits > 8 else np.uint8)


# name: which file is cut, and the first packets of all parts but the first of each tile
SPLIT = {"parts": ("plain", (3, 4, 9)), "parts_rgb": ("offsets_rgb", (1, 7)), "parts_empty": ("plain", (0, 5, 5))}


def split(codestream, cuts):
    """Cut each tile's only tile-part in several, and lay the first parts of all tiles before the second ones of all."""
    header, tiles, at = None, [], codestream.index(b"\xff\x90\0\x0a")
    header = codestream[:at]
    while codestream[at : at + 2] == b"\xff\x90":
        _, _, tile, nbytes, _, _ = struct.unpack_from(">HHHIBB", codestream, at)
        _, plt, _ = struct.unpack_from(">HHB", codestream, at + 12)
        lengths, value = [], 0
        for byte in codestream[at + 17 : at + 14 + plt]:
            value = value << 7 | byte & 127
            if byte < 128:
                lengths.append(value)
                value = 0
        first = at + 14 + plt + 2
        edges = [0, *(min(cut, len(lengths)) for cut in cuts), len(lengths)]
        parts = []
        for number, (a, b) in enumerate(pairwise(edges)):
            body = codestream[first + sum(lengths[:a]) : first + sum(lengths[:b])]
            packed = b"".join(packed_length(length) for length in lengths[a:b])
            segment = struct.pack(">HHB", 0xFF58, 3 + len(packed), 0) + packed if packed else b""
            size = 14 + len(segment) + len(body)
            parts.append(
                struct.pack(">HHHIBB", 0xFF90, 10, tile, size, number, len(edges) - 1) + segment + b"\xff\x93" + body
            )
        tiles.append(parts)
        at += nbytes
    return header + b"".join(part for several in zip(*tiles, strict=True) for part in several) + b"\xff\xd9"


def with_plt(codestream):
    """Add PLT to tile-parts whose packets begin with SOP: the program writes none where a resolution is empty."""
    at = codestream.index(b"\xff\x90\0\x0a")
    pieces = [codestream[:at]]
    while codestream[at : at + 2] == b"\xff\x90":
        nbytes = struct.unpack_from(">I", codestream, at + 6)[0]
        body = codestream[at + 14 : at + nbytes]
        packets = [b"\xff\x91\0\x04" + rest for rest in body.split(b"\xff\x91\0\x04")[1:]]
        packed = b"".join(packed_length(len(packet)) for packet in packets)
        segment = struct.pack(">HHB", 0xFF58, 3 + len(packed), 0) + packed
        sot = codestream[at : at + 6] + struct.pack(">I", nbytes + len(segment)) + codestream[at + 10 : at + 12]
        pieces.append(sot + segment + b"\xff\x93" + body)
        at += nbytes
    return b"".join(pieces) + b"\xff\xd9"


def packed_length(length):
    """A packet length as PLT has it: 7 bits a byte, the top bit on all but the last."""
    groups = [length & 127]
    while length := length >> 7:
        groups.append(length & 127 | 128)
    return bytes(reversed(groups))


def main():
    for name, (width, height, components, bits, options) in FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / "in.raw"
            data = pixels(width, height, components, bits)
            raw.write_bytes(data.astype(">u2" if bits > 8 else "u1").tobytes())
            words = [
                "opj_compress",
                "-i",
                raw,
                "-o",
                HERE / f"{name}.j2k",
                "-F",
                f"{width},{height},{components},{bits},u",
            ]
            subprocess.run([*map(str, words), *options.split()], check=True, stdout=subprocess.DEVNULL)
    tiny = HERE / "empty_resolutions.j2k"
    tiny.write_bytes(with_plt(tiny.read_bytes()))
    for name, (source, cuts) in SPLIT.items():
        (HERE / f"{name}.j2k").write_bytes(split((HERE / f"{source}.j2k").read_bytes(), cuts))


if __name__ == "__main__":
    main()
