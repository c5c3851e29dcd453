import json
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from s2kit.download.plan import Plan, ProductResult, Status
from s2kit.download.record import DownloadRecord, FileState
from s2kit.download.request import Arrangement, DownloadRequest, with_dataset
from s2kit.download.run import download, plan_downloads, summary
from s2kit.errors import (
    AccessError,
    DiskError,
    InputError,
    NotFoundError,
    OutputError,
    PartialFailure,
    TryLaterError,
    UsageError,
)
from s2kit.product.ref import ProductRef
from s2kit.product.subset import Subset
from s2kit.run.events import Event, Note
from s2kit.run.locks import destination_lock
from s2kit.store.archive import Archive, Layout
from support.aws_trees import (
    L1C,
    L2A,
    NEVER_ON_AWS,
    S1,
    AwsProduct,
    expected_tree,
    generated_paths,
    make_product,
    manifest_of,
    put_in_folder,
    tree_of,
)
from support.tiny_safe import L1C_NAME

OLD = "S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424"


@pytest.fixture(scope="module")
def made() -> dict[str, AwsProduct]:
    return {name: make_product(name) for name in (L1C, L2A, S1)}


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


def archive_at(folder: Path, layout: Layout = Layout.AWS_S2, name: str = "mine", **options: object) -> Archive:
    return Archive(name=name, address=str(folder), layout=layout, **options)  # type: ignore[arg-type]


def run(
    archive: Archive | list[Archive], out: Path, *names: str, events: list[Event] | None = None, **options: object
) -> list[ProductResult]:
    several = archive if isinstance(archive, list) else [archive]
    choice = options.pop("choice", several[0].name)
    request = DownloadRequest(
        out=str(out),
        archives={one.name: one for one in several},
        archive=choice,
        **options,  # type: ignore[arg-type]
    )
    heard = [] if events is None else events
    return list(download([ProductRef(name) for name in names], request, heard.append))


def one(*arguments: object, **options: object) -> ProductResult:
    (result,) = run(*arguments, **options)  # type: ignore[arg-type]
    return result


def stocked(bucket: Path, product: AwsProduct) -> Archive:
    put_in_folder(bucket, product)
    return archive_at(bucket, Layout.AWS_S1 if product.name.startswith("S1") else Layout.AWS_S2)


@pytest.mark.parametrize("name", [L1C, L2A, S1])
def test_a_product_becomes_the_folder_that_esa_made(name, made, bucket, tmp_path):
    product = made[name]
    result = one(stocked(bucket, product), tmp_path / "out", name)
    safe = tmp_path / "out" / f"{name}.SAFE"
    assert (result.status, result.path, result.error) == (Status.DONE, str(safe), None)
    assert tree_of(safe) == expected_tree(product)
    assert {file.path for file in result.files if file.state is FileState.UNLISTED} == product.extras
    assert not list(tmp_path.rglob("*.part"))
    record = DownloadRecord.from_json((tmp_path / "out" / f"{name}.SAFE.s2kit.json").read_bytes())
    assert record.archive == "mine"
    assert set(record.files) == set(product.kept) | product.extras
    if not name.startswith("S1"):
        assert record.absent == NEVER_ON_AWS
        assert [path.name for path in sorted(safe.iterdir()) if path.is_dir()] == [
            "AUX_DATA",
            "DATASTRIP",
            "GRANULE",
            "HTML",
            "rep_info",
        ]
        assert not list((safe / "HTML").iterdir())


