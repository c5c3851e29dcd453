"""Pixels of a cube against rasterio and numpy."""

import warnings

import numpy as np
import pytest
import rasterio

from s2kit.cube import CubeRequest, make_block, plan_cube
from s2kit.errors import InputError
from s2kit.grid import Window
from s2kit.product.angles import ANGLES
from s2kit.run.events import silent
from s2kit.settings import Loaded, Settings
from support.chip_items import write_item
from support.scenes import built_scene

PASS = "S2A_MSIL2A_20240419T105031_N0301_R051_T{}_20240419T160739"


LOADED = Loaded(Settings(cache=False), {}, {})


def plan_of(*products, report=silent, **options):
    return plan_cube(CubeRequest.parse(LOADED, report, products=products, **options), report)


def whole(plan, step=0):
    return make_block(plan.task_of(step, plan.grid.window)).layers


def jp2(product, pattern):
    (path,) = product.rglob(pattern)
    with rasterio.open(path) as image:
        return image.read(1)


def test_pixels_of_the_own_grid_are_esas_with_the_offset_applied(scene):
    plan = plan_of(scene.l2a[0], bands=["B04,SCL"])
    made = whole(plan)
    dn = jp2(scene.l2a[0], "*_B04_10m.jp2")
    scl = jp2(scene.l2a[0], "*_SCL_20m.jp2")
    window = plan.grid.covering(plan.slices[0].sources[0].images["B04"].grid.bounds)
    part = made["B04"][window.row : window.row_end, window.col : window.col_end]
    assert np.array_equal(part, np.where(dn == 0, 0, np.maximum(dn.astype(int) - 1000, 1)))
    codes = made["SCL"][window.row : window.row_end, window.col : window.col_end]
    assert np.array_equal(codes, scl.repeat(2, 0).repeat(2, 1))
    assert made["B04"].dtype == np.uint16
    assert made["SCL"].dtype == np.uint8


def test_old_and_new_baseline_of_one_scene_agree(scene):
    old, new = (built_scene(side=600, dates=1, levels=("L2A",), baseline=text) for text in ("03.01", "05.10"))
    first, second = (whole(plan_of(one.l2a[0], bands=["B04,B8A"])) for one in (old, new))
    for band in ("B04", "B8A"):
        assert (first[band] > 1).mean() > 0.5
        assert np.abs(first[band].astype(int) - second[band]).max() <= 1


def test_digital_numbers_of_two_offsets_are_refused(scene):
    old, new = (built_scene(side=600, dates=1, levels=("L2A",), baseline=text) for text in ("03.01", "05.10"))
    with pytest.raises(InputError, match="several offsets"):
        plan_of(scene.l2a[1], old.l2a[0], bands=["B04"], dn=True)
    raw = whole(plan_of(new.l2a[0], bands=["B04"], dn=True))["B04"]
    dn = jp2(new.l2a[0], "*_B04_10m.jp2")
    assert np.array_equal(np.unique(raw), np.unique(dn))


def test_reflectance_is_a_float_with_nan(scene):
    plan = plan_of(scene.l2a[1], bands=["B04"], dtype="float32")
    values = whole(plan)["B04"]
    dn = jp2(scene.l2a[1], "*_B04_10m.jp2").astype(np.float32)
    expected = np.where(dn == 0, np.nan, (dn - 1000) / 10000).astype(np.float32)
    part = values[: dn.shape[0], : dn.shape[1]] if values.shape == dn.shape else _inner(plan, values)
    assert np.allclose(part, expected, atol=1e-7, equal_nan=True)


def _inner(plan, values):
    window = plan.grid.covering(plan.slices[0].sources[0].images["B04"].grid.bounds)
    return values[window.row : window.row_end, window.col : window.col_end]


def test_blocks_have_the_pixels_of_the_whole(scene):
    options = {"bands": ["B04,B11,SCL"], "index": ["ndvi"], "mask_clouds": True, "dilate": 60}
    plan = plan_of(scene.l2a[1], **options)
    all_of_it = whole(plan)
    for window in (Window(0, 0, 300, 200), Window(300, 0, 333, 200), Window(517, 403, 100, 91)):
        part = make_block(plan.task_of(0, window)).layers
        for name, values in part.items():
            expected = all_of_it[name][window.row : window.row_end, window.col : window.col_end]
            assert np.array_equal(values, expected, equal_nan=values.dtype.kind == "f"), name


def test_clouds_are_no_data_in_bands_and_indices_and_stay_in_scl(scene):
    plan = plan_of(scene.l2a[1], bands=["B04,SCL"], index=["ndvi"], mask="8,9")
    made = whole(plan)
    cloudy = np.isin(made["SCL"], [8, 9])
    assert cloudy.any()
    assert not made["B04"][cloudy].any()
    assert np.isnan(made["ndvi"][cloudy]).all()
    assert made["B04"][made["SCL"] == 10].all()


