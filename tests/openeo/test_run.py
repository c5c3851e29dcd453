"""Graphs on real files: reflectance, sea surface temperature, geometries; the two original jobs; what goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.demo import series
from s2kit.errors import ConfigError, ExitCode
from s2kit.openeo.request import RunRequest
from s2kit.openeo.run import evaluate, run_graph
from s2kit.settings import load_settings
from support.graphs import MEAN, node, of, parameter

GEOSOFT = Path("openeo/geosoft")
SIDE = 300


def visits(folder, *days, baseline):
    """Products of some days, as the demo makes them."""
    with pytest.MonkeyPatch.context() as patch:
        made = [replace(series.VISITS[at], sensing=day) for at, day in enumerate(days)]
        patch.setattr(series, "VISITS", tuple(made))
        return series.make_scene(folder, side=SIDE, dates=len(days), levels=("L2A",), baseline=baseline, jobs=1)


@pytest.fixture(scope="module")
def june(tmp_path_factory):
    """Two days of June 2020, of two baselines: one without an offset, one with."""
    folder = tmp_path_factory.mktemp("june")
    visits(folder, datetime(2020, 6, 4, 10, 50, 31, tzinfo=UTC), baseline="02.14")
    visits(folder, datetime(2020, 6, 15, 10, 50, 31, tzinfo=UTC), baseline="05.00")
    return folder


def reflectance(folder, band):
    """`[t, row, col]` as numpy computes it from the files, NaN for no data."""
    found = []
    for product in sorted(folder.glob("*MSIL2A*.SAFE")):
        (path,) = product.rglob(f"*_{band}_10m.jp2")
        with rasterio.open(path) as image:
            dn = image.read(1).astype(float)
        offset = 0 if "_N0214_" in product.name else -1000
        found.append(np.where(dn == 0, np.nan, (dn + offset) / 10000))
    return np.stack(found)


def ndvi_of_means(folder):
    red, nir = (np.nanmean(reflectance(folder, band), axis=0) for band in ("B04", "B08"))
    return (nir - red) / (nir + red)


def request(graph, tmp_path, **options):
    return RunRequest.parse(load_settings(folder=tmp_path), graph, **{"out": tmp_path / "out", **options})


def run(graph, tmp_path, **options):
    return run_graph(request(graph, tmp_path, **options))


def s2(**changes):
    arguments = {
        "id": "SENTINEL2_L2A",
        "spatial_extent": None,
        "temporal_extent": ["2020-06-01", "2020-07-01"],
        "bands": ["B04", "B08"],
    }
    return node("load_collection", **{**arguments, **changes})


def saved(form="netCDF", options=None, **nodes):
    last = list(nodes)[-1]
    more = {"options": options} if options else {}
    return {**nodes, "save": node("save_result", data=of(last), format=form, result=True, **more)}


NDVI = saved(
    load=s2(),
    mean=node("reduce_dimension", data=of("load"), dimension="t", reducer=MEAN),
    ndvi=node("ndvi", data=of("mean"), red="B04", nir="B08"),
)


def test_ndvi_is_the_index_of_the_means_and_each_product_has_its_own_offset(june, tmp_path):
    result = run(NDVI, tmp_path, collection=[f"SENTINEL2_L2A={june}"])
    with xr.open_dataset(result.paths[0]) as found:
        np.testing.assert_allclose(found["var"].values, ndvi_of_means(june), atol=1e-6)
        assert found["var"].attrs["grid_mapping"] == "spatial_ref"
        assert "32631" in found["spatial_ref"].attrs["crs_wkt"]
    item = json.loads(result.metadata.read_text())
    assert item["properties"]["proj:code"] == "EPSG:32631"
    assert item["properties"]["proj:shape"] == [SIDE, SIDE]
    assert [link["title"][:26] for link in item["links"]] == [
        "S2A_MSIL2A_20200604T105031",
        "S2A_MSIL2A_20200615T105031",
    ]
    when = {name: item["properties"][name] for name in ("datetime", "start_datetime", "end_datetime")}
    assert when == {
        "datetime": None, "start_datetime": "2020-06-04T10:50:31Z", "end_datetime": "2020-06-15T10:50:31Z"
    }  # fmt: skip
    asset = item["assets"]["result.nc"]
    assert asset["file:size"] == result.paths[0].stat().st_size
    assert json.loads((tmp_path / "out/result.graph.json").read_text())["process"]["process_graph"] == NDVI


def test_a_graph_makes_the_same_bytes_each_time(june, tmp_path):
    for form in ("GTiff", "netCDF", "PNG"):
        graph = {**NDVI, "save": {**NDVI["save"], "arguments": {"data": of("ndvi"), "format": form}}}
        made = []
        for name in ("one", "two"):
            run(graph, tmp_path / form / name, collection=[f"SENTINEL2_L2A={june}"])
            made.append({p.name: p.read_bytes() for p in (tmp_path / form / name).rglob("*") if p.is_file()})
        assert made[0] == made[1], form


def test_old_and_new_baselines_are_one_cube(june, tmp_path):
    (one,) = evaluate(request(saved(load=s2()), tmp_path, collection=[f"SENTINEL2_L2A={june}"]))
    cube = one.value.compute()
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.dtype == np.float32
    for at, band in enumerate(("B04", "B08")):
        np.testing.assert_allclose(cube.values[:, at], reflectance(june, band), atol=1e-6)


def test_common_names_properties_classes_and_boxes(june, tmp_path):
    new = {"process_graph": {"c": node("eq", x=parameter("value"), y="05.00", result=True)}}
    box = {"west": 300400, "south": 4898000, "east": 301400, "north": 4899000, "crs": "EPSG:32631"}
    graph = saved(load=s2(bands=["red", "SCL"], properties={"s2:processing_baseline": new}, spatial_extent=box))
    (one,) = evaluate(request(graph, tmp_path, collection=[f"SENTINEL2_L2A={june}"]))
    cube = one.value.compute()
    assert list(cube["bands"].values) == ["red", "SCL"]
    assert cube.sizes["t"] == 1
    assert (cube["x"].values.min(), cube["x"].values.max()) == (300405, 301395)
    assert (cube["y"].values.min(), cube["y"].values.max()) == (4898005, 4898995)
    classes = cube.sel(bands="SCL").values
    assert set(np.unique(classes[np.isfinite(classes)])) <= set(range(1, 12))


def test_the_original_sentinel_job_runs_unmodified(june, tmp_path, shared_data):
    job = json.loads((shared_data / GEOSOFT / "Sentinel.json").read_text())
    result = run(job, tmp_path, collection=[f"SENTINEL2_L2A={june}"])
    with xr.open_dataset(result.paths[0]) as found:
        np.testing.assert_allclose(found["var"].values, ndvi_of_means(june), atol=1e-6)
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"PASSWORD-THAT-MUST-NOT-LEAK" not in everything


@pytest.fixture
def yearly(tmp_path):
    """Sea surface temperature in PSL's layout, two years at 5 degrees, some cells of land."""
    folder = tmp_path / "sst"
    folder.mkdir()
    rng = np.random.default_rng(7)
    lat, lon = np.arange(-87.5, 90, 5.0), np.arange(2.5, 360, 5.0)
    for year in (2012, 2013, 2014):
        days = xr.date_range(f"{year}-01-01", f"{year}-12-31", freq="D")
        values = rng.uniform(-1.8, 30, (len(days), len(lat), len(lon))).astype(np.float32)
        values[:, :3] = np.nan
        data = xr.Dataset({"sst": (("time", "lat", "lon"), values)}, {"time": days, "lat": lat, "lon": lon})
        data.to_netcdf(folder / f"sst.day.mean.{year}.nc", encoding={"sst": {"_FillValue": -9.96921e36}})
    return folder


