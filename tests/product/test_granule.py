import json
import pickle
import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.product.bands import native_resolution
from s2kit.product.granule import (
    HEAD_BYTES,
    GranuleName,
    ImageName,
    parse_granule_head,
    parse_granule_metadata,
    parse_granule_name,
    parse_image_name,
)
from s2kit.product.name import Baseline, TileId

TILE = """<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
  <n1:General_Info>
    <TILE_ID_2A metadataLevel="Brief">S2A_OPER_MSI_L2A_TL_SGS__20170825T102114_A011359_T32TLS_N02.05</TILE_ID_2A>
    <SENSING_TIME>2017-08-25T10:21:14.462Z</SENSING_TIME>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_CODE>EPSG:32632</HORIZONTAL_CS_CODE>
      <Size resolution="10"><NROWS>600</NROWS><NCOLS>300</NCOLS></Size>
      <Size resolution="60"><NROWS>100</NROWS><NCOLS>50</NCOLS></Size>
      <Geoposition resolution="10"><ULX>300000</ULX><ULY>5200020</ULY><XDIM>10</XDIM><YDIM>-10</YDIM></Geoposition>
      <Geoposition resolution="60"><ULX>300000</ULX><ULY>5200020</ULY><XDIM>60</XDIM><YDIM>-60</YDIM></Geoposition>
      <Geoposition resolution="20"><ULX>300000</ULX><ULY>5200020</ULY><XDIM>20</XDIM><YDIM>-20</YDIM></Geoposition>
    </Tile_Geocoding>
  </n1:Geometric_Info>
</n1:Level-2A_Tile_ID>
"""


def test_grids_come_from_the_tile_geocoding() -> None:
    metadata = parse_granule_metadata(TILE.encode())
    assert metadata.grids == {
        10: Grid(32632, 300000, 5200020, 10, 300, 600),
        60: Grid(32632, 300000, 5200020, 60, 50, 100),
    }
    assert metadata.grid(20) is None
    assert metadata.grid(320) == Grid(32632, 300000, 5200020, 320, 9, 18)
    assert (metadata.tile, metadata.baseline, metadata.cloud_pct) == (TileId(32, "T", "LS"), Baseline(2, 5), None)
    assert pickle.loads(pickle.dumps(metadata)) == metadata


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("Level-2A_Tile_ID", "Level-2A_User_Product", "User_Product"),
        ("TILE_ID_2A", "ID", "TILE_ID"),
        ("T32TLS_N", "T99TLS_N", "T99TLS"),
        ("EPSG:32632", "UTM 32", "UTM 32"),
        ("<XDIM>10<", "<XDIM>15<", "15"),
        ("<YDIM>-10<", "<YDIM>10<", "10"),
        ("<NROWS>600<", "<NROWS>0<", "0 pixels"),
        ("<NROWS>600<", "<NROWS>6.5<", "6.5 pixels"),
        ("<ULX>300000<", "<ULX><", "ULX"),
        ("Geoposition", "Position", "no pixel grid"),
    ],
)
def test_a_value_that_cannot_be_is_named(old: str, new: str, word: str) -> None:
    assert old in TILE
    with pytest.raises(InputError, match=re.escape(word)):
        parse_granule_metadata(TILE.replace(old, new).encode())


def test_the_start_of_the_file_is_enough() -> None:
    end = TILE.index("</Tile_Geocoding>") + len("</Tile_Geocoding>")
    whole = parse_granule_metadata(TILE.encode())
    assert parse_granule_head(TILE.encode()) == whole
    assert parse_granule_head(TILE[:end].encode()) == whole
    assert parse_granule_head(TILE[: end - 1].encode()) is None
    with pytest.raises(InputError, match="no Sentinel-2 granule"):
        parse_granule_head(TILE.replace("_Tile_ID", "_Other").encode())