def test_a_dilated_mask_reaches_sixty_metres(scene):
    plain = whole(plan_of(scene.l2a[1], bands=["B04,SCL"], mask="9"))
    wider = whole(plan_of(scene.l2a[1], bands=["B04,SCL"], mask="9", dilate=60))
    cloudy = plain["SCL"] == 9
    ys, xs = np.nonzero(cloudy)
    hidden = np.zeros_like(cloudy)
    for dy in range(-6, 7):
        for dx in range(-6, 7):
            if dy * dy + dx * dx <= 36:
                y, x = ys + dy, xs + dx
                inside = (y >= 0) & (y < cloudy.shape[0]) & (x >= 0) & (x < cloudy.shape[1])
                hidden[y[inside], x[inside]] = True
    assert np.array_equal(wider["B04"], np.where(hidden, 0, whole(plan_of(scene.l2a[1], bands=["B04,SCL"]))["B04"]))


@pytest.mark.parametrize("baseline", ["05.10", "02.12"])
def test_l1c_is_masked_by_its_own_clouds(baseline):
    scene = built_scene(side=600, dates=2, baseline=baseline)
    made = whole(plan_of(scene.l1c[1], bands=["B04"], mask_clouds=True))
    open_ = whole(plan_of(scene.l1c[1], bands=["B04"]))
    scl = whole(plan_of(scene.l2a[1], bands=["SCL,B04"]))["SCL"]
    hidden = (made["B04"] == 0) & (open_["B04"] > 0)
    assert hidden.any()
    assert np.isin(scl[hidden], [7, 8, 9, 10]).mean() > 0.6, "what is hidden is cloud by the L2A product too"
    assert np.array_equal(made["B04"][~hidden], open_["B04"][~hidden])


def test_a_pixel_comes_from_one_product_in_all_bands(tmp_path):
    """Two tiles of one pass overlap; the first lacks data of one band in a stripe: there all bands are the second's."""
    ones = np.full((40, 44), 100, np.uint16)
    holed = ones.copy()
    holed[:, 20:24] = 0
    write_item(tmp_path, {"B04": ones, "B08": holed}, name=PASS.format("31TCJ"))
    twos = np.full((40, 40), 200, np.uint16)
    write_item(tmp_path, {"B04": twos, "B08": twos}, name=PASS.format("31TDJ"), west=300200.0)
    plan = plan_of(tmp_path, bands=["B04,B08"])
    assert len(plan.slices) == 1
    made = whole(plan)
    row = made["B04"][0]
    assert np.array_equal(made["B04"], made["B08"])
    assert row[:20].tolist() == [100] * 20
    assert row[20:24].tolist() == [200] * 4
    assert row[24:44].tolist() == [100] * 20
    assert row[44:60].tolist() == [200] * 16


def test_a_pixel_that_no_product_has_in_all_bands_keeps_what_one_has(tmp_path):
    ones = np.full((20, 20), 100, np.uint16)
    holed = ones.copy()
    holed[:, 5:] = 0
    write_item(tmp_path, {"B04": ones, "B08": holed}, name=PASS.format("31TCJ"))
    made = whole(plan_of(tmp_path, bands=["B04,B08"]))
    assert made["B04"].all()
    assert not made["B08"][:, 5:].any()


def test_a_zone_border_has_neither_seam_nor_gap(tmp_path):
    """A smooth surface in two zones: the cube is as smooth, and has data all over the area."""
    left = _surface(32631, 699960.0, 4850000.0)
    right = _surface(32632, 199980.0, 4855000.0)
    write_item(
        tmp_path, {"B04": left}, name=PASS.format("31TGJ"), epsg=32631, west=699960.0, north=4850000.0, resolution_m=20
    )
    write_item(
        tmp_path, {"B04": right}, name=PASS.format("32TKP"), epsg=32632, west=199980.0, north=4855000.0, resolution_m=20
    )
    plan = plan_of(tmp_path, bands=["B04"], bbox=[(5.55, 43.65, 5.75, 43.7)], res=20)
    assert {source.images["B04"].grid.epsg for source in plan.slices[0].sources} == {32631, 32632}
    made = whole(plan)["B04"].astype(float)
    expected = _values(plan.grid)
    assert (made > 0).all(), "no gap"
    assert np.abs(made - expected).max() < 4, "no seam"


def _surface(epsg, west, north, side=1500):
    from s2kit.grid import Grid

    return _values(Grid(epsg, west, north, 20.0, side, side)).astype(np.uint16)