def test_the_original_sst_job_runs_unmodified(yearly, tmp_path, shared_data):
    job = json.loads((shared_data / GEOSOFT / "SST.json").read_text())
    result = run(job, tmp_path, collection=[f"OISST={yearly}"])
    with xr.open_mfdataset(sorted(yearly.glob("*.nc"))) as data:
        expected = data["sst"].sel(time=slice("2012-01-01", "2014-01-01")).mean("time").values  # the end is included
    with xr.open_dataset(result.paths[0]) as found:
        np.testing.assert_allclose(found["sst"].values, expected, atol=1e-5)
        assert found["sst"].shape == (36, 72)


@pytest.mark.parametrize(
    ("name", "box"),
    [
        ("everything", None),
        ("north atlantic 300..350, 30..60", (300, 30, 350, 60)),
        ("over greenwich 350..20, 30..60", (350, 30, 20, 60)),
        ("-10..20, 30..60 (the same box)", (-10, 30, 20, 60)),
        ("demo 0.125..35, 30..89.875", (0.125, 30, 35, 89.875)),
        ("pacific over 180: 170..-170, -10..10", (170, -10, -170, 10)),
    ],
)
def test_sst_equals_the_reference_by_box(shared_data, tmp_path, name, box):
    reference = json.loads((shared_data / GEOSOFT / "sst_ref_real_20220913.json").read_text())
    expected = reference["oisst-avhrr-v02r01.20220913.nc"]["boxes"][name]
    extent = None if box is None else dict(zip(("west", "south", "east", "north"), box, strict=True))
    graph = saved(
        load=node(
            "load_collection",
            id="OISST",
            spatial_extent=extent,
            temporal_extent=["2022-09-13", "2022-09-14"],
            bands=["sst"],
        ),
        mean=node("reduce_dimension", data=of("load"), dimension="t", reducer=MEAN),
    )
    result = run(graph, tmp_path, collection=[f"OISST={shared_data / 'sst/oisst-avhrr-v02r01.20220913.nc'}"])
    with xr.open_dataset(result.paths[0]) as found:
        values = found["sst"].values.astype(float)
        assert list(values.shape) == expected["shape"]
        edges = found["x"].values[[0, -1]] % 360
        assert edges.tolist() == pytest.approx([lon % 360 for lon in expected["lon"]])
        assert np.all(np.diff(found["x"].values) > 0), "one step from west to east, also over the meridian"
        assert [found["y"].values[0], found["y"].values[-1]] == expected["lat"]
    assert np.isfinite(values).sum() == expected["valid"]
    assert np.nanmin(values) == pytest.approx(expected["min"], abs=1e-5)
    assert np.nanmax(values) == pytest.approx(expected["max"], abs=1e-5)
    assert np.nanmean(values) == pytest.approx(expected["mean of the cells, unweighted"], abs=1e-5)


