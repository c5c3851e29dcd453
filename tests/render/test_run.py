"""Pictures of the invented scene and of the real product, held against the files they are made of."""

import os
import resource
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from s2kit.errors import InputError, NotFoundError, OutputError, TryLaterError, UsageError
from s2kit.picture.raster import read_tags
from s2kit.product.open import open_product
from s2kit.product.ref import ProductRef
from s2kit.render import OutputState, PictureFormat
from s2kit.render import paint as render_paint
from s2kit.render.paint import blocks
from s2kit.render.request import RenderRequest
from s2kit.render.run import plan_all, render
from s2kit.run.events import Note
from s2kit.run.locks import destination_lock
from s2kit.run.sharing import decoding_threads
from s2kit.settings import Settings
from support.chip_items import write_item
from support.scenes import copied


def run(product, out, *, jobs=1, report=None, dataset=None, **words):
    """Outcomes of one run, in order."""
    products = [ProductRef(str(path)) for path in (product if isinstance(product, (list, tuple)) else [product])]
    request = RenderRequest.parse(products, out=str(out), jobs=jobs, **words)
    settings = Settings(dataset=dataset or Path(out))
    return list(render(request, settings, report or (lambda event: None)))


def one(product, out, **words):
    """The path of the only output."""
    (outcome,) = run(product, out, **words)
    if outcome.error:
        raise outcome.error
    return outcome.path


def pixels(path):
    with rasterio.open(path) as image:
        return image.read()


def band_file(product, band, res):
    return str(open_product(product).image(band, res).location)


@pytest.mark.parametrize(
    ("band", "res"), [("B04", 10), ("B8A", 20), ("B09", 60), ("SCL", 20), ("AOT", 60), ("WVP", 10), ("TCI", 20)]
)
def test_data_equals_the_file_value_for_value(scene, tmp_path, band, res):
    words = {} if band in {"SCL", "TCI"} else {"dtype": "uint16"}
    path = one(scene.l2a[0], tmp_path, bands=[f"{band}@{res}"], form="gtiff", **words)
    with rasterio.open(band_file(scene.l2a[0], band, res)) as source, rasterio.open(path) as made:
        assert (made.read() == source.read()).all()
        assert made.crs == source.crs
        assert made.transform == source.transform


