"""Fractal fields, hashes and filters: repeatable and of the promised size."""

import numpy as np
import pytest

from s2kit.demo.noise import block_mean, fractal, hashed, smoothstep, softened


@pytest.mark.parametrize("side", [120, 121])
def test_fractal_has_mean_0_and_deviation_1(side: int) -> None:
    field = fractal(side, 2.6, np.random.default_rng(1))
    assert field.shape == (side, side)
    assert abs(float(field.mean())) < 1e-4
    assert float(field.std()) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(field, fractal(side, 2.6, np.random.default_rng(1)))


def test_a_larger_beta_is_smoother() -> None:
    def roughness(beta: float) -> float:
        return float(np.abs(np.diff(fractal(128, beta, np.random.default_rng(3)), axis=1)).mean())

    assert roughness(1.0) > 2 * roughness(2.5) > 4 * roughness(4.0)


def test_largest_structure_is_bounded() -> None:
    def slow(largest: float) -> float:
        return float(block_mean(fractal(256, 3.5, np.random.default_rng(3), largest), 64).std())

    assert slow(20.0) < 0.3 * slow(float("inf"))


def test_hashes_are_even_and_depend_on_every_key() -> None:
    many = hashed(np.arange(20000), 4)
    assert 0 <= many.min() < many.max() < 1
    assert np.histogram(many, 10, (0, 1))[0] == pytest.approx(2000, rel=0.1)
    assert float(hashed(1, 2)) != float(hashed(2, 1)) != float(hashed(2, 2))


def test_smoothstep_and_softened_keep_flat_things_flat() -> None:
    ramp = np.linspace(-1, 2, 31, dtype=np.float32)[None].repeat(3, 0)
    steps = smoothstep(ramp)
    assert (steps[0, 0], steps[0, -1], float(steps[0, 15])) == (0, 1, pytest.approx(0.5))
    assert softened(np.full((5, 7), 3, np.float32)) == pytest.approx(np.full((5, 7), 3.0))


def test_block_mean() -> None:
    image = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert block_mean(image, 2).tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert block_mean(image, 1) is image
