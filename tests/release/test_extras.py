"""Each extra alone is enough for its verbs, and without it a verb says in one line what to install.

An installation is imitated by hiding all packages that it would not have.
"""

import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from support.distributions import EXTRAS, runtime
from support.eopf import as_eopf

MAIN = """
import sys

class Without:
    def __init__(self, finder, names):
        self.finder, self.names = finder, names

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in self.names else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

names = frozenset(sys.argv.pop(1).split())
sys.meta_path[:] = [Without(finder, names) for finder in sys.meta_path]
if sys.argv[1] == "-c":
    exec(sys.argv[2])
else:
    from s2kit.cli.start import main
    sys.exit(main())
"""
ALWAYS_THERE = {"s2kit", "coverage", "pip", "setuptools"}
SEASON = ("--range", "2024-04-01", "2024-06-30")
LINES = {
    "cluster": [("render", "{l2a}", "--index", "ndvi", "--res", "60", "--cluster", "local:1")],
    "openeo": [("validate", "graph.json"), ("run", "graph.json", "--out", "ndvi.tif")],
    "parquet": [("parcels", "--parcels", "parcels.parquet"), ("search", *SEASON, "-o", "found.parquet")],
    "plot": [("stats", "--parcels", "{parcels}", "--pid", "1", "--index", "ndvi", "--plot", "ndvi.png")],
    "serve": [("serve", "--port", "1")],
    "stac": [("search", *SEASON, "-f", "stac", "-o", "items.parquet")],
    "vector": [("parcels", "--parcels", "parcels.gpkg")],
    "xarray": [
        ("cube", "{l2a}", "--bands", "B04", "--res", "60", "--out", "cube.zarr"),
        ("cube", "{l2a}", "--bands", "B04", "--res", "60", "--out", "cube.nc"),
    ],
    "zarr": [("render", "{eopf}", "--index", "ndvi", "--res", "60")],
}
"""What is typed for each extra, in a folder that has the inputs."""
CASES = [(extra, words) for extra, lines in LINES.items() for words in lines]
GRAPH = {
    "load": {
        "process_id": "load_collection",
        "arguments": {
            "id": "SENTINEL2_L2A",
            "spatial_extent": {"west": 0.515, "south": 44.21, "east": 0.52, "north": 44.214},
            "temporal_extent": ["2024-04-01", "2024-05-01"],
            "bands": ["B04", "B08"],
        },
    },
    "ndvi": {"process_id": "ndvi", "arguments": {"data": {"from_node": "load"}, "red": "B04", "nir": "B08"}},
    "mean": {
        "process_id": "reduce_dimension",
        "arguments": {
            "data": {"from_node": "ndvi"},
            "dimension": "t",
            "reducer": {
                "process_graph": {
                    "mean": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
                }
            },
        },
    },
    "save": {
        "process_id": "save_result",
        "arguments": {"data": {"from_node": "mean"}, "format": "GTiff"},
        "result": True,
    },
}


@cache
def hidden(extras: frozenset[str]) -> str:
    """Modules that `pip install s2kit[…]` would not bring."""
    there = set(runtime(extras)) | ALWAYS_THERE
    away = {canonicalize_name(one.name) for one in distributions()} - there
    return " ".join(
        sorted(
            module
            for module, owners in packages_distributions().items()
            if all(canonicalize_name(owner) in away for owner in owners)
        )
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder with one product, its parcels in every format, and a process graph."""
    import numpy as np
    import pyarrow as pa
    import pyogrio
    import shapely
    from pyarrow import parquet

    from support.scenes import built_scene

    scene = built_scene()
    folder = tmp_path_factory.mktemp("extras")
    (folder / "dataset").mkdir()
    (folder / "dataset" / scene.l2a[0].name).symlink_to(scene.l2a[0])
    features = json.loads(scene.parcels.read_text(encoding="utf-8"))["features"][:5]
    shapes = np.array([shapely.to_wkb(shapely.geometry.shape(one["geometry"])) for one in features], dtype=object)
    pids = np.array([one["properties"]["pid"] for one in features])
    pyogrio.raw.write(folder / "parcels.gpkg", shapes, [pids], ["pid"], geometry_type="Polygon", crs="EPSG:4326")
    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}
    table = pa.table({"pid": list(pids), "geometry": list(shapes)}).replace_schema_metadata({"geo": json.dumps(geo)})
    parquet.write_table(table, folder / "parcels.parquet")
    (folder / "graph.json").write_text(json.dumps({"process_graph": GRAPH}))
    eopf = as_eopf(scene.l2a[0], folder, only=frozenset({"B04", "B08"}))
    return {"folder": str(folder), "l2a": str(scene.l2a[0]), "parcels": str(scene.parcels), "eopf": str(eopf)}


def typed(
    place: dict[str, str], tmp_path: Path, extras: set[str], words: tuple[str, ...]
) -> "subprocess.CompletedProcess[str]":
    for name in ("parcels.gpkg", "parcels.parquet", "graph.json"):
        (tmp_path / name).symlink_to(Path(place["folder"]) / name)
    arguments = [word.format(**place) if "{" in word else word for word in words]
    command = [sys.executable, "-c", MAIN, hidden(frozenset(extras)), *arguments]
    settings = {
        "S2KIT_JOBS": "1",
        "S2KIT_DATASET": str(Path(place["folder"]) / "dataset"),
        "S2KIT_CATALOGUE": "local",
    }
    return subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | settings, stdin=subprocess.DEVNULL
    )


def test_each_extra_is_tried() -> None:
    assert set(LINES) == EXTRAS


@pytest.mark.parametrize(("extra", "words"), CASES, ids=lambda value: value if isinstance(value, str) else value[0])
def test_without_its_extra_a_verb_says_what_to_install(
    extra: str, words: tuple[str, ...], place: dict[str, str], tmp_path: Path
) -> None:
    done = typed(place, tmp_path, set(), words)
    assert (done.returncode, done.stdout) == (78, ""), done.stderr
    error, hint = done.stderr.splitlines()
    assert error.startswith("s2kit: error: ")
    assert f"pip install 's2kit[{extra}]'" in hint
    assert not [path.name for path in tmp_path.iterdir() if not path.is_symlink() and not path.name.startswith(".")]


@pytest.mark.parametrize(
    ("extra", "words"),
    [case for case in CASES if case[0] != "serve"],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_its_extra_alone_is_enough(extra: str, words: tuple[str, ...], place: dict[str, str], tmp_path: Path) -> None:
    done = typed(place, tmp_path, {extra}, words)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


def test_the_service_starts_with_its_extra_alone(place: dict[str, str], tmp_path: Path) -> None:
    code = "import s2kit.serve.app, s2kit.serve.run, uvicorn; print('ready')"
    done = typed(place, tmp_path, {"serve"}, ("-c", code))
    assert (done.stdout, done.stderr) == ("ready\n", "")


def test_what_is_hidden_is_what_would_be_away(place: dict[str, str], tmp_path: Path) -> None:
    away: Any = set(hidden(frozenset()).split())
    assert {"dask", "fastapi", "matplotlib", "pyarrow", "pyogrio", "rustac", "xarray", "zarr", "pytest"} <= away
    assert not away & {"numpy", "rasterio", "s2kit", "typer", "sentinelsat"}
