"""The pictures of the manual, made by the commands that it shows: `python tests/support/docs_pictures.py` makes them anew.

They are of the small world that the examples run in, so that a test can make them again and compare.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.demo_world import lay_out

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
COMMAND = "python tests/support/docs_pictures.py"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture and the command that makes it."""

    name: str
    command: str
    """What is typed after `s2kit`."""
    made: str
    """Where it is then: a pattern of one path."""


_JUNE, _JULY = "dataset/*_20240615*.SAFE", "dataset/*_20240708*.SAFE"
PICTURES = (
    Picture(
        "true-color.jpg",
        f"render {_JULY} --bands B04,B03,B02 --bbox 0.4975 44.189 0.5680 44.2155 --quality 85 --out wide",
        "wide/*.jpg",
    ),
    Picture(
        "season.jpg",
        "render dataset --composite median --mask-clouds --dilate 40 --range 2024-04-01 2024-07-31 --quality 80 --out season",
        "season/*.jpg",
    ),
    Picture("clouds.jpg", f"render {_JUNE} --bands B04,B03,B02 --res 20 --out clouds", "clouds/*.jpg"),
    Picture(
        "masked.jpg",
        f"render {_JUNE} --bands B04,B03,B02 --res 20 --mask-clouds --dilate 40 --out masked",
        "masked/*.jpg",
    ),
    Picture("ndvi.jpg", f"render {_JULY} --index ndvi --mask-clouds --res 20 --out ndvi", "ndvi/*.jpg"),
    Picture(
        "ndvi-plot.png",
        "stats --parcels parcels.geojson --pid 42 --index ndvi --mask-clouds --plot plot.png -f csv -o plot.csv",
        "plot.png",
    ),
)


def make(folder: Path) -> dict[str, Path]:
    """Run all commands.

    Args:
        folder: An empty folder for the world and the pictures.

    Returns:
        The pictures by their names in the manual.
    """
    lay_out(folder)
    environment = {**os.environ, "S2KIT_JOBS": "1", "S2KIT_TRUSTED_FOLDERS": str(folder)}
    found = {}
    for picture in PICTURES:
        line = f"{sys.executable} -m s2kit {picture.command}"
        subprocess.run(["bash", "-c", line], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        (found[picture.name],) = folder.glob(picture.made)
    return found


def main() -> None:
    """Make them and put them into the manual."""
    with tempfile.TemporaryDirectory() as folder:
        for name, path in make(Path(folder).resolve()).items():
            shutil.copyfile(path, FOLDER / name)


if __name__ == "__main__":
    main()
