"""What loads what: a light command line, and layers that point one way."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
HEAVY = {
    "boto3", "botocore", "isal", "joblib", "matplotlib", "numpy", "pydantic", "pyogrio", "pystac_client", "rasterio",
    "requests", "rich", "sentinelsat", "shapely", "simplejpeg",
}  # fmt: skip


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import s2kit.cli.app, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize(
    "module", sorted(".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in SOURCE.rglob("[a-z]*.py"))
)
def test_no_module_stands_alone_in_name_only(module: str) -> None:
    text = (SOURCE / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    assert text.startswith('"""'), f"{module} does not say what it is"
