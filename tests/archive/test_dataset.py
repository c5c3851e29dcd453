from pathlib import Path

import pytest

from s2kit.archive.dataset import find_in_dataset, products_below
from s2kit.errors import DiskError
from s2kit.product.name import parse_product_name
from support.tiny_safe import EARLY_NAME, L1C_NAME, L2A_NAME


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_products_are_found_at_any_depth_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "2025" / "aoi" / "original" / f"{L2A_NAME}.SAFE"
    (folder / "GRANULE" / f"{L1C_NAME}.SAFE").mkdir(parents=True)
    zipped = _touch(tmp_path / f"{L1C_NAME}.zip")
    named = _touch(tmp_path / "b" / f"{EARLY_NAME}.SAFE.zip")
    for name in (
        f"{L2A_NAME}.SAFE.part/x",
        f".hidden/{L2A_NAME}.zip",
        "other.zip",
        f"{L2A_NAME}.SAFE",
        f"{L2A_NAME}.zip.part",
        "notes.txt",
    ):
        _touch(tmp_path / name)
    (tmp_path / "holiday.SAFE").mkdir()
    assert {place.path for place in products_below(tmp_path)} == {folder, zipped, named}


def test_links_are_followed_but_never_in_circles(tmp_path: Path) -> None:
    elsewhere = _touch(tmp_path / "elsewhere" / f"{L2A_NAME}.zip").parent
    dataset = tmp_path / "dataset"
    for name in ("a", "b", "c"):
        (dataset / name).mkdir(parents=True)
        (dataset / name / "up").symlink_to(dataset)
    (dataset / "linked").symlink_to(elsewhere)
    assert [place.path for place in products_below(dataset)] == [dataset / "linked" / f"{L2A_NAME}.zip"]


def test_a_folder_that_may_not_be_read_is_passed_over(tmp_path: Path) -> None:
    _touch(tmp_path / "closed" / f"{L1C_NAME}.zip")
    found = _touch(tmp_path / "open" / f"{L2A_NAME}.zip")
    paths = products_below(tmp_path)
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "on").symlink_to(tmp_path / "nowhere")
    (tmp_path / "closed").chmod(0)
    try:
        assert found in {place.path for place in paths}
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_one_product_is_found_by_name(tmp_path: Path) -> None:
    name = parse_product_name(L2A_NAME)
    assert find_in_dataset(tmp_path / "absent", name) is None
    assert find_in_dataset(tmp_path, name) is None
    deep = _touch(tmp_path / "deep" / f"{L2A_NAME}.zip")
    assert find_in_dataset(tmp_path, name) == deep
    folder = tmp_path / "x" / f"{L2A_NAME}.SAFE"
    folder.mkdir(parents=True)
    assert find_in_dataset(tmp_path, name) == folder
    direct = _touch(tmp_path / f"{L2A_NAME}.zip")
    assert find_in_dataset(tmp_path, name) == direct


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="absent"):
        list(products_below(tmp_path / "absent"))