def test_missing_days_are_said(yearly, tmp_path):
    events = []
    (yearly / "sst.day.mean.2013.nc").unlink()
    graph = saved(
        load=node(
            "load_collection",
            id="OISST",
            spatial_extent=None,
            temporal_extent=["2012-12-30", "2014-01-02"],
            bands=["sst"],
        )
    )
    run_graph(request(graph, tmp_path, collection=[f"OISST={yearly}"]), events.append)
    assert [one.message for one in events if getattr(one, "warning", False)] == [
        "collection OISST: 365 days missing: 2013-01-01 … 2013-12-31"
    ]


def test_two_layouts_at_once_are_refused(yearly, tmp_path, shared_data):
    shutil.copy(shared_data / "sst/oisst-avhrr-v02r01.20220913.nc", yearly)
    with xr.open_dataset(yearly / "sst.day.mean.2014.nc") as data:
        data.assign_coords(time=data["time"] + np.timedelta64(8 * 365 + 2, "D")).to_netcdf(
            yearly / "sst.day.mean.2022.nc"
        )
    graph = saved(
        load=node("load_collection", id="OISST", spatial_extent=None, temporal_extent=["2022-09-01", "2022-10-01"])
    )
    with pytest.raises(Exception, match="two layouts"):
        run(graph, tmp_path, collection=[f"OISST={yearly}"])


