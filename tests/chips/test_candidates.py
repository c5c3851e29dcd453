"""What is known of a product before its pixels are read."""

import pytest
from shapely.geometry import Point, box, mapping

from s2kit.area.dates import parse_date
from s2kit.chips.candidates import candidates, choose, wanted
from s2kit.chips.record import point_place
from s2kit.errors import InputError, NotFoundError
from s2kit.product.ref import ProductRef
from s2kit.settings import Settings

NAME = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240901T000000"


def test_a_name_or_an_address_alone_stands_for_its_tile(tmp_path):
    for text in (NAME, f"{NAME}.SAFE", f"s3://bucket/some/{NAME}.SAFE", f"gs://bucket/{NAME}.SAFE/"):
        (found,) = candidates([ProductRef(text)], Settings(dataset=tmp_path))
        assert (found.id, found.tile, found.baseline, found.level) == (NAME, "31TCJ", "05.10", "L2A")
        assert found.ref.text == text
        assert found.footprint.contains(Point(0.7, 43.8))


def test_a_search_record_is_read_from_its_best_place(tmp_path):
    record = {
        "id": NAME,
        "datetime": "2024-04-19T10:58:31Z",
        "s2:datatake_start": "2024-04-19T10:50:31Z",
        "geometry": mapping(box(0, 43, 1, 44)),
        "eo:cloud_cover": 12,
        "s2kit:locations": {"cogs": "s3://sentinel-cogs/x", "aws-l2a": "s3://sentinel-s2-l2a/tiles/x"},
    }
    settings = Settings(dataset=tmp_path)
    (found,) = candidates([ProductRef(NAME, record)], settings)
    assert (found.ref.text, found.cloud_pct) == ("s3://sentinel-cogs/x/x.json", 12)
    (named,) = candidates([ProductRef(NAME, record)], Settings(dataset=tmp_path, archive="gcp"))
    assert named.ref.text == NAME
    feature = {"id": NAME, "geometry": record["geometry"], "properties": {**record, "geometry": None}}
    (nested,) = candidates([ProductRef(NAME, feature)], settings)
    assert nested.footprint.equals(found.footprint)
    (without,) = candidates([ProductRef(NAME, {"id": NAME})], settings)
    assert without.footprint.area > found.footprint.area
    with pytest.raises(InputError):
        candidates([ProductRef("odd", {"id": "odd"})], settings)


def test_what_passes(scene):
    settings = Settings(dataset=scene.folder)
    found = candidates([ProductRef(str(scene.folder))], settings, "L2A")
    assert [one.level for one in found] == ["L2A", "L2A"]
    from datetime import UTC, datetime

    april = parse_date("2024-04", datetime.now(UTC))
    assert len(wanted(found, [april], None, None)) == 1
    assert wanted(found, [], "L1C", None) == []
    assert len(wanted(found, [], None, 0.0)) < 2
    (by_name,) = candidates([ProductRef(scene.l2a[0].stem)], settings)
    assert by_name.ref.text == str(scene.l2a[0])


def test_a_place_in_the_next_utm_zone_and_one_far_away():
    settings = Settings()
    found = candidates([ProductRef(NAME)], settings)
    assert len(choose(found, point_place(0.7, 43.8), 1280)) == 1
    assert choose(found, point_place(-170, -43.8), 1280) == []
    assert choose(found, point_place(5.9, 43.8), 1280) == []


def test_a_folder_without_products(tmp_path):
    (tmp_path / "S2A_broken.SAFE").mkdir()
    notes = []
    assert candidates([ProductRef(str(tmp_path))], Settings(), None, notes.append) == []
    assert "left out" in notes[0].message
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError):
        candidates([ProductRef(str(tmp_path / "empty"))], Settings())
