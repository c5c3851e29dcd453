"""Products as callers name them."""

from pathlib import Path

from s2kit.catalogue.record import named_record
from s2kit.product.ref import ProductRef, product_refs

NAME = "S2A_MSIL2A_20200105T105441_N0208_R051_T31TCJ_20200105T131500"


def test_none_is_not_the_same_as_nothing() -> None:
    assert product_refs(None) is None
    assert product_refs([]) == ()


def test_one_or_several_each_once_in_their_order() -> None:
    ref = ProductRef("b")
    assert product_refs("a") == product_refs(Path("a")) == product_refs(["a"]) == (ProductRef("a"),)
    assert product_refs(ref) == (ref,)
    assert product_refs(["b", Path("a"), ref]) == (ref, ProductRef("a"))
    assert product_refs(name for name in ("a", "b")) == (ProductRef("a"), ref)


def test_records_carry_what_they_know() -> None:
    record = named_record(NAME)
    (found,) = product_refs(record) or ()
    assert found.text == NAME
    assert found.record["tile"] == "31TCJ"
    assert product_refs([record, NAME]) == (found,)
    assert (product_refs([record, NAME]) or ())[0].record, "the first one of a name stays"
