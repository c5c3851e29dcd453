"""Pictures of a whole tile and quick looks, beside GDAL, a script that anybody would write, and rio-tiler."""

import shlex
import shutil
import sys
from pathlib import Path

from benchmarks.harness import (
    Absent,
    Contestant,
    Measurement,
    Table,
    comparison,
    interleaved,
    measure,
    number,
    peer_python,
    s2kit_command,
    work_folder,
)
from benchmarks.inputs import full_tile

_ONE_THREAD = {"GDAL_NUM_THREADS": "1", "OPJ_NUM_THREADS": "0"}
_DECODE = """
import sys, rasterio
part, parts, *paths = sys.argv[1:]
for number, (path, row) in enumerate((path, row) for path in paths for row in range(0, 10980, 1024)):
    if number % int(parts) == int(part):
        with rasterio.open(path) as image:
            image.read(1, window=((row, min(row + 1024, image.height)), (0, image.width)))
"""
_SCRIPT = """
import sys, numpy as np, rasterio
from PIL import Image
Image.MAX_IMAGE_PIXELS = None
out, *paths = sys.argv[1:]
bands = []
for path in paths:
    with rasterio.open(path) as image:
        band = image.read(1).astype("float32")
    low, high = np.percentile(band[band > 0], (2, 98))
    bands.append(np.clip((band - low) / (high - low) * 255, 0, 255).astype("uint8"))
Image.fromarray(np.dstack(bands)).save(out)
"""
_TILER = """
import sys, numpy as np
from rio_tiler.io import Reader
from rio_tiler.models import ImageData
out, size, *paths = sys.argv[1:]
parts = []
for path in paths:
    with Reader(path) as reader:
        parts.append(reader.preview(max_size=int(size)))
picture = ImageData(np.ma.concatenate([part.array for part in parts]))
picture.rescale(in_range=[tuple(np.percentile(band.compressed(), (2, 98))) for band in picture.array])
with open(out, "wb") as file:
    file.write(picture.render(img_format="JPEG"))
"""


def run(repeat: int) -> list[Table]:
    """All tables of this area."""
    safe = full_tile()
    out = work_folder() / "out"
    return [*_full(safe, out, repeat), _quick(safe, out, repeat)]


def _paths(safe: Path, res: int) -> list[str]:
    return [str(next(safe.glob(f"GRANULE/*/IMG_DATA/R{res}m/*_{band}_{res}m.jp2"))) for band in ("B04", "B03", "B02")]


def _ours(safe: Path, out: Path, *words: str) -> Contestant:
    command = [*s2kit_command(), "render", str(safe), "--bands", "B04,B03,B02", "--out", str(out), "-j", "2", *words]
    return Contestant(command, before=lambda: _emptied(out))


def _emptied(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)


def _full(safe: Path, out: Path, repeat: int) -> list[Table]:
    """The whole tile at 10 m, in three bands."""
    paths = _paths(safe, 10)
    peers = peer_python("pillow", ["pillow>=11", "rasterio>=1.4.4", "numpy>=2"])
    contestants: dict[str, Contestant | Absent] = {
        "s2kit": _ours(safe, out),
        "s2kit, PNG": _ours(safe, out, "--format", "png"),
        "plain decode of the three bands, one thread": _decode(paths, 1),
        "plain decode of the three bands, two processes": _decode(paths, 2),
        "gdal_translate to PNG": _gdal(paths, out),
        "script of rasterio, numpy and Pillow to PNG": peers
        if isinstance(peers, Absent)
        else Contestant([str(peers), "-c", _SCRIPT, str(out / "script.png"), *paths], before=lambda: _emptied(out)),
    }
    measured = interleaved(contestants, repeat)
    ours, png = measured["s2kit"], measured["s2kit, PNG"]
    decode = measured["plain decode of the three bands, one thread"]
    floor = measured["plain decode of the three bands, two processes"]
    assert isinstance(ours, Measurement)
    assert isinstance(png, Measurement)
    assert isinstance(decode, Measurement)
    assert isinstance(floor, Measurement)
    encode = measure(
        [sys.executable, "-c", _ENCODE, str(out / "encode.png")], before=lambda: _emptied(out), repeat=repeat
    )
    bars = Table(
        "10980 x 10980 px, three bands: bars",
        ("what", "measured", "bar"),
        [
            ("wall of JPEG / (decode CPU / 2)", number(ours.wall_s / (decode.cpu_s / 2)), "<= 1.15"),
            ("wall of JPEG / wall of plain decode in two processes", number(ours.wall_s / floor.wall_s), ""),
            ("CPU of JPEG / decode CPU", number(ours.cpu_s / decode.cpu_s), ""),
            ("peak memory of JPEG, MB", f"{ours.peak_pss_mb:.0f}", "<= 700"),
            ("wall of PNG / wall of JPEG", number(png.wall_s / ours.wall_s), "<= 1.1"),
            ("encoding alone to PNG, s (its process with start and input)", number(encode.wall_s), ""),
        ],
    )
    return [comparison("10980 x 10980 px at 10 m, three bands, stretched, to JPEG", measured), bars]


def _decode(paths: list[str], processes: int) -> Contestant:
    """Decode and drop the pixels: what no picture can do without."""
    runs = " & ".join(
        shlex.join([sys.executable, "-c", _DECODE, str(at), str(processes), *paths]) for at in range(processes)
    )
    return Contestant(["sh", "-c", f"{runs} & wait"], env=_ONE_THREAD)


_ENCODE = """
import sys, time, numpy as np
from pathlib import Path
from s2kit.picture.png import PngOptions, write_png
rng = np.random.default_rng(1)
part = rng.integers(90, 140, (10980, 1098, 3), np.uint8)
pixels = np.repeat(part, 10, axis=1)
started = time.perf_counter()
write_png(Path(sys.argv[1]), pixels, PngOptions(threads=2))
print(time.perf_counter() - started, file=sys.stderr)
"""


def _gdal(paths: list[str], out: Path) -> Contestant | Absent:
    build, translate = shutil.which("gdalbuildvrt"), shutil.which("gdal_translate")
    if not build or not translate:
        return Absent("no gdal_translate on this machine")
    vrt, png = out / "rgb.vrt", out / "gdal.png"
    script = (
        f'"{build}" -q -separate "{vrt}" {" ".join(paths)} && '
        f'"{translate}" -q -ot Byte -scale 1000 4000 1 255 -of PNG "{vrt}" "{png}"'
    )
    return Contestant(["sh", "-c", script], env={"GDAL_NUM_THREADS": "ALL_CPUS"}, before=lambda: _emptied(out))


def _quick(safe: Path, out: Path, repeat: int) -> Table:
    """A picture of 1830 px: s2kit takes ESA's own 60 m files for it, rio-tiler the file that it is given."""
    peers = peer_python("rio-tiler", ["rio-tiler>=7"])
    contestants: dict[str, Contestant | Absent] = {
        "s2kit": _ours(safe, out, "--res", "60", "--max-px", "1830"),
        "s2kit from the 10 m files": _ours(safe, out, "--res", "10", "--max-px", "1830"),
    }
    for res in (10, 60):
        contestants[f"rio-tiler preview of the {res} m files"] = (
            peers
            if isinstance(peers, Absent)
            else Contestant(
                [str(peers), "-c", _TILER, str(out / "tiler.jpg"), "1830", *_paths(safe, res)],
                before=lambda: _emptied(out),
            )
        )
    measured = interleaved(contestants, repeat)
    return comparison("a picture of 1830 x 1830 px, three bands, stretched, to JPEG", measured)
