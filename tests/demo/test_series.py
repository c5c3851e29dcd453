"""Invented scenes are real SAFE folders: parsed, proven and encoded as ESA's are."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from s2kit.demo.series import Scene, make_scene
from s2kit.errors import UsageError
from s2kit.product.manifest import parse_manifest
from s2kit.product.name import ProductName, parse_product_name
from s2kit.store.hashes import new_hash
from support.scenes import built_scene


def image(product: Path, name: str) -> Path:
    (path,) = product.glob(f"GRANULE/*/IMG_DATA/**/*_{name}.jp2")
    return path


def read(product: Path, name: str) -> np.ndarray:
    with rasterio.open(image(product, name)) as source:
        return source.read()


def test_names_are_real_product_names(scene: Scene) -> None:
    for product in scene.products:
        name = parse_product_name(product.name)
        assert isinstance(name, ProductName)
        assert (str(name.tile), name.baseline.code) == ("31TCJ", "N0510")


@pytest.mark.parametrize("baseline", ["05.10", "03.01", "02.12"])
def test_manifest_proves_every_file(baseline: str) -> None:
    made = built_scene(side=600, dates=1, baseline=baseline)
    for product in made.products:
        entries = parse_manifest((product / "manifest.safe").read_bytes()).entries
        assert {entry.algorithm for entry in entries} == {"MD5" if baseline == "02.12" else "SHA3-256"}
        for entry in entries:
            data = (product / entry.path).read_bytes()
            digest = new_hash(entry.algorithm)
            digest.update(data)
            assert (entry.nbytes, entry.checksum) == (len(data), digest.hexdigest()), entry.path
        there = {path.relative_to(product).as_posix() for path in product.rglob("*") if path.is_file()}
        unlisted = there - {entry.path for entry in entries}
        assert unlisted - {path for path in unlisted if path.startswith("rep_info/")} == {"manifest.safe"}


def test_files_are_those_of_a_real_product(scene: Scene, shared_data: Path) -> None:
    for level, product in (("L1C", scene.l1c[0]), ("L2A", scene.l2a[0])):
        (listing,) = (shared_data / "safe_listings").glob(f"S2A_MSI{level}_20221206T105431_N0509*.tsv")
        real = {line.split("\t")[0].removeprefix("./") for line in listing.read_text().splitlines()[1:]}
        ours = {entry.path for entry in parse_manifest((product / "manifest.safe").read_bytes()).entries}
        assert {_plain(path) for path in ours} == {_plain(path) for path in real}


def _plain(path: str) -> str:
    parts = path.split("/")
    if parts[0] in {"GRANULE", "DATASTRIP"}:
        parts[1] = "*"
    parts[-1] = parts[-1].replace("T31UFS_20221206T105431_", "").replace("T31TCJ_20240419T105031_", "")
    return "/".join(parts)


def test_bands_agree_between_resolutions(scene: Scene) -> None:
    fine, coarse = read(scene.l2a[0], "B04_10m")[0], read(scene.l2a[0], "B04_60m")[0]
    mean = fine.reshape(coarse.shape[0], 6, -1, 6).mean(axis=(1, 3))
    assert np.abs(mean - coarse).max() <= 1


def test_offset_follows_the_baseline() -> None:
    new = built_scene(side=600, dates=1, baseline="05.10").l2a[0]
    old = built_scene(side=600, dates=1, baseline="02.12").l2a[0]
    assert np.array_equal(read(new, "B03_20m") - 1000, read(old, "B03_20m"))


def test_classes_match_what_is_seen(scene: Scene) -> None:
    scl = read(scene.l2a[1], "SCL_20m")[0]
    blue, nir = (read(scene.l2a[1], f"{band}_20m")[0].astype(float) / 10000 - 0.1 for band in ("B02", "B8A"))
    red = read(scene.l2a[1], "B04_20m")[0].astype(float) / 10000 - 0.1
    assert blue[scl == 9].mean() > 0.5 > 0.1 > blue[scl == 4].mean()
    assert np.all(read(scene.l2a[1], "B02_20m")[0][scl == 0] == 0)
    assert {0, 3, 4, 5, 6, 8, 9} <= set(np.unique(scl).tolist())
    ndvi = (nir - red) / (nir + red)
    assert np.median(ndvi[scl == 4]) > 0.6
    assert np.median(ndvi[scl == 6]) < 0
    assert np.median(nir[scl == 3]) < 0.7 * np.median(nir[scl == 4])


def test_crops_grow_between_the_dates(scene: Scene) -> None:
    def ndvi(product: Path) -> np.ndarray:
        red, nir = (read(product, f"{band}_10m")[0].astype(float) - 1000 for band in ("B04", "B08"))
        return (nir - red) / np.maximum(nir + red, 1)

    clear = np.kron(np.isin(read(scene.l2a[1], "SCL_20m")[0], (4, 5)), np.ones((2, 2))) > 0
    change = (ndvi(scene.l2a[1]) - ndvi(scene.l2a[0]))[clear]
    assert (change > 0.2).mean() > 0.1
    assert (change < -0.2).mean() > 0.05


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    def digests(folder: Path) -> dict[str, str]:
        make_scene(folder, side=300, dates=2, seed=3)
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    first = make_scene(tmp_path, side=300, dates=1, levels=("L2A",))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = make_scene(tmp_path, side=300, dates=1, levels=("L2A",))
    assert again == first
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_fields_and_area(scene: Scene) -> None:
    fields = json.loads(scene.parcels.read_text())["features"]
    assert len(fields) > 100
    assert {"pid", "cropname", "cropcode"} == set(fields[0]["properties"])
    assert len({field["properties"]["cropcode"] for field in fields}) >= 6
    lon, lat = json.loads(scene.aoi.read_text())["features"][0]["geometry"]["coordinates"][0][0]
    assert (0.4 < lon < 0.8, 44.0 < lat < 44.3) == (True, True)


@pytest.mark.parametrize(("options", "says"), [({"side": 1000}, "1000 px"), ({"dates": 5, "more_l2a": 2}, "7 dates")])
def test_impossible_scenes_are_refused(tmp_path: Path, options: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_scene(tmp_path, **options)
