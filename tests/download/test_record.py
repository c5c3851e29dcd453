import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.download.destination import Destination
from s2kit.download.record import DownloadRecord, Stamp
from s2kit.errors import InputError
from s2kit.product.subset import Subset

RECORD = DownloadRecord(
    product="S2A_X",
    archive="aws-l2a",
    address="s3://sentinel-s2-l2a",
    time="2026-11-20T14:00:00Z",
    version="0.1.0",
    subset=Subset.parse(["b04"]),
    files={'odd "name".xml': Stamp(3, 17), "a": Stamp(0, 1)},
    etags={"a": "x"},
    unlisted=("logo.png",),
    absent=("HTML/x",),
    skipped=("GRANULE/g/IMG_DATA/T31UFS_20221206T105431_B05.jp2",),
    zip=Stamp(5, 6),
)


def test_a_record_is_read_back():
    assert DownloadRecord.from_json(RECORD.to_json()) == RECORD
    assert json.loads(RECORD.to_json())["absent_at_source"] == ["HTML/x"]


def test_a_record_covers_what_was_not_skipped():
    assert RECORD.covers(Subset.parse(["b04"]))
    assert not RECORD.covers(Subset.parse(["b05"]))
    assert not RECORD.covers(Subset())
    assert RECORD.covers(Subset(exclude=("*_B05.jp2",)))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', RECORD.to_json().replace("[3, 17]", "[3]")])
def test_a_damaged_record_is_an_input_error(text):
    with pytest.raises(InputError):
        DownloadRecord.from_json(text)


@given(st.binary(max_size=60))
def test_no_bytes_crash_it(data):
    with pytest.raises(InputError):
        DownloadRecord.from_json(data)


@pytest.mark.parametrize("trap", ["fifo", "device"])
def test_a_pipe_or_a_link_in_its_place_is_replaced(trap, tmp_path):
    place = Destination(tmp_path, "A")
    if trap == "fifo":
        os.mkfifo(place.record_path)
    else:
        place.record_path.symlink_to("/dev/null")
    assert place.record() is None
    place.write_record(DownloadRecord(product="A", archive="a", address="b", time="t", version="1"))
    assert place.record() is not None
    assert not place.record_path.is_symlink()
