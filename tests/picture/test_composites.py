import pytest

from s2kit.errors import InputError
from s2kit.picture.composites import Subject, parse_bands, parse_index, parse_recipe, parse_resolution
from s2kit.picture.recipes import RECIPES
from s2kit.product.bands import BANDS


@pytest.mark.parametrize(
    ("text", "bands", "res"),
    [
        ("B04,B03,B02", ("B04", "B03", "B02"), None),
        ("b4,3,2@20", ("B04", "B03", "B02"), 20),
        ("8a@60m", ("B8A",), 60),
        ("TCI", ("TCI",), None),
        ("AOT,WVP,B04", ("AOT", "WVP", "B04"), None),
    ],
)
def test_bands(text, bands, res):
    subject = parse_bands(text)
    assert (subject.bands, subject.resolution_m) == (bands, res)
    assert subject.name == "-".join(bands)


def test_a_recipe_may_stand_where_bands_do():
    assert parse_bands("true-color@20") == Subject("true-color", ("B04", "B03", "B02"), resolution_m=20)
    assert parse_recipe("True_Colour").bands == ("B04", "B03", "B02")


def test_index():
    assert parse_index("ndvi@20") == Subject("ndvi", ("B08", "B04"), "ndvi", 20)


def test_only_a_subject_without_resolution_takes_another():
    assert parse_index("ndvi").at(60).resolution_m == 60
    assert parse_index("ndvi@20").at(60).resolution_m == 20
    assert parse_index("ndvi").at(None).resolution_m is None


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_bands, "B99", "no band 'B99'"),
        (parse_bands, "", "names no band"),
        (parse_bands, "B04@15", "resolution '15'"),
        (parse_bands, "B04@", "resolution ''"),
        (parse_bands, "SCL,B03,B02", "SCL is a picture by itself"),
        (parse_bands, "TCI,TCI,TCI", "TCI is a picture by itself"),
        (parse_recipe, "agricultur", "no recipe 'agricultur'"),
        (parse_index, "ndxi", "no index"),
    ],
)
def test_what_cannot_be_is_named(parse, text, message):
    with pytest.raises(InputError, match=message) as caught:
        parse(text)
    assert caught.value.hint


def test_an_index_that_is_taken_for_a_recipe_is_pointed_out():
    with pytest.raises(InputError) as caught:
        parse_recipe("ndv")
    assert "--index ndvi" in caught.value.hint


def test_recipes_name_real_bands():
    for recipe in RECIPES.values():
        assert set(recipe.bands) <= set(BANDS)
        assert recipe.source


def test_resolutions():
    assert [parse_resolution(text) for text in ("10", "20m", "30", " 60 ")] == [10, 20, 30, 60]
    with pytest.raises(InputError, match="none that products have"):
        parse_resolution("15")


def test_layers_are_told_from_bands():
    assert parse_bands("SCL").is_layer
    assert not parse_bands("B04").is_layer
    assert not parse_bands("B04,B03,B02").is_layer
