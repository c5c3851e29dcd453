"""What is read in place of what was asked for."""

from dataclasses import replace

from s2kit.picture.substitutes import grouped, standing_in, substitute_notes
from s2kit.product.open import open_product


def test_the_other_near_infrared_stands_in_only_if_it_is_there():
    assert standing_in("B08", {"B08", "B8A"}.__contains__) == "B08"
    assert standing_in("B08", {"B8A"}.__contains__) == "B8A"
    assert standing_in("B08", {"B04"}.__contains__) == "B08"
    assert standing_in("B04", {"B8A"}.__contains__) == "B04"


def test_every_substitute_has_one_sentence(scene):
    product = open_product(scene.l2a[0])
    red, nir, narrow = product.image("B04", 10), product.image("B08", 10), product.image("B8A", 20)
    assert substitute_notes("ndvi", ("B08", "B04"), (nir, red)) == ()
    coarse = product.image("B04", 60)
    assert substitute_notes("ndvi", ("B08", "B04"), (narrow, coarse)) == (
        "ndvi is made with B8A, since there is no B08",
        "B04 is read at 60 m, since there is no file at 10 m",
    )
    assert substitute_notes("B04", ("B04", "B04"), (coarse, coarse), 20) == (
        "B04 is read at 60 m, since there is no file at 20 m",
    )
    assert substitute_notes("B04", ("B04",), (replace(coarse, resolution_m=60),), 60) == ()


def test_one_warning_names_one_product_and_counts_the_others():
    notes = list(grouped([("a", "x"), ("b", "y"), ("c", "x"), ("d", "x"), ("a", "x"), ("e", "y")]))
    assert [note.message for note in notes] == ["a and 2 more products: x", "b and 1 more product: y"]
    assert all(note.warning for note in notes)
