"""`docs/notebooks/fields.ipynb` runs as it stands, and its committed outputs are those of a run without a fault.

Write its outputs again in a folder where `s2kit demo` ran: `jupyter execute --inplace FILE` beside `s2kit-demo`.
"""

import copy
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

PATH = Path(__file__).resolve().parents[2] / "docs" / "notebooks" / "fields.ipynb"
NOTEBOOK: Any = nbformat.read(PATH, as_version=4)
CODE = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
MARKDOWN = "\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
MACHINE = re.compile(r"(?<![\w.:/<>+=-])/\w[\w.-]*/|\b[A-Z]:\\|site-packages|[\w.-]+@[\w-]+\.\w")
"""An absolute path of any system, a place of installed packages, an address of somebody."""


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def kinds(cell: Any) -> set[str]:
    """What a cell shows: MIME types of its outputs, and the streams that it writes."""
    shown = {kind for output in cell.outputs for kind in output.get("data", {})}
    return shown | {output.name for output in cell.outputs if output.output_type == "stream"}


def ipc(folder: str) -> Config:
    """The kernel is spoken to by sockets in a folder of its own, since ports may be taken by others."""
    config = Config()
    config.KernelManager.transport = "ipc"
    config.KernelManager.ip = f"{folder}/kernel"
    return config


@pytest.fixture
def run(scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Cells of code, run anew on the scene of the tests instead of the larger one of the demonstration."""
    dataset = tmp_path / "s2kit-demo" / "dataset"
    dataset.mkdir(parents=True)
    for product in scene.l2a:
        (dataset / product.name).symlink_to(product)
    (tmp_path / "s2kit-demo" / "parcels.geojson").symlink_to(scene.parcels)
    fresh = copy.deepcopy(NOTEBOOK)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    monkeypatch.setenv("S2KIT_JOBS", "1")  # the scene is small: pools of processes would take longer than the work
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    place = {"metadata": {"path": str(tmp_path)}}
    with tempfile.TemporaryDirectory() as sockets:  # raises if a cell fails
        NotebookClient(
            fresh, kernel_name="python3", timeout=240, startup_timeout=200, config=ipc(sockets), resources=place
        ).execute()
    return [cell for cell in fresh.cells if cell.cell_type == "code"]


def test_no_cell_fails_and_each_shows_what_is_committed(run: list[Any]) -> None:
    assert [kinds(cell) for cell in run] == [kinds(cell) for cell in CODE]
    assert not [output for cell in run for output in cell.outputs if output.output_type == "error"]
    numbers = re.findall(r"NDVI (\d\.\d\d) ±", "".join(printed(cell) for cell in run))
    assert len(numbers) == 2
    assert float(numbers[0]) < 0.4 < float(numbers[-1])


def test_what_is_committed_was_run_once_from_top_to_bottom() -> None:
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    assert "stderr" not in set().union(*(kinds(cell) for cell in CODE))
    assert len(re.findall(r"NDVI \d\.\d\d ±", "".join(printed(cell) for cell in CODE))) == 3
    assert sum(kind.startswith("image/") for cell in CODE for kind in kinds(cell)) == 4


def test_what_is_committed_is_small_and_names_no_machine() -> None:
    text = PATH.read_text(encoding="utf-8")
    without_images = re.sub(r'"image/\w+": "[^"]*"', "", text)
    assert len(text) < 300_000
    assert not MACHINE.search(without_images)
    assert set(NOTEBOOK.metadata) == {"kernelspec", "language_info"}
    assert not [cell.metadata for cell in CODE if cell.metadata]


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", MARKDOWN)
    assert targets
    for target in targets:
        assert (PATH.parent / target).is_file()
