"""Verbs on a cluster: byte for byte what this machine makes, and nothing in a task that must not travel."""

import filecmp
import json
import os
import pickle
import pickletools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s2kit.demo.bucket import lay_out_bucket
from s2kit.demo.series import Scene
from s2kit.run.cluster import Cluster, _Tasks
from support.dask_cluster import DaskCluster, dask_cluster
from support.graphs import MEAN, node, of

TESTS = str(Path(__file__).resolve().parents[1])
LOCAL = ("--jobs", "2")
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask"), 2, PYTHONPATH=TESTS) as found:
        yield found


@pytest.fixture
def cluster(started: DaskCluster) -> DaskCluster:
    started.assert_alive()
    return started


def s2kit(*words: object, cwd: Path, code: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "s2kit", *map(str, words)],
        cwd=cwd, capture_output=True, text=True, timeout=150, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def assert_same(one: Path, two: Path) -> None:
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert names
    assert names == sorted(str(path.relative_to(two)) for path in two.rglob("*") if path.is_file())
    assert filecmp.cmpfiles(one, two, names, shallow=False)[1:] == ([], [])


def verbs(scene: Scene) -> dict[str, list[str]]:
    products = [*map(str, scene.l2a)]
    images = [str(next(product.rglob("*_B04_20m.jp2"))) for product in scene.l2a]
    return {
        "render": ["render", *products, "--recipe", "true-color", "--index", "ndvi", "--res", "20", "--out", "{}"],
        "large": [
            "render",
            *products,
            "--bands",
            "B04",
            "--res",
            "10",
            "--dtype",
            "uint16",
            "-F",
            "gtiff",
            "--out",
            "{}",
        ],
        "chips": ["chips", *products, "--lon", "{lon}", "--lat", "{lat}", "--chipsize", "640", "--out", "{}"],
        "pixels": ["pixels", *images, "-f", "npy", "--out", "{}"],
        "zarr": ["cube", *products, "--bands", "B04,SCL", "--index", "ndvi", "--mask-clouds", "--out", "{}"],
        "cog": ["cube", *products, "--bands", "B04", "--composite", "median", "-F", "cog", "--out", "{}"],
        "run": ["run", "graph.json", "--collection", f"SENTINEL2_L2A={scene.l2a[0].parent}", "--out", "{}/result.tif"],
    }


def mean_ndvi() -> str:
    """A graph whose result has several blocks."""
    every = {"spatial_extent": None, "temporal_extent": None}
    return json.dumps(
        {
            "load": node("load_collection", id="SENTINEL2_L2A", bands=["B04", "B08"], **every),
            "mean": node("reduce_dimension", data=of("load"), dimension="t", reducer=MEAN),
            "ndvi": node("ndvi", data=of("mean"), red="B04", nir="B08"),
            "save": node("save_result", True, data=of("ndvi"), format="GTiff"),
        }
    )


@pytest.mark.parametrize("verb", ["render", "large", "chips", "pixels", "zarr", "cog", "run"])
def test_outputs_are_those_of_this_machine(verb: str, cluster: DaskCluster, scene: Scene, tmp_path: Path) -> None:
    lon, lat = place(scene)
    words = verbs(scene)[verb]
    (tmp_path / "graph.json").write_text(mean_ndvi())
    said = []
    for name, engine in (("local", LOCAL), ("spread", ("--cluster", cluster.address))):
        given = [word.format(name, lon=lon, lat=lat) for word in words]
        done = s2kit(*given, *engine, cwd=tmp_path, S2KIT_CACHE_DIR=str(tmp_path / f"cache-{name}"))
        said.append(sorted(done.stdout.replace(name, "out").splitlines()))
        assert done.stderr == ""
    assert_same(tmp_path / "local", tmp_path / "spread")
    assert said[0] == said[1]
    assert not list(tmp_path.rglob("*.part"))


def place(scene: Scene) -> tuple[float, float]:
    from shapely.geometry import shape

    features = json.loads(scene.aoi.read_text())["features"]
    centre = shape(features[0]["geometry"]).centroid
    return centre.x, centre.y


def test_numbers_are_those_of_this_machine(cluster: DaskCluster, scene: Scene, tmp_path: Path) -> None:
    products = [*map(str, scene.l2a)]
    for words in (
        ["stats", *products, "--parcels", scene.parcels, "--index", "ndvi", "-f", "csv"],
        ["verify", *products, "-f", "csv"],
    ):
        local, spread = (
            s2kit(*words, *engine, cwd=tmp_path).stdout for engine in (LOCAL, ("--cluster", cluster.address))
        )
        assert sorted(local.splitlines()) == sorted(spread.splitlines())
        assert len(local.splitlines()) > 2


