"""Names of pictures: they never depend on what else is rendered."""

import shutil
from dataclasses import FrozenInstanceError

import pytest

from s2kit.errors import UsageError
from s2kit.product.ref import ProductRef
from s2kit.render import OutputState
from s2kit.render.plan import Planned
from s2kit.render.request import RenderRequest
from s2kit.render.run import plan_all, render
from s2kit.settings import Settings
from support.scenes import moved_scene


def piece(scene, folder, discriminator):
    """A second product of the same datatake, tile and baseline, as ESA delivers a datatake in pieces."""
    product = moved_scene(scene, folder).l2a[0]
    other = product.with_name(f"{product.stem[:-15]}{discriminator}.SAFE")
    shutil.move(product, other)
    metadata = next(other.glob("MTD_*.xml"))
    metadata.write_text(metadata.read_text().replace(product.stem, other.stem))
    return other


def names(products, **options):
    request = RenderRequest.parse([ProductRef(str(path)) for path in products], out="out", **options)
    return [one.output.path.name for one in plan_all(request, Settings())]


def test_two_pieces_of_a_datatake_have_the_names_that_they_have_alone(scene, tmp_path):
    first, second = scene.l2a[0], piece(scene, tmp_path, "20240419T170000")
    assert names([first, second]) == names([first]) + names([second])
    assert names([second, first]) == names([second]) + names([first])
    assert len(set(names([first, second]))) == 2


def test_the_second_night_keeps_what_the_first_made(scene, tmp_path):
    first, second = scene.l2a[0], piece(scene, tmp_path / "more", "20240419T170000")
    states = []
    for products in ([second], [first, second], [first]):
        refs = [ProductRef(str(path)) for path in products]
        request = RenderRequest.parse(refs, out=str(tmp_path / "out"), max_px=40, bands=["B04@60"])
        states.append([outcome.state for outcome in render(request, Settings())])
    kept, made = OutputState.KEPT, OutputState.MADE
    assert states == [[made], [made, kept], [kept]]


def test_two_products_under_one_name_are_refused_before_any_work(scene):
    with pytest.raises(UsageError, match=r"31TCJ.jpg would be the name of pictures of S2A_.* and of S2A_") as caught:
        names(scene.l2a, name_template="{tile}.{ext}")
    assert "{discriminator}" in caught.value.hint


def test_pictures_of_one_product_are_numbered_in_the_order_of_the_request(scene):
    options = {"recipe": ["true-color"], "index": ["ndvi"], "name_template": "{product}.{ext}"}
    alone = names([scene.l2a[0]], **options)
    assert alone == [f"{scene.l2a[0].stem}.jpg", f"{scene.l2a[0].stem}-2.jpg"]
    assert names(scene.l2a, **options)[:2] == alone


def test_names_with_the_time_of_the_run_never_come_again_and_have_numbers(scene):
    made = names(scene.l2a, bands=["B04@60"], name_template="legacy")
    assert made[1] == made[0].replace(".jpg", "-2.jpg")


def test_plans_are_frozen(scene):
    (one,) = plan_all(RenderRequest.parse([ProductRef(str(scene.l2a[0]))]), Settings())
    assert isinstance(one, Planned)
    with pytest.raises(FrozenInstanceError):
        one.product = "x"