def test_three_bands_of_data_by_blocks(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(render_paint, "SMALL_PX", 1000)
    path = one(scene.l1c[0], tmp_path, bands=["B04,B03,B08"], form="gtiff", dtype="uint16", jobs=2)
    with rasterio.open(path) as made:
        for place, band in enumerate(("B04", "B03", "B08"), 1):
            with rasterio.open(band_file(scene.l1c[0], band, 10)) as source:
                assert (made.read(place) == source.read(1)).all()
        assert made.descriptions == ("B04", "B03", "B08")
        assert made.scales == (1e-4,) * 3
        assert made.offsets == (-0.1,) * 3


def test_reflectance_has_the_offset_of_the_metadata(scene, tmp_path):
    path = one(scene.l2a[1], tmp_path, bands=["B04@20"], form="gtiff", dtype="float32")
    dn = pixels(band_file(scene.l2a[1], "B04", 20))[0]
    made = pixels(path)[0]
    assert np.isnan(made).tolist() == (dn == 0).tolist()
    np.testing.assert_allclose(made[dn > 0], (dn[dn > 0].astype(float) - 1000) / 10000, atol=1e-6)


@pytest.mark.parametrize("jobs", [1, 2])
def test_large_and_small_ways_paint_the_same(scene, tmp_path, monkeypatch, jobs):
    words = {"bands": ["B04,B03,B02", "B11,B08,B02@10"], "index": ["ndvi"], "stretch": "0:0.3", "form": "png"}
    small = run(scene.l2a[1], tmp_path / "small", jobs=jobs, **words)
    monkeypatch.setattr(render_paint, "SMALL_PX", 1000)
    large = run(scene.l2a[1], tmp_path / "large", jobs=jobs, **words)
    for first, second in zip(small, large, strict=True):
        assert first.path.name == second.path.name
        if "B11" in first.subject:  # warped by blocks: the last bit may differ
            assert np.abs(pixels(first.path).astype(int) - pixels(second.path)).max() <= 1
        else:
            assert (pixels(first.path) == pixels(second.path)).all()


def test_percentiles_of_a_large_picture_come_from_a_level(scene, tmp_path, monkeypatch):
    exact = run(scene.l2a[0], tmp_path / "a", bands=["B04"], stretch="2:98%")[0].limits["B04"].split(":")
    monkeypatch.setattr(render_paint, "SMALL_PX", 1000)
    monkeypatch.setattr("s2kit.render.picture.SAMPLE_PX", 700)
    near = run(scene.l2a[0], tmp_path / "b", bands=["B04"], stretch="2:98%")[0].limits["B04"].split(":")
    assert [float(part) for part in near] == pytest.approx([float(part) for part in exact], rel=0.15, abs=0.005)


def test_blocks_cover_a_picture_once(scene, tmp_path):
    for words in ({}, {"crop": "legacy"}, {"res": 20}, {"max_px": 333}):
        request = RenderRequest.parse([ProductRef(str(scene.l2a[0]))], out=str(tmp_path), **words)
        picture = plan_all(request, Settings())[0].picture
        seen = np.zeros(picture.grid.shape, int)
        for window in blocks(picture):
            seen[window.row : window.row_end, window.col : window.col_end] += 1
        assert (seen == 1).all()


def test_a_whole_tile_makes_sixty_jobs_or_more(scene, tmp_path):
    request = RenderRequest.parse([ProductRef(str(scene.l2a[0]))], out=str(tmp_path))
    picture = plan_all(request, Settings())[0].picture
    grid = replace(picture.grid, width=10980, height=10980)
    sources = tuple(replace(image, grid=grid) for image in picture.sources)
    assert len(list(blocks(replace(picture, grid=grid, sources=sources)))) == 121


def test_no_data_is_transparent_and_data_never(scene, tmp_path):
    path = one(scene.l2a[1], tmp_path, recipe=["true-color"], form="png")
    dn = [pixels(band_file(scene.l2a[1], band, 10))[0] for band in ("B04", "B03", "B02")]
    with rasterio.open(path) as image:
        seen = image.dataset_mask() > 0
        made = image.read()
    expected = np.logical_and.reduce([band > 0 for band in dn])
    assert (seen == expected).all()
    assert made[:, expected].min() >= 1


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "gtiff", "cog"])
def test_every_format_knows_its_place_and_tells_what_it_is(scene, tmp_path, form):
    path = one(scene.l2a[0], tmp_path, recipe=["false-color"], res=20, form=form)
    assert path.suffix == f".{PictureFormat(form).extension}"
    tags = read_tags(path)
    assert tags["PRODUCT"] == scene.l2a[0].stem
    assert tags["SENSING_TIME"].startswith("2024-04-19T10:5")
    assert tags["BASELINE"] == "05.10"
    assert tags["BANDS"] == "B08,B04,B03"
    assert tags["CREDIT"] == "Contains modified Copernicus Sentinel data 2024"
    assert tags["SOURCES"] == "B08 10 m -> 20 m (reduction); B04 20 m as it is; B03 20 m as it is"
    assert tags["STRETCH"] == "auto"
    assert tags["STRETCH_LIMITS"].count(":") == 3
    assert "s2kit" in tags["SOFTWARE"]
    with rasterio.open(path) as image:
        assert image.crs.to_epsg() == 32631
        assert (image.width, image.res, image.bounds.left, image.bounds.top) == (660, (20.0, 20.0), 300000.0, 4900020.0)


