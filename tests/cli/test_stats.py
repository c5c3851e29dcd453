"""`s2kit stats` and `s2kit parcels`, against rasterio and rasterio.features by hand."""

import csv
import io
import json

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.features import geometry_mask
from rasterio.warp import transform, transform_geom
from typer.testing import CliRunner

from s2kit.cli.app import app
from support.chip_items import parcel_file, square, write_item

runner = CliRunner()
NAME = "S2A_MSIL2A_{}_N0510_R051_T31TCJ_20240901T000000"


def run(verb, *words, code=0, **options):
    jobs = [] if verb == "parcels" else ["--jobs", "1"]
    result = runner.invoke(app, [verb, *jobs, *map(str, words)], **options)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def rows_of(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def by_hand(path, geometry, source):
    """Codes or numbers of a raster whose pixel centres lie in an outline."""
    with rasterio.open(path) as image:
        moved = transform_geom(source, image.crs, geometry)
        mask = geometry_mask([moved], image.shape, image.transform, invert=True)
        return image.read(1)[mask]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Two dates: all clear, and half under cloud; parcels of every shape."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(5)
    classes = np.full((100, 100), 4, np.uint8)
    cloudy = classes.copy()
    cloudy[:, 50:] = 9
    for stamp, scl in (("20240419T105031", classes), ("20240429T105031", cloudy)):
        bands = {band: generator.integers(200, 4000, (200, 200)).astype(np.uint16) for band in ("B04", "B08")}
        bands["B11"] = generator.integers(200, 4000, (100, 100)).astype(np.uint16)
        bands["B04"][0:20] = 0
        write_item(tmp_path / "d", {**bands, "SCL": scl}, name=NAME.format(stamp), scales={"SCL": 2, "B11": 2})
    parcel_file(
        tmp_path / "p.geojson",
        {
            "left": square(300203, 4899003, 301),
            "right": square(301203, 4899003, 301),
            "across": square(300903, 4898003, 207),
            "thin": [(300401, 4899003), (300403, 4899003), (300403, 4899303), (300401, 4899303)],
            "top": square(300503, 4899800, 190),
        },
        cropname="barley",
    )
    return tmp_path


def test_scl_counts_and_the_seeds_lines(data):
    lines = run("stats", "d", "--parcels", "p.geojson", "--pid", "across", "--lines").stdout.splitlines()
    counts = np.bincount(
        by_hand(
            data / "d" / f"{NAME.format('20240429T105031')}_cog" / "SCL.tif",
            json.loads((data / "p.geojson").read_text())["features"][2]["geometry"],
            "EPSG:32631",
        )
    )
    assert lines == [
        f"{NAME.format('20240419T105031')}.SCL.tif {{4: {counts.sum()}}}",
        f"{NAME.format('20240429T105031')}.SCL.tif {{4: {counts[4]}, 9: {counts[9]}}}",
    ]


def test_bands_and_indices_equal_those_by_hand(data):
    outlines = {f["properties"]["pid"]: f["geometry"] for f in json.loads((data / "p.geojson").read_text())["features"]}
    result = run("stats", "d", "--parcels", "p.geojson", "--layer", "B04", "--index", "ndvi", "--dn", "-f", "jsonl")
    for row in rows_of(result):
        folder = data / "d" / f"{row['id']}_cog"
        red = by_hand(folder / "B04.tif", outlines[row["pid"]], "EPSG:32631").astype(float)
        nir = by_hand(folder / "B08.tif", outlines[row["pid"]], "EPSG:32631").astype(float)
        valid = red != 0
        values = red[valid] if row["layer"] == "B04" else ((nir - red) / (nir + red))[valid]
        assert row["pixels"] == red.size
        assert row["count"] == values.size
        if values.size:
            wanted = [values.mean(), values.std(), values.min(), values.max(), *np.percentile(values, [25, 50, 75])]
            found = [row[key] for key in ("mean", "std", "min", "max", "p25", "p50", "p75")]
            assert found == pytest.approx(wanted, rel=1e-5)
    assert "no pixel centre lies in 1 of the parcels (too thin): thin" in result.stderr


def test_a_formula_of_one_s_own_has_its_name_as_layer(data):
    words = ["stats", "d", "--parcels", "p.geojson", "--pid", "left", "-f", "jsonl"]
    typed = rows_of(run(*words, "--index", "ratio=min(nir/red,max(red,9)),ndvi"))
    assert [row["layer"] for row in typed] == ["ratio", "ndvi"] * 2
    outline = json.loads((data / "p.geojson").read_text())["features"][0]["geometry"]
    for row in typed[::2]:
        folder = data / "d" / f"{row['id']}_cog"
        red, nir = (by_hand(folder / f"{band}.tif", outline, "EPSG:32631") / 10000 for band in ("B04", "B08"))
        assert row["mean"] == pytest.approx(np.minimum(nir / red, 9).mean(), rel=1e-5)
    assert run(*words, "--index", "x=B04.real", code=65).stdout == ""


def test_normalised_differences_of_dark_ground_stay_within_one(data):
    """With the offset taken off many numbers lie below 0; nothing leaves -1 to 1, and both below 0 is no data."""
    words = ["stats", "d", "--parcels", "p.geojson", "--pid", "left", "--boa-offset", "needed", "-f", "jsonl"]
    outline = json.loads((data / "p.geojson").read_text())["features"][0]["geometry"]
    for row in rows_of(run(*words, "--index", "ndvi")):
        folder = data / "d" / f"{row['id']}_cog"
        red, nir = (
            np.maximum(by_hand(folder / f"{band}.tif", outline, "EPSG:32631") - 1000.0, 0) for band in ("B04", "B08")
        )
        known = red + nir > 0
        assert not known.all()
        assert (row["min"], row["max"]) == (-1, 1)
        assert row["count"] == known.sum()
        assert row["mean"] == pytest.approx(((nir - red)[known] / (nir + red)[known]).mean(), rel=1e-4)


def test_a_substitute_is_warned_of_once(data):
    for path in data.glob("d/*/B08.tif"):
        path.rename(path.with_name("B8A.tif"))
    for path in data.glob("d/*/*.json"):
        path.write_text(path.read_text().replace("B08", "B8A").replace('"nir"', '"nir08"'))
    words = ["stats", "d", "--parcels", "p.geojson", "--pid", "left", "--index", "ndvi", "--boa-offset", "applied"]
    result = run(*words, "-f", "jsonl")
    assert len(rows_of(result)) == 2
    lines = [line for line in result.stderr.splitlines() if "B8A" in line]
    first = NAME.format("20240419T105031")
    assert lines == [f"s2kit: warning: {first} and 1 more product: ndvi is made with B8A, since there is no B08"]


def test_reflectance_and_offset(data):
    plain = rows_of(run("stats", "d", "--parcels", "p.geojson", "--pid", "left", "--bands", "B04", "-f", "jsonl"))
    with_offset = rows_of(
        run(
            "stats",
            "d",
            "--parcels",
            "p.geojson",
            "--pid",
            "left",
            "--bands",
            "B04",
            "-f",
            "jsonl",
            "--boa-offset",
            "needed",
        )
    )
    assert plain[0]["mean"] - with_offset[0]["mean"] == pytest.approx(0.1, abs=1e-6)


def test_cloudy_pixels_are_left_out_on_demand(data):
    words = ["stats", "d", "--parcels", "p.geojson", "--pid", "across", "--index", "ndvi", "-f", "jsonl"]
    full, masked = rows_of(run(*words)), rows_of(run(*words, "--mask-clouds"))
    assert full[0]["count"] == masked[0]["count"] == full[0]["pixels"]
    assert masked[1]["count"] < full[1]["count"]
    assert masked[1]["pixels"] == full[1]["pixels"]
    custom = rows_of(run(*words, "--mask-clouds", "--clear-classes", "4,9"))
    assert custom[1]["count"] == full[1]["count"]


def test_bands_of_other_sizes_meet_on_the_coarser_grid(data):
    (row, _) = rows_of(run("stats", "d", "--parcels", "p.geojson", "--pid", "left", "--index", "ndmi", "-f", "jsonl"))
    assert row["pixels"] == pytest.approx(225, abs=16)
    assert row["count"] == row["pixels"]


def test_clear_products_for_the_next_pipe(data):
    words = ["stats", "d", "--parcels", "p.geojson", "--pid", "across", "--layer", "SCL", "--clear"]
    assert not run(*words, "-f", "ids").stdout  # a part of the parcel lies beyond the image: not seen is not clear
    assert run(*words, "--min-clear", 85, "-f", "ids").stdout.split() == [NAME.format("20240419T105031")]
    words += ["--min-seen", "85"]
    ids = run(*words, "-f", "ids").stdout
    assert ids.split() == [NAME.format("20240419T105031")]
    answer = json.loads(run("chips", "-", "--raw", "--bands", "B08,B04", "--chipsize", 320, input=ids).stdout)
    assert answer["dates"] == ["20240419T105031_B08", "20240419T105031_B04"]
    with rasterio.open(answer["chips"][0]) as chip:
        west, south, east, north = chip.bounds
        assert west < 301006 < east
        assert south < 4898106 < north
    lines = run(*words, "-f", "jsonl").stdout
    again = run("chips", "-", "--bands", "B08", "--chipsize", 320, "-f", "jsonl", input=lines)
    assert [row["place"] for row in rows_of(again)] == ["Parcel across, barley"]
    assert run(*words, "--min-clear", 10, "-f", "ids").stdout.count("\n") == 2
    run("chips", "-", "--bands", "B08", code=2, input="S2A_MSIL2A_20200101T105031_N0510_R051_T31TCJ_20240901T000000\n")


def test_clouds_in_the_numbers_are_named_once(scene):
    words = ["stats", scene.l2a[1], "--parcels", scene.parcels, "-j", "1", "-f", "jsonl"]
    plain = run(*words, "--index", "ndvi", "--layer", "B04")
    cloudy = {row["pid"] for row in map(json.loads, plain.stdout.splitlines()) if row["clear_pct"] not in {None, 100}}
    assert cloudy
    (warning,) = [line for line in plain.stderr.splitlines() if "clouds are in the numbers" in line]
    assert warning.endswith("--mask-clouds leaves them out")
    assert f"and {len(cloudy) - 1} others are not all clear" in warning
    assert "clouds are" not in run(*words, "--index", "ndvi", "--mask-clouds").stderr
    assert "clouds are" not in run(*words).stderr, "SCL itself counts the clouds"


def test_an_empty_pipe_is_no_reason_to_search(data):
    for verb, words in (("chips", ["--lon", 1, "--lat", 44]), ("stats", ["--parcels", "p.geojson"])):
        result = run(verb, "-", *words, "-v", input="")
        assert result.stdout == ""
        assert "nothing to do" in result.stderr
        run(verb, "-", *words, "--fail-if-empty", code=3, input="# none\n")


def test_formats(data):
    words = ["stats", "d", "--parcels", "p.geojson", "--pid", "across"]
    (first, second) = csv.DictReader(io.StringIO(run(*words, "-f", "csv").stdout))
    assert first["histogram"].startswith("{4: ")
    assert float(second["clear_pct"]) < 100
    assert "{4: " in run(*words).stdout
    collection = json.loads(run(*words, "-f", "geojson").stdout)
    assert collection["features"][0]["geometry"]["type"] == "Polygon"


def test_chart(data):
    result = run("stats", "d", "--parcels", "p.geojson", "--pid", "left", "--pid", "right", "--plot", "o.png")
    assert result.stdout.strip() == "o.png"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(data / "o.png") as picture:
        assert picture.width > 800
    run("stats", "d", "--parcels", "p.geojson", "--pid", "left", "--plot", "o.png", code=73)
    run("stats", "d", "--parcels", "p.geojson", "--pid", "left", "--plot", "o.bmp", code=65)
    run("stats", "d", "--parcels", "p.geojson", "--pid", "thin", "--plot", "x.png", code=65)


def test_many_parcels_over_several_workers_give_the_same(data):
    rings = {
        f"{col}-{row}": square(300017 + 97 * col, 4898031 + 97 * row, 83) for col in range(20) for row in range(20)
    }
    parcel_file(data / "many.geojson", rings)
    words = ["d", "--parcels", "many.geojson", "--layer", "SCL", "--index", "ndvi", "-f", "jsonl"]
    alone = run("stats", *words).stdout
    assert alone.count("\n") == 400 * 2 * 2
    result = runner.invoke(app, ["stats", "--jobs", "2", *words])
    assert result.exit_code == 0, result.stderr
    assert sorted(result.stdout.splitlines()) == sorted(alone.splitlines())


def test_a_mask_of_named_classes_and_its_surroundings(scene, tmp_path, monkeypatch):
    """All pixels of the area by hand: SCL at 20 m, doubled, and what lies within 60 m."""
    monkeypatch.chdir(tmp_path)
    parcel_file(tmp_path / "p.geojson", {"all": square(301000, 4890000, 6000)})
    product = scene.l2a[1]
    words = [product, "--parcels", "p.geojson", "--layer", "B04", "-f", "jsonl", "--dn"]
    (scl,), (band,) = (list(product.rglob(f"*_{name}.jp2")) for name in ("SCL_20m", "B04_10m"))
    with rasterio.open(scl) as image:
        codes = image.read(1).repeat(2, 0).repeat(2, 1)
    with rasterio.open(band) as image:
        dn, transform = image.read(1), image.transform
        inside = np.zeros(dn.shape, bool)
        rows = slice(int((transform.f - 4896000) / 10), int((transform.f - 4890000) / 10))
        inside[rows, 100:700] = True
    cloud = codes == 9
    for more, radius in (([], 0), (["--dilate", 60], 6)):
        hidden = cloud.copy()
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                if dy * dy + dx * dx <= radius * radius:
                    hidden |= np.roll(np.roll(cloud, dy, 0), dx, 1)
        (row,) = rows_of(run("stats", *words, "--mask", 9, *more))
        assert row["count"] == (inside & ~hidden & (dn > 0)).sum()


def test_l1c_is_masked_by_its_own_clouds(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parcel_file(tmp_path / "p.geojson", {"all": square(301000, 4890000, 6000)})
    words = [scene.l1c[1], "--level", "l1c", "--parcels", "p.geojson", "--layer", "B04", "-f", "jsonl"]
    (plain,), (masked,) = (rows_of(run("stats", *words, *more)) for more in ([], ["--mask-clouds"]))
    assert 0 < masked["count"] < plain["count"]
    assert masked["max"] < plain["max"], "the brightest pixels were clouds"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--layer", "TCI"], 65),
        (["--dilate", 60], 2),
        (["--mask", "44"], 2),
        (["--layer", "B77"], 65),
        (["--index", "nope"], 65),
        (["--clear-classes", "4,44"], 65),
        (["--level", "l1c"], 65),
        (["--res", 15], 2),
        (["--plot", "x.png", "--index", "ndvi,ndmi"], 2),
        (["--start", "2030-01-01"], 65),
        (["--pid", "nobody"], 66),
        (["--layer", "B12"], 4),
    ],
)
def test_what_is_refused(data, words, code):
    assert run("stats", "d", "--parcels", "p.geojson", *words, code=code).stdout == ""


