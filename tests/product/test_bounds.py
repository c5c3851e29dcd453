"""Products from hostile hands: each is refused with a message, in little time and memory."""

import io
import os
import struct
import time
import zipfile
from pathlib import Path

import pytest

from s2kit.download.verify import verify
from s2kit.errors import InputError, S2KitError
from s2kit.product import safe_zip
from s2kit.product.manifest import MAX_ENTRIES, parse_manifest
from s2kit.product.open import open_product
from s2kit.product.open_tree import open_tree
from s2kit.product.safe_zip import ZipTree
from s2kit.product.xmltree import parse_xml
from s2kit.run.read_file import read_file
from support.tiny_safe import L2A_NAME


@pytest.fixture(autouse=True)
def _quickly():
    started = time.process_time()
    yield
    assert time.process_time() - started < 20


def manifest_rows(count: int) -> bytes:
    rows = b"".join(
        b'<byteStream size="1"><fileLocation href="./a%d"/><checksum checksumName="MD5">%032x</checksum></byteStream>'
        % (number, number)
        for number in range(count)
    )
    return b"<XFDU>" + rows + b"</XFDU>"


def test_a_manifest_with_too_many_files_is_refused():
    with pytest.raises(InputError, match=f"more than {MAX_ENTRIES} files"):
        parse_manifest(manifest_rows(MAX_ENTRIES + 1))
    with pytest.raises(InputError, match="elements, which no product has"):
        parse_manifest(manifest_rows(200_000))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<a>" * 200_000, "nests more than"),
        (b"<a>" + b"<b/>" * 600_000 + b"</a>", "elements"),
        (b"<a>" + b" " * (65 << 20) + b"</a>", "bytes"),
    ],
    ids=["deep", "many", "large"],
)
def test_xml_beyond_its_bounds_is_refused(data: bytes, word: str):
    with pytest.raises(InputError, match=word):
        parse_xml(data, "MTD_TL.xml")


def bomb(folder: Path, nbytes: int) -> Path:
    """A small zip whose manifest is huge."""
    path = folder / f"{L2A_NAME}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{L2A_NAME}.SAFE/manifest.safe", b"<XFDU>" + b"<a/>" * (nbytes // 4))
    return path


def test_a_zip_that_grows_a_thousandfold_is_refused(tmp_path: Path):
    path = bomb(tmp_path, 256 << 20)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InputError, match="is refused"):
        open_tree(path)
    (result,) = verify([path])
    assert result.error is not None
    assert result.error.exit_code == 65


def test_a_zip_with_too_many_members_is_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3000):
            archive.writestr(f"a.SAFE/{number}", b"")
    for large in (False, True):
        monkeypatch.setattr(safe_zip, "MAX_DIRECTORY", 100_000)
        monkeypatch.setattr(zipfile, "ZipFile", None)  # not even opened
        if large:
            path.write_bytes(as_zip64(path.read_bytes()))
        with pytest.raises(InputError, match="directory of the zip"):
            ZipTree(path)
        monkeypatch.undo()
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert len(archive.namelist()) == 3000


def as_zip64(data: bytes) -> bytes:
    """The same zip with the longer end record, and limits instead of numbers in the short one."""
    at = data.rindex(b"PK\x05\x06")
    count, nbytes, place = struct.unpack_from("<10xHII", data, at)
    end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, nbytes, place)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    short = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:at] + end + locator + short


def hostile_folder(folder: Path, name: str, kind: str) -> Path:
    safe = folder / f"{L2A_NAME}.SAFE"
    (safe / "GRANULE").mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(safe / name)
    else:
        (safe / name).symlink_to("/dev/zero")
    return safe


@pytest.mark.parametrize("kind", ["fifo", "device"])
@pytest.mark.parametrize("name", ["MTD_MSIL2A.xml", "manifest.safe"])
def test_metadata_from_a_device_or_a_pipe_is_refused_at_once(kind: str, name: str, tmp_path: Path):
    safe = hostile_folder(tmp_path, name, kind)
    with pytest.raises(S2KitError):
        open_product(safe).manifest  # noqa: B018 - reading it is what is tested
    with pytest.raises(InputError, match="no regular file"):
        open_tree(safe).read(name)
    (result,) = verify([safe])
    assert result.error is not None


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_a_zip_or_an_image_that_is_a_pipe_is_refused_at_once(kind: str, tmp_path: Path):
    from s2kit.image.open import open_image

    path = hostile_folder(tmp_path, "B04.jp2", kind) / "B04.jp2"
    for attempt in (ZipTree, open_image, lambda one: read_file(one, 10)):
        with pytest.raises(InputError, match="no regular file"):
            attempt(path)  # type: ignore[operator]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    assert read_file(path, 10) == b"0123456789"
    assert read_file(path, 10, 3) == b"012"
    with pytest.raises(InputError, match="more than 9 bytes"):
        read_file(path, 9)
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path, 9)


@pytest.mark.parametrize("name", [f"{L2A_NAME}.SAFE/MTD_MSIL2A.xml", "a.zarr/.zattrs", "a.zarr/zarr.json", "a/a.json"])
def test_a_pipe_among_the_products_of_a_folder_does_not_stop_a_search(name: str, tmp_path: Path):
    from typer.testing import CliRunner

    from s2kit.cli.app import app

    place = tmp_path / name
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    found = CliRunner().invoke(app, ["search", "--catalogue", str(tmp_path), "-f", "ids"])
    assert found.exit_code == 0, found.output


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["render", "--batch", "/dev/zero"], 65),
        (["chips", "--batch", "/dev/zero"], 65),
        (["pixels", "--request", "/dev/zero"], 65),
        (["--config", "/dev/zero", "bands"], 78),
    ],
)
def test_files_that_the_user_names_have_bounds(words: list[str], code: int):
    from typer.testing import CliRunner

    from s2kit.cli.app import app

    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == code, refused.output
    assert "/dev/zero has more than" in refused.stderr
