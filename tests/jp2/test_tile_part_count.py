"""Tile-parts that TLM does not announce never reach OpenJPEG, by any way to GDAL."""

import zipfile
from pathlib import Path

import pytest

from s2kit.errors import InputError
from s2kit.image.open import open_image
from s2kit.jp2.image import read_header
from s2kit.store.archive import Archive
from s2kit.store.byte_source import FileSource
from s2kit.store.location import RemoteObject, ZipMember
from support.http_server import serving
from support.jp2 import write_jp2


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file with TLM that is left to GDAL, since its progression is another."""
    path = write_jp2(tmp_path / "a.jp2", side=600, tlm=True, PROGRESSION="RPCL")
    with FileSource(path) as source:
        header = read_header(source)[0]
    assert header.has_tlm
    assert header.tlm
    assert header.refusal
    return path


def spoilt(path: Path) -> Path:
    """The same with a first tile-part that has number 200 and does not say how many there are."""
    with FileSource(path) as source:
        at = read_header(source)[0].first_sot
    data = bytearray(path.read_bytes())
    assert data[at : at + 2] == b"\xff\x90"
    data[at + 10 : at + 12] = b"\xc8\x00"
    bad = path.with_name("bad.jp2")
    bad.write_bytes(data)
    return bad


def test_a_sound_file_is_read(sound: Path) -> None:
    with open_image(sound) as image:
        assert image.level().shape[1:] == (600, 600)


def test_a_local_file(sound: Path) -> None:
    with pytest.raises(InputError, match="part 200 of tile 0 is none of the 1 that TLM announces"):
        open_image(spoilt(sound))


def test_a_compressed_member_of_a_zip(sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sound, "good.jp2")
        archive.write(spoilt(sound), "bad.jp2")
    with open_image(ZipMember(path, "good.jp2")) as image:
        assert image.level().shape[1:] == (600, 600)
    with pytest.raises(InputError, match="TLM announces"):
        open_image(ZipMember(path, "bad.jp2"))


def test_a_remote_file(sound: Path) -> None:
    spoilt(sound)
    with serving(root=sound.parent) as server:
        archive = Archive(name="web", address=server.url)
        with open_image(RemoteObject(archive, "a.jp2"), cache=False) as image:
            assert image.level().shape[1:] == (600, 600)
        with (
            pytest.raises(InputError, match="TLM announces"),
            open_image(RemoteObject(archive, "bad.jp2"), cache=False) as image,
        ):
            image.level()
