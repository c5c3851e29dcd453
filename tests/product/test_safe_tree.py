import pickle
from pathlib import Path

import pytest

from s2kit.errors import DiskError, InputError, NotFoundError
from s2kit.product import safe_tree
from s2kit.product.open_tree import open_tree
from s2kit.product.safe_tree import FolderTree, is_of_safe, name_of, safe_name, safe_root
from s2kit.store.location import LocalFile
from support.tiny_safe import L2A_NAME, safe_files, write_files, write_safe


def test_a_folder_lists_and_reads_its_files(tmp_path: Path) -> None:
    tree = open_tree(write_safe(tmp_path))
    files = safe_files()
    assert tree.paths() == tuple(sorted(files))
    for path, data in files.items():
        assert tree.nbytes(path) == len(data)
        assert tree.read(path) == data
        assert tree.read(path, 4) == data[:4]
        location = tree.location(path)
        assert isinstance(location, LocalFile)
        assert location.path.read_bytes() == data
    assert tree.name == L2A_NAME
    assert str(name_of(tree)) == L2A_NAME
    assert tree.address == str(tmp_path / f"{L2A_NAME}.SAFE")


def test_a_file_at_the_top_and_a_folder_around_lead_to_the_product(tmp_path: Path) -> None:
    root = write_safe(tmp_path / "nested" / "deeper")
    for path in (root / "MTD_MSIL2A.xml", root / "manifest.safe", tmp_path / "nested" / "deeper"):
        tree = open_tree(path)
        assert isinstance(tree, FolderTree)
        assert tree.root == root


def test_a_path_from_the_current_folder_stays_right_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_safe(tmp_path)
    monkeypatch.chdir(tmp_path)
    location = open_tree(Path(f"{L2A_NAME}.SAFE")).location("INSPIRE.xml")
    monkeypatch.chdir("/")
    assert isinstance(location, LocalFile)
    assert location.path.is_file()
    assert pickle.loads(pickle.dumps(location)) == location


def test_what_is_half_written_or_foreign_is_no_part_of_it(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    foreign = [
        "MTD_MSIL2A.xml.part",
        "GRANULE.part/x.jp2",
        "GRANULE_$folder$",
        ".s2kit.lock",
        f"{L2A_NAME}-ql.jpg",
        ".DS_Store",
    ]
    write_files(root, dict.fromkeys(foreign, b"x"))
    assert open_tree(root).paths() == tuple(sorted(safe_files()))
    assert not is_of_safe("")
    assert not is_of_safe("GRANULE/")
    assert is_of_safe("GRANULE/x/y-ql.jpg")


def test_what_is_not_there_or_no_product_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        open_tree(tmp_path / "absent.SAFE")
    with pytest.raises(InputError, match="no Sentinel-2 product"):
        open_tree(tmp_path)
    (tmp_path / "text.txt").write_text("hello")
    with pytest.raises(InputError, match="nor a zip of one"):
        open_tree(tmp_path / "text.txt")
    with pytest.raises(InputError, match="no path"):
        open_tree(Path("a\0b"))
    write_safe(tmp_path)
    write_safe(tmp_path, L2A_NAME.replace("T31TDH", "T31TDJ"))
    with pytest.raises(InputError, match="holds 2 products") as caught:
        open_tree(tmp_path)
    assert "T31TDJ" in caught.value.message
    tree = open_tree(tmp_path / f"{L2A_NAME}.SAFE")
    for ask in (tree.read, tree.nbytes, tree.location):
        with pytest.raises(NotFoundError, match="there is no GRANULE"):
            ask("GRANULE")


def test_a_folder_that_cannot_be_read_is_a_disk_error(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    tree = open_tree(root)
    tree.paths()
    (root / "INSPIRE.xml").unlink()
    with pytest.raises(DiskError, match=r"INSPIRE\.xml"):
        tree.read("INSPIRE.xml")
    with pytest.raises(DiskError, match="cannot be read"):
        open_tree(root / "MTD_MSIL2A.xml" / "below")
    with pytest.raises(DiskError, match="cannot be read"):
        FolderTree(tmp_path / "gone").paths()


def test_a_link_to_nowhere_is_a_missing_file(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    (root / "INSPIRE.xml").unlink()
    (root / "INSPIRE.xml").symlink_to(tmp_path / "nowhere")
    assert "INSPIRE.xml" not in open_tree(root).paths()
    assert "MTD_MSIL2A.xml" in open_tree(root).paths()


def test_a_file_that_is_no_metadata_is_not_taken_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_tree, "MAX_READ", 5)
    with pytest.raises(InputError, match="too many"):
        open_tree(write_safe(tmp_path)).read("INSPIRE.xml")


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        (["X.SAFE/manifest.safe", "X.SAFE/GRANULE/a/b"], "X.SAFE/"),
        (["a/X.SAFE/MTD_MSIL2a.xml"], "a/X.SAFE/"),
        (["manifest.safe", "GRANULE/a/b"], ""),
        (["a/X.SAFE/GRANULE/g/IMG_DATA/b.jp2"], "a/X.SAFE/"),
        (["GRANULE/g/IMG_DATA/b.jp2"], ""),
        (["X.SAFE/MTD_MSIL1C.xml", "__MACOSX/X.SAFE/GRANULE/._x"], "X.SAFE/"),
    ],
)
def test_the_safe_among_other_folders(paths: list[str], root: str) -> None:
    assert safe_root(paths, "it") == root


def test_no_safe_and_several_are_refused() -> None:
    with pytest.raises(InputError, match="it: no Sentinel-2 product"):
        safe_root(["a/b.txt"], "it")
    with pytest.raises(InputError, match="holds 2 products: X, Y"):
        safe_root(["X/manifest.safe", "Y/manifest.safe"], "it")


@pytest.mark.parametrize("text", ["X", "X.SAFE", "X.zip", "X.SAFE.zip", "X.safe.ZIP"])
def test_names_without_endings(text: str) -> None:
    assert safe_name(text) == "X"