def test_the_second_run_asks_nobody_and_reads_nothing(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    one(archive, tmp_path / "out", L1C)
    shutil.rmtree(bucket)
    for path in (tmp_path / "out").rglob("*.jp2"):
        os.utime(path, ns=(1, path.stat().st_mtime_ns))
    result = one(archive, tmp_path / "out", L1C, f"{L1C}.SAFE", f"{L1C}.SAFE.zip")
    assert result.status is Status.ALREADY_THERE
    assert result.moved == 0
    assert all(path.stat().st_atime_ns == 1 for path in (tmp_path / "out").rglob("*.jp2"))


def test_a_subset_is_said_and_grows_by_what_lacks(made, bucket, tmp_path):
    product, out = made[L2A], tmp_path / "out"
    archive = stocked(bucket, product)
    few = Subset.parse(["b04,scl@20"])
    result = one(archive, out, L2A, subset=few)
    images = sorted(path.name[23:] for path in out.rglob("IMG_DATA/*/*.jp2"))
    assert images == ["B04_10m.jp2", "B04_20m.jp2", "B04_60m.jp2", "SCL_20m.jp2"]
    assert result.count(FileState.SKIPPED) == len(product.kept) - 1 - result.count(FileState.VERIFIED)
    assert one(archive, out, L2A, subset=few).status is Status.ALREADY_THERE
    assert one(archive, out, L2A, subset=Subset.parse(["b04@10"])).status is Status.ALREADY_THERE
    red = next(out.rglob("*B04_10m.jp2"))
    before = red.stat()
    whole = one(archive, out, L2A)
    assert whole.status is Status.DONE
    assert whole.moved == sum(len(product.files[file.path]) for file in result.files if file.state is FileState.SKIPPED)
    assert red.stat() == before
    assert tree_of(out / f"{L2A}.SAFE") == expected_tree(product)
    assert not list(out.rglob("*.part"))
    assert one(archive, out, L2A).status is Status.ALREADY_THERE


def test_globs_choose_files(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    subset = Subset.parse(include=["*.xml", "*_B0[23].jp2"], exclude=["GRANULE/*/QI_DATA/*"])
    one(archive, tmp_path, L1C, subset=subset)
    names = {path.name for path in (tmp_path / f"{L1C}.SAFE").rglob("*") if path.is_file()}
    assert {"manifest.safe", "MTD_MSIL1C.xml", "MTD_TL.xml", "T31UFS_20221206T105431_B02.jp2"} <= names
    assert not any("MSK" in name or "B04" in name for name in names)


def test_a_file_that_was_damaged_is_fetched_again_and_no_other(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    one(archive, tmp_path, L1C)
    victim = next((tmp_path / f"{L1C}.SAFE").rglob("*_B05.jp2"))
    data = bytearray(victim.read_bytes())
    data[10] ^= 1
    victim.write_bytes(bytes(data))
    result = one(archive, tmp_path, L1C)
    assert (result.status, result.moved) == (Status.DONE, len(data))
    assert tree_of(tmp_path / f"{L1C}.SAFE") == expected_tree(product)


def test_a_folder_of_another_tool_is_proven_and_taken_over(made, bucket, tmp_path):
    product = made[L1C]
    for path, data in product.files.items():
        target = tmp_path / f"{L1C}.SAFE" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    result = one(archive_at(bucket), tmp_path, L1C)  # the archive is empty: nobody is asked
    assert result.status is Status.ALREADY_THERE
    assert (tmp_path / f"{L1C}.SAFE.s2kit.json").is_file()
    next((tmp_path / f"{L1C}.SAFE").rglob("*_B01.jp2")).unlink()
    (tmp_path / f"{L1C}.SAFE.s2kit.json").write_text("{broken")
    again = one(stocked(bucket, product), tmp_path, L1C)
    assert [file.path[-7:] for file in again.files if file.moved] == ["B01.jp2"]


def test_what_an_interrupted_run_left_is_proven_again_and_kept(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    part = tmp_path / f"{L1C}.SAFE.part"
    good, bad = sorted(path for path in product.kept if "IMG_DATA" in path)[:2]
    for path, data in ((good, product.files[good]), (bad, product.files[bad][:-1] + b"?")):
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).write_bytes(data)
    result = one(archive, tmp_path, L1C)
    assert next(file for file in result.files if file.path == good).moved == 0
    assert next(file for file in result.files if file.path == bad).moved == len(product.files[bad])
    assert tree_of(tmp_path / f"{L1C}.SAFE") == expected_tree(product)


def test_zips_are_the_same_every_time_and_hold_what_was_proven(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    first = one(archive, tmp_path / "a", L1C, as_zip=True)
    second = one(archive, tmp_path / "b", L1C, as_zip=True, keep_folder=True)
    assert first.path == str(tmp_path / "a" / f"{L1C}.zip")
    assert Path(first.path).read_bytes() == Path(second.path).read_bytes()
    assert not (tmp_path / "a" / f"{L1C}.SAFE").exists()
    assert (tmp_path / "b" / f"{L1C}.SAFE").is_dir()
    with zipfile.ZipFile(first.path) as archive_file:
        assert archive_file.testzip() is None
        infos = archive_file.infolist()
        assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in infos} == {(2022, 12, 6, 10, 54, 30)}
        names = {info.filename for info in infos}
        assert {f"{L1C}.SAFE/{path}" for path in product.kept} | {f"{L1C}.SAFE/HTML/"} <= names
        assert archive_file.read(f"{L1C}.SAFE/{product.large}") == product.files[product.large]
    shutil.rmtree(bucket)
    for wanted in (True, False):  # the zip will do where no folder is asked for
        assert one(archive, tmp_path / "a", L1C, as_zip=wanted).path == first.path
    folder = one(archive_at(bucket), tmp_path / "c" / "..", L1C)
    assert folder.status is Status.FAILED


def test_a_zip_is_made_of_a_folder_that_is_there(made, bucket, tmp_path):
    archive = stocked(bucket, made[S1])
    one(archive, tmp_path, S1)
    shutil.rmtree(bucket)
    result = one(archive, tmp_path, S1, as_zip=True)
    assert (result.status, result.path) == (Status.DONE, str(tmp_path / f"{S1}.zip"))
    assert one(archive, tmp_path, S1, as_zip=True).status is Status.ALREADY_THERE


def test_a_zip_of_another_tool_is_proven_and_taken_over(made, bucket, tmp_path):
    with zipfile.ZipFile(tmp_path / f"{L1C}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in made[L1C].files.items():
            archive.writestr(f"{L1C}.SAFE/{path}", data)
    assert one(archive_at(bucket), tmp_path, L1C).status is Status.ALREADY_THERE


def test_a_zip_that_lacks_something_gives_what_it_has(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    with zipfile.ZipFile(tmp_path / f"{L1C}.zip", "w") as old:
        for path, data in product.kept.items():
            if not path.endswith("105431_B03.jp2"):
                old.writestr(f"{L1C}.SAFE/{path}", data)
    path = tmp_path / f"{L1C}.zip"
    with zipfile.ZipFile(path) as old:
        header = next(info.header_offset for info in old.infolist() if info.filename.endswith("105431_B02.jp2"))
    data = bytearray(path.read_bytes())
    data[header + 5000] ^= 1
    path.write_bytes(bytes(data))
    result = one(archive, tmp_path, L1C, as_zip=True)
    assert sorted(file.path[-7:] for file in result.files if file.moved) == ["B02.jp2", "B03.jp2"]
    with zipfile.ZipFile(result.path) as new:
        assert new.read(f"{L1C}.SAFE/{product.large}") == product.files[product.large]


@pytest.mark.parametrize("damage", ["cut", "text", "member"])
def test_a_broken_zip_is_put_aside_and_the_product_fetched(damage, made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    one(archive, tmp_path, L1C, as_zip=True)
    path = tmp_path / f"{L1C}.zip"
    whole = path.read_bytes()
    at = whole.index(made[L1C].files["manifest.safe"][:200])
    broken = {"cut": whole[: len(whole) // 2], "text": b"<html>", "member": whole[:at] + b"?" + whole[at + 1 :]}
    path.write_bytes(broken[damage])
    heard: list[Event] = []
    result = one(archive, tmp_path, L1C, as_zip=True, events=heard)
    assert result.status is Status.DONE
    assert path.read_bytes() == whole
    assert (tmp_path / f"{L1C}.SAFE.quarantine" / f"{L1C}.zip").read_bytes() == broken[damage]
    assert any(isinstance(event, Note) and event.warning and "moved to" in event.message for event in heard)


def test_what_aws_never_had_comes_from_another_archive(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    other = archive_at(tmp_path / "cdse", Layout.CDSE, "cdse")
    safe = tmp_path / "cdse" / "Sentinel-2/MSI/L1C_N0500/2022/12/06" / f"{L1C}.SAFE"
    for path, data in {**product.files, "HTML/banner_1.png": b"picture", "rep_info/x.xsd": b"schema"}.items():
        (safe / path).parent.mkdir(parents=True, exist_ok=True)
        (safe / path).write_bytes(data)
    one(archive, tmp_path / "out", L1C)
    result = one([archive, other], tmp_path / "out", L1C, complete_from="cdse")
    assert {file.path: file.state for file in result.files if file.moved} == {
        "HTML/UserProduct_index.html": FileState.VERIFIED,
        "HTML/UserProduct_index.xsl": FileState.VERIFIED,
        "HTML/banner_1.png": FileState.UNLISTED,
        "rep_info/x.xsd": FileState.UNLISTED,
    }
    assert tree_of(tmp_path / "out" / f"{L1C}.SAFE") == tree_of(safe)
    assert one([archive, other], tmp_path / "out", L1C, complete_from="cdse").status is Status.ALREADY_THERE
    assert isinstance(one(archive, tmp_path / "x", L1C, complete_from="cdes").error, UsageError)


def test_an_archive_of_safe_folders_gives_all_but_its_own_additions(made, tmp_path):
    product = made[L1C]
    safe = tmp_path / "gcp" / "tiles/31/U/FS" / f"{L1C}.SAFE"
    noise = {"GRANULE_$folder$": b"marker", f"{L1C}-ql.jpg": b"quicklook"}
    for path, data in {**product.files, **noise, "HTML/star_bg.jpg": b"picture"}.items():
        (safe / path).parent.mkdir(parents=True, exist_ok=True)
        (safe / path).write_bytes(data)
    archives = [archive_at(tmp_path / "none", name="first"), archive_at(tmp_path / "gcp", Layout.GCP, "gcp")]
    result = one(archives, tmp_path / "out", L1C, choice="auto")
    assert result.archive == "gcp"
    wanted = {path: value for path, value in tree_of(safe).items() if path not in noise}
    assert tree_of(tmp_path / "out" / f"{L1C}.SAFE") == wanted


def move_tile(bucket: Path, frm: str, to: str) -> None:
    (bucket / frm).rename(bucket / to)


def test_the_tile_is_known_by_what_its_tile_info_says(made, bucket, tmp_path):
    """`productInfo.json` points at sequence 1, where another product lies; the right one has 2."""
    product = made[L1C]
    archive = stocked(bucket, product)
    tile = "tiles/31/U/FS/2022/12/6"
    move_tile(bucket, f"{tile}/1", f"{tile}/2")
    other = bucket / tile / "1"
    other.mkdir()
    (other / "tileInfo.json").write_text(json.dumps({"productName": "S2B_another"}))
    assert one(archive, tmp_path / "a", L1C).status is Status.DONE
    (bucket / f"products/2022/12/6/{L1C}/productInfo.json").unlink()  # it was missing for whole months
    assert one(archive, tmp_path / "b", L1C).status is Status.DONE
    shutil.rmtree(bucket / tile / "2")
    assert "no tile of it" in str(one(archive, tmp_path / "c", L1C).error)


def test_a_gap_in_the_archive_is_named_and_the_product_is_not_begun(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    (bucket / product.keys[product.large]).unlink()
    result = one(archive, tmp_path / "out", L1C)
    assert isinstance(result.error, PartialFailure)
    assert result.error.hint is not None
    assert "cdse" in result.error.hint
    assert product.large in str(result.error)
    assert not (tmp_path / "out" / f"{L1C}.SAFE").exists()
    assert one(archive, tmp_path / "out", L1C, subset=Subset(exclude=("*TCI.jp2",))).status is Status.DONE


def test_a_gap_among_reports_and_masks_is_absent_with_a_warning(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    lost = next(path for path in product.keys if path.endswith("MSK_QUALIT_B01.jp2"))
    (bucket / product.keys[lost]).unlink()
    heard: list[Event] = []
    result = one(archive, tmp_path, L1C, events=heard)
    assert result.status is Status.DONE
    assert lost in {file.path for file in result.files if file.state is FileState.ABSENT}
    assert any(isinstance(event, Note) and event.warning and lost in event.message for event in heard)


def test_an_object_of_another_size_is_not_even_fetched(made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    (bucket / product.keys[product.large]).write_bytes(b"short")
    assert "5 bytes in archive mine" in str(one(archive, tmp_path, L1C).error)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, NotFoundError, "no manifest.safe"),
        (b"<XFDU><dataObjectSection>", InputError, "not well-formed"),
        (b"AccessDenied", InputError, "not well-formed"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><XFDU>&a;</XFDU>', InputError, "refused"),
        (manifest_of({"../../../etc/cron.d/x": b"1"}, "MD5"), InputError, "no path inside"),
        (manifest_of({"GRANULE/L2A_x/IMG_DATA/R10m/B02.tif": b"1"}, "MD5"), InputError, "not authoritative"),
    ],
)
def test_a_manifest_that_proves_nothing_stops_the_product(data, error, message, made, bucket, tmp_path):
    product = made[L1C]
    archive = stocked(bucket, product)
    path = bucket / product.keys["manifest.safe"]
    path.unlink() if data is None else path.write_bytes(data)
    result = one(archive, tmp_path / "out", L1C)
    assert isinstance(result.error, error)
    assert message in str(result.error)
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


def test_an_unknown_product_is_named_with_where_it_was_looked_for(bucket, tmp_path):
    archives = [archive_at(bucket), archive_at(bucket, Layout.GCP, "gcp")]
    auto, named, word = run(archives, tmp_path, L1C, choice="auto") + run(archives, tmp_path, L1C, "nonsense")
    assert isinstance(auto.error, NotFoundError)
    assert "none of the archives mine, gcp" in str(auto.error)
    by_product = {result.product: result.error for result in (named, word)}
    assert "is not in archive mine" in str(by_product[L1C])
    assert isinstance(by_product["nonsense"], InputError)
    assert isinstance(one(archives, tmp_path, L1C, choice="awz").error, UsageError)


def test_nobody_is_billed_unasked(made, bucket, tmp_path):
    put_in_folder(bucket, made[L1C])
    paid = archive_at(bucket, name="aws-l1c", requester_pays=True)
    free = archive_at(tmp_path / "none", Layout.GCP, "gcp")
    refused = one([paid, free], tmp_path / "out", L1C, choice="auto")
    assert isinstance(refused.error, AccessError)
    assert refused.error.exit_code == 77
    assert "--archive aws" in str(refused.error.hint)
    (plan,) = plan_downloads([ProductRef(L1C)], DownloadRequest(out="x", archives={"aws-l1c": paid}, archive="aws"))
    assert isinstance(plan, Plan)
    record = plan.record()
    assert record["files"] == len(made[L1C].kept) - 1
    assert record["nbytes"] == sum(len(data) for data in made[L1C].kept.values()) - len(
        made[L1C].files["manifest.safe"]
    )
    assert 0 < record["usd_in_region"] < record["usd"]
    assert record["price_list"] == "2021-12"
    assert one([paid, free], tmp_path / "out", L1C, choice="auto", allow_requester_pays=True).archive == "aws-l1c"
    assert one([paid, free], tmp_path / "out2", L1C, choice="aws").archive == "aws-l1c"


def test_a_plan_knows_what_is_there(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    request = DownloadRequest(out=str(tmp_path), archives={"mine": archive}, archive="mine")
    one(archive, tmp_path, L1C, subset=Subset.parse(["b02"]))
    (plan,) = plan_downloads([ProductRef(L1C)], request)
    assert isinstance(plan, Plan)
    assert plan.record()["there"] + plan.record()["files"] == len(made[L1C].kept) - 1
    one(archive, tmp_path, L1C)
    (there,) = plan_downloads([ProductRef(L1C)], request)
    assert isinstance(there, ProductResult)
    assert there.status is Status.ALREADY_THERE


def test_too_much_or_too_little_room_stops_before_it_starts(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    with pytest.raises(UsageError, match="more than the"):
        run(archive, tmp_path / "out", L1C, max_bytes=100_000)
    result = one(archive, tmp_path / "out", L1C, min_free=10**18)
    assert isinstance(result.error, DiskError)
    assert not list((tmp_path / "out").glob("*.SAFE*"))
    assert one(archive, tmp_path / "out", L1C, max_bytes=10**9).status is Status.DONE


def test_a_destination_in_use_is_waited_for_or_left(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    with destination_lock(tmp_path), pytest.raises(TryLaterError, match="another run"):
        run(archive, tmp_path, L1C)
    assert one(archive, tmp_path, L1C, wait_s=0.1).status is Status.DONE


def test_a_destination_that_cannot_be_is_an_output_error(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        run(archive, tmp_path / "file" / "below", L1C)


def test_the_layout_of_the_older_system(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    request = DownloadRequest(
        out=str(tmp_path), archives={"mine": archive}, archive="mine", arrangement=Arrangement.SEED
    )
    said = {"s2kit:range": "2022-12-01/2022-12-13", "s2kit:aoi": "my field/1"}
    refs = [ProductRef(L1C, {"id": L1C, **said}), ProductRef(f"{L1C}.SAFE", {"properties": said}), ProductRef(L1C_NAME)]
    results = list(download(refs, request))
    done = [result for result in results if result.status is Status.DONE]
    assert [result.path for result in done] == [
        str(tmp_path / "2022-12-01_2022-12-13" / "my_field_1" / "original" / f"{L1C}.SAFE")
    ]
    (bare,) = (result for result in results if result.error)
    assert "search -f jsonl" in str(bare.error.hint)


def test_records_of_catalogues_with_ids_of_their_own_lead_to_the_product(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    request = DownloadRequest(out=str(tmp_path), archives={"mine": archive}, archive="mine")
    ref = ProductRef("S2A_31UFS_20221206_0_L1C", {"properties": {"s2:product_uri": f"{L1C}.SAFE"}})
    (result,) = download([ref], request)
    assert result.product == L1C


def test_the_dataset_folder_is_asked_before_any_archive(made, bucket, tmp_path):
    archive = stocked(bucket, made[L1C])
    one(archive, tmp_path / "dataset", L1C)
    shutil.rmtree(bucket)
    archives = with_dataset({"mine": archive}, tmp_path / "dataset", str(tmp_path / "out"))
    assert list(archives) == ["dataset", "mine"]
    request = DownloadRequest(out=str(tmp_path / "out"), archives=archives)
    (result,) = download([ProductRef(L1C)], request)
    assert isinstance(result.error, NotFoundError)  # it lacks HTML, and another archive might have it
    (safe,) = (tmp_path / "dataset").glob("*.SAFE")
    for path in NEVER_ON_AWS:
        (safe / path).write_bytes(made[L1C].files[path])
    (result,) = download([ProductRef(L1C)], request)
    assert (result.status, result.archive) == (Status.DONE, "dataset")
    assert with_dataset({}, tmp_path, str(tmp_path)) == {}


def test_an_old_product_with_its_granules_comes_as_far_as_it_can_be_named(bucket, tmp_path, shared_data):
    from s2kit.product.manifest import parse_manifest

    real = shared_data / "safe_metadata" / f"{OLD}.SAFE" / "manifest.safe"
    paths = [entry.path for entry in parse_manifest(real.read_bytes()).entries]
    files = {path: f"bytes of {path}".encode() for path in paths}
    files["manifest.safe"] = manifest_of(files, "MD5")
    tiles = sorted({path.split("/")[1][-12:-7] for path in paths if path.startswith("GRANULE/")})
    strip = next(path.split("/")[1] for path in paths if path.startswith("DATASTRIP/"))
    prefix = f"products/2016/9/5/{OLD}"
    info = {
        "name": OLD,
        "tiles": [{"path": f"tiles/53/H/{tile[3:]}/2016/9/5/0"} for tile in tiles],
        "datastrips": [{"id": strip, "path": f"{prefix}/datastrip/0"}],
    }
    from s2kit.archive.layout import aws_rules
    from s2kit.product.name import parse_product_name

    rules = aws_rules(parse_product_name(OLD), info, f"{prefix}/")
    objects = {key: data for path, data in files.items() for key in rules.keys(path)[:1]}
    objects[f"{prefix}/productInfo.json"] = json.dumps(info).encode()
    for key, data in objects.items():
        (bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (bucket / key).write_bytes(data)
    result = one(archive_at(bucket), tmp_path / "out", OLD)
    assert result.status is Status.DONE
    assert {file.path for file in result.files if file.state is FileState.ABSENT} == set(NEVER_ON_AWS)
    found = {
        p.relative_to(tmp_path / "out" / f"{OLD}.SAFE").as_posix()
        for p in (tmp_path / "out").rglob("*")
        if p.is_file() and ".SAFE/" in str(p)
    }
    assert found == set(files) - set(NEVER_ON_AWS)


def test_products_go_side_by_side_and_one_failure_stops_no_other(made, bucket, tmp_path):
    put_in_folder(bucket, made[L1C])
    put_in_folder(bucket, made[L2A])
    started = time.monotonic()
    results = run(archive_at(bucket), tmp_path, L1C, L2A, L1C_NAME)
    assert {result.product: result.status for result in results} == {
        L1C: Status.DONE,
        L2A: Status.DONE,
        L1C_NAME: Status.FAILED,
    }
    assert summary(results, time.monotonic() - started).startswith("2 done, 1 failed, ")


def test_leaving_early_stops_the_rest(made, bucket, tmp_path):
    put_in_folder(bucket, made[L1C])
    put_in_folder(bucket, made[L2A])
    archive = archive_at(bucket)
    request = DownloadRequest(out=str(tmp_path), archives={"mine": archive}, archive="mine", products_at_once=1)
    results = download([ProductRef(L1C), ProductRef(L2A)], request)
    first = next(results)
    results.close()
    assert first.status is Status.DONE
    with destination_lock(tmp_path):  # it was released
        assert not (tmp_path / f"{L2A}.SAFE").exists()


def test_the_generated_lists_are_those_of_real_manifests(shared_data):
    from s2kit.product.manifest import parse_manifest

    for name in (L1C, L2A):
        real = shared_data / "manifests" / "creodias" / f"{name}.SAFE" / "manifest.safe"
        paths = [entry.path for entry in parse_manifest(real.read_bytes()).entries]
        tail = {path.rpartition("/")[2] for path in paths}
        assert {path.rpartition("/")[2] for path in generated_paths(name)} == tail
