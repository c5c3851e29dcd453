"""Digital numbers as values."""

from types import SimpleNamespace

import numpy as np
import pytest

from s2kit.cube.layers import harmonised, parse_layers, reflectance
from s2kit.errors import InputError, UsageError


@pytest.mark.parametrize(
    ("offset", "quantification"),
    [(-1000.0, 10000.0), (0.0, 10000.0), (-1000.5, 10000.0), (500.0, 10000.0), (-1000.0, 20000.0)],
)
def test_harmonised_numbers_of_all_digital_numbers(offset, quantification):
    dn = np.arange(65536, dtype=np.uint16)
    image = SimpleNamespace(offset=offset, quantification=quantification, nodata=0)
    exact = np.rint(np.float32(np.float32(dn) + np.float32(offset)) * np.float32(10000 / quantification))
    expected = np.where(dn == 0, 0, np.clip(exact, 1, 65535))
    made = harmonised(dn, image)
    assert made.dtype == np.uint16
    assert np.array_equal(made, expected)
    assert dn[5] == 5, "what came in stays as it was"


def test_reflectance_of_no_data_is_nan():
    image = SimpleNamespace(offset=-1000.0, quantification=10000.0, nodata=0)
    values = reflectance(np.array([0, 1000, 2000], np.uint16), image)
    assert np.isnan(values[0])
    assert values[1:].tolist() == pytest.approx([0, 0.1])


def test_layers_are_named_once_and_pictures_refused():
    layers = parse_layers(["b4", "B04", "SCL"], ["NDVI"], dtype="uint16", digital=False)
    assert [layer.name for layer in layers] == ["B04", "SCL", "ndvi"]
    with pytest.raises(InputError, match="a picture has no numbers"):
        parse_layers(["TCI"], [], dtype="uint16", digital=False)
    with pytest.raises(UsageError, match="no bands are named"):
        parse_layers([], [], dtype="uint16", digital=False)
