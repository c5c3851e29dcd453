"""The legacy service: its crop; its request body is tested with the other batches."""

import pytest

from s2kit.render.legacy import legacy_window


@pytest.mark.parametrize(("side", "size"), [(10980, (5490, 4706)), (5490, (2746, 2352)), (1830, (914, 784))])
def test_legacy_crop(side, size):
    assert legacy_window(side, side)[2:] == size
