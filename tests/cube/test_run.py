"""Cubes on the disk: opened by xarray, rioxarray, GDAL and rasterio; whole or not there; continued, appended to."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import rasterio
import xarray as xr
import zarr

from s2kit.cube import CubeFormat, CubeOutput, CubeRequest, make_block, make_cube, plan_cube
from s2kit.cube import journal as journals
from s2kit.errors import InputError, OutputError, TryLaterError, UsageError
from s2kit.run.events import ItemFailed, WorkPlanned, silent
from s2kit.run.files import part_path
from s2kit.run.locks import output_lock
from s2kit.settings import Loaded, Settings
from support.chip_items import write_item
from support.scenes import built_scene, copied

LOADED = Loaded(Settings(cache=False), {}, {})
PASS = "S2A_MSIL2A_202404{:02d}T105031_N0301_R051_T31TCJ_202404{:02d}T160739"


def plan_of(*products, report=silent, **options):
    return plan_cube(CubeRequest.parse(LOADED, report, products=products, **options), report)


def made(plan, path, form=CubeFormat.ZARR, report=silent, **options):
    return make_cube(plan, CubeOutput(path=path, form=form, jobs=options.pop("jobs", 1), **options), report)


def item(folder, day, value=100, side=40, **bands):
    bands = bands or {"B04": np.full((side, side), value, np.uint16)}
    return write_item(folder, bands, name=PASS.format(day, day))


@pytest.fixture(scope="module")
def four():
    return built_scene(dates=2, more_l2a=2)


@pytest.fixture(scope="module")
def plan(four):
    return plan_of(*four.l2a, aoi=str(four.aoi), bands="B04,B11,SCL", index="ndvi", mask_clouds=True)


def expected(plan, name):
    return np.stack([make_block(plan.task_of(at, plan.grid.window)).layers[name] for at in range(len(plan.steps))])


def test_zarr_has_the_values_of_the_blocks_bit_for_bit_and_xarray_knows_it(plan, tmp_path):
    path = tmp_path / "a.zarr"
    result = made(plan, path, jobs=2)
    assert result.files == (path,)
    assert not part_path(path).exists()
    raw = xr.open_zarr(path, mask_and_scale=False)
    for name in ("B04", "B11", "SCL", "ndvi"):
        assert np.array_equal(raw[name].values, expected(plan, name), equal_nan=name == "ndvi"), name
    assert raw.B04.dtype == np.uint16
    cube = xr.open_zarr(path)
    assert [f"{t:%Y-%m-%d %H:%M:%S}" for t in cube.time.to_index()] == [
        f"{one.time:%Y-%m-%d %H:%M:%S}" for one in plan.slices
    ]
    assert float(cube.x[0]) == plan.grid.west + 5
    assert float(cube.y[0]) == plan.grid.north - 5
    values = cube.B04.values
    assert np.isnan(values[raw.B04.values == 0]).all()
    assert np.allclose(values[raw.B04.values > 0], raw.B04.values[raw.B04.values > 0] / 10000)
    assert cube.SCL.attrs["flag_values"][3] == 3
    assert "cloud_shadow" in cube.SCL.attrs["flag_meanings"]
    assert cube.clear_pct.values[0] == 100
    assert cube.clear_pct.values[1] < 50
    assert cube.attrs["proj:code"] == "EPSG:32631"


def test_rioxarray_knows_where_a_cube_is(plan, tmp_path):
    import rioxarray  # noqa: F401

    for form, name in ((CubeFormat.ZARR, "a.zarr"), (CubeFormat.NETCDF, "a.nc")):
        made(plan, tmp_path / name, form)
        opened = xr.open_dataset(tmp_path / name, decode_coords="all", **({"engine": "zarr"} if "zarr" in name else {}))
        with opened as cube:
            assert cube.B04.rio.crs.to_epsg() == 32631
            assert cube.B04.rio.bounds() == tuple(plan.grid.bounds)


def test_netcdf_is_opened_by_xarray_and_gdal(plan, tmp_path):
    path = tmp_path / "a.nc"
    made(plan, path, CubeFormat.NETCDF)
    with xr.open_dataset(path, mask_and_scale=False) as cube:
        for name in ("B04", "SCL", "ndvi"):
            assert np.array_equal(cube[name].values, expected(plan, name), equal_nan=name == "ndvi"), name
        assert cube.attrs["Conventions"] == "CF-1.11"
        assert cube.spatial_ref.attrs["grid_mapping_name"] == "transverse_mercator"
        assert cube.spatial_ref.attrs["longitude_of_central_meridian"] == 3
        assert cube.spatial_ref.attrs["false_easting"] == 500_000
    with rasterio.open(f'netcdf:"{path}":B04') as image:
        assert image.count == 4
        assert image.crs.to_epsg() == 32631
        assert tuple(image.bounds) == tuple(plan.grid.bounds)
        assert np.array_equal(image.read(3), expected(plan, "B04")[2])
        assert image.scales[0] == pytest.approx(1e-4)
    assert sorted(path.parent.iterdir()) == [path]


def test_geotiffs_have_names_tags_overviews_and_colours(plan, tmp_path):
    folder = tmp_path / "cogs"
    result = made(plan, folder, CubeFormat.COG)
    assert len(result.files) == 16
    assert sorted(result.files) == sorted(folder.iterdir())
    with rasterio.open(folder / "20240615T104031_B04.tif") as image:
        assert np.array_equal(image.read(1), expected(plan, "B04")[2])
        assert image.crs.to_epsg() == 32631
        assert tuple(image.bounds) == tuple(plan.grid.bounds)
        assert image.descriptions == ("B04",)
        assert image.scales[0] == pytest.approx(1e-4)
        assert image.nodata == 0
        tags = image.tags()
        assert tags["S2KIT_TIME"] == "2024-06-15T10:40:31Z"
        assert tags["S2KIT_MASK"] == "3,8,9,10"
        assert "T31TCJ_20240615" in tags["S2KIT_SOURCES"]
    with rasterio.open(folder / "20240419T105031_SCL.tif") as image:
        assert image.colormap(1)[4][:3] == (0, 160, 0)
    with rasterio.open(folder / "20240419T105031_ndvi.tif") as image:
        assert np.isnan(image.nodata)


def test_one_geotiff_holds_all_bands_of_a_time(four, tmp_path):
    plan = plan_of(*four.l2a[:2], bands="B04,B08,SCL", aoi=str(four.aoi))
    made(plan, tmp_path / "m", CubeFormat.MULTICOG)
    with rasterio.open(tmp_path / "m" / "20240419T105031.tif") as image:
        assert image.descriptions == ("B04", "B08", "SCL")
        assert np.array_equal(image.read(2), expected(plan, "B08")[0])
    mixed = plan_of(*four.l2a[:2], bands="B04", index="ndvi", aoi=str(four.aoi))
    with pytest.raises(UsageError, match="cannot hold"):
        made(mixed, tmp_path / "n", CubeFormat.MULTICOG)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]


def test_gdal_opens_zarr_with_crs_place_and_time(plan, tmp_path):
    """GDAL from 3.11 on reads Zarr v3; pyogrio carries such a GDAL, without the compressor, so chunks are packed anew."""
    path = tmp_path / "a.zarr"
    made(plan, path)
    _packed_with_gzip(path)
    script = (
        "import ctypes, glob, os, sys, pyogrio\n"
        "gdal = ctypes.CDLL(glob.glob(os.path.dirname(pyogrio.__file__) + '/../pyogrio.libs/libgdal*')[0])\n"
        "gdal.GDALAllRegister(); gdal.GDALOpenEx.restype = ctypes.c_void_p\n"
        "gdal.CPLGetLastErrorMsg.restype = ctypes.c_char_p\n"
        "d = gdal.GDALOpenEx(sys.argv[1].encode(), 2, None, None, None)\n"
        "assert d, gdal.CPLGetLastErrorMsg()\n"
        "t = (ctypes.c_double * 6)(); gdal.GDALGetGeoTransform(ctypes.c_void_p(d), t)\n"
        "gdal.GDALGetProjectionRef.restype = ctypes.c_char_p\n"
        "gdal.GDALGetRasterBand.restype = ctypes.c_void_p\n"
        "b = gdal.GDALGetRasterBand(ctypes.c_void_p(d), 1)\n"
        "p = (ctypes.c_uint16 * 4)()\n"
        "gdal.GDALRasterIO(ctypes.c_void_p(b), 0, 100, 50, 4, 1, p, 4, 1, 2, 0, 0)\n"
        "print(list(t), list(p), gdal.GDALGetRasterCount(ctypes.c_void_p(d)))\n"
        "print(gdal.GDALGetProjectionRef(ctypes.c_void_p(d)).decode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, f'ZARR:"{path}":/B04'], capture_output=True, text=True, check=True
    )
    head, crs = done.stdout.splitlines()
    grid = plan.grid
    pixels = expected(plan, "B04")[0, 50, 100:104].tolist()
    assert head == f"{[grid.west, 10.0, 0.0, grid.north, 0.0, -10.0]} {pixels} 4"
    assert 'PROJCS["WGS 84 / UTM zone 31N"' in crs


def _packed_with_gzip(path):
    """The same arrays and attributes with GDAL's only universal compressor."""
    root = zarr.open_group(path, mode="r+")
    for name, array in list(root.arrays()):
        values, meta = array[...], array.metadata
        root.create_array(
            name, shape=array.shape, chunks=array.chunks, dtype=array.dtype, attributes=dict(array.attrs),
            dimension_names=meta.dimension_names, fill_value=meta.fill_value, overwrite=True,
            compressors=[zarr.codecs.GzipCodec(level=1)],
        )[...] = values  # fmt: skip
    meta = json.loads((path / "zarr.json").read_bytes())
    meta.pop("consolidated_metadata", None)
    (path / "zarr.json").write_text(json.dumps(meta))


