"""Processes beyond the official tests: lazy cubes give what whole ones give, integers do not wrap, grids, polygons."""

import warnings

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from s2kit.openeo.errors import ProcessError
from s2kit.openeo.execute import Bound, plan
from s2kit.openeo.processes.registry import pure_processes
from support.graphs import node, of, parameter

P = pure_processes()


def callback(**nodes):
    return Bound(plan(nodes, P), {})


def of_data(process, **more):
    return callback(r=node(process, data=parameter("data"), result=True, **more))


@pytest.fixture
def cube():
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 1, (5, 2, 7, 9)).astype(np.float32)
    values[rng.uniform(size=values.shape) < 0.3] = np.nan
    values[:, :, 0, 0] = np.nan  # never seen
    times = np.array(["2024-01-03", "2024-01-20", "2024-02-05", "2024-04-01", "2024-04-28"], dtype="datetime64[ns]")
    coords = {
        "t": times,
        "bands": ["B04", "B08"],
        "y": 4_600_000 - 10.0 * np.arange(7),
        "x": 500_000 + 10.0 * np.arange(9),
    }
    return xr.DataArray(values, coords=coords, dims=("t", "bands", "y", "x"), attrs={"crs": "EPSG:32631"})


def lazy(cube):
    return cube.copy(data=da.from_array(cube.data, chunks=(1, 1, 4, 4)))


def same(name, cube, **arguments):
    """A process on the whole cube and on a lazy one; both must be equal, and the lazy one must stay lazy."""
    whole, other = P[name](data=cube, **arguments), P[name](data=lazy(cube), **arguments)
    assert hasattr(other.data, "dask")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the workers do
        values = other.values
    np.testing.assert_allclose(values, np.asarray(whole.values), rtol=1e-5, atol=1e-7)
    assert other.dims == whole.dims
    return whole


REDUCERS = ("mean", "sum", "min", "max", "median", "product", "sd", "variance", "first", "last", "count", "any", "all")


@pytest.mark.parametrize("name", REDUCERS)
@pytest.mark.parametrize("dimension", ["t", "bands"])
def test_reducers(cube, name, dimension):
    whole = same("reduce_dimension", cube, reducer=of_data(name), dimension=dimension)
    if name not in {"count", "sum", "product", "sd", "variance"}:
        assert np.isnan(whole.values[..., 0, 0]).all()  # no data stays no data


def test_reducers_equal_numpy(cube):
    with np.errstate(all="ignore"):
        for name, function in (("mean", np.nanmean), ("median", np.nanmedian), ("max", np.nanmax), ("sum", np.nansum)):
            found = P["reduce_dimension"](data=cube, reducer=of_data(name), dimension="t").values[:, 1:, :]
            np.testing.assert_allclose(found, function(cube.values[:, :, 1:, :], axis=0), rtol=1e-6)
    strict = P["reduce_dimension"](data=cube, reducer=of_data("mean", ignore_nodata=False), dimension="t").values
    np.testing.assert_allclose(strict, cube.values.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("apply_dimension", {"dimension": "t", "process": of_data("array_interpolate_linear")}),
        ("apply_dimension", {"dimension": "t", "process": of_data("cumsum")}),
        (
            "apply_dimension",
            {"dimension": "t", "process": of_data("quantiles", probabilities=[0.1, 0.5]), "target_dimension": "q"},
        ),
        ("apply_dimension", {"dimension": "t", "process": of_data("sort")}),
        ("aggregate_temporal_period", {"period": "month", "reducer": of_data("mean")}),
        (
            "aggregate_temporal",
            {"intervals": [["2024-01-01", "2024-02-01"], ["2024-01-15", "2024-05-01"]], "reducer": of_data("max")},
        ),
        ("reduce_spatial", {"reducer": of_data("mean")}),
        ("apply_kernel", {"kernel": [[0, 1, 0], [1, 2, 1], [0, 1, 0]], "factor": 0.2}),
        ("apply_kernel", {"kernel": [[1, 1, 1]], "border": "replicate"}),
        ("ndvi", {"nir": "B08", "red": "B04"}),
        (
            "filter_bbox",
            {"extent": {"west": 500_000, "south": 4_599_960, "east": 500_050, "north": 4_600_000, "crs": 32631}},
        ),
        ("filter_temporal", {"extent": ["2024-01-20", "2024-04-01"]}),
        ("resample_spatial", {"resolution": 20, "method": "average"}),
    ],
)
def test_lazy_cubes_give_what_whole_ones_give(cube, name, arguments):
    same(name, cube, **arguments)