def test_legacy_bytes_and_crop(scene, tmp_path):
    path = one(scene.l2a[0], tmp_path, bands=["B04,B03,B02@60"], stretch="legacy", crop="legacy", form="png")
    made = pixels(path)
    dn = np.concatenate([pixels(band_file(scene.l2a[0], band, 60)) for band in ("B04", "B03", "B02")])
    left, right, top, bottom = round(220 / 4), round(220 * 3 / 4), round(220 * 2 / 7), round(220 * 5 / 7)
    assert (made == np.minimum(255, 10 * (dn // 256))[:, top:bottom, left:right]).all()


def test_legacy_name(scene, tmp_path):
    path = one(scene.l2a[0], tmp_path, bands=["B04,B03,B02@60"], name_template="legacy")
    stamp, res, *bands = path.stem.split("_")
    assert (res, bands) == ("R60m", ["B04", "B03", "B02"])
    assert len(stamp) == len("20240419-105031")


def test_an_index_as_data_and_as_a_picture_with_a_legend(scene, tmp_path):
    data = pixels(one(scene.l2a[1], tmp_path, index=["ndvi"], form="gtiff"))[0]
    stored = [pixels(band_file(scene.l2a[1], band, 10))[0].astype(np.float64) for band in ("B08", "B04")]
    nir, red = (np.maximum(dn - 1000, 0) for dn in stored)  # reflectance below 0 is noise around 0
    seen = (stored[0] != 0) & (stored[1] != 0) & (nir + red != 0)
    assert data.dtype == np.float32
    assert (np.isnan(data) == ~seen).all()
    np.testing.assert_allclose(data[seen], (nir - red)[seen] / (nir + red)[seen], atol=1e-4)
    path = one(scene.l2a[1], tmp_path, index=["ndvi"], form="png")
    with rasterio.open(path) as image:
        steps = image.read(1)
    assert (steps[~seen] == 0).all()
    assert np.abs((steps[seen] - 1) / 254 * 1.2 - 0.2 - np.clip(data[seen], -0.2, 1)).max() < 0.003
    legend = path.with_name(f"{path.stem}.legend.svg").read_text()
    assert "NDVI = (B08 - B04) / (B08 + B04)" in legend
    assert read_tags(path)["LEGEND"].startswith("-0.20 #3182bd")


def test_classes_have_their_colours(scene, tmp_path):
    path = one(scene.l2a[0], tmp_path, bands=["SCL"], form="gtiff")
    with rasterio.open(path) as image:
        assert image.colormap(1)[6] == (0, 0, 255, 255)
        assert image.colormap(1)[0][3] == 0
    assert path.with_name(f"{path.stem}.legend.svg").exists()


def test_clouds_are_masked(scene, tmp_path):
    made = pixels(one(scene.l2a[1], tmp_path, bands=["B04@20"], form="gtiff", dtype="uint16", mask_clouds=True))[0]
    codes = pixels(band_file(scene.l2a[1], "SCL", 20))[0]
    clouds = np.isin(codes, [3, 8, 9, 10])
    assert clouds.any()
    assert not made[clouds].any()
    assert (made[~clouds] == pixels(band_file(scene.l2a[1], "B04", 20))[0][~clouds]).all()


def test_an_area_snaps_to_the_coarsest_band_and_clips(scene, tmp_path):
    path = one(
        scene.l2a[0],
        tmp_path,
        bands=["B11,B08,B02"],
        res=10,
        aoi=[str(scene.aoi)],
        form="gtiff",
        dtype="uint16",
        clip=True,
    )
    with rasterio.open(path) as image:
        assert all(edge % 20 == 0 for edge in (image.bounds.left - 300000, 4900020 - image.bounds.top))
        assert image.width % 2 == 0
        assert image.width < 1320
        made = image.read(2)
    assert not made[0, 0]
    assert made[made.shape[0] // 2, made.shape[1] // 2]


def test_an_area_elsewhere(scene, tmp_path):
    with pytest.raises(InputError, match="does not meet"):
        one(scene.l2a[0], tmp_path, bbox=[(20.0, 10.0, 21.0, 11.0)])


def test_products_of_the_dataset_that_the_area_misses_are_passed_over(scene, tmp_path):
    heard = []
    request = RenderRequest.parse(out=str(tmp_path), bbox=[(20.0, 10.0, 21.0, 11.0)])
    assert list(render(request, Settings(dataset=scene.folder), heard.append)) == []
    assert sum(isinstance(event, Note) and "passed over" in event.message for event in heard) == 4


def test_a_quick_look_is_no_larger_than_said(scene, tmp_path):
    (outcome,) = run(scene.l2a[0], tmp_path, max_px=200)
    assert (outcome.width, outcome.height) == (200, 200)
    assert outcome.resolution_m == 66
    assert outcome.path.name.endswith("_66m.jpg")
    with rasterio.open(outcome.path) as image:
        assert image.bounds.right == pytest.approx(300000 + 13200)


def test_one_stretch_for_a_series(scene, tmp_path):
    apart = run(list(scene.l2a), tmp_path / "a", bands=["B04@60"])
    together = run(list(scene.l2a), tmp_path / "b", bands=["B04@60"], same_stretch=True)
    assert apart[0].limits != apart[1].limits
    assert together[0].limits == together[1].limits
    lows, highs = zip(
        *((float(part) for part in one.limits["B04"].split("..")[0].split(":")) for one in apart), strict=True
    )
    low, high = (float(part) for part in together[0].limits["B04"].split("..")[0].split(":"))
    assert min(lows) <= low <= max(lows)
    assert min(highs) <= high <= max(highs)


def test_clouds_do_not_darken_the_land(scene, tmp_path):
    clear, cloudy = (run(product, tmp_path, recipe=["true-color"], res=60)[0].limits["B04"] for product in scene.l2a)
    plain = run(scene.l2a[1], tmp_path / "plain", recipe=["true-color"], res=60, stretch="2:98%")[0].limits["B04"]
    high = [float(text.split("..")[0].split(":")[1]) for text in (clear, cloudy, plain)]
    assert high[1] < 1.5 * high[0]
    assert high[2] > 1.5 * high[1]


def test_what_is_there_is_kept_and_another_recipe_refused(scene, tmp_path):
    words = {"recipe": ["true-color"], "res": 60}
    path = one(scene.l2a[0], tmp_path, **words)
    before = path.stat().st_mtime_ns
    assert run(scene.l2a[0], tmp_path, **words)[0].state is OutputState.KEPT
    assert path.stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="was made with other options") as caught:
        one(scene.l2a[0], tmp_path, stretch="0:0.3", **words)
    assert "--overwrite" in caught.value.hint
    assert run(scene.l2a[0], tmp_path, stretch="0:0.3", overwrite=True, **words)[0].state is OutputState.MADE
    assert read_tags(path)["STRETCH"] == "0:0.3"


def test_a_stranger_s_file_is_never_replaced(scene, tmp_path):
    path = one(scene.l2a[0], tmp_path, res=60)
    path.write_bytes(b"mine")
    Path(f"{path}.aux.xml").unlink()
    with pytest.raises(OutputError, match="not made by s2kit render"):
        one(scene.l2a[0], tmp_path, res=60)
    assert path.read_bytes() == b"mine"


def test_two_pictures_never_share_a_name(scene, tmp_path):
    outcomes = run(scene.l2a[0], tmp_path, recipe=["true-color"], index=["ndvi"], res=60, name_template="{tile}.{ext}")
    assert [outcome.path.name for outcome in outcomes] == ["31TCJ.jpg", "31TCJ-2.jpg"]


def test_the_same_picture_twice_is_made_once(scene, tmp_path):
    assert len(run(scene.l2a[0], tmp_path, bands=["B04@60", "B04@60"])) == 1


def test_outcomes_come_in_the_order_of_the_request(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(render_paint, "SMALL_PX", 700 * 700)  # 10 m large, others small
    outcomes = run(scene.l2a[0], tmp_path, bands=["B04@10", "B04@60", "B04@20"], jobs=2)
    assert [outcome.resolution_m for outcome in outcomes] == [10, 60, 20]
    assert {outcome.state for outcome in outcomes} == {OutputState.MADE}


def test_every_product_of_the_dataset(scene, tmp_path):
    request = RenderRequest.parse(out=str(tmp_path), bands=["B04@60"], max_px=50)
    outcomes = list(render(request, Settings(dataset=scene.folder)))
    assert sorted(outcome.product for outcome in outcomes) == sorted(path.stem for path in scene.products)


def test_an_empty_dataset(tmp_path):
    with pytest.raises(NotFoundError, match="no Sentinel-2 product below the dataset folder"):
        list(render(RenderRequest.parse(out=str(tmp_path)), Settings(dataset=tmp_path)))


def test_an_entry_of_a_batch_names_its_product(scene, tmp_path):
    batch = tmp_path / "jobs.csv"
    batch.write_text(f"bands,res,product\nB04,60,{scene.l2a[1]}\nB03,60,{scene.l1c[0]}\n")
    request = RenderRequest.parse(out=str(tmp_path / "out"), batch=batch)
    outcomes = list(render(request, Settings(dataset=tmp_path)))
    made = [(outcome.product, outcome.subject, outcome.state) for outcome in outcomes]
    assert made == [(scene.l2a[1].stem, "B04", OutputState.MADE), (scene.l1c[0].stem, "B03", OutputState.MADE)]


def test_a_coarser_resolution_is_made_from_the_finer_file(scene, tmp_path):
    (outcome,) = run(scene.l1c[0], tmp_path, bands=["B04,B03,B02@60"])
    assert (outcome.width, outcome.state) == (220, OutputState.MADE)
    assert "B04 10 m -> 60 m (reduction)" in read_tags(outcome.path)["SOURCES"]


def without(scene, tmp_path, *patterns):
    """A copy of the first L2A product without some of its files."""
    product = copied(scene.l2a[0], tmp_path)
    for pattern in patterns:
        for path in product.glob(f"GRANULE/*/IMG_DATA/{pattern}"):
            path.unlink()
    return product


def warnings_of(heard):
    return [event.message for event in heard if isinstance(event, Note) and event.warning]


def test_the_other_near_infrared_stands_in_and_the_formula_names_it(scene, tmp_path):
    product, heard = without(scene, tmp_path, "R10m/*_B08_*"), []
    (outcome,) = run(product, tmp_path / "out", index=["ndvi"], report=heard.append)
    assert outcome.resolution_m == 20
    tags = read_tags(outcome.path)
    assert tags["BANDS"] == "B8A,B04"
    assert tags["FORMULA"] == "(B8A - B04) / (B8A + B04)"
    assert tags["NOTE"] == "ndvi is made with B8A, since there is no B08"
    legend = outcome.path.with_name(f"{outcome.path.stem}.legend.svg").read_text()
    assert "NDVI = (B8A - B04) / (B8A + B04)" in legend
    assert warnings_of(heard) == [f"{product.stem}: {tags['NOTE']}"]


def test_a_coarser_file_that_stands_in_is_said_once_for_all_products(scene, tmp_path):
    first, heard = without(scene, tmp_path, "R10m/*_B03_*"), []
    second = copied(scene.l2a[1], tmp_path)
    for path in second.glob("GRANULE/*/IMG_DATA/R10m/*_B03_*"):
        path.unlink()
    outcomes = run([first, second], tmp_path / "out", bands=["B04,B03,B02@10"], report=heard.append)
    text = "B03 is read at 20 m, since there is no file at 10 m"
    assert warnings_of(heard) == [f"{first.stem} and 1 more product: {text}"]
    tags = read_tags(outcomes[0].path)
    assert tags["NOTE"] == text
    assert "B03 20 m -> 10 m (bilinear)" in tags["SOURCES"]


def test_a_whole_product_has_nothing_to_warn_of(scene, tmp_path):
    heard = []
    run(scene.l2a[0], tmp_path, bands=["B04,B11,B02@10"], index=["ndvi"], max_px=60, report=heard.append)
    assert warnings_of(heard) == []


def test_an_index_of_coarse_bands_comes_up_to_ten_metres(scene, tmp_path):
    fine = one(scene.l2a[0], tmp_path, index=["ndmi@10"], form="gtiff", resampling="nearest")
    coarse = one(scene.l2a[0], tmp_path, index=["ndmi"], form="gtiff")
    assert read_tags(fine)["SOURCES"] == "B8A 20 m -> 10 m (nearest); B11 20 m -> 10 m (nearest)"
    up = np.repeat(np.repeat(pixels(coarse)[0], 2, axis=0), 2, axis=1)
    np.testing.assert_array_equal(pixels(fine)[0], up)


def test_bands_alone_do_not_come_up_and_the_hint_says_how(scene, tmp_path):
    with pytest.raises(NotFoundError, match="lacks B11 at 10 m") as caught:
        one(scene.l2a[0], tmp_path, bands=["B11,B12,B8A"], res=10)
    assert caught.value.hint.startswith("take --res 20;")


@pytest.mark.parametrize(("names", "dtype"), [("B02,B03,B04,nir", "uint16"), ("red,B11", "float32")])
@pytest.mark.parametrize("form", [None, "cog"])
def test_any_number_of_bands_in_one_file(scene, tmp_path, names, dtype, form):
    path = one(scene.l2a[1], tmp_path, bands=[names], res=20, dtype=dtype, form=form, resampling="nearest")
    assert path.suffix == ".tif"
    wanted = {"nir": "B08", "red": "B04"}
    with rasterio.open(path) as made:
        assert made.descriptions == tuple(wanted.get(name, name) for name in names.split(","))
        assert set(made.dtypes) == {dtype}
        for place, band in enumerate(made.descriptions, 1):
            values = made.read(place)
            if band == "B11":
                stored = pixels(band_file(scene.l2a[1], band, 20))[0]
                truth = np.where(stored == 0, np.nan, (stored - 1000.0) / 10000)
                np.testing.assert_allclose(values, truth, atol=1e-6)
            elif dtype == "uint16" and band != "B08":
                assert (values == pixels(band_file(scene.l2a[1], band, 20))[0]).all()


@pytest.mark.parametrize(("spelling", "suffix"), [("jpg", ".jpg"), ("tif", ".tif"), (".TIFF", ".tif")])
def test_formats_by_their_suffix(scene, tmp_path, spelling, suffix):
    assert one(scene.l2a[0], tmp_path, bands=["B04@60"], form=spelling).suffix == suffix


def test_a_formula_of_one_s_own(scene, tmp_path):
    path = one(scene.l2a[1], tmp_path, index=["mine=(nir-red)/(nir+red+0.5)"], form="tif", res=20)
    tags = read_tags(path)
    assert tags["FORMULA"] == "(B08 - B04) / (B08 + B04 + 0.5)"
    assert path.name.endswith("_mine_20m.tif")
    savi = pixels(one(scene.l2a[1], tmp_path, index=["savi"], form="tif", res=20))
    np.testing.assert_allclose(pixels(path) * 1.5, savi, atol=1e-6)
    picture = one(scene.l2a[1], tmp_path, index=["ratio=nir/red@60"], stretch="0:10", form="png")
    assert read_tags(picture)["PALETTE_RANGE"] == "0:10"


def test_an_area_without_any_data_is_reported(scene, tmp_path):
    heard = []
    with rasterio.open(band_file(scene.l2a[1], "B04", 60)) as image:  # the north-west lies outside the swath
        west, north = image.bounds.left, image.bounds.top
    from s2kit.area.projection import LON_LAT, project

    box = project(shapely.box(west + 100, north - 900, west + 500, north - 300), 32631, LON_LAT)
    words = {"bbox": [box.bounds], "report": heard.append}
    for form, more in (("jpeg", {}), ("png", {"index": ["ndvi"]}), ("gtiff", {"dtype": "float32", "bands": ["B04"]})):
        heard.clear()
        (outcome,) = run(scene.l2a[1], tmp_path, form=form, **more, **words)
        assert outcome.state is OutputState.MADE
        assert warnings_of(heard) == [f"{outcome.path.name}: {scene.l2a[1].stem} has no data in this area"]


def test_the_finest_there_is_with_a_note(scene, tmp_path):
    product = copied(scene.l2a[0], tmp_path)
    for folder in ("R10m", "R20m"):
        for path in product.glob(f"GRANULE/*/IMG_DATA/{folder}/*"):
            path.unlink()
    heard = []
    (outcome,) = run(product, tmp_path / "out", recipe=["true-color"], report=heard.append)
    assert outcome.resolution_m == 60
    assert any("made at 60 m, the finest" in event.message for event in heard if isinstance(event, Note))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_stops_no_other(scene, tmp_path, monkeypatch, jobs):
    product = copied(scene.l2a[0], tmp_path)
    path = Path(band_file(product, "B11", 20))
    os.truncate(path, path.stat().st_size // 3)
    monkeypatch.setattr(render_paint, "SMALL_PX", 300 * 300)
    outcomes = run(product, tmp_path / "out", bands=["B11", "B04@20", "B04@60", "B11@60"], jobs=jobs)
    assert [outcome.state for outcome in outcomes] == [
        OutputState.FAILED,
        OutputState.MADE,
        OutputState.MADE,
        OutputState.MADE,
    ]
    assert path.name in str(outcomes[0].error)
    left = [entry.name for entry in (tmp_path / "out").iterdir() if "B11_20m" in entry.name or ".part" in entry.name]
    assert left == []


def test_a_tile_without_data_makes_an_empty_picture(scene, tmp_path):
    product = copied(scene.l2a[0], tmp_path)
    image = open_product(product).image("B04", 60)
    from s2kit.demo.writer import CODINGS, write_jp2

    path = Path(str(image.location))
    path.unlink()
    write_jp2(path, np.zeros((1, *image.grid.shape), np.uint16), image.grid, CODINGS[60])
    for form in ("jpeg", "png", "gtiff"):
        made = one(product, tmp_path / "out", bands=["B04@60"], form=form)
        assert not pixels(made).any()
    assert read_tags(made)["STRETCH_LIMITS"] == "B04 0:1"


def test_a_tiff_named_jp2(scene, tmp_path, shared_data):
    product = copied(scene.l2a[0], tmp_path)
    path = Path(band_file(product, "B04", 60))
    stub = shared_data / "aws_layout/sentinel-s2-l1c/tiles/19/U/DP/2017/7/29/0/B04.jp2"
    path.write_bytes(stub.read_bytes())
    with pytest.raises(InputError, match="where the product's metadata says 220 x 220"):
        one(product, tmp_path / "out", bands=["B04@60"])


def test_a_killed_worker_s_work_is_done_again(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(render_paint, "SMALL_PX", 1000)
    monkeypatch.setattr(render_paint, "paint_block", _dying_once)
    monkeypatch.setenv("S2KIT_TEST_MARK", str(tmp_path / "mark"))
    path = one(scene.l2a[0], tmp_path / "out", bands=["B04"], form="gtiff", dtype="uint16", jobs=2)
    assert (tmp_path / "mark").exists()
    assert (pixels(path) == pixels(band_file(scene.l2a[0], "B04", 10))).all()


_REAL_BLOCK = render_paint.paint_block


def _dying_once(task):
    """Paint a block; the first worker to come is killed by the system as if out of memory."""
    mark = Path(task.array).parent.parent / f"mark-{task.array.parent.name}"
    real_mark = os.environ.get("S2KIT_TEST_MARK")
    mark = Path(real_mark) if real_mark else mark
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    _REAL_BLOCK(task)


def test_two_runs_at_once(scene, tmp_path):
    with destination_lock(tmp_path), pytest.raises(TryLaterError, match="another run"):
        run(scene.l2a[0], tmp_path, res=60)


def test_a_dry_run_makes_nothing(scene, tmp_path):
    out = tmp_path / "out"
    (outcome,) = run(scene.l2a[0], out, recipe=["true-color"], dry_run=True)
    assert outcome.state is OutputState.PLANNED
    assert outcome.nbytes == sum(
        Path(band_file(scene.l2a[0], band, 10)).stat().st_size for band in ("B04", "B03", "B02")
    )
    assert not out.exists()
    run(scene.l2a[0], out, res=60)
    assert run(scene.l2a[0], out, res=60, dry_run=True)[0].state is OutputState.KEPT
    assert run(scene.l2a[0], out, res=60, dry_run=True, gamma=2)[0].error.exit_code == 73


@pytest.mark.parametrize("res", [60, 10])
def test_threads_are_bounded_by_jobs(scene, tmp_path, monkeypatch, res):
    environment, seen = dict(os.environ), []
    write = render_paint.write_picture

    def written(*words, **options):
        seen.append((decoding_threads(), options["threads"]))
        return write(*words, **options)

    monkeypatch.setattr(render_paint, "write_picture", written)
    run(scene.l2a[0], tmp_path, res=res, jobs=1)
    assert seen
    assert {threads for _, threads in seen} == {1}
    assert dict(os.environ) == environment


def test_the_disk_of_the_array_is_full(scene, tmp_path, monkeypatch):
    import errno

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(render_paint, "SMALL_PX", 1000)
    monkeypatch.setattr(os, "posix_fallocate", full)
    outcome = run(scene.l2a[0], tmp_path, bands=["B04"])[0]
    assert outcome.error is not None
    assert outcome.error.exit_code == 74


@pytest.mark.parametrize("form", ["jpeg", "png"])
def test_the_destination_is_full(scene, tmp_path, form):
    path = one(scene.l2a[0], tmp_path, res=60, form=form)
    full = path.stat().st_size // 2
    for entry in list(tmp_path.iterdir()):
        entry.unlink()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, limits[1]))
    try:
        outcome = run(scene.l2a[0], tmp_path, res=60, form=form)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.error is not None
    assert outcome.error.exit_code == 74
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"form": "jpeg", "dtype": "uint16"}, "jpeg holds pictures, not uint16"),
        ({"dtype": "int8"}, "int8"),
        ({"form": "bmp"}, "bmp"),
        ({"resampling": "guess"}, "guess"),
        ({"crop": "half"}, "half"),
        ({"crop": "legacy", "bbox": [(0, 0, 1, 1)]}, "exclude each other"),
        ({"clip": True}, "--clip needs an area"),
        ({"max_px": 0}, "--max-px 0"),
        ({"quality": 0}, "quality 0"),
        ({"res": 15}, "resolution 15"),
        ({"stretch": "x"}, "stretch 'x'"),
        ({"mask": "99"}, "99"),
        ({"stretch": "0:3000"}, "3000 is beyond any reflectance"),
        ({"bands": ["B04,B03"]}, "not of 2"),
        ({"bands": ["B04,B03,B02,B08"], "form": "gtiff"}, "not of 4"),
        ({"index": ["x=import os"]}, "--index x=import os: formula 'import os'"),
        ({"bands": ["B04"], "stretch": "0:1,0:1,0:1"}, "has one band"),
        ({"bands": ["B99", "B04"], "index": ["ndvo"]}, "--bands B99: .*; --index ndvo: "),
        ({"name_template": "{x}.{ext}"}, "no field {x}"),
    ],
)
def test_words_that_cannot_be(tmp_path, words, message):
    with pytest.raises(UsageError, match=message) as caught:
        RenderRequest.parse(out=str(tmp_path), **words)
    assert caught.value.exit_code == 2