def test_products_are_brought_by_the_workers(cluster: DaskCluster, scene: Scene, tmp_path: Path) -> None:
    lay_out_bucket(scene, tmp_path)
    (tmp_path / "settings.toml").write_text(
        '[archives.aws-l1c]\naddress = "bucket/sentinel-s2-l1c"\nrequester_pays = false\n'
        '[archives.aws-l2a]\naddress = "bucket/sentinel-s2-l2a"\nrequester_pays = false\n'
    )
    names = [product.stem for product in scene.l2a]
    done = s2kit(
        "download",
        *names,
        "--config",
        "settings.toml",
        "--out",
        "got",
        "-v",
        "--cluster",
        cluster.address,
        cwd=tmp_path,
    )
    assert sorted(Path(line).stem for line in done.stdout.splitlines()) == sorted(names)
    assert done.stderr.count("(tcp://127.0.0.1:") == 2
    s2kit("verify", *(tmp_path / "got").glob("*.SAFE"), cwd=tmp_path)
    assert not list((tmp_path / "got").rglob("*.part"))
    again = s2kit(
        "download", *names, "--config", "settings.toml", "--out", "got", "--cluster", cluster.address, cwd=tmp_path
    )
    assert sorted(again.stdout.splitlines()) == sorted(done.stdout.splitlines())


def test_the_time_of_a_run_holds_on_workers_too(scene: Scene, tmp_path: Path) -> None:
    from s2kit.download.request import DownloadRequest
    from s2kit.download.run import Delivery, Order, deliver
    from s2kit.product.name import parse_product_name
    from s2kit.settings import load_settings

    name = parse_product_name(scene.l2a[0].stem)
    request = DownloadRequest.parse(load_settings(), out=str(tmp_path))
    late = Delivery(Order(name, "gcp", tmp_path, {}), request, time.time() - 1)
    assert "the time for this run is over" in str(deliver(late).error)
    assert late.label == scene.l2a[0].stem


def test_nothing_secret_travels(
    cluster: DaskCluster, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from s2kit.cli.app import app

    packed: list[bytes] = []
    pack = _Tasks._packed

    def kept(self: _Tasks, item: object) -> bytes:
        packed.append(pack(self, item))
        return packed[-1]

    monkeypatch.setattr(_Tasks, "_packed", kept)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_SECRET_ACCESS_KEY", "CDSE_S3_SECRET", "DHUS_PASSWORD"):
        monkeypatch.setenv(name, "open-sesame")
    (tmp_path / ".env").write_text("AWS_ACCESS_KEY_ID=AKIAXXXX\nS2KIT_TRUSTED_FOLDERS=*\nDHUS_USER=ali\n")
    lon, lat = place(scene)
    (tmp_path / "graph.json").write_text(mean_ndvi())
    for verb, words in verbs(scene).items():
        packed.clear()
        given = [word.format(verb, lon=lon, lat=lat) for word in words]
        result = CliRunner().invoke(app, [*given, "--cluster", cluster.address])
        assert result.exit_code == 0, result.output
        assert packed
        for body in packed:
            assert len(body) < 60_000
            assert not any(word in body for word in (b"open-sesame", b"AKIAXXXX", b"ali\n", b"catalogues"))
            names = {str(argument) for _, argument, _ in pickletools.genops(body) if isinstance(argument, str)}
            assert not {"Settings", "Loaded", "CatalogueSettings"} & names
        pickle.loads(packed[0])


def test_ctrl_c_leaves_workers_and_nothing_half_written(cluster: DaskCluster, scene: Scene, tmp_path: Path) -> None:
    words = [
        "render",
        *map(str, scene.l2a),
        "--recipe",
        "true-color",
        "--recipe",
        "swir",
        "--res",
        "10",
        "--out",
        "out",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "s2kit", *words, "--cluster", cluster.address],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        end = time.monotonic() + 60
        while not list(tmp_path.glob("out/*.jpg")) and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=30)[1]
    assert process.returncode in {130, 0}
    assert "Traceback" not in errors
    end = time.monotonic() + 30
    while list(tmp_path.rglob("*.part")):  # what was being written ends by itself
        assert time.monotonic() < end
        time.sleep(0.1)
    assert all(worker.poll() is None for worker in cluster.workers)
    s2kit(*words, "--cluster", cluster.address, cwd=tmp_path)
    assert len(list(tmp_path.glob("out/*.jpg"))) == 4


@pytest.mark.parametrize(("address", "code"), [("tcp://127.0.0.1:1", 75), ("nonsense", 78), ("local:0", 78)])
def test_a_cluster_that_is_none(address: str, code: int, scene: Scene, tmp_path: Path) -> None:
    done = s2kit("render", scene.l2a[0], "--res", "60", "--cluster", address, cwd=tmp_path, code=code)
    assert address in done.stderr
    assert done.stderr.count("\n") == 2
    assert done.stderr.startswith("s2kit: error: ")