@given(at=st.integers(0, len(TILE) - 1), text=st.text("<>/&\"'0-9.eN \0é", max_size=6), cut=st.integers(0, 40))
def test_a_changed_file_is_read_or_refused(at: int, text: str, cut: int) -> None:
    with suppress(InputError):
        parse_granule_metadata((TILE[:at] + text + TILE[at + cut :]).encode())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("L1C_T31TDH_A013204_20180101T105435", GranuleName(TileId(31, "T", "DH"), None)),
        ("L2A_T29UNU_A038058_20221005T115407", GranuleName(TileId(29, "U", "NU"), None)),
        (
            "S2A_OPER_MSI_L1C_TL_SGS__20160905T073438_A006291_T53HPA_N02.04",
            GranuleName(TileId(53, "H", "PA"), Baseline(2, 4)),
        ),
        (
            "S2A_USER_MSI_L2A_TL_EPA__20160905T073438_A006291_T53HPA_N02.04",
            GranuleName(TileId(53, "H", "PA"), Baseline(2, 4)),
        ),
        ("L1C_T99TDH_A013204_20180101T105435", None),
        ("IMG_DATA", None),
        ("", None),
    ],
)
def test_names_of_granules(text: str, name: GranuleName | None) -> None:
    assert parse_granule_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("T31TDH_20180101T105441_B01.jp2", ("31TDH", "B01", None)),
        ("T29UNU_20221005T115411_B8A_60m.jp2", ("29UNU", "B8A", 60)),
        ("T29UNU_20221005T115411_B8A_60m.tif", ("29UNU", "B8A", 60)),
        ("L2A_T32TLS_20170825T102021_SCL_20m.jp2", ("32TLS", "SCL", 20)),
        ("L2A_T32TLS_20170825T102021_VIS_20m.jp2", ("32TLS", "VIS", 20)),
        ("T29UNU_20221005T115411_PVI.jp2", ("29UNU", "PVI", None)),
        ("S2A_OPER_MSI_L1C_TL_SGS__20160905T073438_A006291_T53HPA_B01.jp2", ("53HPA", "B01", None)),
        ("S2A_OPER_PVI_L1C_TL_SGS__20160905T073438_A006291_T53HPA.jp2", ("53HPA", "PVI", None)),
        ("S2A_USER_MSI_L2A_TL_MPS__20160714T184720_A005554_T32TQR_B02_10m.jp2", ("32TQR", "B02", 10)),
        ("S2A_USER_SCL_L2A_TL_MPS__20160714T184720_A005554_T32TQR_20m.jp2", ("32TQR", "SCL", 20)),
        ("L2A_S2A_OPER_MSI_L1C_TL_MPS__20160714T184720_A005554_T32TQR_B02_10m.jp2", ("32TQR", "B02", 10)),
        ("S2A_USER_MSI_L2A_TL_MPS__20160714T184720_A005554_T32TQR_20m.jp2", None),
        ("MSK_CLDPRB_20m.jp2", None),
        ("T31TDH_20180101T105441_B13.jp2", None),
        ("T99TDH_20180101T105441_B01.jp2", None),
        ("T31TDH_20180101T105441_B01_15m.jp2", None),
        ("T31TDH_20180101T105441_B01.jp2.part", None),
    ],
)
def test_names_of_images(text: str, name: tuple[str, str, int | None] | None) -> None:
    expected = ImageName(TileId.parse(name[0]), name[1], name[2]) if name else None
    assert parse_image_name(text) == expected


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_none(text: str) -> None:
    parse_granule_name(text)
    parse_image_name(text)


def test_native_resolutions() -> None:
    assert [native_resolution(image) for image in ("B02", "B8A", "B10", "TCI", "SCL", "PVI", "VIS")] == [
        10,
        20,
        60,
        10,
        20,
        320,
        20,
    ]


def test_every_real_granule_has_the_size_of_a_tile(shared_data: Path) -> None:
    files = [*shared_data.rglob("MTD_TL.xml"), *shared_data.rglob("S2A_OPER_MTD_L1C_TL_*.xml")]
    for path in files:
        metadata = parse_granule_metadata(path.read_bytes())
        name = parse_granule_name(path.parent.name)
        assert name is not None
        assert metadata.tile == name.tile, path
        assert metadata.epsg == metadata.tile.epsg, path
        assert {res: grid.shape for res, grid in metadata.grids.items()} == {
            10: (10980,) * 2,
            20: (5490,) * 2,
            60: (1830,) * 2,
        }
        assert len({grid.bounds for grid in metadata.grids.values()}) == 1
        assert metadata.sensing_time is not None
        assert metadata.datastrip_id is not None
        head = path.read_bytes()[:HEAD_BYTES]
        assert parse_granule_head(head) == replace(metadata, cloud_pct=None)
        assert parse_granule_head(head[: HEAD_BYTES // 4]) is not None
        preview = metadata.grid(320)
        assert preview is not None
        assert preview.shape == (343, 343)
    assert len(files) >= 13


def test_real_granules_agree_with_stactools(shared_data: Path) -> None:
    checked = 0
    for expected in sorted(shared_data.glob("*/*/expected_output.json")):
        item = json.loads(expected.read_text())
        paths = [*expected.parent.rglob("MTD_TL.xml"), *expected.parent.glob("metadata.xml")]
        metadata = parse_granule_metadata(paths[0].read_bytes())
        properties = item["properties"]
        assert metadata.granule_id == properties["s2:tile_id"]
        assert f"MGRS-{metadata.tile}" == properties["grid:code"]
        assert metadata.cloud_pct == pytest.approx(properties["eo:cloud_cover"], abs=0.01)
        assert f"EPSG:{metadata.epsg}" == properties.get("proj:code", f"EPSG:{properties.get('proj:epsg')}")
        assert str(metadata.baseline) == properties["s2:processing_baseline"]
        if "aws_tiles_metadata" in str(expected):
            assert metadata.sensing_time is not None
            theirs = datetime.fromisoformat(properties["datetime"])
            assert abs((metadata.sensing_time - theirs).total_seconds()) < 0.01
        for asset in item["assets"].values():
            if "proj:transform" not in asset or "T34LBQ" in str(expected):
                continue
            resolution, _, west, _, _, north = asset["proj:transform"][:6]
            grid = metadata.grid(int(resolution))
            assert grid is not None
            assert (grid.west, grid.north, list(grid.shape)) == (west, north, asset["proj:shape"])
            checked += 1
    assert checked > 150
