"""Dates that are too cloudy are left out."""

import numpy as np
import pytest

from s2kit.cube import CubeRequest, make_block, plan_cube, ready_plan
from s2kit.errors import InputError
from s2kit.settings import Loaded, Settings
from support.scenes import built_scene

LOADED = Loaded(Settings(cache=False, jobs=1), {}, {})


def request_of(*products, **options):
    return CubeRequest.parse(LOADED, products=products, **options)


@pytest.mark.parametrize("bands", ["B04", "B04,SCL"])
def test_the_share_is_that_of_the_pixels(bands):
    scene = built_scene(dates=2, more_l2a=2)
    options = {"bands": bands, "aoi": str(scene.aoi), "mask_clouds": True}
    plan = plan_cube(request_of(*scene.l2a, **options))
    shares = []
    for at in range(4):
        block = make_block(plan.task_of(at, plan.grid.window))
        shares.append(100 * block.clear_px[0] / block.data_px[0])
    assert min(shares) < 50 < max(shares)
    notes = []
    ready = ready_plan(request_of(*scene.l2a, min_clear=50, **options), notes.append)
    assert [one.day for one in ready.slices] == [one.day for one, s in zip(plan.slices, shares, strict=True) if s >= 50]
    left = [note.message for note in notes if "left out" in getattr(note, "message", "")]
    assert len(left) == sum(np.array(shares) < 50)


def test_l1c_is_counted_by_its_own_mask():
    scene = built_scene(side=600, dates=2, baseline="05.10")
    everything = ready_plan(request_of(*scene.l1c, bands="B04", min_clear=1))
    assert len(everything.slices) == 2
    clear = ready_plan(request_of(*scene.l1c, bands="B04", min_clear=99))
    assert [f"{one.day:%m%d}" for one in clear.slices] == ["0419"]


def test_no_date_left_names_the_clearest(scene):
    with pytest.raises(InputError, match="2024-06-15 is the clearest"):
        ready_plan(request_of(scene.l2a[1], bands="B04", min_clear=100))