def test_parcels_larger_than_a_tile_and_partly_beyond(data):
    parcel_file(data / "big.geojson", {"big": square(290000, 4890000, 30000), "half": square(301900, 4899000, 200)})
    told = run("stats", "-v", "d", "--parcels", "big.geojson", "-f", "jsonl")
    assert "no product shows all of 2 of 2 parcels: big (0 %), half (" in told.stderr
    rows = rows_of(told)
    big = [row for row in rows if row["pid"] == "big"]
    assert big[0]["pixels"] == 10_000
    assert big[0]["covered_pct"] < 1
    half = [row for row in rows if row["pid"] == "half"]
    assert 40 < half[0]["covered_pct"] < 80  # the footprint is a box in degrees
    parcel_file(data / "far.geojson", {"far": square(500000, 4899000, 200), "left": square(300203, 4899003, 301)})
    result = run("stats", "d", "--parcels", "far.geojson", "-f", "jsonl")
    assert "no product shows 1 of 2 parcels: far" in result.stderr


def test_codes_that_do_not_exist_are_tolerated_and_told(data):
    (data / "x").mkdir()
    classes = np.full((50, 50), 12, np.uint8)
    write_item(data / "x", {"SCL": classes}, name=NAME.format("20240419T105031"), resolution_m=20)
    result = run("stats", "x", "--parcels", "p.geojson", "--pid", "left", "-f", "jsonl")
    assert rows_of(result)[0]["histogram"].keys() == {"12"}
    assert rows_of(result)[0]["clear_pct"] == 0
    assert "(12)" in result.stderr


