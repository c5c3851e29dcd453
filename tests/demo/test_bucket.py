"""The scene as buckets: real keys, files that the manifest proves, JSON files with the keys of real ones."""

import json
from pathlib import Path

import pytest

from s2kit.archive.layout import aws_rules, compact_rules
from s2kit.demo.bucket import lay_out_bucket
from s2kit.product.manifest import parse_manifest
from s2kit.product.name import parse_product_name
from s2kit.store.hashes import new_hash
from support.scenes import built_scene


@pytest.fixture(scope="module", params=["05.10", "03.01"])
def buckets(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = built_scene(side=600, dates=1, baseline=request.param)
    return lay_out_bucket(scene, tmp_path_factory.mktemp("cloud"))


def products(buckets: Path) -> list[tuple[Path, Path]]:
    return [(path.parents[5], path.parent) for path in buckets.rglob("products/*/*/*/*/productInfo.json")]


def test_a_product_can_be_put_together_again(buckets: Path) -> None:
    assert len(products(buckets)) == 2
    for root, tree in products(buckets):
        name = parse_product_name(tree.name)
        info = json.loads((tree / "productInfo.json").read_text())
        rules = aws_rules(name, info, f"{tree.relative_to(root).as_posix()}/")
        absent = []
        for entry in parse_manifest((tree / "manifest.safe").read_bytes()).entries:
            keys = rules.keys(entry.path)
            if not keys:
                absent.append(entry.path)
                continue
            digest = new_hash(entry.algorithm)
            digest.update((root / keys[0]).read_bytes())
            assert digest.hexdigest() == entry.checksum, entry.path
        assert absent == ["HTML/UserProduct_index.html", "HTML/UserProduct_index.xsl"]


def test_keys_are_those_of_the_buckets(buckets: Path) -> None:
    keys = {path.relative_to(buckets).as_posix() for path in buckets.rglob("*") if path.is_file()}
    tile = "tiles/31/T/CJ/2024/4/19/0"
    assert f"sentinel-s2-l1c/{tile}/B8A.jp2" in keys
    assert f"sentinel-s2-l1c/{tile}/preview.jpg" in keys
    assert f"sentinel-s2-l2a/{tile}/R20m/SCL.jp2" in keys
    assert f"sentinel-s2-l2a/{tile}/qi/L2A_PVI.jp2" in keys
    assert not any("HTML" in key or "rep_info" in key for key in keys)


def test_json_has_the_keys_of_real_ones(buckets: Path, shared_data: Path) -> None:
    (real,) = (shared_data / "aws_layout").glob("sentinel-s2-l1c/tiles/19/U/DP/2017/7/29/0/tileInfo.json")
    ours = json.loads((buckets / "sentinel-s2-l1c/tiles/31/T/CJ/2024/4/19/0/tileInfo.json").read_text())
    assert list(ours) == list(json.loads(real.read_text()))
    assert ours["productName"] == Path(ours["productPath"]).name
    assert ours["dataCoveragePercentage"] == pytest.approx(100, abs=0.01)


def test_a_bucket_that_is_there_is_kept(tmp_path: Path) -> None:
    scene = built_scene(side=600, dates=1)
    first = lay_out_bucket(scene, tmp_path)
    stamp = first.stat().st_mtime_ns
    assert lay_out_bucket(scene, tmp_path) == first
    assert first.stat().st_mtime_ns == stamp
    name = parse_product_name(scene.l2a[0].name)
    assert (first / "sentinel-s2-l2a" / compact_rules(name).tile_prefix / "metadata.xml").is_file()