FIELDS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"pid": "7"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[300100, 4899000], [300900, 4899000], [300900, 4899800], [300100, 4899800], [300100, 4899000]]
                ],
            },
        },
        {
            "type": "Feature",
            "properties": {"pid": "8"},
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [
                    [[[301000, 4898000], [301053, 4898000], [301053, 4898100], [301000, 4898100], [301000, 4898000]]]
                ],
            },
        },
    ],
    "crs": {"type": "name", "properties": {"name": "EPSG:32631"}},
}


@pytest.mark.parametrize("weights", [None, {"weights": "area"}])
def test_numbers_of_geometries(june, tmp_path, weights):
    graph = saved(
        "CSV",
        load=s2(),
        zones=node("aggregate_spatial", data=of("load"), geometries=FIELDS, reducer=MEAN, context=weights),
    )
    result = run(graph, tmp_path, collection=[f"SENTINEL2_L2A={june}"])
    lines = result.paths[0].read_text().splitlines()
    assert lines[0] == "pid,t,B04,B08"
    rows = [line.split(",") for line in lines[1:]]
    assert [row[0] for row in rows] == ["7", "7", "8", "8"]
    red = reflectance(june, "B04")[0]
    assert float(rows[0][2]) == pytest.approx(np.nanmean(red[22:102, 10:90]), abs=1e-6)
    block = red[192:202, 100:106]  # 301000..301053: five columns, and three tenths of the sixth
    share = np.array([1, 1, 1, 1, 1, 0.3]) if weights else np.array([1, 1, 1, 1, 1, 0])
    assert float(rows[2][2]) == pytest.approx(np.average(block, axis=1, weights=share).mean(), abs=1e-6)


def test_geometries_as_parquet_and_geojson(june, tmp_path):
    import pyarrow.parquet as pq
    import shapely

    zones = {"load": s2(), "zones": node("aggregate_spatial", data=of("load"), geometries=FIELDS, reducer=MEAN)}
    collection = [f"SENTINEL2_L2A={june}"]
    table = pq.read_table(run(saved("Parquet", **zones), tmp_path, collection=collection).paths[0])
    assert table.column("pid").to_pylist() == ["7", "7", "8", "8"]
    assert shapely.from_wkb(table.column("geometry")[2].as_py()).geom_type == "MultiPolygon"
    features = json.loads(
        run(saved("JSON", **zones), tmp_path, collection=collection, overwrite=True).paths[0].read_text()
    )["features"]
    assert features[0]["properties"]["pid"] == "7"
    assert len(features[0]["properties"]) == 5


def test_formats_of_pictures_and_cubes(june, tmp_path):
    import zarr

    collection = [f"SENTINEL2_L2A={june}"]
    tiffs = run(saved("GTiff", load=s2()), tmp_path, collection=collection).paths
    assert [path.name for path in tiffs] == ["result_20200604T105031Z.tif", "result_20200615T105031Z.tif"]
    with rasterio.open(tiffs[1]) as image:
        assert image.descriptions == ("B04", "B08")
        assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        np.testing.assert_allclose(image.read(1), reflectance(june, "B04")[1], atol=1e-6)
    (store,) = run(saved("Zarr", load=s2()), tmp_path, collection=collection, overwrite=True).paths
    np.testing.assert_allclose(zarr.open_group(store, mode="r")["B08"][1], reflectance(june, "B08")[1], atol=1e-6)
    picture = saved(
        "PNG", {"min": 0, "max": 1, "palette": "vegetation"}, **{name: NDVI[name] for name in ("load", "mean", "ndvi")}
    )
    (png,) = run(picture, tmp_path, collection=collection, overwrite=True).paths
    data = png.read_bytes()
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (SIDE, SIDE)
    assert b"PLTE" in data[:200]


