"""Numbers agree with their nouns."""

from s2kit.run.wording import counted


def test_numbers_agree() -> None:
    assert [counted(number, "product") for number in (0, 1, 2)] == ["0 products", "1 product", "2 products"]
    assert counted(2, "other is", "others are") == "2 others are"
