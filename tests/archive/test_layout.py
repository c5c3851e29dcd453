import json
from pathlib import Path

import pytest

from s2kit.archive.layout import (
    FolderRules,
    aws_rules,
    compact_rules,
    product_info,
    product_prefixes,
    safe_prefixes,
)
from s2kit.archive.layout_old_format import UNRECOVERABLE, OldFormatRules, tile_of_granule
from s2kit.archive.layout_s1 import Sentinel1Rules, read_filename_map, short_keys
from s2kit.errors import InputError
from s2kit.product.manifest import parse_manifest
from s2kit.product.name import Level, OldFormatName, ProductName, Sentinel1Name, parse_product_name
from s2kit.store.archive import Layout
from s2kit.store.hashes import new_hash

NEVER_ON_AWS = {"HTML/UserProduct_index.html", "HTML/UserProduct_index.xsl"}
L1C = "S2A_MSIL1C_20221206T105431_N0509_R051_T31UFS_20221206T125331"
L2A = "S2C_MSIL2A_20250218T105431_N0511_R051_T01WCP_20250218T125331"
L2A_USER = "S2A_MSIL2A_20170730T105431_N0205_R051_T31UFS_20170730T125331"
OLD = "S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424"
S1 = "S1A_IW_GRDH_1SDV_20180716T004042_20180716T004107_022812_02792A_FD5B"
GRANULE = "S2A_OPER_MSI_L1C_TL_SGS__20160905T073438_A006291_T53HLA_N02.04"
STRIP = "S2A_OPER_MSI_L1C_DS_SGS__20160905T073438_S20160905T010424_N02.04"


def compact(text: str) -> ProductName:
    name = parse_product_name(text)
    assert isinstance(name, ProductName)
    return name


def product_of(path: Path) -> str:
    """The product that a real manifest belongs to; one fixture's folder is named differently from its product."""
    return path.parent.name.removeprefix("esa_")


def real_compact_manifests(shared_data: Path) -> list[tuple[ProductName, Path]]:
    found = []
    for path in sorted(shared_data.rglob("manifest.safe")):
        name = parse_product_name(product_of(path))
        if isinstance(name, ProductName):
            found.append((name, path))
    return found


