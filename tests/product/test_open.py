import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from s2kit.demo.series import Scene
from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid, Window
from s2kit.image.open import open_image
from s2kit.product.bands import BANDS, usual_images
from s2kit.product.metadata import OffsetSource
from s2kit.product.name import Baseline, Level, OldFormatName, ProductName, TileId, parse_product_name
from s2kit.product.open import BandImage, open_product
from s2kit.product.store_tree import prefix_tree
from s2kit.store.archive import Archive
from s2kit.store.location import FilePart, LocalFile, ZipMember, gdal_path
from s2kit.store.open import open_store
from support.tiny_safe import (
    EARLY_NAME,
    L1C_NAME,
    L2A_NAME,
    granule_xml,
    product_xml,
    safe_files,
    write_files,
    write_safe,
)

LEGACY = "S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424"
NAME = parse_product_name(L2A_NAME)
assert isinstance(NAME, ProductName)


def test_an_image_carries_all_that_its_values_need(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    product = open_product(root)
    image = product.image("b4", 20)
    assert image == BandImage(
        band="B04",
        resolution_m=20,
        path="GRANULE/L2A_T31TDH_A000123_20250301T143000/IMG_DATA/R20m/T31TDH_20250301T105021_B04_20m.jp2",
        location=LocalFile(root / image.path),
        grid=Grid(32631, 399960, 4800000, 20, 18, 18),
        offset=-1000,
        quantification=10000,
        nodata=0,
        saturated=65535,
        tile=TileId.parse("31TDH"),
        product="S2C_MSIL2A_20250301T105021_N0511_R051_T31TDH_20250301T143000",
        nbytes=image.location.path.stat().st_size,
    )
    assert image.is_reflectance
    assert not image.is_picture
    assert pickle.loads(pickle.dumps(image)) == image


def test_layers_have_their_own_radiometry(tmp_path: Path) -> None:
    product = open_product(write_safe(tmp_path))
    values = {name: product.image(name) for name in ("AOT", "SCL", "TCI", "PVI")}
    assert {name: (i.offset, i.quantification, i.saturated) for name, i in values.items()} == {
        "AOT": (0, 1000, None),
        "SCL": (0, 1, None),
        "TCI": (0, 1, None),
        "PVI": (0, 1, None),
    }
    assert values["TCI"].is_picture
    assert not values["TCI"].is_reflectance
    assert values["PVI"].grid == Grid(32631, 399960, 4800000, 320, 1, 1)


def test_the_finest_is_taken_where_nothing_is_asked(tmp_path: Path) -> None:
    product = open_product(write_safe(tmp_path))
    assert product.image("B04").resolution_m == 10
    assert product.resolutions("B04") == (10, 20)
    assert product.resolutions("b10") == ()
    assert product.tiles == (TileId.parse("31TDH"),)
    assert [(image.band, image.resolution_m) for image in product.images()] == [
        (entry.band, entry.resolution_m) for entry in product.entries
    ]
    assert repr(product).startswith(f"<Product {L2A_NAME} at ")


def test_what_is_lacking_is_named_with_what_is_there(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    next(root.rglob("*B02_10m.jp2")).unlink()
    product = open_product(root)
    with pytest.raises(NotFoundError) as caught:
        product.image("B02")
    assert re.fullmatch(
        rf"{L2A_NAME} lacks B02: it has B04 at 10 m; B04, B8A, SCL at 20 m; B01, AOT, TCI at 60 m; PVI at 320 m; "
        r"its manifest lists GRANULE/\S+_B02_10m\.jp2, which is missing here",
        caught.value.message,
    )
    assert caught.value.hint == f"s2kit download {L2A_NAME} --bands B02"
    with pytest.raises(
        NotFoundError, match="lacks B04 at 60 m: it has B04 at 10 and 20 m; its manifest does not list it either"
    ) as caught:
        product.image("B04", 60)
    assert caught.value.hint == "choose 10 and 20 m"
    with pytest.raises(NotFoundError, match="B10 is not part of L2A"):
        product.image("B10")
    with pytest.raises(NotFoundError, match="of tile 32TLS: it has no images"):
        product.image("B04", tile=TileId.parse("32TLS"))
    with pytest.raises(InputError, match="no band"):
        product.image("B13")
    assert [entry.path.rpartition("_B")[2] for entry in product.missing()] == ["02_10m.jp2"]


def test_an_empty_file_is_not_there(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    empty = next(root.rglob("*B02_10m.jp2"))
    empty.write_bytes(b"")
    product = open_product(root)
    with pytest.raises(NotFoundError, match="which is empty here"):
        product.image("B02", 10)
    assert "B02" not in {entry.band for entry in product.entries}
    assert product.missing() == ()
    assert [entry.path for entry in product.wrong_size()] == [str(empty.relative_to(root))]


def test_without_a_manifest_completeness_is_unknown(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    (root / "manifest.safe").unlink()
    product = open_product(root)
    assert product.manifest is None
    assert product.missing() == product.wrong_size() == ()
    with pytest.raises(NotFoundError, match="its metadata does not list it either"):
        product.image("B12")
    next(root.rglob("*B02_10m.jp2")).unlink()
    with pytest.raises(NotFoundError, match=r"its metadata lists GRANULE/\S+_B02_10m\.jp2, which is missing here"):
        open_product(root).image("B02")
    (root / "MTD_MSIL2A.xml").unlink()
    with pytest.raises(NotFoundError, match="no manifest to tell more"):
        open_product(root).image("B12")


@pytest.mark.parametrize(("baseline", "offset"), [("N0301", 0), ("N0400", -1000)])
def test_without_metadata_the_name_decides(tmp_path: Path, baseline: str, offset: int) -> None:
    root = write_safe(tmp_path, L2A_NAME.replace("N0511", baseline))
    (root / "MTD_MSIL2A.xml").unlink()
    product = open_product(root)
    assert product.image("B04").offset == offset
    assert product.metadata.offset_source is OffsetSource.BASELINE
    root.rename(tmp_path / "renamed")
    with pytest.raises(InputError, match="which product this is"):
        open_product(tmp_path / "renamed")


def test_metadata_is_believed_more_than_the_name(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    assert isinstance(NAME, ProductName)
    (root / "MTD_MSIL2A.xml").write_text(product_xml(NAME, offset=-1234))
    root.rename(tmp_path / "renamed")
    product = open_product(tmp_path / "renamed")
    assert str(product.name) == L2A_NAME
    assert product.image("B04").offset == -1234


def test_without_granule_metadata_the_grid_is_that_of_the_file(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    next(root.rglob("MTD_TL.xml")).unlink()
    file = next(root.rglob("*B04_20m.jp2"))
    with pytest.raises(InputError, match=r"B04_20m\.jp2"):
        open_product(root).image("B04", 20)
    _georeferenced(file, "EPSG:32631")
    assert open_product(root).image("B04", 20).grid == Grid(32631, 500, 900, 20, 18, 18)
    _georeferenced(file, None)
    with pytest.raises(InputError, match="no georeference"):
        open_product(root).image("B04", 20)


def _georeferenced(path: Path, crs: str | None) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=18,
        height=18,
        count=1,
        dtype="uint16",
        crs=crs,
        transform=rasterio.Affine(20, 0, 500, 0, -20, 900),
    ) as out:
        out.write(np.zeros((1, 18, 18), "uint16"))


def test_an_l1c_product(tmp_path: Path) -> None:
    product = open_product(write_safe(tmp_path, L1C_NAME, [*BANDS, "TCI"]))
    assert product.metadata.level is Level.L1C
    assert {band: product.image(band).resolution_m for band in BANDS} == {
        name: band.resolution_m for name, band in BANDS.items()
    }
    assert product.image("B10").offset == 0
    assert product.image("TCI").resolution_m == 10
    assert product.missing() == ()


def test_an_early_l2a_product_with_its_prefix_and_spellings(tmp_path: Path) -> None:
    product = open_product(write_safe(tmp_path, EARLY_NAME, ["B02_10m", "SCL_20m", "VIS_20m", "PVI"]))
    assert str(product.name) == EARLY_NAME
    assert product.metadata.baseline == Baseline(2, 5)
    assert product.image("SCL").path.endswith("/IMG_DATA/R20m/L2A_T32TLS_20170825T102021_SCL_20m.jp2")
    assert product.image("PVI").path.endswith("/QI_DATA/L2A_T32TLS_20170825T102021_PVI.jp2")


def test_other_letters_in_the_name_of_the_metadata_file(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    (root / "MTD_MSIL2A.xml").rename(root / "MTD_MSIL2a.xml")
    assert open_product(root).metadata.offset_source is OffsetSource.METADATA


def _legacy(tmp_path: Path) -> Path:
    """A product of the old format with two tiles."""
    compact = safe_files(L1C_NAME, ["B01", "B02", "B10"])
    name = parse_product_name(L1C_NAME)
    assert isinstance(name, ProductName)
    old = {}
    for tile in ("53HPA", "53HLA"):
        stem = f"S2A_OPER_MSI_L1C_TL_SGS__20160905T073438_A006291_T{tile}"
        folder = f"GRANULE/{stem}_N02.04"
        for band in ("B01", "B02", "B10"):
            old[f"{folder}/IMG_DATA/{stem}_{band}.jp2"] = f"{tile} {band}".encode()
        xml = granule_xml(name).replace("T31TDH", f"T{tile}")
        old[f"{folder}/{stem.replace('_MSI_', '_MTD_')}.xml"] = xml.encode()
        old[f"{folder}/QI_DATA/{stem.replace('_MSI_', '_PVI_')}.jp2"] = b"preview"
    product = compact["MTD_MSIL1C.xml"].decode().replace(f"{L1C_NAME}.SAFE", "791_2016-09-05T10_37")
    old[f"{LEGACY.replace('_PRD_MSI', '_MTD_SAF')}.xml"] = product.encode()
    return write_files(tmp_path / f"{LEGACY}.SAFE", old)


def test_the_old_format_holds_many_tiles(tmp_path: Path) -> None:
    root = _legacy(tmp_path)
    product = open_product(root)
    assert str(product.name) == LEGACY
    assert [str(tile) for tile in product.tiles] == ["53HLA", "53HPA"]
    with pytest.raises(InputError, match="B02 of 2 tiles: 53HLA, 53HPA"):
        product.image("B02")
    image = product.image("B02", tile=TileId.parse("53HPA"))
    assert isinstance(image.location, LocalFile)
    assert image.location.path.read_bytes() == b"53HPA B02"
    assert product.image("PVI", tile=TileId.parse("53HLA")).tile == TileId.parse("53HLA")
    root.rename(tmp_path / "renamed")
    assert isinstance(open_product(tmp_path / "renamed").name, OldFormatName)


def test_the_old_format_without_metadata_has_the_baseline_of_its_granules(tmp_path: Path) -> None:
    root = _legacy(tmp_path)
    next(root.glob("*.xml")).unlink()
    assert open_product(root).metadata.baseline == Baseline(2, 4)


def test_a_product_in_a_zip_and_in_a_store(tmp_path: Path) -> None:
    root = write_safe(tmp_path / "bucket")
    archive = Archive(name="here", address=str(tmp_path / "bucket"))
    remote = open_product(prefix_tree(open_store(archive), f"{L2A_NAME}.SAFE/"))
    zipped = tmp_path / f"{L2A_NAME}.zip"
    with zipfile.ZipFile(zipped, "w") as out:
        for path, data in safe_files().items():
            out.writestr(f"{L2A_NAME}.SAFE/{path}", data)
    folder = open_product(str(root))
    for product in (remote, open_product(zipped)):
        assert product.entries == folder.entries
        assert product.metadata == folder.metadata
        assert product.missing() == ()
    assert isinstance(open_product(zipped).image("B04").location, FilePart)
    assert remote.image("B04").location == LocalFile(root / remote.image("B04").path)


def test_long_granule_metadata_is_read_to_its_grids(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    grid = open_product(root).image("B04").grid
    metadata = next(root.rglob("MTD_TL.xml"))
    text = metadata.read_text()
    metadata.write_text(
        text.replace("</Tile_Geocoding>", "</Tile_Geocoding>" + "<VALUES>58.38 58.37</VALUES>" * 9999 + "<cut")
    )
    assert open_product(root).image("B04").grid == grid
    metadata.write_text(text.replace("<Tile_Geocoding>", "<VALUES>58.38 58.37</VALUES>" * 9999 + "<Tile_Geocoding>"))
    assert open_product(root).image("B04").grid == grid


DAMAGED = [b"<a/>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>']


@pytest.mark.parametrize(
    ("file", "data"),
    [(file, data) for file in ("MTD_MSIL2A.xml", "MTD_TL.xml", "manifest.safe") for data in DAMAGED]
    + [("manifest.safe", b""), ("manifest.safe", b"not xml")],
)
def test_damaged_metadata_is_named_with_its_path(tmp_path: Path, file: str, data: bytes) -> None:
    root = write_safe(tmp_path)
    next(root.rglob(file)).write_bytes(data)
    with pytest.raises(InputError, match=file) as caught:
        _use(root)
    assert str(root) in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("kept", [0, 0.3, 0.97])
def test_metadata_that_is_empty_or_cut_is_as_good_as_none(tmp_path: Path, kept: float, caplog) -> None:
    root = write_safe(tmp_path)
    whole = open_product(root)
    data = (root / "MTD_MSIL2A.xml").read_bytes()
    (root / "MTD_MSIL2A.xml").write_bytes(data[: int(len(data) * kept)])
    product = open_product(root)
    assert product.id == whole.id
    assert product.image("B04").offset == whole.image("B04").offset == -1000
    assert product.offset_source == "baseline"
    assert "MTD_MSIL2A.xml is empty or cut" in caplog.text
    (root / "MTD_MSIL2A.xml").write_bytes(data)
    next(root.rglob("MTD_TL.xml")).write_bytes(b"")
    assert open_product(root).granules[0].metadata is None
    assert "MTD_TL.xml is empty or cut" in caplog.text


def _use(root: Path) -> None:
    product = open_product(root)
    product.image("B04")
    product.missing()


def test_a_radar_product_is_refused_by_name(tmp_path: Path) -> None:
    root = tmp_path / "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8.SAFE"
    write_files(root, {"manifest.safe": b"<x/>"})
    with pytest.raises(InputError, match="Sentinel-1"):
        open_product(root)


def test_a_whole_scene_is_where_its_metadata_says(scene: Scene) -> None:
    for root in scene.products:
        product = open_product(root)
        assert product.missing() == product.wrong_size() == ()
        assert product.manifest is not None
        usual = usual_images(product.metadata.level, product.metadata.baseline)
        there: dict[int, set[str]] = {}
        for entry in product.entries:
            there.setdefault(entry.resolution_m, set()).add(entry.band)
        assert {res: set(bands) for res, bands in usual.items()} == {
            res: bands for res, bands in there.items() if res != 320
        }
        for image in product.images():
            assert isinstance(image.location, LocalFile)
            with rasterio.open(gdal_path(image.location)) as file:
                assert (file.width, file.height) == (image.grid.width, image.grid.height), image.path
                assert tuple(file.transform)[:6] == image.grid.geotransform, image.path
                assert file.crs.to_epsg() == image.grid.epsg
                assert file.count == (3 if image.is_picture else 1)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pixels_of_a_zipped_scene_are_read_in_place(tmp_path: Path, scene: Scene, method: int) -> None:
    root = scene.l2a[0]
    zipped = tmp_path / f"{root.stem}.zip"
    with zipfile.ZipFile(zipped, "w", method, compresslevel=1) as out:
        for path in sorted(root.rglob("*")):
            if path.is_file() and "R10m" not in path.parts:
                out.write(path, f"{root.name}/{path.relative_to(root).as_posix()}")
    whole, inside = open_product(root).image("B8A", 20), open_product(zipped).image("B8A", 20)
    assert inside.grid == whole.grid
    assert isinstance(inside.location, FilePart if method == zipfile.ZIP_STORED else ZipMember)
    with open_image(inside.location) as one, open_image(whole.location) as other:
        window = Window(100, 50, 120, 140)
        assert np.array_equal(one.window(window), other.window(window))


def test_an_old_user_product_is_known_by_its_own_metadata(tmp_path: Path) -> None:
    old = tmp_path / "renamed"
    write_safe(tmp_path, EARLY_NAME, [])
    text = (tmp_path / f"{EARLY_NAME}.SAFE" / "MTD_MSIL2A.xml").read_text().replace(f"{EARLY_NAME}.SAFE", "791")
    tail = "PDMC_20160905T104813_R002_V20160905T005712_20160905T010424.xml"
    files = {f"S2A_USER_MTD_SAFL2A_{tail}": text.encode(), f"S2A_OPER_MTD_SAFL1C_{tail}": b"that of its L1C"}
    product = open_product(write_files(old, files))
    assert str(product.name) == LEGACY.replace("OPER", "USER").replace("L1C", "L2A")
    (old / f"S2A_OPER_MTD_SAFL1C_{tail}").unlink()
    (old / f"S2A_USER_MTD_SAFL2A_{tail}").rename(old / "MTD_MSIL2A.xml")
    with pytest.raises(InputError, match="which product this is"):
        open_product(old)
    (old / "MTD_MSIL2A.xml").rename(old / "S1A_OPER_MTD_SAFL2A_x.xml")
    with pytest.raises(InputError, match="no Sentinel-2 product"):
        open_product(old)


def test_a_granule_tells_its_folder_and_tile(tmp_path: Path) -> None:
    root = write_safe(tmp_path)
    (folder,) = (root / "GRANULE").iterdir()
    assert [granule.folder for granule in open_product(root).granules] == [folder.name]
    for image in folder.rglob("*.jp2"):
        image.unlink()
    folder.rename(folder.parent / "renamed")
    (granule,) = open_product(root).granules
    assert (granule.folder, granule.tile) == ("renamed", TileId.parse("31TDH"))


def test_the_real_l2a_product_says_what_it_lacks(real_l2a: Path) -> None:
    product = open_product(real_l2a)
    assert len(product.missing()) == 19
    assert product.wrong_size() == ()
    assert {entry.band for entry in product.entries if entry.resolution_m == 60} == {
        "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12", "AOT", "SCL", "TCI", "WVP",
    }  # fmt: skip
    assert product.resolutions("SCL") == (20, 60)
    assert product.resolutions("AOT") == (10, 20, 60)
    with pytest.raises(
        NotFoundError,
        match=r"lacks B04 at 10 m: it has B04 at 60 m; its manifest lists .*B04_10m\.jp2, which is missing",
    ):
        product.image("B04", 10)
    for image in product.images():
        assert isinstance(image.location, LocalFile)
        with rasterio.open(gdal_path(image.location)) as file:
            assert (file.width, file.height) == (image.grid.width, image.grid.height)
            assert tuple(file.transform)[:6] == image.grid.geotransform
            assert file.crs.to_epsg() == image.grid.epsg


def test_the_real_l1c_product(real_l1c: Path) -> None:
    product = open_product(real_l1c)
    image = product.image("B01")
    assert (image.offset, image.quantification, image.grid.width) == (0, 10000, 1830)
    with rasterio.open(gdal_path(LocalFile(real_l1c / image.path))) as file:
        assert tuple(file.transform)[:6] == image.grid.geotransform
    assert product.manifest is None


def test_every_real_folder_opens(shared_data: Path) -> None:
    folders = [
        *shared_data.glob("safe/*.SAFE"),
        *shared_data.glob("safe_metadata/*.SAFE"),
        *shared_data.glob("manifests/creodias/S2*.SAFE"),
    ]
    for folder in folders:
        product = open_product(folder)
        assert str(product.name) == folder.stem.removeprefix("esa_")
        assert product.tiles
        if (folder / "manifest.safe").is_file():
            listing = next(iter(shared_data.glob(f"safe_listings/{folder.name}.tsv")), None)
            assert product.manifest is not None
            if listing:
                lines = [line.split("\t")[0].removeprefix("./") for line in listing.read_text().splitlines()[1:]]
                listed = {path[path.index("GRANULE/") :] if "/GRANULE/" in path else path for path in lines if path}
                assert len(product.missing()) == len({p for p in listed if not (folder / p).is_file()}), folder
    assert len(folders) >= 35


def test_the_real_product_of_the_old_format(shared_data: Path) -> None:
    folder = next(shared_data.glob("safe_metadata/S2A_OPER_PRD*"))
    product = open_product(folder)
    assert len(product.granules) == 6
    assert product.entries == ()  # the image files were emptied by those who collected it
    granule = product.granules[0]
    assert granule.metadata is not None
    assert granule.metadata.epsg == 32753
    assert len(granule.images) == 14
    with pytest.raises(NotFoundError, match=r"it has no images; its manifest lists .*, which is empty here"):
        product.image("B04")