def test_months_without_data_are_there_and_empty(cube):
    monthly = P["aggregate_temporal_period"](data=cube, period="month", reducer=of_data("mean"))
    assert list(monthly["t"].values) == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert np.isnan(monthly.values[2]).all()


def test_bands_of_a_reducer_by_number_and_label(cube):
    for how in ({"index": 1}, {"label": "B08"}):
        other = {"index": 0} if "index" in how else {"label": "B04"}
        index = callback(
            nir=node("array_element", data=parameter("data"), **how),
            red=node("array_element", data=parameter("data"), **other),
            nd=node("normalized_difference", x=of("nir"), y=of("red"), result=True),
        )
        found = same("reduce_dimension", cube, reducer=index, dimension="bands")
        red, nir = cube.values[:, 0], cube.values[:, 1]
        np.testing.assert_allclose(found.values, (nir - red) / (nir + red), rtol=1e-6)


def test_a_number_of_each_pixel_is_put_behind_an_array(cube):
    def two_and_their_ratio(data, context):
        red, nir = data.element(0), data.element(1)
        return P["array_concat"](array1=data, array2=nir / red)

    made = P["apply_dimension"](data=cube, dimension="bands", process=two_and_their_ratio)
    assert list(made["bands"].values) == [0, 1, 2]
    np.testing.assert_allclose(made.values[:, 2], cube.values[:, 1] / cube.values[:, 0], rtol=1e-6)
    assert P["array_concat"](array1=[1, 2], array2=3) == [1, 2, 3]


def test_integers_do_not_wrap_around():
    values = np.array([[[3000, 200]], [[1000, 900]]], np.uint16)
    cube = xr.DataArray(values, dims=("bands", "y", "x"), coords={"bands": ["red", "nir"], "y": [1.0], "x": [1.0, 2.0]})
    np.testing.assert_allclose(P["ndvi"](data=cube).values, [[-0.5, 700 / 1100]], rtol=1e-6)
    np.testing.assert_allclose(P["subtract"](x=values[1], y=values[0]), [[-2000, 700]])


def test_a_mask_on_another_grid_and_without_time(cube):
    coarse = xr.DataArray(
        np.zeros((4, 5)),
        dims=("y", "x"),
        coords={"y": 4_599_995 - 20.0 * np.arange(4), "x": 500_005 + 20.0 * np.arange(5)},
        attrs={"crs": "EPSG:32631"},
    )
    coarse[0, 0] = 1
    masked = P["mask"](data=cube, mask=coarse, replacement=-1)
    assert (masked.values[:, :, :2, :2] == -1).all()
    np.testing.assert_array_equal(masked.values[:, :, 2:, 2:], cube.values[:, :, 2:, 2:])
    assert masked.dims == cube.dims


def test_no_data_in_a_mask_hides_nothing(cube):
    hidden = cube.isel(t=0, bands=0, drop=True) * np.nan
    np.testing.assert_array_equal(P["mask"](data=cube, mask=hidden).values, cube.values)


def test_classes_as_a_mask(cube):
    classes = xr.full_like(cube.isel(bands=0, drop=True), 4)
    classes[1] = 9
    cloudy = P["apply"](data=classes, process=callback(c=node("eq", x=parameter("x"), y=9, result=True)))
    masked = P["mask"](data=cube, mask=cloudy)
    assert np.isnan(masked.values[1]).all()
    np.testing.assert_array_equal(masked.values[0], cube.values[0])


RING = {"type": "Polygon", "coordinates": [
    [[499_995, 4_599_935], [500_085, 4_599_935], [500_085, 4_600_005], [499_995, 4_600_005], [499_995, 4_599_935]],
    [[500_015, 4_599_965], [500_035, 4_599_965], [500_035, 4_599_985], [500_015, 4_599_985], [500_015, 4_599_965]],
]}  # fmt: skip
CRS = {"crs": {"type": "name", "properties": {"name": "EPSG:32631"}}}