@pytest.mark.parametrize(
    ("product", "path", "keys"),
    [
        (L1C, "manifest.safe", ["P/manifest.safe"]),
        (L1C, "MTD_MSIL1C.xml", ["P/metadata.xml"]),
        (L1C, "MTD_MSIL2A.xml", []),
        (L1C, "INSPIRE.xml", ["P/inspire.xml"]),
        (L1C, "DATASTRIP/DS_EPA__1/MTD_DS.xml", ["P/datastrip/0/metadata.xml"]),
        (L1C, "DATASTRIP/DS_1/QI_DATA/SENSOR_QUALITY.xml", ["P/datastrip/0/qi/SENSOR_QUALITY_report.xml"]),
        (L2A, "DATASTRIP/DS_1/QI_DATA/SENSOR_QUALITY.xml", ["P/datastrip/0/qi/SENSOR_QUALITY.xml"]),
        (L1C, "GRANULE/L1C_x/MTD_TL.xml", ["T/metadata.xml"]),
        (L1C, "GRANULE/L1C_x/IMG_DATA/T31UFS_20221206T105431_B8A.jp2", ["T/B8A.jp2"]),
        (L1C, "GRANULE/L1C_x/IMG_DATA/T31UFS_20221206T105432_TCI.jp2", ["T/TCI.jp2"]),
        (L1C, "GRANULE/L1C_x/IMG_DATA/T31UFS_20221206T105431_B13.jp2", []),
        (L1C, "GRANULE/L1C_x/QI_DATA/T31UFS_20221206T105431_PVI.jp2", ["T/preview.jp2"]),
        (L1C, "GRANULE/L1C_x/QI_DATA/MSK_CLASSI_B00.jp2", ["T/qi/CLASSI_B00.jp2"]),
        (L1C, "GRANULE/L1C_x/AUX_DATA/AUX_ECMWFT", ["T/auxiliary/ECMWFT"]),
        (L1C, "GRANULE/L1C_x/AUX_DATA/AUX_CAMSRE", ["T/auxiliary/CAMSRE", "T/auxiliary/AUX_CAMSRE"]),
        (L2A, "GRANULE/L2A_x/AUX_DATA/AUX_CAMSFO", ["T/auxiliary/AUX_CAMSFO"]),
        (L2A, "GRANULE/L2A_x/AUX_DATA/AUX_CAMSRE", ["T/auxiliary/AUX_CAMSRE", "T/auxiliary/CAMSRE"]),
        (L2A, "GRANULE/L2A_x/IMG_DATA/R20m/T01WCP_20250218T105431_B01_20m.jp2", ["T/R20m/B01.jp2"]),
        (L2A, "GRANULE/L2A_x/IMG_DATA/R20m/T01WCP_20250218T105431_B01_60m.jp2", []),
        (L2A, "GRANULE/L2A_x/QI_DATA/MSK_SNWPRB_60m.jp2", ["T/qi/SNW_60m.jp2"]),
        (L2A, "GRANULE/L2A_x/QI_DATA/T01WCP_20250218T105431_PVI.jp2", ["T/qi/L2A_PVI.jp2"]),
        (L2A, "GRANULE/L2A_x/QI_DATA/L2A_QUALITY.xml", ["T/qi/L2A_QUALITY.xml"]),
        (L2A, "GRANULE/L2A_x/QI_DATA/MSK_DEFECT_B01.gml", []),
        (L2A_USER, "GRANULE/L2A_x/IMG_DATA/R20m/L2A_T31UFS_20170730T105431_VIS_20m.jp2", ["T/R20m/VIS.jp2"]),
        (L2A_USER, "GRANULE/L2A_x/QI_DATA/L2A_T31UFS_20170730T105431_PVI.jp2", ["T/qi/L2A_PVI.jp2"]),
        (L2A_USER, "GRANULE/L2A_x/QI_DATA/T31UFS_20170730T105431_PVI.jp2", ["T/qi/L1C_PVI.jp2"]),
        (L2A_USER, "GRANULE/L2A_x/QI_DATA/L2A_T31UFS_20170730T105431_CLD_20m.jp2", ["T/qi/CLD_20m.jp2"]),
        (L2A_USER, "GRANULE/L2A_x/AUX_DATA/GIP_TL.xml", ["T/auxiliary/GIP_TL.xml"]),
        (L2A_USER, "L2A_Manifest.xml", ["P/L2AManifest.xml"]),
        (L2A_USER, f"{L2A_USER}_20170801T101112_report.xml", ["P/report.xml"]),
        (L2A, "HTML/UserProduct_index.html", []),
        (L2A, "rep_info/S2_User_Product_Level-2A_Metadata.xsd", []),
        (L2A, "GRANULE/L2A_x/../../../etc/passwd", []),
    ],
)
def test_a_safe_path_has_its_key(product, path, keys):
    rules = compact_rules(compact(product), 3)
    short = {rules.product_prefix: "P/", rules.tile_prefix: "T/"}
    found = rules.keys(path)
    for prefix, letter in short.items():
        found = [key.replace(prefix, letter) for key in found]
    assert found == keys


def test_prefixes_have_no_leading_zeros():
    rules = compact_rules(compact(L2A), 3)
    assert rules.tile_prefix == "tiles/1/W/CP/2025/2/18/3/"
    assert rules.product_prefix == f"products/2025/2/18/{L2A}/"


def test_every_path_of_every_real_manifest_has_one_key_and_nothing_else_has(shared_data):
    """Counts of files a product: aws-and-search.md, section 2.2."""
    manifests = real_compact_manifests(shared_data)
    assert len({name.baseline for name, _ in manifests}) >= 15
    for name, file in manifests:
        manifest = parse_manifest(file.read_bytes())
        if manifest.doubt:
            continue
        rules = compact_rules(name)
        keys = {entry.path: rules.keys(entry.path) for entry in manifest.entries}
        assert {path for path, found in keys.items() if not found} == NEVER_ON_AWS, name
        mapped = [found[0] for found in keys.values() if found]
        assert len(set(mapped)) == len(mapped), name
        several = [path for path, found in keys.items() if len(found) > 1]
        assert all(path.endswith("AUX_CAMSRE") for path in several)
        assert len(mapped) + 1 == expected_count(name, {entry.path for entry in manifest.entries}), name