def _values(grid):
    """A function of longitude and latitude on a grid."""
    from rasterio.warp import transform

    cols, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x, y = grid.west + cols * grid.resolution_m, grid.north - rows * grid.resolution_m
    lon, lat = transform(f"EPSG:{grid.epsg}", "EPSG:4326", x.ravel(), y.ravel())
    return (3000 + 1500 * np.sin(np.array(lon) * 40) + 1000 * np.cos(np.array(lat) * 50)).reshape(grid.shape)


def test_a_product_that_lacks_a_band_stays_with_no_data_there(tmp_path):
    ones = np.full((20, 20), 100, np.uint16)
    write_item(tmp_path, {"B04": ones, "B08": ones}, name=PASS.format("31TCJ"))
    write_item(tmp_path, {"B04": ones}, name=PASS.format("31TCJ").replace("20240419", "20240420"))
    notes = []
    plan = plan_of(tmp_path, bands=["B04,B08"], index=["ndvi"], report=notes.append)
    assert ["lacks B08" in note.message for note in notes if hasattr(note, "message")].count(True) == 1
    second = whole(plan, 1)
    assert second["B04"].all()
    assert not second["B08"].any()
    assert np.isnan(second["ndvi"]).all()


def test_an_index_takes_the_other_near_infrared(tmp_path):
    write_item(
        tmp_path,
        {"B04": np.full((20, 20), 1000, np.uint16), "B8A": np.full((20, 20), 3000, np.uint16)},
        name=PASS.format("31TCJ"),
    )
    notes = []
    plan = plan_of(tmp_path, index=["ndvi"], report=notes.append)
    assert any("the cube is made with B8A, since there is no B08" in getattr(note, "message", "") for note in notes)
    assert np.allclose(whole(plan)["ndvi"], 0.5)


def test_a_formula_of_one_s_own_is_a_layer(scene):
    made = whole(plan_of(scene.l2a[1], index=["mine=(nir-red)/(red+nir)", "ndvi"]))
    assert list(made) == ["mine", "ndvi"]
    np.testing.assert_array_equal(made["mine"], made["ndvi"])


def test_levels_are_not_mixed(scene):
    with pytest.raises(InputError, match="two levels"):
        plan_of(scene.l1c[0], scene.l2a[1], bands=["B04"])


def test_products_beside_the_area_are_named_as_the_reason(scene):
    with pytest.raises(InputError, match="shows the area"):
        plan_of(scene.l2a[0], bands=["B04"], bbox=[(10, 10, 10.1, 10.1)])