def test_holes_and_several_parts_of_polygons_count(cube):
    ring = {**RING, **CRS}
    masked = P["mask_polygon"](data=cube.fillna(1), mask=ring).values[0, 0]
    hole = np.zeros((7, 9), bool)
    hole[2:4, 2:4] = True
    np.testing.assert_array_equal(np.isnan(masked), hole)
    inside = P["mask_polygon"](data=cube.fillna(1), mask=ring, inside=True).values[0, 0]
    np.testing.assert_array_equal(np.isnan(inside), ~hole)
    numbers = P["aggregate_spatial"](data=cube.fillna(1), geometries=ring, reducer=of_data("count"))
    assert (numbers.values == 63 - 4).all()


def test_boxes_over_the_meridian_are_west_to_east():
    x = np.arange(0.5, 360)
    grid = xr.DataArray(
        np.tile(x, (2, 1)), dims=("y", "x"), coords={"y": [0.0, 1.0], "x": x}, attrs={"crs": "EPSG:4326"}
    )
    for west, east in ((350, 20), (-10, 20), (350, 380)):
        cut = P["filter_bbox"](data=grid, extent={"west": west, "south": -1, "east": east, "north": 2})
        assert cut["x"].values.tolist() == np.arange(-9.5, 20).tolist(), "a GeoTIFF and a netCDF file have one step"
        assert [cut.values[0, at] for at in (0, 9, 10, -1)] == [350.5, 359.5, 0.5, 19.5]
    pacific = grid.assign_coords(x=(x + 180) % 360 - 180).sortby("x")
    cut = P["filter_bbox"](data=pacific, extent={"west": 170, "south": -1, "east": -170, "north": 2})
    assert cut["x"].values.tolist() == np.arange(170.5, 190).tolist()
    assert cut.values[0].tolist() == cut["x"].values.tolist()
    whole = P["filter_bbox"](data=grid, extent={"west": -180, "south": -1, "east": 180, "north": 2})
    assert whole.sizes["x"] == 360


def test_cubes_are_merged_by_labels_and_by_a_resolver(cube):
    red, nir = cube.isel(bands=[0]), cube.isel(bands=[1])
    xr.testing.assert_equal(P["merge_cubes"](cube1=red, cube2=nir), cube)
    early, late = cube.isel(t=[3, 4]), cube.isel(t=[0, 1, 2])
    np.testing.assert_array_equal(P["merge_cubes"](cube1=early, cube2=late)["t"].values, cube["t"].values)
    largest = callback(m=node("max", data=[parameter("x"), parameter("y")], result=True))
    merged = P["merge_cubes"](cube1=cube, cube2=cube.isel(t=0, drop=True), overlap_resolver=largest)
    np.testing.assert_allclose(merged.values, np.fmax(cube.values, cube.values[0]))
    with pytest.raises(ProcessError, match="overlap"):
        P["merge_cubes"](cube1=cube, cube2=cube)


def test_other_reference_systems(cube):
    degrees = P["resample_spatial"](data=cube, projection=4326, method="near")
    assert degrees.attrs["crs"] == "EPSG:4326"
    assert 2.99 < float(degrees["x"].mean()) < 3.01
    back = P["resample_cube_spatial"](data=degrees, target=cube)
    assert back.dims == cube.dims
    np.testing.assert_array_equal(back["x"].values, cube["x"].values)


def test_neighbourhoods_and_polygons(cube):
    whole = P["apply_neighborhood"](
        data=cube.fillna(0),
        process=callback(a=node("add", x=parameter("data"), y=1, result=True)),
        size=[{"dimension": "x", "value": 4, "unit": "px"}, {"dimension": "y", "value": 4, "unit": "px"}],
        overlap=[{"dimension": "x", "value": 1, "unit": "px"}],
    )
    np.testing.assert_allclose(whole.values, cube.fillna(0).values + 1)
    own = P["apply_polygon"](
        data=cube.fillna(1),
        geometries={**RING, **CRS},
        process=callback(c=node("multiply", x=parameter("data"), y=2, result=True)),
    )
    assert np.isnan(own.values[0, 0, 2, 2])
    assert own.values[0, 0, 0, 0] == 2


def test_values_in_time_of_another_cube(cube):
    target = cube.isel(t=[0, 1]).assign_coords(t=np.array(["2024-01-05", "2024-03-10"], dtype="datetime64[ns]"))
    near = P["resample_cube_temporal"](data=cube, target=target, valid_within=10)
    np.testing.assert_array_equal(near.values[0], cube.values[0])
    assert np.isnan(near.values[1]).all()