def expected_count(name: ProductName, paths: set[str]) -> int:
    """Objects fetched for a product, the manifest included."""
    if str(name.baseline) in {"02.01", "02.02"}:
        return 88
    if str(name.baseline) == "02.04":
        return 87 if any(path.endswith("AUX_ECMWFT") for path in paths) else 86
    if name.level is Level.L1C:
        if name.baseline.major >= 4:
            return 58
        return 96 if any(path.endswith("SENSOR_QUALITY.xml") for path in paths) else 86
    if name.baseline.major >= 4:
        return 85
    return 107 if str(name.baseline) == "02.07" else 122


def test_keys_lead_back_to_the_paths_they_came_from(shared_data):
    for name, file in real_compact_manifests(shared_data):
        manifest = parse_manifest(file.read_bytes())
        if manifest.doubt:
            continue
        rules = compact_rules(name)
        granule = next(e.path.split("/")[1] for e in manifest.entries if e.path.endswith("/MTD_TL.xml"))
        strip = next(e.path.split("/")[1] for e in manifest.entries if e.path.endswith("/MTD_DS.xml"))
        for entry in manifest.entries:
            for key in rules.keys(entry.path):
                assert rules.path(key, granule, strip) == entry.path


def test_the_real_list_of_keys_and_the_real_manifest_agree(shared_data):
    folder = shared_data / "aws_to_safe"
    lines = (folder / "aws_chunks.S2_MSI_L2A.yml").read_text().splitlines()
    listed = {line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")}
    name = compact("S2A_MSIL2A_20210319T023551_N0214_R089_T51RVQ_20210319T043941")
    rules = compact_rules(name)
    manifest = parse_manifest((folder / "manifest.safe.S2_MSI_L2A").read_bytes())
    mapped = {key for entry in manifest.entries for key in rules.keys(entry.path)} | set(rules.keys("manifest.safe"))
    assert mapped <= listed
    info = {f"{rules.product_prefix}productInfo.json", f"{rules.tile_prefix}productInfo.json"}
    info.add(f"{rules.tile_prefix}tileInfo.json")
    resampled = {f"{rules.tile_prefix}R20m/B08.jp2", f"{rules.tile_prefix}R60m/B08.jp2"}
    assert listed - mapped == info | resampled  # B08 at 20 and 60 m is in no SAFE
    assert {rules.path(key, "L2A_g", "DS_d") for key in info} == {None}


def test_tile_and_datastrip_places_come_from_product_info(shared_data):
    answers = shared_data / "api" / "eodag_provider_responses"
    info = json.loads((answers / "s2l2a_productInfo.json").read_text())
    name = compact(info["name"])
    prefix = product_prefixes(name)[0]
    assert prefix == info["path"] + "/"
    rules = aws_rules(name, info, prefix)
    assert rules.keys("GRANULE/L2A_x/MTD_TL.xml") == ("tiles/53/D/MB/2022/1/1/0/metadata.xml",)
    strip = "DATASTRIP/DS_VGS2_20220101T012649_S20220101T000600/MTD_DS.xml"
    assert rules.keys(strip) == (f"{prefix}datastrip/0/metadata.xml",)


def test_a_generated_product_info_is_read_back():
    name = compact(L1C)
    rules = compact_rules(name, 2)
    info = product_info(
        name, rules, "S2A_OPER_MSI_L1C_DS_2APS_20221206T125331_S20221206T105431_N05.09", "2022-12-06T10:54:31Z"
    )
    again = aws_rules(name, json.loads(json.dumps(info)), rules.product_prefix)
    assert again.keys("GRANULE/L1C_x/MTD_TL.xml") == (f"{rules.tile_prefix}metadata.xml",)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({}, "names no tile"),
        ({"tiles": "x"}, "names no tile"),
        ({"tiles": [{"path": "../../../../../../../x"}]}, "as a tile"),
        ({"tiles": [{"path": "tiles/31/U/FS/2022/12/6/0"}] * 2}, "twice"),
        ({"tiles": [{"path": "tiles/32/U/FS/2022/12/6/0"}]}, "does not name tile 31UFS"),
    ],
)
def test_a_product_info_that_leads_nowhere_is_refused(info, message):
    with pytest.raises(InputError, match=message):
        aws_rules(compact(L1C), info, "products/x/")