def test_data_types_that_do_not_fit(scene, tmp_path):
    for words, message in (
        ({"bands": ["SCL"], "dtype": "uint16"}, "SCL holds bytes"),
        ({"index": ["ndvi"], "dtype": "uint16"}, "below 0"),
    ):
        with pytest.raises(UsageError, match=message):
            one(scene.l2a[0], tmp_path, form="gtiff", **words)


def test_l1c_is_masked_by_its_own_clouds(scene, tmp_path):
    words = {"bands": ["B04@20"], "form": "gtiff", "dtype": "uint16"}
    masked = pixels(one(scene.l1c[1], tmp_path / "a", mask_clouds=True, **words))
    plain = pixels(one(scene.l1c[1], tmp_path / "b", **words))
    hidden = (masked == 0) & (plain > 0)
    assert 0.01 < hidden.mean() < 0.5
    assert np.array_equal(masked[~hidden], plain[~hidden])


def test_a_mask_reaches_as_far_as_it_is_dilated(scene, tmp_path):
    words = {"bands": ["B04@20"], "form": "gtiff", "dtype": "uint16", "mask_clouds": True, "cloud_classes": "9"}
    plain = pixels(one(scene.l2a[1], tmp_path / "a", **words))
    wider = pixels(one(scene.l2a[1], tmp_path / "b", dilate=100, **words))
    assert (wider == 0).sum() > (plain == 0).sum() > 0
    assert (wider[plain == 0] == 0).all()