def test_the_setting_is_the_option(cluster: DaskCluster, scene: Scene, tmp_path: Path) -> None:
    done = s2kit(
        "verify", scene.l2a[0], "-f", "csv", "-v", cwd=tmp_path, S2KIT_CLUSTER=cluster.address, S2KIT_CLUSTER_WAIT_S="5"
    )
    assert f"({Cluster(cluster.address).address.rpartition(':')[0]}:" in done.stderr
    s2kit("verify", scene.l2a[0], "-f", "csv", cwd=tmp_path, code=75, S2KIT_CLUSTER="tcp://127.0.0.1:1")


def test_python_functions_take_the_cluster_of_the_settings(
    cluster: DaskCluster, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each makes what it makes here, and says which worker made it."""
    import s2kit
    from s2kit.run.events import Event
    from s2kit.run.sharing import done_by

    lon, lat = place(scene)
    products = [*map(str, scene.l2a)]
    image = str(next(scene.l2a[0].rglob("*_B04_20m.jp2")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("s2kit.cube.run._SMALL_PX", 0)
    seen: set[str] = set()

    def report(event: Event) -> None:
        seen.add(done_by())

    made: dict[str, Callable[[Any, Path], object]] = {
        "render": lambda own, out: s2kit.render(products, index="ndvi", res=60, out=out, settings=own, report=report),
        "chips": lambda own, out: s2kit.chips(
            products, lon=lon, lat=lat, chipsize=640, bands="B04", out=out, settings=own, report=report
        ),
        "pixels": lambda own, out: s2kit.pixels([image], format="npy", out=out, settings=own, report=report),
        "cube": lambda own, out: s2kit.write_cube(products, bands="B04", res=60, out=out, settings=own, report=report),
    }
    for verb, make in made.items():
        seen.clear()
        make(s2kit.load_settings({"cluster": cluster.address}), tmp_path / "spread" / verb)
        assert any(one.startswith("tcp://") for one in seen), verb
        assert done_by() == ""
        make(s2kit.load_settings({"jobs": "1"}), tmp_path / "local" / verb)
    assert_same(tmp_path / "local", tmp_path / "spread")
    numbers = [
        s2kit.stats(products, parcels=str(scene.parcels), index="ndvi", settings=own).records()
        for own in (s2kit.load_settings({"cluster": cluster.address}), s2kit.load_settings({"jobs": "1"}))
    ]
    assert numbers[0] == numbers[1]
    with pytest.raises(s2kit.S2KitError, match="no Dask scheduler answers"):
        s2kit.stats(
            products, parcels=str(scene.parcels), settings=s2kit.load_settings({"cluster": "tcp://127.0.0.1:1"})
        )


def test_lazy_cubes_are_computed_by_a_distributed_client(cluster: DaskCluster, scene: Scene) -> None:
    import xarray as xr
    from distributed import Client

    import s2kit

    cube = s2kit.cube([*map(str, scene.l2a)], bands="B04,B08", index="ndvi", mask_clouds=True)
    opened = xr.open_dataset(scene.l2a[0], engine="s2kit", resolution=20, bands="B8A", chunks={})
    here = [one.compute(scheduler="synchronous") for one in (cube.ndvi.max("time"), cube.B04, opened.B8A)]
    with Client(cluster.address) as client:
        before = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter)
        there = [one.compute() for one in (cube.ndvi.max("time"), cube.B04, opened.B8A)]
        assert client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter) > before
    for one, other in zip(here, there, strict=True):
        assert one.identical(other)


def test_a_scheduler_that_goes_away_is_one_line_and_the_next_run_goes_on(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "dask").mkdir()
    words = ["cube", *map(str, scene.l2a), "--bands", "B02,B03,B04,B08,B11", "--out", "a.zarr", "-v"]
    with dask_cluster(tmp_path / "dask", 2, PYTHONPATH=TESTS) as own, subprocess.Popen(
        [sys.executable, "-m", "s2kit", *words, "--cluster", own.address],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("s2kit: cube: block "), first
        assert own.scheduler is not None
        own.scheduler.kill()
        said = process.stderr.read().splitlines()
    assert process.returncode == 75
    said = [line for line in said if not line.startswith("s2kit: cube: block ")]
    assert said[0] == f"s2kit: error: the scheduler {own.address} is gone"
    assert len(said) == 2, said
    done = s2kit(*words, "--jobs", "1", cwd=tmp_path)
    assert "going on with" in done.stderr