def old_rules() -> OldFormatRules:
    name = parse_product_name(OLD)
    assert isinstance(name, OldFormatName)
    return OldFormatRules(name, "P/", {"53HLA": "T/"}, {STRIP: "1"})


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("manifest.safe", ("P/manifest.safe",)),
        ("S2A_OPER_MTD_SAFL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424.xml", ("P/metadata.xml",)),
        ("S2A_OPER_BWI_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424.png", ("P/preview.png",)),
        (
            f"DATASTRIP/{STRIP}/S2A_OPER_MTD_L1C_DS_SGS__20160905T073438_S20160905T010424.xml",
            ("P/datastrip/1/metadata.xml",),
        ),
        (f"DATASTRIP/{STRIP}/QI_DATA/S2A_X_SENSOR_QUALITY_report.xml", ("P/datastrip/1/qi/SENSOR_QUALITY_report.xml",)),
        (f"GRANULE/{GRANULE}/S2A_OPER_MTD_L1C_TL_SGS__20160905T073438_A006291_T53HLA.xml", ("T/metadata.xml",)),
        (f"GRANULE/{GRANULE}/IMG_DATA/{GRANULE[:-7]}_B8A.jp2", ("T/B8A.jp2",)),
        (f"GRANULE/{GRANULE}/QI_DATA/S2A_OPER_PVI_L1C_TL_SGS__20160905T073438_A006291_T53HLA.jp2", ("T/preview.jp2",)),
        (
            f"GRANULE/{GRANULE}/QI_DATA/S2A_OPER_MSK_TECQUA_SGS__20160905T073438_A006291_T53HLA_B01_MSIL1C.gml",
            ("T/qi/MSK_TECQUA_B01.gml",),
        ),
        (f"GRANULE/{GRANULE}/QI_DATA/L2A_{GRANULE[:-7]}_CLD_20m.jp2", ("T/qi/CLD_20m.jp2",)),
        (f"GRANULE/{GRANULE}/IMG_DATA/R20m/L2A_{GRANULE[:-7]}_B05_20m.jp2", ("T/R20m/B05.jp2",)),
        (f"GRANULE/{GRANULE}/AUX_DATA/S2A_OPER_AUX_ECMWFT_SGS__20160905T073438_V1_2", ()),
        (f"GRANULE/{GRANULE.replace('HLA', 'HXX')}/S2A_OPER_MTD_L1C_TL_SGS__20160905T073438_A006291_T53HXX.xml", ()),
        ("GRANULE/odd/x.xml", ()),
        ("HTML/UserProduct_index.html", ()),
    ],
)
def test_the_old_format_has_its_keys(path, keys):
    assert old_rules().keys(path) == keys


def test_an_odd_granule_is_no_granule():
    with pytest.raises(InputError, match="no granule"):
        tile_of_granule("L1C_T31UFS_A1_2")


def test_every_path_of_the_real_old_product_has_keys_except_the_named_ones(shared_data):
    folder = shared_data / "safe_metadata" / f"{OLD}.SAFE"
    manifest = parse_manifest((folder / "manifest.safe").read_bytes())
    granules = {entry.path.split("/")[1] for entry in manifest.entries if entry.path.startswith("GRANULE/")}
    name = parse_product_name(OLD)
    assert isinstance(name, OldFormatName)
    rules = OldFormatRules(name, "P/", {tile_of_granule(granule): f"T/{granule}/" for granule in granules})
    assert len(granules) == 6
    without = {entry.path for entry in manifest.entries if not rules.keys(entry.path)}
    assert without == NEVER_ON_AWS
    firsts = [rules.keys(entry.path)[0] for entry in manifest.entries if entry.path not in NEVER_ON_AWS]
    assert len(set(firsts)) == len(firsts)
    assert any(pattern.startswith("GRANULE/*/AUX_DATA") for pattern in UNRECOVERABLE)


