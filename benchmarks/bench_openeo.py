"""Process graphs: planning of large graphs, and mean NDVI of six dates beside `s2kit cube` on the same products."""

import json
import shutil
import time
from pathlib import Path

from benchmarks.harness import Contestant, Table, comparison, interleaved, s2kit_command, work_folder
from s2kit.demo.series import make_scene

SIDE = 2400
DATES = 6


def run(repeat: int) -> list[Table]:
    """All tables."""
    return [_planning(), _ndvi(repeat)]


def _node(process: str, *, result: bool = False, **arguments: object) -> dict[str, object]:
    return {"process_id": process, "arguments": arguments, **({"result": True} if result else {})}


def _chain(count: int, uses: int) -> dict[str, dict[str, object]]:
    nodes = {"n0": _node("constant", x=1)}
    for at in range(1, count):
        before = {"from_node": f"n{at - 1}"}
        nodes[f"n{at}"] = _node("add", x=before, y=before if uses == 2 else 1, result=at == count - 1)
    return nodes


def _planning() -> Table:
    from s2kit.openeo.execute import plan
    from s2kit.openeo.graph import unwrap
    from s2kit.openeo.processes.registry import pure_processes
    from s2kit.openeo.validate import validate

    rows = []
    for title, count, uses in (
        ("900 nodes in a row", 900, 1),
        ("40 nodes, each used twice", 40, 2),
        ("3 000 nodes", 3000, 1),
    ):
        graph = unwrap(_chain(count, uses))
        started = time.perf_counter()
        assert validate(graph) == []
        planned = plan(graph.nodes, pure_processes())
        middle = time.perf_counter()
        planned.run()
        rows.append((title, f"{middle - started:.2f}", f"{time.perf_counter() - middle:.2f}"))
    return Table("Process graphs: planning and running", ("graph", "validated and planned, s", "run, s"), rows)


def _scene() -> Path:
    folder = work_folder() / f"openeo-{SIDE}"
    if not folder.is_dir():
        print(f"making {folder} (once, some minutes)", flush=True)
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        make_scene(part, side=SIDE, dates=DATES, levels=("L2A",), jobs=2)
        part.rename(folder)
    return folder


def _ndvi(repeat: int) -> Table:
    scene, work = _scene(), work_folder()
    mean = {"process_graph": {"m": _node("mean", data={"from_parameter": "data"}, result=True)}}
    index = {"data": {"from_node": "load"}, "red": "B04", "nir": "B08"}
    graph = {
        "load": _node(
            "load_collection", id="SENTINEL2_L2A", spatial_extent=None, temporal_extent=None, bands=["B04", "B08"]
        ),
        "ndvi": _node("ndvi", **index),
        "mean": _node("reduce_dimension", data={"from_node": "ndvi"}, dimension="t", reducer=mean),
        "save": _node("save_result", data={"from_node": "mean"}, format="netCDF", result=True),
    }
    (work / "ndvi.json").write_text(json.dumps(graph), encoding="utf-8")
    graph_out, cube_out = work / "graph", work / "cube.nc"
    ours = [
        *s2kit_command(),
        "run",
        "ndvi.json",
        "--collection",
        f"SENTINEL2_L2A={scene}",
        "--jobs",
        "2",
        "-o",
        "graph",
    ]
    cube = [*s2kit_command(), "cube", str(scene), "--level", "l2a", "--index", "ndvi", "--composite", "mean"]
    cube += ["--jobs", "2", "--out", str(cube_out)]
    contestants = {
        "s2kit": Contestant(ours, cwd=work, before=lambda: shutil.rmtree(graph_out, ignore_errors=True)),
        "s2kit cube": Contestant(cube, cwd=work, before=lambda: cube_out.unlink(missing_ok=True)),
    }
    title = f"Mean NDVI of {DATES} dates, {SIDE} x {SIDE} pixels at 10 m, 2 jobs"
    notes = ["s2kit run of a graph, beside s2kit cube --index ndvi --composite mean"]
    return comparison(title, interleaved(contestants, repeat), notes=notes)
