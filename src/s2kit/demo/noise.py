"""Repeatable randomness for invented land and sky: fractal fields, hashes, soft steps."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def fractal(side: int, beta: float, rng: np.random.Generator, largest_px: float = float("inf")) -> Floats:
    """A self-similar field `[row, col]`, mean 0, standard deviation 1, whose edges fit together.

    Spectral synthesis: white noise whose power falls with the wave number as `k ** -beta`
    (Saupe, in Peitgen and Saupe, The Science of Fractal Images, 1988, chapter 2).

    Args:
        side: Rows and columns.
        beta: 0 for white noise, about 2 for ragged, 4 for smooth fields.
        rng: Where the randomness comes from.
        largest_px: No structure is much larger than that.
    """
    spectrum = np.fft.rfft2(rng.standard_normal((side, side), dtype=np.float32))
    down = np.fft.fftfreq(side)[:, None]
    right = np.fft.rfftfreq(side)[None, :]
    wave = np.sqrt(down**2 + right**2 + largest_px**-2)
    wave[0, 0] = 1.0
    spectrum *= wave ** (-beta / 2)
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(side, side))
    return np.asarray(field / field.std(), np.float32)


def hashed(*keys: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """A number in `[0, 1)` that depends on whole numbers only, element by element (finaliser of MurmurHash3)."""
    state = np.asarray(0x9E3779B97F4A7C15, np.uint64)
    for key in keys:
        state = _mixed(state ^ np.asarray(key).astype(np.uint64))
    share: NDArray[np.float64] = (state >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    return share


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        state = (state ^ (state >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        state = (state ^ (state >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return state ^ (state >> np.uint64(33))


def smoothstep(value: Floats, low: float = 0.0, high: float = 1.0) -> Floats:
    """0 below `low`, 1 above `high`, a cubic between."""
    share = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(share * share * (np.float32(3) - np.float32(2) * share), np.float32)


def softened(image: Floats) -> Floats:
    """The image through a 3 x 3 binomial filter, which stands for the point spread of the instrument."""
    wide = np.pad(image, 1, mode="edge")
    rows = (wide[:-2] + wide[2:]) * np.float32(0.2) + wide[1:-1] * np.float32(0.6)
    return np.asarray((rows[:, :-2] + rows[:, 2:]) * np.float32(0.2) + rows[:, 1:-1] * np.float32(0.6), np.float32)


def block_mean(image: Floats, factor: int) -> Floats:
    """Mean over squares of `factor` pixels: what a coarser band sees of the same land."""
    if factor == 1:
        return image
    down = np.add.reduce([image[at::factor] for at in range(factor)])
    total = np.add.reduce([down[:, at::factor] for at in range(factor)])
    return np.asarray(total / np.float32(factor * factor), np.float32)