def test_old_products_are_looked_for_under_both_their_days():
    name = parse_product_name("S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T235712_20160906T000424")
    assert [prefix.split("/")[3] for prefix in product_prefixes(name)] == ["5", "6"]


def test_the_whole_real_sentinel1_item_is_proven_by_its_manifest_under_the_map(shared_data):
    folder = next((shared_data / "s1" / "aws_layout_full").iterdir())
    name = parse_product_name(folder.name)
    assert isinstance(name, Sentinel1Name)
    info = json.loads((folder / "productInfo.json").read_text())
    prefix = product_prefixes(name)[0]
    assert prefix == info["path"] + "/"
    mapped = aws_rules(name, info, prefix)
    assert isinstance(mapped, Sentinel1Rules)
    guessed = Sentinel1Rules(name, prefix)
    proven = 0
    for entry in parse_manifest((folder / "manifest.safe").read_bytes()).entries:
        (key,) = mapped.keys(entry.path)
        assert guessed.keys(entry.path) == (key,)
        data = (folder / key.removeprefix(prefix)).read_bytes()
        if not data:
            continue  # the two pictures are emptied in the collection
        digest = new_hash(entry.algorithm)
        digest.update(data)
        assert (len(data), digest.hexdigest()) == (entry.nbytes, entry.checksum)
        proven += 1
    assert proven == 11
    on_disk = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"productInfo.json"}
    assert {key.removeprefix(prefix) for path in mapped.extras() for key in mapped.keys(path)} == on_disk
    assert {key for path in mapped.extras() for key in guessed.keys(path)} == {prefix + path for path in on_disk}


@pytest.mark.parametrize(
    ("path", "first"),
    [
        (
            "annotation/calibration/noise-s1a-iw1-slc-vv-20180716t004042-20180716t004107-022812-02792a-004.xml",
            "annotation/calibration/noise-iw1-vv.xml",
        ),
        (
            "measurement/s1b-wv2-slc-vv-20180716t004042-20180716t004107-022812-02792a-017.tiff",
            "measurement/wv2-vv-017.tiff",
        ),
        (
            "measurement/s1c-iw-grd-vh-20180716t004042-20180716t004107-022812-02792a-001-cog.tiff",
            "measurement/iw-vh-cog.tiff",
        ),
    ],
)
def test_long_names_of_sentinel1_lead_to_short_keys(path, first):
    assert short_keys(path)[0] == first


def test_sentinel1_paths_that_are_unknown_have_no_key():
    assert short_keys("elsewhere/s1a-iw-grd-vv-20180716t004042-20180716t004107-022812-02792a-001.xml") == ()
    assert short_keys("annotation/notes.txt") == ()


def test_a_filename_map_that_leads_outside_is_refused():
    assert read_filename_map({"filenameMap": {}}) is None
    with pytest.raises(InputError, match="no path inside"):
        read_filename_map({"filenameMap": {"../../x": "x"}})


@pytest.mark.parametrize(
    ("product", "layout", "prefix"),
    [
        (L2A, Layout.SAFE, f"{L2A}.SAFE/"),
        (L2A, Layout.GCP, f"L2/tiles/01/W/CP/{L2A}.SAFE/"),
        (L1C, Layout.GCP, f"tiles/31/U/FS/{L1C}.SAFE/"),
        (L1C, Layout.CDSE, f"Sentinel-2/MSI/L1C_N0500/2022/12/06/{L1C}.SAFE/"),
        (L2A_USER, Layout.CDSE, f"Sentinel-2/MSI/L2A/2017/07/30/{L2A_USER}.SAFE/"),
        (S1, Layout.CDSE, f"Sentinel-1/SAR/IW_GRDH_1S/2018/07/16/{S1}.SAFE/"),
    ],
)
def test_archives_of_safe_folders_have_prefixes(product, layout, prefix):
    assert safe_prefixes(parse_product_name(product), layout)[0] == prefix
    assert FolderRules(prefix).keys("GRANULE/x") == (f"{prefix}GRANULE/x",)


def test_the_google_bucket_has_no_sentinel1():
    assert safe_prefixes(parse_product_name(S1), Layout.GCP) == ()
