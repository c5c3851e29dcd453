import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.picture.naming import DEFAULT_TEMPLATE, FIELDS, check_template, file_name, unique_names

VALUES = {
    **dict.fromkeys(FIELDS, "x"),
    "datetime": "20221005T115411", "tile": "29UNU", "level": "L2A", "baseline": "N0400", "composite": "ndvi",
    "discriminator": "20221005T164454",
    "res": "60", "ext": "jpg", "r": "B04", "g": "B03", "b": "B02", "now": "20260102-030405",
}  # fmt: skip


def test_default():
    name = file_name(check_template(DEFAULT_TEMPLATE), VALUES)
    assert name == "20221005T115411_29UNU_L2A_N0400_20221005T164454_ndvi_60m.jpg"


def test_the_pattern_of_the_legacy_service():
    assert file_name(check_template("legacy"), VALUES) == "20260102-030405_R60m_B04_B03_B02.jpg"


def test_folders_are_allowed_in_a_template_and_not_in_a_value():
    assert file_name(check_template("{tile}/{composite}.{ext}"), VALUES | {"composite": "a/b"}) == "29UNU/a-b.jpg"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{tiel}.{ext}", "no field {tiel}"),
        ("{tile", "name template"),
        ("/tmp/{tile}.{ext}", "leads out"),
        ("../{tile}.{ext}", "leads out"),
        ("{tile}.jpg", "extension"),
        ("", "leads out"),
    ],
)
def test_what_is_no_template(template, message):
    with pytest.raises(InputError, match=message) as caught:
        check_template(template)
    assert caught.value.hint


def test_the_nearest_field_is_offered():
    with pytest.raises(InputError) as caught:
        check_template("{tiel}.{ext}")
    assert "{tile}" in caught.value.hint


def test_later_ones_get_numbers():
    assert unique_names(["a.jpg", "a.jpg", "b.jpg", "A.jpg", "a-2.jpg"]) == (
        "a.jpg",
        "a-3.jpg",
        "b.jpg",
        "A-4.jpg",
        "a-2.jpg",
    )
    assert unique_names(["plain", "plain"]) == ("plain", "plain-2")


@given(st.lists(st.sampled_from(["a.jpg", "A.jpg", "a-2.jpg", "b.png", "b"]), max_size=12))
def test_no_two_names_are_alike(names):
    unique = unique_names(names)
    assert len({name.lower() for name in unique}) == len(names)


@pytest.mark.parametrize(
    "template",
    [
        "{res:.}.{ext}",
        "{res:d}.{ext}",
        "{res:>99999999999}.{ext}",
        "{res!r}.{ext}",
        "{res:{tile}}.{ext}",
        "{res:=5}.{ext}",
    ],
)
def test_a_format_that_a_text_does_not_have_is_refused_beforehand(template: str) -> None:
    with pytest.raises(InputError):
        check_template(template)


def test_a_width_and_a_length_are_formats_of_a_text() -> None:
    fields = dict.fromkeys(FIELDS, "10")
    assert file_name(check_template("{res:0>4}_{tile:.1}_{b:5s}.{ext}"), fields) == "0010_1_10   .10"
