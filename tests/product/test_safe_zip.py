import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from s2kit.errors import DiskError, InputError, NotFoundError
from s2kit.product import safe_tree
from s2kit.product.open import open_product
from s2kit.product.open_tree import open_tree
from s2kit.product.safe_zip import ZipTree
from s2kit.store.location import FilePart, ZipMember, gdal_path
from support.tiny_safe import L2A_NAME, safe_files


def _zip(path: Path, folder: str = f"{L2A_NAME}.SAFE/", method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in safe_files().items():
            archive.writestr(folder + name, data)
    return path


@pytest.mark.parametrize("folder", [f"{L2A_NAME}.SAFE/", f"some/where/{L2A_NAME}.SAFE/", ""])
def test_the_safe_is_found_in_the_zip(tmp_path: Path, folder: str) -> None:
    tree = open_tree(_zip(tmp_path / f"{L2A_NAME}.SAFE.zip", folder))
    assert isinstance(tree, ZipTree)
    assert tree.paths() == tuple(sorted(safe_files()))
    assert tree.name == L2A_NAME
    assert tree.read("INSPIRE.xml") == b"<inspire/>"
    assert tree.read("INSPIRE.xml", 4) == b"<ins"
    assert tree.nbytes("INSPIRE.xml") == 10
    assert tree.address == str(tmp_path / f"{L2A_NAME}.SAFE.zip")


def test_stored_members_are_parts_of_the_file(tmp_path: Path) -> None:
    path = _zip(tmp_path / "x.zip")
    tree = open_tree(path)
    data = path.read_bytes()
    for name, content in safe_files().items():
        location = tree.location(name)
        assert isinstance(location, FilePart)
        assert data[location.offset : location.offset + location.nbytes] == content


def test_deflated_members_are_named(tmp_path: Path) -> None:
    tree = open_tree(_zip(tmp_path / "x.zip", method=zipfile.ZIP_DEFLATED))
    assert tree.location("INSPIRE.xml") == ZipMember(tmp_path / "x.zip", f"{L2A_NAME}.SAFE/INSPIRE.xml")
    assert tree.read("INSPIRE.xml") == b"<inspire/>"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_real_image_is_read_in_place(tmp_path: Path, real_l1c: Path, method: int) -> None:
    path = tmp_path / f"{real_l1c.stem}.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(real_l1c.rglob("*")):
            if file.is_file():
                archive.write(file, f"{real_l1c.name}/{file.relative_to(real_l1c)}")
    image = open_product(path).image("B01")
    plain = open_product(real_l1c).image("B01")
    assert image.grid == plain.grid
    with rasterio.open(gdal_path(image.location)) as zipped, rasterio.open(gdal_path(plain.location)) as folder:
        window = rasterio.windows.Window(100, 200, 300, 250)
        assert np.array_equal(zipped.read(1, window=window), folder.read(1, window=window))


def test_a_cut_zip_is_an_input_error_wherever_it_is_cut(tmp_path: Path) -> None:
    data = _zip(tmp_path / "whole.zip").read_bytes()
    for share in (0.0, 0.01, 0.3, 0.7, 0.9, 0.999):
        cut = tmp_path / "cut.zip"
        cut.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(InputError, match=r"cut\.zip") as caught:
            open_tree(cut)
        assert "\n" not in caught.value.message


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(at=st.floats(0, 0.9999), byte=st.integers(0, 255))
@example(at=0.9996, byte=104)
def test_a_changed_byte_never_makes_a_crash(tmp_path: Path, at: float, byte: int) -> None:
    path = _zip(tmp_path / "x.zip")
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] = byte
    path.write_bytes(data)
    with suppress(InputError, NotFoundError):
        tree = open_tree(path)
        for name in tree.paths():
            tree.read(name)
            tree.location(name)


def test_a_flipped_byte_in_a_member_is_found_when_it_is_read(tmp_path: Path) -> None:
    path = _zip(tmp_path / "x.zip")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"<inspire/>", b"<inspyre/>"))
    with pytest.raises(InputError, match=r"INSPIRE\.xml cannot be read"):
        open_tree(path).read("INSPIRE.xml")


def test_a_zip_of_something_else_and_one_of_two_products(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="no Sentinel-2 product"):
        open_tree(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("A.SAFE/manifest.safe", "x")
        archive.writestr("B.SAFE/manifest.safe", "x")
    with pytest.raises(InputError, match="holds 2 products"):
        open_tree(path)


def test_what_the_zip_lacks_and_what_became_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _zip(tmp_path / "x.zip")
    tree = open_tree(path)
    with pytest.raises(NotFoundError, match="there is no absent"):
        tree.nbytes("absent")
    with monkeypatch.context() as patch:
        patch.setattr(safe_tree, "MAX_READ", 5)
        with pytest.raises(InputError, match="too many"):
            tree.read("INSPIRE.xml")
    path.unlink()
    with pytest.raises(DiskError, match="cannot be read"):
        tree.read("INSPIRE.xml")
    with pytest.raises(DiskError, match="cannot be read"):
        tree.location("INSPIRE.xml")
    with pytest.raises(DiskError, match="cannot be read"):
        ZipTree(path)


def test_a_member_that_is_not_where_the_directory_says(tmp_path: Path) -> None:
    path = _zip(tmp_path / "x.zip")
    tree = open_tree(path)
    path.write_bytes(path.read_bytes().replace(b"PK\x03\x04", b"PK\x03\x05"))
    with pytest.raises(InputError, match="is not where the zip's directory says"):
        tree.location("INSPIRE.xml")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "x.zip")
    data = bytearray(path.read_bytes())
    at = 0
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        data[at + 8] |= 1  # general purpose flags of the central directory
        at += 4
    path.write_bytes(data)
    tree = open_tree(path)
    with pytest.raises(InputError, match="encrypted"):
        tree.location("INSPIRE.xml")
    with pytest.raises(InputError, match="cannot be read"):
        tree.read("INSPIRE.xml")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_names_with_backslashes_are_paths_too(tmp_path: Path, method: int) -> None:
    path = tmp_path / f"{L2A_NAME}.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in safe_files().items():
            archive.writestr(f"{L2A_NAME}.SAFE/{name}".replace("/", "\\"), data)
    tree = open_tree(path)
    assert tree.paths() == tuple(sorted(safe_files()))
    assert tree.read("INSPIRE.xml") == b"<inspire/>"
    assert open_product(path).image("B04").band == "B04"
