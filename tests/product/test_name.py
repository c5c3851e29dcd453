import pickle
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.product.name import (
    AnyProductName,
    Baseline,
    Level,
    OldFormatName,
    ProductName,
    RelativeOrbit,
    Sentinel1Name,
    TileId,
    compact_time,
    parse_compact_time,
    parse_product_name,
)

L1C = "S2A_MSIL1C_20180101T105441_N0206_R051_T31TDH_20180101T124911"
LEGACY = "S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424"
GRD = "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8"

TIMES = st.integers(0, 6_000_000_000).map(lambda seconds: datetime(1972, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
ORBITS = st.builds(RelativeOrbit, st.integers(1, 143))
HEX = "0123456789ABCDEF"
COMPACT = st.builds(
    ProductName,
    satellite=st.sampled_from(["S2A", "S2B", "S2C", "S2D"]),
    level=st.sampled_from([Level.L1C, Level.L2A]),
    sensing=TIMES,
    baseline=st.builds(Baseline, st.integers(0, 99), st.integers(0, 99)),
    orbit=ORBITS,
    tile=st.builds(TileId, st.integers(1, 60), st.sampled_from("CHNPX"), st.sampled_from(["AA", "ZV", "DH", "JP"])),
    discriminator=TIMES.map(compact_time) | st.text("0123456789abcXYZ", min_size=1, max_size=15),
)
LONG = st.builds(
    OldFormatName,
    satellite=st.sampled_from(["S2A", "S2B"]),
    file_class=st.sampled_from(["OPER", "USER"]),
    level=st.sampled_from([Level.L1C, Level.L2A]),
    centre=st.sampled_from(["PDMC", "EPA_", "MTI_", "SGS_", "____"]),
    created=TIMES,
    orbit=ORBITS,
    sensing=TIMES,
    sensing_stop=TIMES,
)
RADAR = st.builds(
    Sentinel1Name,
    satellite=st.sampled_from(["S1A", "S1B", "S1C", "S1D"]),
    mode=st.sampled_from(["IW", "EW", "WV", "S1", "S6"]),
    product_type=st.sampled_from(["GRD", "SLC", "OCN", "RAW"]),
    resolution_class=st.sampled_from("FHM_"),
    processing_level=st.sampled_from("012A"),
    product_class=st.sampled_from("SANC"),
    polarisation=st.sampled_from(["SH", "SV", "DH", "DV", "VH"]),
    sensing=TIMES,
    sensing_stop=TIMES,
    absolute_orbit=st.integers(0, 999_999),
    datatake=st.text(HEX, min_size=6, max_size=6),
    unique_id=st.text(HEX, min_size=4, max_size=4),
    cog=st.booleans(),
)


@given(COMPACT | LONG | RADAR, st.sampled_from(["", ".SAFE", ".zip", ".SAFE.zip", ".SAFE/", "/"]))
def test_a_name_reads_what_it_writes(name: AnyProductName, suffix: str) -> None:
    text = str(name)
    assert parse_product_name(text + suffix) == name
    assert str(parse_product_name(text + suffix)) == text
    assert pickle.loads(pickle.dumps(name)) == name


@given(
    st.text(max_size=90)
    | st.from_regex(r"S2[A-E]_MSIL[12][AC]_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d{2}[A-Z]{3}_\d{8}T\d{6}", fullmatch=True)
)
def test_any_text_is_a_name_or_an_input_error(text: str) -> None:
    with suppress(InputError):
        assert text.startswith(str(parse_product_name(text)))


def test_the_fields_of_a_compact_name() -> None:
    name = parse_product_name(f"{L1C}.SAFE")
    assert name == ProductName(
        satellite="S2A",
        level=Level.L1C,
        sensing=datetime(2018, 1, 1, 10, 54, 41, tzinfo=UTC),
        baseline=Baseline(2, 6),
        orbit=RelativeOrbit(51),
        tile=TileId(31, "T", "DH"),
        discriminator="20180101T124911",
    )


def test_the_fields_of_a_long_name() -> None:
    name = parse_product_name(LEGACY)
    assert isinstance(name, OldFormatName)
    assert (name.file_class, name.level, name.centre, int(name.orbit)) == ("OPER", Level.L1C, "PDMC", 2)
    assert name.sensing == datetime(2016, 9, 5, 0, 57, 12, tzinfo=UTC)
    assert name.sensing_stop == datetime(2016, 9, 5, 1, 4, 24, tzinfo=UTC)
    assert name.created == datetime(2016, 9, 5, 10, 48, 13, tzinfo=UTC)
    assert name.metadata_file == "S2A_OPER_MTD_SAFL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424.xml"


def test_a_user_product_of_the_old_format() -> None:
    text = LEGACY.replace("OPER", "USER").replace("L1C", "L2A")
    name = parse_product_name(text)
    assert isinstance(name, OldFormatName)
    assert (name.file_class, name.level) == ("USER", Level.L2A)


def test_the_fields_of_a_radar_name() -> None:
    name = parse_product_name(GRD)
    assert isinstance(name, Sentinel1Name)
    assert (name.mode, name.product_type, name.resolution_class, name.polarisation) == ("IW", "GRD", "H", "DV")
    assert (name.absolute_orbit, name.datatake, name.unique_id, name.cog) == (39156, "049F13", "6FF8", False)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (L1C.replace("20180101T105441", "20180230T105441"), "20180230T105441"),
        (L1C.replace("R051", "R144"), "144"),
        (L1C.replace("T31TDH", "T61TDH"), "61TDH"),
        (L1C.replace("S2A", "S2E"), "S2E"),
        (L1C + ".tar", "tar"),
        (L1C + "_extra", "extra"),
        ("x" + L1C, "x"),
        ("", "''"),
    ],
)
def test_what_is_no_name_says_why(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        parse_product_name(text)
    assert "no product name" in caught.value.message
    assert "\n" not in caught.value.message


def test_times_are_written_in_utc() -> None:
    assert compact_time(datetime(2018, 1, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=2)))) == "20171231T230000"
    with pytest.raises(InputError, match="YYYYMMDD"):
        parse_compact_time("2018-01-01")


def test_every_real_name_is_read_and_written_exactly(shared_data: Path) -> None:
    texts = {path.name for path in shared_data.rglob("S[12]*.SAFE")}
    texts |= {
        path.name.removesuffix(".tsv").removeprefix("esa_")
        for path in (shared_data / "safe_listings").glob("*S[12]*.tsv")
    }
    texts = {text.removeprefix("esa_") for text in texts if "_manifest" not in text}
    texts -= {"manifest.safe.S2_MSI_L2A"}
    assert len(texts) >= 34
    for text in texts:
        assert str(parse_product_name(text)) == text.removesuffix(".SAFE")
