import hashlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.product.manifest import parse_manifest, safe_path

MD5 = "0" * 32


def manifest_xml(*objects: str, root: str = "xfdu:XFDU") -> bytes:
    body = "".join(f"<dataObject>{text}</dataObject>" for text in objects)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns:xfdu="urn:ccsds:schema:xfdu:1">'
        f"<dataObjectSection>{body}</dataObjectSection></{root}>"
    ).encode()


def stream(href: str = "./MTD.xml", size: str = "3", name: str = "MD5", digest: str = MD5) -> str:
    return (
        f'<byteStream mimeType="text/xml" size="{size}"><fileLocation locatorType="URL" href="{href}"/>'
        f'<checksum checksumName="{name}">{digest}</checksum></byteStream>'
    )


def real_manifests(shared_data: Path) -> list[Path]:
    return sorted(path for path in shared_data.rglob("manifest.safe*") if path.suffix != ".tsv")


def test_reads_a_list_with_mixed_prefixes_and_upper_case_hex():
    manifest = parse_manifest(
        manifest_xml(
            stream("./MTD_MSIL2A.xml", "12", "MD5", "AB" * 16),
            stream("GRANULE/L2A_T31TDH/MTD_TL.xml", "0", "SHA3-256", "Cd" * 32),
        )
    )
    first, second = manifest.entries
    assert (first.path, first.nbytes, first.algorithm, first.checksum) == ("MTD_MSIL2A.xml", 12, "MD5", "ab" * 16)
    assert (second.path, second.algorithm, second.checksum) == ("GRANULE/L2A_T31TDH/MTD_TL.xml", "SHA3-256", "cd" * 32)
    assert manifest.nbytes == 12
    assert manifest.by_path["MTD_MSIL2A.xml"] is first
    assert manifest.doubt is None
    assert pickle.loads(pickle.dumps(manifest)) == manifest


def test_an_entry_that_is_repeated_word_by_word_counts_once():
    assert len(parse_manifest(manifest_xml(stream(), stream())).entries) == 1


def test_a_path_of_the_processing_server_is_cut_to_its_tail():
    href = "/dpc/app/run/.S2A_OPER_MSI_L2A_TL_MPS__20180528T112321/GRANULE/L2A_T31UFS/AUX_DATA/AUX_ECMWFT"
    assert safe_path(href) == "GRANULE/L2A_T31UFS/AUX_DATA/AUX_ECMWFT"
    assert safe_path("/a/GRANULE/b/DATASTRIP/DS_1/MTD_DS.xml") == "DATASTRIP/DS_1/MTD_DS.xml"


@pytest.mark.parametrize(
    "href",
    [
        "",
        ".",
        "./",
        "/etc/passwd",
        "../MTD.xml",
        "./a/../../b",
        "/x/../GRANULE/a/b.jp2",
        "GRANULE/../../b",
        "file:///etc/passwd",
        "http://host/GRANULE:x/a",
        "C:\\x",
        "a//b",
        "GRANULE/",
        "GRANULE/a\\..\\b",
        "a\nb",
    ],
)
def test_a_path_that_is_not_inside_the_product_is_refused(href):
    with pytest.raises(InputError, match="no path inside the product"):
        safe_path(href)


@given(st.text(max_size=60))
def test_whatever_a_path_says_the_result_stays_below_the_root(href):
    try:
        path = safe_path(href)
    except InputError:
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert "" not in path.split("/")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (b"", "not well-formed"),
        (b"Not Found", "not well-formed"),
        (manifest_xml(stream())[:-20], "not well-formed"),
        (b"\xff\xfe\x00\x00", "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such-thing"?><a/>', "not well-formed"),
        (b"<Error><Code>AccessDenied</Code></Error>", "no SAFE manifest"),
        (manifest_xml(), "lists no file"),
        (manifest_xml(stream(size="")), "as the size"),
        (manifest_xml(stream(size="-1")), "as the size"),
        (manifest_xml(stream(name="CRC32")), "unknown kind"),
        (manifest_xml(stream(digest="zz" * 16)), "as the MD5"),
        (manifest_xml(stream(digest="00" * 32)), "as the MD5"),
        (manifest_xml(stream(), stream(size="4")), "twice"),
        (manifest_xml('<byteStream size="3"><fileLocation href="a"/></byteStream>'), "no checksum"),
        (manifest_xml(stream("../../../etc/cron.d/x")), "no path inside"),
    ],
)
def test_bad_manifests_are_input_errors(xml, message):
    with pytest.raises(InputError, match=message):
        parse_manifest(xml)


def test_entity_bombs_are_refused():
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
        b'<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><XFDU>&lol2;</XFDU>'
    )
    with pytest.raises(InputError, match="refused"):
        parse_manifest(bomb)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_crash(data):
    with pytest.raises(InputError):
        parse_manifest(data)


def test_a_manifest_of_a_rewritten_product_is_recognised():
    manifest = parse_manifest(manifest_xml(stream("GRANULE/L2A_T33XWJ/IMG_DATA/R10m/T33XWJ_B02_10m.tif", "432")))
    assert manifest.doubt is not None
    assert "mirror" in manifest.doubt


def test_every_real_manifest_gives_the_real_list(shared_data):
    manifests = real_manifests(shared_data)
    assert len(manifests) >= 36
    kinds = set()
    for path in manifests:
        manifest = parse_manifest(path.read_bytes())
        kinds |= {entry.algorithm for entry in manifest.entries}
        assert manifest.entries
        name = path.parent.name if path.name == "manifest.safe" else path.name
        listing = shared_data / "safe_listings" / f"{name}.tsv"
        if not listing.is_file():
            continue
        rows = [line.split("\t") for line in listing.read_text().splitlines()[1:]]
        expected = {(safe_path(href), int(size), kind, digest.lower()) for href, size, kind, digest in rows}
        assert {(e.path, e.nbytes, e.algorithm, e.checksum) for e in manifest.entries} == expected
        assert (manifest.doubt is not None) == any(entry.path.endswith(".tif") for entry in manifest.entries)
    assert kinds == {"MD5", "SHA3-256"}


def test_the_real_product_has_the_checksums_that_its_manifest_gives(real_l2a):
    manifest = parse_manifest((real_l2a / "manifest.safe").read_bytes())
    proven = 0
    for entry in manifest.entries:
        file = real_l2a / entry.path
        if file.is_file() and file.stat().st_size < 1_000_000:
            assert entry.algorithm == "SHA3-256"
            assert hashlib.sha3_256(file.read_bytes()).hexdigest() == entry.checksum
            proven += 1
    assert proven > 30