def test_a_parcel_across_the_antimeridian(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    classes = np.full((100, 100), 6, np.uint8)
    name = "S2A_MSIL2A_20240419T220031_N0510_R051_T60MZD_20240901T000000"
    (x,), (y,) = rasterio.warp.transform("EPSG:4326", "EPSG:32760", [180.0], [-1.0])
    west, north = round(x) - 1000, round(y) + 1000
    place = write_item(tmp_path / "d", {"SCL": classes}, name=name, epsg=32760, west=west, north=north, resolution_m=20)
    document = json.loads(next(place.glob("*.json")).read_text())
    (ring,) = document["geometry"]["coordinates"]
    ring[:] = [[179.98, -1.02], [-179.98, -1.02], [-179.98, -0.98], [179.98, -0.98], [179.98, -1.02]]
    next(place.glob("*.json")).write_text(json.dumps(document))
    ring = [[179.998, -1.002], [-179.998, -1.002], [-179.998, -0.998], [179.998, -0.998], [179.998, -1.002]]
    feature = {"type": "Feature", "properties": {"pid": 1}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (tmp_path / "p.json").write_text(json.dumps(feature))
    (row,) = rows_of(run("stats", "d", "--parcels", "p.json", "-f", "jsonl"))
    assert row["covered_pct"] == 100
    assert row["pixels"] == pytest.approx(445 * 443 / 400, rel=0.05)
    assert row["histogram"] == {"6": row["pixels"]}


def test_the_generated_scene(scene):
    result = run("stats", scene.folder, "--parcels", scene.parcels, "--index", "ndvi", "--layer", "SCL", "-f", "jsonl")
    rows = rows_of(result)
    assert {row["level"] for row in rows} == {"L2A"}
    outlines = {str(f["properties"]["pid"]): f["geometry"] for f in json.loads(scene.parcels.read_text())["features"]}
    for row in rows[:: max(1, len(rows) // 10)]:
        product = next(path for path in scene.l2a if path.stem == row["id"])
        if row["layer"] == "SCL":
            (path,) = product.glob("GRANULE/*/IMG_DATA/R20m/*_SCL_20m.jp2")
            codes = by_hand(path, outlines[row["pid"]], "EPSG:4326")
            assert row["histogram"] == {str(c): int(n) for c, n in enumerate(np.bincount(codes)) if n and c}
        else:
            red, nir = (
                by_hand(
                    next(product.glob(f"GRANULE/*/IMG_DATA/R10m/*_{band}_10m.jp2")), outlines[row["pid"]], "EPSG:4326"
                )
                for band in ("B04", "B08")
            )
            ok = (red != 0) & (nir != 0)
            r, n = red[ok].astype(float) - 1000, nir[ok].astype(float) - 1000
            assert row["count"] == ok.sum()
            if ok.any():
                assert row["mean"] == pytest.approx(((n - r) / (n + r)).mean(), abs=1e-5)


def test_the_real_product(real_l2a, tmp_path):
    parcel_file(
        tmp_path / "p.geojson",
        {
            "cloud": square(530003, 5830007, 1500),
            "edge": square(560003, 5860007, 2500),
            "big": square(520000, 5800000, 20000),
        },
        epsg=32629,
    )
    result = run("stats", real_l2a, "--parcels", tmp_path / "p.geojson", "--layer", "SCL,B04", "--dn", "-f", "jsonl")
    outlines = {
        f["properties"]["pid"]: f["geometry"] for f in json.loads((tmp_path / "p.geojson").read_text())["features"]
    }
    rows = rows_of(result)
    assert len(rows) >= 4
    for row in rows:
        size = "20m" if row["layer"] == "SCL" else "60m"
        (path,) = real_l2a.glob(f"GRANULE/*/IMG_DATA/R{size}/*_{row['layer']}_{size}.jp2")
        values = by_hand(path, outlines[row["pid"]], "EPSG:32629")
        if row["layer"] == "SCL":
            assert row["histogram"] == {str(c): int(n) for c, n in enumerate(np.bincount(values)) if n and c}
            assert row["pixels"] == values.size
        else:
            kept = values[values != 0].astype(float)
            assert row["count"] == kept.size
            assert [row["mean"], row["std"], row["p25"]] == pytest.approx(
                [kept.mean(), kept.std(), np.percentile(kept, 25)], rel=1e-9
            )


def test_the_barbellino_set(shared_data, tmp_path):
    truth = shared_data / "timeseries" / "sen2r_barbellino"
    for day, baseline in (("20170703", "N0205"), ("20190723", "N0213")):
        with rasterio.open(truth / "out" / f"S2A2A_{day}_022_Barbellino_BOA_10.tif") as boa:
            pixels = np.where(boa.read() == 65535, 0, boa.read())
            west, north = boa.transform.c, boa.transform.f
        with rasterio.open(truth / "out" / f"S2A2A_{day}_022_Barbellino_SCL_10.tif") as scl:
            classes = scl.read(1)
        write_item(
            tmp_path / "d",
            {"B04": pixels[3], "B08": pixels[7], "SCL": classes},
            name=f"S2A_MSIL2A_{day}T102021_{baseline}_R022_T32TNS_{day}T110000",
            epsg=32632,
            west=west,
            north=north,
            scales={"SCL": 2},
            bounds=(580000, 5101000, 581500, 5103000),
        )
    for vector in ("barbellino", "dam"):
        path = truth / "vector" / f"{vector}.geojson"
        (feature,) = json.loads(path.read_text())["features"]
        rows = rows_of(
            run("stats", tmp_path / "d", "--parcels", path, "--layer", "SCL", "--index", "ndvi", "-f", "jsonl")
        )
        assert len(rows) == 4
        for row in rows:
            day = row["datetime"][:10].replace("-", "")
            name = "SCL" if row["layer"] == "SCL" else "NDVI"
            values = by_hand(
                truth / "out" / f"S2A2A_{day}_022_Barbellino_{name}_10.tif", feature["geometry"], "EPSG:32632"
            )
            if name == "SCL":
                assert row["histogram"] == {str(c): int(n) for c, n in enumerate(np.bincount(values)) if n and c}
            else:
                kept = values[values != -32768] / 10000  # whole ten-thousandths in the truth
                assert row["count"] == kept.size
                assert row["mean"] == pytest.approx(kept.mean(), abs=5e-5)
                assert row["max"] == pytest.approx(kept.max(), abs=5.1e-5)


def test_parcels_by_id_point_and_attribute(data):
    (row,) = rows_of(run("parcels", "--parcels", "p.geojson", "--pid", "left", "-f", "jsonl"))
    assert list(row) == ["pid", "cropname", "cropcode", "srid", "area", "clon", "clat"]
    assert (row["cropname"], row["srid"]) == ("barley", 32631)
    assert row["area"] == pytest.approx(301 * 301, rel=0.01)
    at = ["--lon", row["clon"], "--lat", row["clat"]]
    assert run("parcels", "--parcels", "p.geojson", *at, "-f", "ids").stdout == "left\n"
    lists = json.loads(run("parcels", "--parcels", "p.geojson", *at, "--with-geometry", "--lists").stdout)
    assert lists["pid"] == ["left"]
    assert json.loads(lists["geom"][0])["coordinates"][0][0] == [300203, 4899003]
    wgs84 = json.loads(run("parcels", "--parcels", "p.geojson", *at, "--with-geometry", "--wgs84", "--lists").stdout)
    assert wgs84["srid"] == [4326]
    assert run("parcels", "--parcels", "p.geojson", "--where", "cropname=Barley", "-f", "ids").stdout.count("\n") == 5
    empty = run("parcels", "--parcels", "p.geojson", "--lon", 0, "--lat", 0, "--lists")
    assert json.loads(empty.stdout)["pid"] == []
    run("parcels", "--parcels", "p.geojson", "--lon", 0, "--lat", 0, "--fail-if-empty", code=3)
    run("parcels", "--parcels", "p.geojson", "--pid", "x", code=66)
    run("parcels", "--parcels", "none.geojson", code=66)
    run("parcels", "--parcels", "p.geojson", "--where", "nothing", code=65)
    collection = json.loads(run("parcels", "--parcels", "p.geojson", "-f", "geojson").stdout)
    assert len(collection["features"]) == 5


def test_names_of_attributes_come_from_the_settings(data):
    document = json.loads((data / "p.geojson").read_text())
    for feature in document["features"]:
        feature["properties"] = {"feld": feature["properties"]["pid"], "kultur": "Gerste"}
    (data / "q_2024.geojson").write_text(json.dumps(document))
    (data / "settings.toml").write_text('[parcels]\npid = "feld"\ncropname = "kultur"\n')
    (row,) = rows_of(run("parcels", "--parcels", "q_{year}.geojson", "--year", 2024, "--pid", "left", "-f", "jsonl"))
    assert row["cropname"] == "Gerste"


def test_a_parcel_across_two_tiles_of_a_datatake_is_completed_from_both(tmp_path, monkeypatch):
    """Tiles 31TCJ and 31TDJ share the columns from 399960 m to 409800 m."""
    monkeypatch.chdir(tmp_path)
    whole = np.random.default_rng(7).integers(200, 3000, (100, 400)).astype(np.uint16)
    classes = np.full((50, 200), 4, np.uint8)
    classes[:, 90:] = 5
    pieces = {"31TCJ": (0, 220), "31TDJ": (200, 400)}
    for tile, (first, last) in pieces.items():
        write_item(
            tmp_path / "d",
            {"B04": whole[:, first:last], "SCL": classes[:, first // 2 : last // 2]},
            name=NAME.format("20240419T105031").replace("31TCJ", tile),
            scales={"SCL": 2},
            west=407600.0 + first * 10,
        )
    parcel_file(tmp_path / "p.geojson", {"both": square(409400, 4899200, 400), "one": square(408000, 4899200, 200)})
    rows = {
        (row["pid"], row["layer"]): row
        for row in rows_of(run("stats", "d", "--parcels", "p.geojson", "--layer", "B04,SCL", "--dn", "-f", "jsonl"))
    }
    both, scl = rows["both", "B04"], rows["both", "SCL"]
    assert both["pixels"] == both["count"] == 1600
    assert (both["covered_pct"], both["seen_pct"]) == (pytest.approx(100, abs=0.2), 100)
    assert both["mean"] == pytest.approx(whole[42:82, 180:220].mean(), rel=1e-6)
    assert scl["histogram"] == {"5": 400}
    assert rows["one", "SCL"]["histogram"] == {"4": 100}


def test_too_thin_and_beyond_the_image_are_two_things(data):
    half = square(300903, 4898003, 207)
    below = square(300903, 4898001, 15)  # within the footprint's box in degrees, and beyond the pixels
    thin = [(300401, 4899003), (300403, 4899003), (300403, 4899303), (300401, 4899303)]
    parcel_file(data / "q.geojson", {"half": half, "below": below, "thin": thin})
    told = run("stats", "d", "--parcels", "q.geojson", "--layer", "B08", "-f", "jsonl")
    assert "no pixel centre lies in 1 of the parcels (too thin): thin" in told.stderr
    assert "1 parcel lies where a product has no data (beyond its image or swath): below" in told.stderr
    seen = {row["pid"]: row["seen_pct"] for row in rows_of(told)}
    assert seen["thin"] is None
    assert seen["below"] == 0
    assert 85 < seen["half"] < 100


def test_points_are_counted_with_a_buffer(data):
    grid = rasterio.open(next(data.rglob("*B08.tif")))
    x, y = grid.transform * (100, 100)
    (lon,), (lat,) = transform(grid.crs, "EPSG:4326", [x], [y])
    grid.close()
    words = ("--lon", lon, "--lat", lat, "--layer", "B08", "-f", "jsonl")
    near = rows_of(run("stats", ".", *words))
    wide = rows_of(run("stats", ".", *words, "--buffer", 100))
    assert {row["count"] for row in near} == {4}  # the pixels around the corner
    assert all(280 < row["count"] < 340 for row in wide)  # pi * 10^2
    (data / "well.geojson").write_text(json.dumps({"type": "Point", "coordinates": [lon, lat]}))
    assert [row["mean"] for row in rows_of(run("stats", ".", "--points", "well.geojson", *words[4:]))] == [
        row["mean"] for row in near
    ]


def test_a_point_stands_for_the_pixel_that_it_lies_in(data):
    with rasterio.open(next(data.rglob("*SCL.tif"))) as classes:
        x, y = classes.transform * (10, 10)  # a corner: no centre of a pixel of 20 m lies within 10 m of it
        codes = classes.read(1)
        (lon,), (lat,) = transform(classes.crs, "EPSG:4326", [x + 1], [y - 1])
    told = run("stats", "d", "--lon", lon, "--lat", lat, "--buffer", 1, "-f", "jsonl")
    assert [row["pixels"] for row in rows_of(told)] == [1, 1]
    assert [row["histogram"] for row in rows_of(told)] == [{str(codes[10, 10]): 1}] * 2
    assert "thin" not in told.stderr


def test_a_product_that_cannot_be_used_does_not_stop_the_others(data):
    names = [str(next((data / "d").glob("*20240419*_cog"))), "gone/away.SAFE"]
    words = ("--parcels", "p.geojson", "--pid", "left")
    told = run("stats", "-", *words, "-f", "ids", code=4, input="\n".join(names))
    assert told.stdout.splitlines() == [NAME.format("20240419T105031")]
    assert told.stderr.splitlines()[0] == "s2kit: failed: gone/away.SAFE: there is no such file or folder"
    assert "1 of 2 items failed" in told.stderr
    assert run("stats", "gone/away.SAFE", *words, code=66).stdout == ""
    alone = run("stats", "gone/away.SAFE", "gone/too.SAFE", *words, code=4)
    assert "2 of 2 items failed" in alone.stderr


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("--lon", "9", "--lat", "50"), "does not show the place"),
        (("--parcels", "p.geojson", "--pid", "left", "--range", "2020-01-01", "2020-01-02"), "is of these dates"),
    ],
)
def test_why_a_named_product_answers_for_nothing(data, where, message):
    one = next((data / "d").glob("*20240419*_cog"))
    assert message in run("stats", one, *where, code=65).stderr


def test_a_parcel_file_that_does_not_say_its_crs_or_layer(tmp_path, monkeypatch):
    from pyogrio.raw import write

    monkeypatch.chdir(tmp_path)
    ring = shapely.Polygon([(560000, 6270000), (560300, 6270000), (560300, 6270300), (560000, 6270300)])
    for layer in ("fields", "meadows"):
        write("p.gpkg", np.array([ring.wkb]), [np.array([layer])], ["pid"], crs="EPSG:2154", geometry_type="Polygon",
              driver="GPKG", layer=layer)  # fmt: skip
    refused = run("parcels", "--parcels", "p.gpkg", code=65)
    assert "--layer-name" in refused.stderr
    assert run("parcels", "--parcels", "p.gpkg", "--layer-name", "meadows", "-f", "ids").stdout == "meadows\n"
    with pytest.warns(UserWarning, match="crs"):
        write("p.shp", np.array([ring.wkb]), [np.array(["Blé"])], ["pid"], geometry_type="Polygon", encoding="UTF-8",
              driver="ESRI Shapefile")  # fmt: skip
    refused = run("parcels", "--parcels", "p.shp", code=65)
    assert "crs=EPSG:n" in refused.stderr
    row = json.loads(run("parcels", "--parcels", "p.shp", "--crs", "EPSG:2154", "-f", "jsonl").stdout)
    assert (row["pid"], row["srid"]) == ("Blé", 2154)
    assert row["clat"] == pytest.approx(43.52, abs=0.05)
    (tmp_path / "p.cpg").unlink()  # older programs write none, whatever the attributes are in
    row = json.loads(run("parcels", "--parcels", "p.shp|crs=EPSG:2154", "-f", "jsonl").stdout)
    assert row["pid"] == "Blé"
    assert run("parcels", "--parcels", "p.shp|crs=EPSG:2154", "--crs", "EPSG:4326", code=65).stdout == ""
    assert run("stats", "--lon", 1, "--lat", 44, "--crs", "EPSG:2154", code=2).stdout == ""


def test_a_cache_that_cannot_be_written_costs_only_what_it_would_remember(data, monkeypatch):
    (data / "cache").write_text("no folder")
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(data / "cache"))
    told = run("stats", "d", "--parcels", "p.geojson", "--pid", "left", "--clear", "-f", "ids")
    assert told.stdout.splitlines() == [NAME.format("20240419T105031"), NAME.format("20240429T105031")]
    assert "s2kit: warning: what is clear is not remembered for the next verb: " in told.stderr