def test_a_folder_of_files_is_a_collection(tmp_path):
    folder = tmp_path / "grids"
    folder.mkdir()
    place = rasterio.Affine(20, 0, 500000, 0, -20, 4600000)
    for day, value in (("2024-05-01", 3), ("20240511", 5)):
        profile = {
            "driver": "GTiff",
            "width": 30,
            "height": 20,
            "count": 2,
            "dtype": "int16",
            "crs": "EPSG:32633",
            "transform": place,
            "nodata": -1,
        }
        with rasterio.open(folder / f"lai_{day}.tif", "w", **profile) as image:
            image.descriptions = ("lai", "quality")
            pixels = np.full((2, 20, 30), value, np.int16)
            pixels[:, 0, 0] = -1
            image.write(pixels)
    graph = saved(
        "netCDF",
        load=node(
            "load_collection",
            id="LAI",
            spatial_extent=None,
            temporal_extent=["2024-05-01", "2024-06-01"],
            bands=["lai"],
        ),
        mean=node("reduce_dimension", data=of("load"), dimension="t", reducer=MEAN),
    )
    result = run(graph, tmp_path, collection=[f"LAI={folder}"])
    with xr.open_dataset(result.paths[0]) as found:
        assert np.isnan(found["lai"].values[0, 0])
        assert (found["lai"].values[1:] == 4).all()
        assert found["x"].values[0] == 500010
    listed = CliRunner().invoke(app, ["collections", "LAI", "--collection", f"LAI={folder}"])
    described = json.loads(listed.stdout)
    assert described["cube:dimensions"]["bands"]["values"] == ["lai", "quality"]
    assert described["extent"]["temporal"]["interval"] == [["2024-05-01T00:00:00Z", "2024-05-11T00:00:00Z"]]
    again = saved("JSON", load=node("load_collection", id="OUT", spatial_extent=None, temporal_extent=None))
    assert run(again, tmp_path / "two", collection=[f"OUT={result.paths[0]}"]).paths  # what was written can be read


def test_a_stac_collection_names_its_files(tmp_path, yearly):
    described = json.loads(CliRunner().invoke(app, ["collections", "SST", "--collection", f"SST={yearly}"]).stdout)
    item = {
        "type": "Feature",
        "assets": {"data": {"href": "sst.day.mean.2013.nc"}, "far": {"href": "http://127.0.0.1:9/x.nc"}},
    }
    (yearly / "item.json").write_text(json.dumps(item))
    described["links"] = [{"rel": "item", "href": "./item.json"}]
    (yearly / "collection.json").write_text(json.dumps(described))
    graph = saved(load=node("load_collection", id="SST", spatial_extent=None, temporal_extent=None))
    (one,) = evaluate(request(graph, tmp_path, collection=[f"SST={yearly}"]))
    assert one.value.sizes["t"] == 365


def cli(*words, cwd, **environment):
    command = [sys.executable, "-m", "s2kit", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})


