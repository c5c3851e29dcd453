"""Options that take several words."""

from s2kit.run.options import words


def test_words_are_split_at_commas_but_not_in_parentheses():
    assert words(["B04, B08", "SCL"]) == ("B04", "B08", "SCL")
    assert words("ndvi,x=min(B04,max(B03,B02)),evi") == ("ndvi", "x=min(B04,max(B03,B02))", "evi")
    assert words(None) == ()
    assert words(" , ") == ()