def test_masking_needs_classes(tmp_path):
    item = write_item(
        tmp_path / "d",
        {"B04": np.full((30, 30), 900, np.uint16)},
        name="S2A_MSIL2A_20240419T105031_N0301_R051_T31TCJ_20240419T160739",
    )
    with pytest.raises(NotFoundError, match="neither SCL nor a cloud mask"):
        one(item, tmp_path, bands=["B04"], mask_clouds=True)


def test_clear_pixels_of_l1c_are_told_by_its_blue(scene, tmp_path):
    clear, cloudy = (
        run(product, tmp_path, recipe=["true-color"], max_px=220)[0].limits["B04"] for product in scene.l1c
    )
    high = [float(text.split("..")[0].split(":")[1]) for text in (clear, cloudy)]
    assert high[1] < 1.5 * high[0]


REAL_60M = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12", "AOT", "WVP")


@pytest.mark.parametrize(("band", "res"), [*((band, 60) for band in REAL_60M), ("SCL", 60), ("SCL", 20), ("TCI", 60)])
def test_the_real_product_value_for_value(real_l2a, tmp_path, band, res):
    words: Mapping[str, object] = {} if band in {"SCL", "TCI"} else {"dtype": "uint16"}
    path = one(real_l2a, tmp_path, bands=[f"{band}@{res}"], form="gtiff", **words)
    with rasterio.open(band_file(real_l2a, band, res)) as source, rasterio.open(path) as made:
        assert (made.read() == source.read()).all()
        assert (made.crs, made.transform) == (source.crs, source.transform)


