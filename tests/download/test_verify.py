import zipfile
from pathlib import Path

import pytest

from s2kit.admin.info import describe
from s2kit.download import DownloadRequest, download
from s2kit.download.verify import Verdict, Verified, verify
from s2kit.errors import InputError, NotFoundError, PartialFailure
from s2kit.product.open import open_product
from s2kit.product.ref import ProductRef
from s2kit.product.subset import Subset
from s2kit.store.archive import Archive, Layout
from support.aws_trees import L1C, S1, AwsProduct, make_product, manifest_of, put_in_folder
from support.scenes import copied


@pytest.fixture(scope="module")
def product() -> AwsProduct:
    return make_product(L1C)


def fetched(product: AwsProduct, tmp_path: Path, **options: object) -> Path:
    put_in_folder(tmp_path / "bucket", product)
    layout = Layout.AWS_S1 if product.name.startswith("S1") else Layout.AWS_S2
    archive = Archive(name="mine", address=str(tmp_path / "bucket"), layout=layout)
    request = DownloadRequest(out=str(tmp_path), archives={"mine": archive}, archive="mine", **options)  # type: ignore[arg-type]
    (result,) = download([ProductRef(product.name)], request)
    assert result.error is None
    return Path(result.path)


def one(path: Path, **options: bool) -> Verified:
    (result,) = verify([path], 1, **options)
    return result


def by_path(result: Verified) -> dict[str, Verdict]:
    return {file.path: file.verdict for file in result.files}


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("name", [L1C, S1])
def test_a_downloaded_product_is_what_its_manifest_says(name, as_zip, tmp_path):
    path = fetched(make_product(name), tmp_path, as_zip=as_zip)
    result = one(path)
    assert (result.failure, result.product) == (None, name)
    assert set(by_path(result).values()) <= {Verdict.VERIFIED, Verdict.ABSENT, Verdict.UNLISTED}
    strict = one(path, strict=True)
    assert (strict.failure is None) == (name == S1)  # nothing of Sentinel-1 is absent at the source


def test_every_kind_of_damage_is_told_apart(product, tmp_path):
    safe = fetched(product, tmp_path)
    images = sorted(safe.rglob("IMG_DATA/*.jp2"))
    images[0].unlink()
    images[1].write_bytes(b"x" + images[1].read_bytes()[1:])
    images[2].write_bytes(images[2].read_bytes() + b"x")
    (safe / "notes.txt").write_text("mine")
    (safe / "HTML" / "banner_1.png").write_bytes(b"ESA's own, listed nowhere")
    result = one(safe)
    found = by_path(result)
    at = [path.relative_to(safe).as_posix() for path in images]
    assert [found[path] for path in at[:4]] == [Verdict.MISSING, Verdict.WRONG, Verdict.WRONG, Verdict.VERIFIED]
    assert found["notes.txt"] is Verdict.EXTRA
    assert found["HTML/banner_1.png"] is Verdict.UNLISTED
    assert found["manifest.safe"] is Verdict.UNLISTED
    assert found["HTML/UserProduct_index.xsl"] is Verdict.ABSENT
    assert isinstance(result.failure, PartialFailure)
    record = result.record()
    assert (record["ok"], record["missing"], record["wrong"], record["extra"]) == (False, 1, 2, 1)
    assert record["bad"] == at[:3]


def test_verify_counts_the_files_that_info_counts(scene, tmp_path):
    damaged = copied(scene.l2a[0], tmp_path)
    (gone, cut, *_) = sorted(damaged.rglob("*_60m.jp2"))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    (damaged / "mine.txt").write_text("x")
    about = describe(open_product(damaged))
    result = one(damaged)
    counts = result.record()
    assert counts["missing"] == len(about.missing) == 1
    assert counts["wrong"] == len(about.wrong_size) == 1
    assert f"2 of the manifest's {about.listed} files missing or wrong: " in str(result.failure)
    assert ", 1 file not listed: " in str(one(damaged, strict=True).failure)


def test_without_its_record_what_is_missing_is_missing(product, tmp_path):
    safe = fetched(product, tmp_path, subset=Subset.parse(["b04"]))
    result = one(safe)
    assert result.failure is None
    assert Verdict.SKIPPED in by_path(result).values()
    assert one(safe, strict=True).failure is not None
    (tmp_path / f"{L1C}.SAFE.s2kit.json").unlink()
    assert by_path(one(safe))["HTML/UserProduct_index.html"] is Verdict.MISSING
    assert one(safe).failure is not None


def test_a_flipped_byte_in_a_zip_is_found_stored_or_deflated(product, tmp_path):
    safe = fetched(product, tmp_path)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = tmp_path / f"{L1C}.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for file in sorted(safe.rglob("*")):
                if file.is_file():
                    archive.write(file, f"{safe.name}/{file.relative_to(safe)}")
        assert one(path).failure is None
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{safe.name}/{product.large}")
        data = bytearray(path.read_bytes())
        data[info.header_offset + 1_000_000] ^= 8
        path.write_bytes(bytes(data))
        bad = one(path)
        assert [file.path for file in bad.bad] == [product.large]


def test_what_cannot_be_held_against_anything_says_why(product, tmp_path):
    (tmp_path / "empty.SAFE").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK nothing")
    safe = tmp_path / "doubt.SAFE"
    (safe / "GRANULE").mkdir(parents=True)
    (safe / "manifest.safe").write_bytes(manifest_of({"GRANULE/g/IMG_DATA/B02.tif": b"1"}, "MD5"))
    bomb = tmp_path / "bomb.SAFE"
    bomb.mkdir()
    (bomb / "manifest.safe").write_bytes(b'<!DOCTYPE x [<!ENTITY a "a">]><XFDU>&a;</XFDU>')
    paths = [tmp_path / name for name in ("gone.SAFE", "empty.SAFE", "broken.zip", "doubt.SAFE", "bomb.SAFE")]
    errors = {result.path.name: result.failure for result in verify(paths, 1)}
    assert isinstance(errors["gone.SAFE"], NotFoundError)
    assert all(isinstance(error, InputError) for name, error in errors.items() if name != "gone.SAFE")
    assert "not authoritative" in str(errors["doubt.SAFE"])
    assert "refused" in str(errors["bomb.SAFE"])


def test_the_real_product_is_proven_as_far_as_it_is_there(real_l2a):
    """75 of its 94 files are in the collection; MTD_DS.xml and the large bands are not."""
    (result,) = verify([real_l2a], 2)
    counts = result.record()
    assert (counts["verified"], counts["missing"], counts["wrong"], counts["extra"]) == (67, 19, 0, 0)
    assert result.failure is not None


def test_the_scene_is_proven_in_worker_processes(scene):
    results = list(verify(scene.products, 2))
    assert {result.product for result in results} == {path.stem for path in scene.products}
    assert all(result.failure is None for result in results)