def test_composites_are_numpys_of_the_stack():
    scene = built_scene(dates=2, more_l2a=2)
    options = {"bands": ["B04,B08"], "mask_clouds": True}
    stack_plan = plan_of(*scene.l2a, **options)
    stack = np.stack([whole(stack_plan, at)["B04"] for at in range(4)]).astype(float)
    stack[stack == 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pixels that are never clear
        expected = np.rint(np.nanmedian(stack, axis=0))
    plan = plan_of(*scene.l2a, composite="median", **options)
    made = whole(plan)
    assert np.array_equal(made["B04"], np.nan_to_num(expected))
    assert np.array_equal(made["count"], np.isfinite(stack).sum(axis=0))


def test_the_greenest_pixel_comes_from_one_date_that_is_recorded():
    scene = built_scene(dates=2, more_l2a=2)
    options = {"bands": ["B04,B08"], "mask_clouds": True}
    stack_plan = plan_of(*scene.l2a, index=["ndvi"], **options)
    stack = [whole(stack_plan, at) for at in range(4)]
    made = whole(plan_of(*scene.l2a, composite="max:ndvi", **options))
    ndvi = np.stack([one["ndvi"] for one in stack])
    never = np.isnan(ndvi).all(axis=0)
    at = np.argmax(np.where(np.isnan(ndvi), -np.inf, ndvi), axis=0)
    for band in ("B04", "B08"):
        values = np.take_along_axis(np.stack([one[band] for one in stack]), at[None], 0)[0]
        assert np.array_equal(made[band], np.where(never, 0, values))
    days = np.array([np.datetime64(one.day) for one in stack_plan.slices]).astype(np.int32)
    assert np.array_equal(made["source_date"], np.where(never, -(2**31), days[at]))


def test_the_real_products_60_m_bands_are_rasterios(real_l2a):
    plan = plan_of(real_l2a, bands=["B02,B8A,SCL"], res=60)
    made = whole(plan)
    grid = plan.slices[0].sources[0].images["B02"].grid
    window = plan.grid.covering(grid.bounds)
    for band in ("B02", "B8A"):
        dn = jp2(real_l2a, f"*_{band}_60m.jp2").astype(int)
        part = made[band][window.row : window.row_end, window.col : window.col_end]
        assert np.array_equal(part, np.where(dn == 0, 0, np.clip(dn - 1000, 1, 65535)))
    scl = jp2(real_l2a, "*_SCL_60m.jp2")
    assert np.array_equal(made["SCL"][window.row : window.row_end, window.col : window.col_end], scl)


def test_the_real_series_of_august_2023_has_five_slices_in_order(shared_data):
    folder = shared_data / "timeseries" / "mapchete_33TWL_aug2023"
    plan = plan_of(folder, bands=["B04,SCL"], res=60, resampling="nearest")
    assert [f"{one.day:%d}" for one in plan.slices] == ["10", "13", "15", "18", "20"]
    with rasterio.open(folder / "S2A_33TWL_20230815_0_L2A" / "B04.tif") as image:
        expected, bounds = image.read(1).repeat(2, 0).repeat(2, 1), image.bounds
    window = plan.grid.covering(type(plan.grid.bounds)(*bounds))
    made = whole(plan, 2)["B04"][window.row : window.row_end, window.col : window.col_end]
    offset = plan.slices[2].sources[0].images["B04"].offset
    assert np.array_equal(made, np.where(expected == 0, 0, np.maximum(expected + offset, 1)))


def test_another_crs_is_gdals_warp(scene):
    plan = plan_of(scene.l2a[0], bands=["B04"], crs="EPSG:3857", res=14, resampling="bilinear")
    from affine import Affine
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    image = plan.slices[0].sources[0].images["B04"]
    with rasterio.open(image.location.path) as source:
        expected = np.zeros(plan.grid.shape, np.uint16)
        reproject(
            source.read(1), expected, src_transform=source.transform, src_crs=source.crs, src_nodata=0,
            dst_transform=Affine(*plan.grid.geotransform), dst_crs="EPSG:3857", dst_nodata=0,
            resampling=Resampling.bilinear,
        )  # fmt: skip
    made = whole(plan)["B04"]
    expected = np.where(expected == 0, 0, np.maximum(expected.astype(int) - 1000, 1))
    assert (made > 0).any()
    assert (np.abs(made.astype(int) - expected) <= 1).mean() > 0.999


def test_of_two_orbits_of_one_day_the_one_nearer_to_nadir_is_shown(tmp_path):
    """Far in the north two passes of a day overlap: the item's view angle decides, not the order of the times."""
    early, late = (np.full((20, 20), value, np.uint16) for value in (100, 200))
    later = PASS.format("31TCJ").replace("T105031", "T123031").replace("R051", "R052")
    for angles, value in (((9.0, 3.0), 200), ((3.0, 9.0), 100)):
        folder = tmp_path / str(value)
        write_item(folder, {"B04": early}, name=PASS.format("31TCJ"), **{"view:off_nadir": angles[0]})
        write_item(folder, {"B04": late}, name=later, **{"view:off_nadir": angles[1]})
        plan = plan_of(folder, bands=["B04"])
        assert len(plan.slices) == 1
        assert (whole(plan)["B04"] == value).all()


def test_the_view_angle_of_a_safe_is_that_of_its_metadata(real_l2a):
    from s2kit.product.open import open_safe

    (granule,) = open_safe(real_l2a).granules
    assert granule.view_zenith_deg == pytest.approx(9.2, abs=0.2)


def test_angles_are_layers_of_a_cube_in_any_crs(real_l2a):
    names = ",".join(ANGLES)
    box = [(-8.5, 52.8, -8.45, 52.82)]
    own = whole(plan_of(real_l2a, bands=[f"B04,{names.upper()}"], bbox=box))
    other = whole(plan_of(real_l2a, bands=[names], bbox=box, crs="EPSG:3857", res=100.0))
    for name in ANGLES:
        assert own[name].dtype == np.float32
        assert np.isfinite(own[name]).all()
        assert np.ptp(own[name]) < 10
        assert abs(np.nanmean(own[name]) - np.nanmean(other[name])) < 0.1
    assert 57 < own["sunZenithAngles"].mean() < 59
    assert 171 < own["sunAzimuthAngles"].mean() < 174
    assert 250 < own["viewAzimuthMean"].mean() < 310


def test_a_product_without_angles_is_named(scene):
    notes = []
    plan = plan_of(scene.l2a[0], bands=["B04,sunZenithAngles"], report=notes.append)
    assert any("lacks sunZenithAngles" in note.message for note in notes)
    assert np.isnan(whole(plan)["sunZenithAngles"]).all()