def test_the_real_aerosol_map_at_ten_metres(real_l2a, tmp_path):
    path = one(real_l2a, tmp_path, bands=["AOT@10"], form="gtiff", dtype="uint16", jobs=2)
    with rasterio.open(band_file(real_l2a, "AOT", 10)) as source, rasterio.open(path) as made:
        assert (made.width, made.crs, made.transform) == (10980, source.crs, source.transform)
        for row in range(0, 10980, 2745):
            window = ((row, row + 2745), (0, 10980))
            assert (made.read(1, window=window) == source.read(1, window=window)).all()


def test_the_real_l1c_product(real_l1c, tmp_path):
    path = one(real_l1c, tmp_path, bands=["B01"], form="gtiff", dtype="float32")
    dn = pixels(band_file(real_l1c, "B01", 60))[0]
    made = pixels(path)[0]
    np.testing.assert_allclose(made[dn > 0], dn[dn > 0] / 10000, atol=1e-6)  # baseline 02.06: no offset


def test_the_real_product_lacks_what_it_lacks(real_l2a, tmp_path):
    with pytest.raises(NotFoundError, match="lacks B08"):
        one(real_l2a, tmp_path, bands=["B08,B04,B03"])
    assert read_tags(one(real_l2a, tmp_path, recipe=["false-color"]))["BANDS"] == "B8A,B04,B03"
    with pytest.raises(NotFoundError, match="B10 is not part of L2A"):
        one(real_l2a, tmp_path, bands=["B10"])
    with pytest.raises(NotFoundError, match=r"lacks B05 at 20 m.*it has B05 at 60 m"):
        one(real_l2a, tmp_path, bands=["B05@20"])


def test_shapes_of_areas(scene, tmp_path):
    west, south, east, north = shapely.from_geojson(scene.aoi.read_text()).bounds
    outcome = run(scene.l2a[0], tmp_path, bbox=[(west, south, east, north)], res=60)[0]
    assert outcome.width < 220


def test_a_product_in_a_bucket_is_read_where_it_lies(scene, tmp_path, s3_server):
    bucket = s3_server.bucket()
    product = scene.l2a[0]
    for path in product.rglob("*"):
        if path.suffix == ".xml" or path.name == "manifest.safe" or "_60m" in path.name:
            bucket.put(f"x/{product.name}/{path.relative_to(product)}", path.read_bytes())
    settings = Settings(dataset=tmp_path, archives={bucket.name: bucket.archive()}, cache_dir=tmp_path / "cache")
    request = RenderRequest.parse(
        [ProductRef(f"s3://{bucket.name}/x/{product.name}")], out=str(tmp_path / "far"), res=60, form="png"
    )
    (far,) = render(request, settings)
    assert far.error is None
    assert (pixels(far.path) == pixels(one(product, tmp_path / "near", res=60, form="png"))).all()
