from datetime import UTC, datetime

import pytest

from s2kit.errors import InputError
from s2kit.product.xmltree import local_name, parse_number, parse_xml, parse_xml_until

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]>
<a>&y;</a>"""
EXTERNAL = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize("data", [BOMB, EXTERNAL, b"<!DOCTYPE a><a/>"])
def test_entities_and_document_types_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"it\.xml declares .* refused"):
        parse_xml(data, "it.xml")


@pytest.mark.parametrize(
    "data",
    [b"", b"<a>", b"\x00\x01", b"\xff\xd8\xff\xe0jpeg", b"plain text", b'<?xml version="1.0" encoding="klingon"?><a/>'],
)
def test_what_is_no_xml_is_named(data: bytes) -> None:
    with pytest.raises(InputError, match=r"it\.xml is not well-formed") as caught:
        parse_xml(data, "it.xml")
    assert "\n" not in caught.value.message


def test_elements_are_found_by_local_name_and_any_spelling() -> None:
    tree = parse_xml(
        b'<n:a xmlns:n="urn:x"><n:old> 1 </n:old><old>2</old><empty/><!-- note --><new t="3">3</new></n:a>', "it"
    )
    assert tree.root_name == "a"
    assert [local_name(e) + (e.text or "") for e in tree.all("new", "old")] == ["new3", "old 1 ", "old2"]
    assert tree.text("absent", "old") == "1"
    assert tree.text("empty") is None
    assert tree.number("old") == 1.0
    assert tree.number("absent") is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2018-01-01T10:54:41.024Z", datetime(2018, 1, 1, 10, 54, 41, 24000, tzinfo=UTC)),
        ("2018-01-01T10:54:41.024000Z", datetime(2018, 1, 1, 10, 54, 41, 24000, tzinfo=UTC)),
        ("2018-01-01T10:54:41", datetime(2018, 1, 1, 10, 54, 41, tzinfo=UTC)),
        ("2018-01-01T12:54:41+02:00", datetime(2018, 1, 1, 10, 54, 41, tzinfo=UTC)),
    ],
)
def test_times_are_utc(text: str, time: datetime) -> None:
    assert parse_xml(f"<t>{text}</t>".encode(), "it").time("t") == time


def test_a_time_that_is_none_is_named() -> None:
    tree = parse_xml(b"<t>noon</t>", "it")
    assert tree.time("absent") is None
    with pytest.raises(InputError, match="it: t is 'noon'"):
        tree.time("t")


@pytest.mark.parametrize("text", ["", "ten", "nan", "inf", "-inf", "1e999"])
def test_a_number_is_finite(text: str) -> None:
    with pytest.raises(InputError, match="it is"):
        parse_number(text, "it")


def test_a_cut_document_is_read_as_far_as_it_was_asked_for() -> None:
    data = b'<n:a xmlns:n="urn:x"><b>1</b><c><d>2</d></c><e>3</e></n:a>'
    tree = parse_xml_until(data[:46], "it", "c")
    assert tree is not None
    assert (tree.root_name, tree.text("b"), tree.text("d"), tree.text("e")) == ("a", "1", "2", None)
    assert parse_xml_until(data[:30], "it", "c") is None
    assert parse_xml_until(data, "it", "absent") is None
    assert parse_xml_until(b"", "it", "c") is None
    with pytest.raises(InputError, match="refused"):
        parse_xml_until(BOMB, "it", "a")