def test_the_command_line_prints_paths_and_dry_runs_write_nothing(june, tmp_path):
    (tmp_path / "g.json").write_text(json.dumps(NDVI))
    words = ("run", "g.json", "--collection", f"SENTINEL2_L2A={june}", "--jobs", "1", "-o")
    dry = cli(*words, "never", "-n", cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr
    assert "2,2,300,300" in dry.stdout
    assert not (tmp_path / "never").exists()
    done = cli(*words, "ndvi.tif", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ndvi.tif\n", "")
    assert (tmp_path / "ndvi.stac.json").is_file()
    again = cli(*words, "ndvi.tif", cwd=tmp_path)
    assert again.returncode == ExitCode.OUTPUT
    assert "exists already" in again.stderr


def test_the_dialect_is_shown_with_v(june, tmp_path, shared_data):
    shutil.copy(shared_data / GEOSOFT / "Sentinel.json", tmp_path)
    done = cli("-v", "run", "Sentinel.json", "--collection", f"SENTINEL2_L2A={june}", "--jobs", "1", "-n", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"process_id": "reduce_dimension"' in done.stderr
    assert "Login was dropped" in done.stderr
    assert "PASSWORD" not in done.stderr + done.stdout


def test_a_batch_job_of_a_graph(june, tmp_path, monkeypatch, shared_data):
    from s2kit.openeo.job import JobState, NewJob
    from s2kit.openeo.job_store import JobStore

    store = JobStore(tmp_path / "store")
    body = json.loads((shared_data / GEOSOFT / "Sentinel.json").read_text())
    words = (f"--collection=SENTINEL2_L2A={june}", "--jobs=1")
    job = store.create(NewJob(body=body, words=words, folder=str(tmp_path)))
    store.start(job.id)
    while (now := store.refreshed(job.id)).state.is_busy:
        time.sleep(0.1)
    assert now.state is JobState.FINISHED, store.logs(job.id)
    assert [path.name for path in store.results(job.id)] == ["result.nc", "result.graph.json", "result.json"]
    everything = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert b"PASSWORD-THAT-MUST-NOT-LEAK" not in everything


def test_a_killed_run_goes_on_with_the_missing_blocks(tmp_path):
    folder = tmp_path / "grid"
    folder.mkdir()
    values = np.random.default_rng(1).uniform(size=(3, 2100, 2100)).astype(np.float32)
    profile = {
        "driver": "GTiff",
        "width": 2100,
        "height": 2100,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:32633",
        "transform": rasterio.Affine(10, 0, 0, 0, -10, 0),
        "tiled": True,
    }
    for day, one in enumerate(values, 1):
        with rasterio.open(folder / f"a_2024-05-0{day}.tif", "w", **profile) as image:
            image.write(one, 1)
    graph = saved(
        load=node("load_collection", id="A", spatial_extent=None, temporal_extent=None),
        mean=node("apply_kernel", data=of("load"), kernel=np.full((9, 9), 1 / 81).tolist()),
    )
    (tmp_path / "g.json").write_text(json.dumps(graph))
    words = ["run", "g.json", "--collection", f"A={folder}", "--jobs", "1", "--resume", "-o"]
    whole = cli(*words, "whole", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    process = subprocess.Popen([sys.executable, "-m", "s2kit", *words, "cut"], cwd=tmp_path)
    journal = tmp_path / "cut/.result.blocks/journal"
    while not journal.exists() or len(journal.read_text().splitlines()) < 6:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "cut/result.nc").exists()
    before = len(journal.read_text().splitlines()) - 1
    again = cli("-v", *words, "cut", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"going on: {before} of 27 blocks" in again.stderr or f"going on: {before - 1} of" in again.stderr
    assert (tmp_path / "cut/result.nc").read_bytes() == (tmp_path / "whole/result.nc").read_bytes()
    assert not journal.exists()


@pytest.mark.parametrize(
    ("graph", "options", "code", "text"),
    [
        (
            saved(load=s2(temporal_extent=["2021-01-01", "2021-02-01"])),
            {},
            ExitCode.INPUT,
            "no product is found in that time",
        ),
        (saved(load=s2()), {"max_px": 1000}, ExitCode.USAGE, "360,000 values would be loaded, 1,000 are allowed"),
        (saved("PNG", load=s2()), {}, ExitCode.INPUT, "PNG shows 1 or 3 bands, not 2"),
        (saved(load=s2()), {"format": "docx"}, ExitCode.USAGE, "there is no format 'docx'"),
        (saved(load=s2()), {"collection": ["x"]}, ExitCode.USAGE, "a name and a place"),
        (
            saved(load=s2(), gone=node("reduce_dimension", data=of("load"), dimension="z", reducer=MEAN)),
            {},
            ExitCode.INPUT,
            "node 'gone': there is no dimension 'z'",
        ),
        (saved(load=s2(properties={"who": MEAN})), {}, ExitCode.USAGE, "parameter 'data' has no value"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(june, tmp_path, graph, options, code, text):
    from s2kit.errors import S2KitError

    with pytest.raises(S2KitError, match=text) as caught:
        run(graph, tmp_path, **{"collection": [f"SENTINEL2_L2A={june}"], **options})
    assert caught.value.exit_code == code
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out").glob("*")) == []


def test_a_result_of_nothing_but_no_data_is_said(june, tmp_path):
    events = []
    far = {"type": "Polygon", "coordinates": [[[5, 5], [6, 5], [6, 6], [5, 6], [5, 5]]]}
    graph = saved(load=s2(), none=node("mask_polygon", data=of("load"), mask=far))
    run_graph(request(graph, tmp_path, collection=[f"SENTINEL2_L2A={june}"]), events.append)
    assert "result: every pixel is no data" in [getattr(one, "message", "") for one in events]


def test_parameters_have_values(june, tmp_path):
    graph = {
        "process_graph": saved("JSON", sum=node("add", x=parameter("n"), y=parameter("m"))),
        "parameters": [{"name": "m", "schema": {}, "default": 2}],
    }
    result = run(graph, tmp_path, param=["n=40"])
    assert json.loads(result.paths[0].read_text()) == 42


@pytest.mark.parametrize("form", ["netCDF", "GTiff", "Zarr", "JSON"])
def test_a_full_disk_is_one_line_and_leaves_nothing(june, tmp_path, form):
    (tmp_path / "g.json").write_text(json.dumps(saved(form, load=s2())))
    code = "import resource as r, sys; r.setrlimit(r.RLIMIT_FSIZE, (50000, 50000)); from s2kit.cli.start import main; main()"
    words = ["run", "g.json", "--collection", f"SENTINEL2_L2A={june}", "--jobs", "1", "-o", "out"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == ExitCode.DISK, done.stderr
    assert done.stderr.count("s2kit: error: out/") == 1
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("missing", ["jsonschema", "dask", "xarray", "netCDF4"])
def test_a_missing_package_is_one_line_that_says_what_to_install(june, tmp_path, missing):
    (tmp_path / "g.json").write_text(json.dumps(NDVI))
    code = f"import sys; sys.modules[{missing!r}] = None; from s2kit.cli.start import main; main()"
    words = ["run", "g.json", "--collection", f"SENTINEL2_L2A={june}", "--jobs", "1", "-o", "out"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == ExitCode.CONFIG, done.stderr
    assert missing in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[1:] == ["s2kit: hint: install what is missing with: pip install 's2kit[openeo]'"]
    assert not list((tmp_path / "out").glob("result*"))


def test_a_package_that_is_missing_is_named_wherever_it_is_first_needed(tmp_path):
    (tmp_path / "g.json").write_text(json.dumps(saved(
        load=node("load_collection", id="A", spatial_extent=None, temporal_extent=None),
        mean=node("apply_kernel", data=of("load"), kernel=[[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    )))  # fmt: skip
    folder = tmp_path / "grid"
    folder.mkdir()
    profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "float32", "crs": "EPSG:32633"}
    with rasterio.open(
        folder / "a_2024-05-01.tif", "w", **profile, transform=rasterio.Affine(10, 0, 0, 0, -10, 0)
    ) as image:
        image.write(np.ones((8, 8), np.float32), 1)
    (tmp_path / "scipy.py").write_text("raise ModuleNotFoundError('there is none', name='scipy')\n")
    words = ["run", "g.json", "--collection", f"A={folder}", "--jobs", "1", "-o", "out"]
    done = cli(*words, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 78
    assert "process graphs need scipy" in done.stderr
    assert "pip install 's2kit[openeo]'" in done.stderr
    assert not list((tmp_path / "out").glob("result*"))


def test_a_package_that_a_block_needs_is_named(june, tmp_path, monkeypatch):
    """Blocks are computed after the graph was planned: there too a missing extra is no defect of s2kit."""
    monkeypatch.setitem(sys.modules, "scipy.ndimage", None)
    sharp = node("apply_kernel", data=of("load"), kernel=[[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    with pytest.raises(ConfigError) as failed:
        run(saved(load=s2(), sharp=sharp), tmp_path, collection=[f"SENTINEL2_L2A={june}"])
    assert "s2kit[openeo]" in str(failed.value.hint)


def test_angles_of_sun_and_view_are_bands(real_l2a, tmp_path):
    box = {"west": -8.5, "south": 52.8, "east": -8.48, "north": 52.81}
    bands = ["B04", "sunZenithAngles", "viewZenithMean"]
    load = s2(spatial_extent=box, temporal_extent=None, bands=bands)
    result = run(saved(load=load), tmp_path, collection=[f"SENTINEL2_L2A={real_l2a}"])
    with xr.open_dataset(result.paths[0]) as found:
        assert 57 < float(found["sunZenithAngles"].mean()) < 59
        assert 0 < float(found["viewZenithMean"].mean()) < 12
