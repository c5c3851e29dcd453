import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s2kit.errors import DiskError, InputError, OutputError
from s2kit.product.zip_writer import write_zip
from s2kit.store.checksum import checksum
from s2kit.store.hashes import new_hash
from s2kit.store.location import FilePart, LocalFile, ZipMember

MOMENT = datetime(2022, 12, 6, 10, 54, 31, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    safe = tmp_path / "X.SAFE"
    (safe / "b").mkdir(parents=True)
    (safe / "b" / "2").write_bytes(b"two" * 1000)
    (safe / "a").write_bytes(b"one")
    return safe


def digest(data: bytes) -> str:
    value = new_hash("SHA3-256")
    value.update(data)
    return value.hexdigest()


def test_the_same_files_make_the_same_zip_whatever_their_times(folder, tmp_path):
    write_zip(folder, tmp_path / "1.zip", ["b/2", "a", "HTML/"], MOMENT)
    (folder / "a").touch()
    (folder / "a").chmod(0o600)
    write_zip(folder, tmp_path / "2.zip", ["a", "HTML/", "b/2"], MOMENT)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.namelist() == ["X.SAFE/HTML/", "X.SAFE/a", "X.SAFE/b/2"]
        assert archive.read("X.SAFE/b/2") == b"two" * 1000


def test_a_moment_before_zips_knew_time_becomes_their_first(folder, tmp_path):
    write_zip(folder, tmp_path / "x.zip", ["a"], datetime(1970, 1, 1, tzinfo=UTC))
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def test_a_zip_that_is_not_proven_is_not_there(folder, tmp_path):
    def refuse(part: Path) -> None:
        assert zipfile.is_zipfile(part)
        raise InputError("wrong")

    with pytest.raises(InputError, match="wrong"):
        write_zip(folder, tmp_path / "x.zip", ["a"], MOMENT, prove=refuse)
    assert list(tmp_path.iterdir()) == [folder]


def test_an_existing_zip_is_not_replaced_unasked(folder, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"mine")
    with pytest.raises(OutputError):
        write_zip(folder, tmp_path / "x.zip", ["a"], MOMENT)
    write_zip(folder, tmp_path / "x.zip", ["a"], MOMENT, overwrite=True)
    assert zipfile.is_zipfile(tmp_path / "x.zip")


def test_checksums_are_the_same_wherever_the_bytes_are(tmp_path):
    data = bytes(range(256)) * 9000
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "part").write_bytes(b"before" + data + b"behind")
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", data)
    places = (
        LocalFile(tmp_path / "file"),
        FilePart(tmp_path / "part", 6, len(data)),
        ZipMember(tmp_path / "zip", "member"),
    )
    assert {checksum(place, "SHA3-256") for place in places} == {digest(data)}


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(DiskError, match="cannot be read"):
        checksum(LocalFile(tmp_path / "gone"), "MD5")
    with pytest.raises(DiskError, match="cannot be read"):
        checksum(ZipMember(tmp_path / "gone", "member"), "MD5")
    (tmp_path / "zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="member"):
        checksum(ZipMember(tmp_path / "zip", "member"), "MD5")
