"""The openEO JavaScript client, unmodified, in node: `npm install @openeo/js-client`, and NODE_PATH names its folder."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio

from support.service import Service

SCRIPT = Path(__file__).parent / "openeo_client.js"


@pytest.fixture(scope="module")
def node(node_skip: str) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"{node_skip}no node")
    found = subprocess.run([node, "-e", "require('@openeo/js-client')"], capture_output=True, timeout=60, check=False)
    if found.returncode:
        pytest.skip(f"{node_skip}no @openeo/js-client in NODE_PATH")
    return node


@pytest.mark.parametrize("has_users", [False, True])
def test_the_client_does_its_whole_work(
    node: str, has_users: bool, service: Service, closed: Service, tmp_path: Path
) -> None:
    address = (closed if has_users else service).address
    command = [node, str(SCRIPT), address, "anna", "anna's password", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all passed\n"
    with rasterio.open(tmp_path / "now.tif") as now, rasterio.open(tmp_path / "result.tif") as later:
        assert np.array_equal(now.read(), later.read(), equal_nan=True)
