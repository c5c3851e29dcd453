import json
from pathlib import Path

import pytest

from s2kit.errors import InputError, NotFoundError
from s2kit.picture.stretch import Stretch, StretchKind
from s2kit.product.ref import ProductRef
from s2kit.render.batch import read_batch

LEGACY = {"res_list": "20,20,60", "r_list": "B04,B12,B06", "g_list": "B03,B11,B04", "b_list": "B02,B03,B02"}


def _read(tmp_path, text, res=None):
    path = tmp_path / "jobs.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return read_batch(path, res=res, stretch=Stretch())


def test_the_body_of_the_legacy_service_as_it_is(tmp_path):
    specs = _read(tmp_path, LEGACY)
    assert [spec.subject.bands for spec in specs] == [
        ("B04", "B03", "B02"),
        ("B12", "B11", "B03"),
        ("B06", "B04", "B02"),
    ]
    assert [spec.subject.resolution_m for spec in specs] == [20, 20, 60]
    assert [spec.label for spec in specs] == ["entry 1", "entry 2", "entry 3"]


def test_a_job_of_the_legacy_service_as_it_was_stored(tmp_path):
    stored = LEGACY | {"id": 3, "status": "Done", "output": "./Output/x.jpg,", "res_list": "20,20,60,"}
    assert len(_read(tmp_path, stored)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r_list": "B08,B12,B06"}, "entry 1: band B08 is not at 20 m"),
        ({"res_list": "20,15,60"}, "entry 2: resolution '15'"),
        ({"g_list": "B03,B11,B99"}, "entry 3: there is no band 'B99'"),
        ({"b_list": "B02,B03"}, "not equally long: res_list 3, r_list 3, g_list 3, b_list 2"),
        ({"b_list": "B02,TCI,B02"}, "entry 2: band TCI is not at 20 m"),
        ({"colour": 1}, "'colour' is not known"),
    ],
)
def test_what_the_legacy_service_would_not_take(tmp_path, change, message):
    with pytest.raises(InputError, match=message) as caught:
        _read(tmp_path, LEGACY | change)
    assert caught.value.message.startswith("jobs.json: ")
    assert caught.value.hint


def test_allowed_bands_are_named(tmp_path):
    with pytest.raises(InputError) as caught:
        _read(tmp_path, LEGACY | {"r_list": "B08,B12,B06"})
    assert caught.value.hint == "allowed at 20 m: B02, B03, B04, B05, B06, B07, B8A, B11, B12"


def test_all_wrong_entries_are_named(tmp_path):
    with pytest.raises(InputError) as caught:
        _read(tmp_path, LEGACY | {"res_list": "10,11,60"})
    assert "entry 2: resolution '11'" in caught.value.message
    assert "entry 1" not in caught.value.message
    with pytest.raises(InputError) as caught:
        _read(tmp_path, LEGACY | {"res_list": "9,11,60"})
    assert "entry 1: " in caught.value.message
    assert "entry 2: " in caught.value.message


def test_a_list_is_missing(tmp_path):
    with pytest.raises(InputError, match="g_list, b_list missing"):
        _read(tmp_path, {"res_list": "20", "r_list": "B04"})


def test_a_json_list(tmp_path):
    specs = _read(
        tmp_path,
        [
            {"bands": "B04,B03,B02", "res": 20, "stretch": "0:0.3"},
            {"bands": ["B11", "B08", "B02"]},
            {"index": "ndvi@60"},
            {"recipe": "swir", "gamma": 2, "product": "a.SAFE"},
            {"r": "B04", "g": "B03", "b": "B02", "res": "60m"},
            {"composite": "true-color"},
        ],
        res=10,
    )
    assert [spec.subject.resolution_m for spec in specs] == [20, 10, 60, 10, 60, 10]
    assert specs[0].stretch.kind is StretchKind.PHYSICAL
    assert specs[1].stretch == Stretch()
    assert specs[3].stretch.gamma == 2
    assert specs[3].product == ProductRef("a.SAFE")
    assert specs[4].subject.bands == ("B04", "B03", "B02")


def test_one_json_object(tmp_path):
    assert _read(tmp_path, {"index": "ndvi"})[0].subject.index == "ndvi"


@pytest.mark.parametrize("separator", [",", ";"])
def test_csv(tmp_path, separator):
    bands = '"B04,B03,B02"' if separator == "," else "B04,B03,B02"
    lines = [["bands", "index", "res"], [bands, "", "20"], ["", "ndwi", ""]]
    specs = _read(tmp_path, "# pictures\n" + "\n".join(separator.join(line) for line in lines) + "\n")
    assert [spec.subject.name for spec in specs] == ["B04-B03-B02", "ndwi"]
    assert specs[0].subject.resolution_m == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no entry"),
        ("[]", "no entry"),
        ("{", "not JSON"),
        ("[1]", "entry 1: 1 is no object"),
        ('[{"band": "B04"}]', "entry 1: 'band' is not known"),
        ('[{"res": 20}]', "one of bands, index or recipe"),
        ('[{"bands": "B04", "index": "ndvi"}]', "one of bands, index or recipe"),
        ('[{"index": "ndvi"}, {"index": "ndvo"}]', "entry 2: there is no index 'ndvo'"),
        ('[{"bands": "B04", "stretch": "0:1,0:1,0:1"}]', "3 pairs"),
        ('[{"bands": "B04", "gamma": "much"}]', "gamma 'much'"),
        ("x,y\n1,2\n", "neither JSON nor a CSV"),
    ],
)
def test_what_is_no_batch(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        _read(tmp_path, text)


def test_no_file(tmp_path):
    with pytest.raises(NotFoundError, match="no such batch file"):
        read_batch(tmp_path / "none.json", res=None, stretch=Stretch())


def test_no_text(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_batch(tmp_path / "x.csv", res=None, stretch=Stretch())


def test_stdin(monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'[{"index": "ndvi"}]')))
    assert read_batch(Path("-"), res=None, stretch=Stretch())[0].subject.index == "ndvi"