def test_what_is_there_is_not_replaced_unless_that_is_asked_for(tmp_path):
    plan = plan_of(item(tmp_path / "d", 1), bands="B04")
    path = tmp_path / "a.zarr"
    made(plan, path)
    with pytest.raises(OutputError, match="exists already"):
        made(plan, path)
    other = plan_of(item(tmp_path / "e", 2, value=7), bands="B04")
    made(other, path, overwrite=True)
    assert (xr.open_zarr(path, mask_and_scale=False).B04.values == 7).all()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zarr", "d", "e"]


def test_a_second_run_at_once_is_told_to_come_later(tmp_path):
    plan = plan_of(item(tmp_path / "d", 1), bands="B04")
    with output_lock(tmp_path / "a.zarr"), pytest.raises(TryLaterError):
        made(plan, tmp_path / "a.zarr")


def test_a_run_that_was_killed_is_continued_by_blocks(four, tmp_path):
    """The process is killed in the middle; the next run makes only what is left, and the cube is as any other."""
    script = tmp_path / "kill.py"
    script.write_text(
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from s2kit.cube import CubeOutput, CubeRequest, make_cube, plan_cube\n"
        "from s2kit.settings import Loaded, Settings\n"
        "from s2kit.run.events import Finished\n"
        "seen = []\n"
        "def report(event):\n"
        "    if isinstance(event, Finished):\n"
        "        seen.append(event)\n"
        "        if len(seen) == 3:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "request = CubeRequest.parse(Loaded(Settings(cache=False), {}, {}), products=sys.argv[2:], bands='B04')\n"
        "make_cube(plan_cube(request), CubeOutput(path=Path(sys.argv[1]), jobs=1), report)\n"
    )
    path = tmp_path / "a.zarr"
    words = [sys.executable, script, path, *four.l2a]
    killed = subprocess.run(words, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not path.exists()
    assert part_path(path).is_dir()
    plan, events = plan_of(*four.l2a, bands="B04"), []
    made(plan, path, report=events.append)
    (planned,) = [event for event in events if isinstance(event, WorkPlanned)]
    assert planned.items == 4 * len(plan.blocks) - 3
    assert np.array_equal(xr.open_zarr(path, mask_and_scale=False).B04.values, expected(plan, "B04"))
    whole = tmp_path / "b.zarr"
    made(plan, whole)
    assert xr.open_zarr(path).identical(xr.open_zarr(whole))


def test_what_another_plan_left_is_not_continued(tmp_path, four):
    first, second = plan_of(four.l2a[0], bands="B04"), plan_of(four.l2a[0], bands="B08")
    path = tmp_path / "a.zarr"
    with pytest.raises(KeyboardInterrupt):
        made(first, path, report=_interrupting)
    assert part_path(path).is_dir(), "what is done is kept for the next run"
    events = []
    made(second, path, report=events.append)
    assert [event.items for event in events if isinstance(event, WorkPlanned)] == [len(second.blocks)]


def _interrupting(event):
    if type(event).__name__ == "Finished":
        raise KeyboardInterrupt


def test_blocks_of_another_boot_are_not_trusted(tmp_path, monkeypatch):
    journal = journals.Journal(tmp_path, {"a": 1}, [])
    journal.add(journals.Entry(0, 0, (1,), (1,)))
    journal.close()
    assert journals.done_before(tmp_path, {"a": 1}) == [journals.Entry(0, 0, (1,), (1,))]
    assert journals.done_before(tmp_path, {"a": 2}) is None
    boot = tmp_path / "boot"
    boot.write_text("another")
    monkeypatch.setattr(journals, "_BOOT", boot)
    assert journals.done_before(tmp_path, {"a": 1}) is None


def test_a_line_that_was_cut_short_is_not_believed(tmp_path):
    journal = journals.Journal(tmp_path, {"a": 1}, [])
    journal.add(journals.Entry(0, 0, (1,), (1,)))
    journal.close()
    with (tmp_path / journals.NAME).open("a") as file:
        file.write("[0, 1, [5")
    assert len(journals.done_before(tmp_path, {"a": 1})) == 1


def test_a_damaged_product_costs_its_date_only(four, tmp_path):
    broken = copied(four.l2a[1], tmp_path)
    (path,) = broken.rglob("*_B04_10m.jp2")
    os.truncate(path, path.stat().st_size // 2)
    events = []
    plan = plan_of(four.l2a[0], broken, four.l2a[2], bands="B04")
    result = made(plan, tmp_path / "a.zarr", report=events.append)
    assert list(result.failures) == ["2024-05-09"]
    assert [event.item for event in events if isinstance(event, ItemFailed)] == ["2024-05-09"]
    cube = xr.open_zarr(tmp_path / "a.zarr", mask_and_scale=False)
    assert [f"{t:%m%d}" for t in cube.time.to_index()] == ["0419", "0615"]
    assert np.array_equal(cube.B04.values, expected(plan_of(four.l2a[0], four.l2a[2], bands="B04"), "B04"))
    assert len(cube.attrs["s2kit:sources"]) == 2
    made(plan, tmp_path / "c", CubeFormat.COG)
    assert sorted(one.name[:8] for one in (tmp_path / "c").iterdir()) == ["20240419", "20240615"]
    with pytest.raises(InputError, match="B04_10m"):
        made(plan_of(four.l2a[0], broken, bands="B04", composite="median"), tmp_path / "m.zarr")
    assert not (tmp_path / "m.zarr").exists()
    assert not part_path(tmp_path / "m.zarr").exists()


def test_a_full_disk_leaves_nothing(four, tmp_path):
    """A limit on the size of files stands for the full disk: the system says so to the worker's write."""
    script = (
        "import resource, sys; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from s2kit.cube import CubeFormat, CubeOutput, CubeRequest, make_cube, plan_cube\n"
        "from s2kit.settings import Loaded, Settings\n"
        "from s2kit.errors import DiskError\n"
        "request = CubeRequest.parse(Loaded(Settings(cache=False), {}, {}), products=sys.argv[3:], bands='B04')\n"
        "try:\n"
        "    make_cube(plan_cube(request), CubeOutput(path=Path(sys.argv[1]), form=CubeFormat(sys.argv[2]), jobs=1))\n"
        "except DiskError as error:\n"
        "    print(error); sys.exit(74)\n"
    )
    for name, form in (("a.zarr", "zarr"), ("a.nc", "netcdf"), ("cogs", "cog")):
        done = subprocess.run(
            [sys.executable, "-c", script, tmp_path / name, form, *four.l2a[:2]], capture_output=True, text=True
        )
        assert done.returncode == 74, (form, done.stderr[-2000:])
        assert name in done.stdout
        assert list(tmp_path.iterdir()) == [], form


def test_dates_are_added_to_a_cube(tmp_path):
    data, path = tmp_path / "d", tmp_path / "a.zarr"
    for day in (3, 5):
        item(data, day, value=day)
    made(plan_of(data, bands="B04"), path)
    before = {one: one.stat().st_mtime_ns for one in (path / "B04").rglob("*") if one.is_file()}
    item(data, 8, value=8)
    plan = plan_of(data, bands="B04")
    result = made(plan, path, append=True)
    assert [plan.slices[at].day.day for at in result.built.steps] == [8]
    cube = xr.open_zarr(path, mask_and_scale=False)
    assert cube.B04.values[:, 0, 0].tolist() == [3, 5, 8]
    assert [t.day for t in cube.time.to_index()] == [3, 5, 8]
    assert cube.data_pct.values.tolist() == [100, 100, 100]
    assert len(cube.attrs["s2kit:sources"]) == 3
    touched = {one for one in before if one.stat().st_mtime_ns != before[one]}
    assert touched == {path / "B04" / "zarr.json"}, "no chunk that was there is written again"
    assert not part_path(path).exists()
    assert made(plan, path, append=True).files == ()
    made(plan, tmp_path / "b.zarr")
    assert xr.open_zarr(tmp_path / "b.zarr").identical(cube.pipe(lambda _: xr.open_zarr(path)))


def test_appending_begins_a_cube_that_is_not_there(tmp_path):
    item(tmp_path / "d", 3)
    made(plan_of(tmp_path / "d", bands="B04"), tmp_path / "a.zarr", append=True)
    assert xr.open_zarr(tmp_path / "a.zarr").sizes["time"] == 1


def test_another_grid_or_other_bands_are_not_appended(tmp_path):
    ones = np.full((40, 40), 9, np.uint16)
    item(tmp_path / "d", 3, B04=ones, B08=ones)
    path = tmp_path / "a.zarr"
    made(plan_of(tmp_path / "d", bands="B04"), path)
    for options, word in (
        ({"bands": "B04,B08"}, r"has the layers B04 \(uint16\), not the layers B04 \(uint16\), B08 \(uint16\)"),
        ({"bands": "B04", "res": 20}, "pixels of 10 from .* in EPSG:32631, not .* pixels of 20 from"),
        ({"bands": "B04", "dtype": "float32"}, r"not the layers B04 \(float32\)"),
        ({"bands": "B04", "resampling": "nearest"}, "has the resampling auto, not the resampling nearest"),
    ):
        with pytest.raises(InputError, match=word):
            made(plan_of(tmp_path / "d", **options), path, append=True)
    with pytest.raises(UsageError, match="composite"):
        made(plan_of(tmp_path / "d", bands="B04", composite="median"), path, append=True)
    (tmp_path / "x.zarr").mkdir()
    with pytest.raises(InputError, match="no cube that s2kit made"):
        made(plan_of(tmp_path / "d", bands="B04"), tmp_path / "x.zarr", append=True)


@pytest.mark.parametrize("form", [CubeFormat.ZARR, CubeFormat.NETCDF, CubeFormat.COG])
def test_workers_that_live_on_do_not_take_the_next_cube_for_the_last(four, tmp_path, form, monkeypatch):
    """A pool keeps its processes, and a cluster for weeks: an output of the same name has another type and size."""
    out, other = tmp_path / "a", tmp_path / "b"
    monkeypatch.setattr("s2kit.cube.run._SMALL_PX", 0)
    corner = plan_of(four.l2a[0], bands="B04", bbox=[(0.58, 44.15, 0.585, 44.155)])
    whole = plan_of(*four.l2a[:2], bands="B04", dtype="float32", bbox=[(0.58, 44.13, 0.66, 44.155)])
    for run in range(2):
        made(corner, out, form, jobs=2, overwrite=run > 0)
        made(whole, out, form, jobs=2, overwrite=True)
    made(whole, other, form, jobs=1)
    files = sorted(path.relative_to(other) for path in [other, *other.rglob("*")] if path.is_file())
    assert files
    assert files == sorted(path.relative_to(out) for path in [out, *out.rglob("*")] if path.is_file())
    for name in files:
        assert (out / name).read_bytes() == (other / name).read_bytes(), name


def test_a_date_that_comes_late_is_reported_and_left_out(tmp_path):
    data, path = tmp_path / "d", tmp_path / "a.zarr"
    item(data, 3)
    item(data, 8)
    made(plan_of(data, bands="B04"), path)
    item(data, 5)
    events = []
    made(plan_of(data, bands="B04"), path, append=True, report=events.append)
    assert any("lie before the last one" in getattr(event, "message", "") for event in events)
    assert xr.open_zarr(path).sizes["time"] == 2


@pytest.mark.parametrize("moment", ["chunks moved", "before the root"])
def test_an_append_that_was_killed_while_it_joined_is_finished_by_the_next(tmp_path, monkeypatch, moment):
    data, path = tmp_path / "d", tmp_path / "a.zarr"
    item(data, 3, value=3)
    made(plan_of(data, bands="B04"), path)
    item(data, 5, value=5)
    plan = plan_of(data, bands="B04")
    from s2kit.cube import zarr_store

    name = "_set_length" if moment == "chunks moved" else "_replace_root"
    where = zarr_store if moment == "chunks moved" else zarr_store.Existing
    monkeypatch.setattr(where, name, _killed)
    with pytest.raises(KeyboardInterrupt):
        made(plan, path, append=True)
    monkeypatch.undo()
    assert xr.open_zarr(path).sizes["time"] == 1, "readers of the gathered metadata see the cube as it was"
    made(plan, path, append=True)
    cube = xr.open_zarr(path, mask_and_scale=False)
    assert cube.B04.values[:, 0, 0].tolist() == [3, 5]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zarr", "d"]


def _killed(*_):
    raise KeyboardInterrupt


def test_only_zarr_is_appended_to(tmp_path):
    item(tmp_path / "d", 3)
    plan = plan_of(tmp_path / "d", bands="B04")
    made(plan, tmp_path / "a.nc", CubeFormat.NETCDF)
    with pytest.raises(UsageError, match="Zarr"):
        made(plan, tmp_path / "a.nc", CubeFormat.NETCDF, append=True)


def test_periods_are_times_of_a_cube(four, tmp_path):
    plan = plan_of(*four.l2a, bands="B04", composite="mean", period="month", aoi=str(four.aoi))
    made(plan, tmp_path / "m.zarr")
    cube = xr.open_zarr(tmp_path / "m.zarr")
    assert [t.month for t in cube.time.to_index()] == [4, 5, 6, 7]
    assert (cube["count"].values <= 1).all()


def test_the_date_of_a_pixel_is_a_date_in_xarray(four, tmp_path):
    plan = plan_of(*four.l2a, bands="B04", composite="first-clear", mask_clouds=True, aoi=str(four.aoi))
    made(plan, tmp_path / "m.zarr")
    dates = xr.open_zarr(tmp_path / "m.zarr").source_date.values
    assert dates.dtype.kind == "M"
    assert (dates == np.datetime64("2024-04-19")).all(), "the first date of the scene is clear all over"


PACIFIC = "S2A_MSIL2A_20240419T{}_N0301_R072_T{}_20240419T235959"


def test_a_side_of_the_antimeridian_is_a_cube_in_any_crs(tmp_path):
    """The product lies on both sides of it: its outline must be cut where the CRS ends."""
    values = {"B04": np.full((900, 900), 700, np.uint16)}
    place = {"epsg": 32760, "west": 815_000.0, "north": 8_125_000.0}
    write_item(tmp_path / "d", values, name=PACIFIC.format("220611", "60KZD"), **place)
    for options in ({"crs": "EPSG:3857", "res": 20}, {"crs": "EPSG:4326", "res": 0.0002}):
        for box in ((179.97, -16.98, 180.0, -16.96), (-180.0, -16.98, -179.97, -16.96)):
            plan = plan_of(tmp_path / "d", bands="B04", bbox=[box], **options)
            assert (expected(plan, "B04") == 700).all(), (options, box)
    over = plan_of(tmp_path / "d", bands="B04", bbox=[(179.97, -16.98, -179.97, -16.96)])
    assert (expected(over, "B04") == 700).all()


def test_products_that_miss_the_area_by_a_hair_are_none(tmp_path, monkeypatch):
    """The footprint in degrees touches it, the one in metres does not."""
    item(tmp_path / "d", 3)
    monkeypatch.setattr("s2kit.cube.prepare.days", lambda *_: ())
    with pytest.raises(InputError, match="none of 1 product shows the area"):
        plan_of(tmp_path / "d", bands="B04")
