"""The pixels of one block: read, laid over one another, masked, made into values and composites; runs in the workers.

Each pixel of a slice comes from one product, in all bands: from the first, in the slice's order, that has data in all
of its bands, else from the first that has data in any. Products behind those that fill the block are not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.cube.composite import Composite, chosen, picked, reduce_stack
from s2kit.cube.layers import NO_DATE, CubeLayer, reflectance, values_of
from s2kit.cube.pixels import angle_pixels, read_bands
from s2kit.cube.plan import CubeBlock, CubeRecipe, CubeSource, Slice
from s2kit.errors import InputError
from s2kit.grid import Grid
from s2kit.picture.clouds import hidden
from s2kit.picture.indices import compute, find_index
from s2kit.picture.read import OpenImages
from s2kit.product.bands import is_reflectance
from s2kit.product.masks import raster_session

_EPOCH_ORDINAL = 719163
"""`date(1970, 1, 1).toordinal()`."""


@dataclass(frozen=True, slots=True)
class BlockPixels:
    """What a task made."""

    layers: Mapping[str, NDArray[Any]] = field(hash=False)
    """`[row, col]` by the name of the layer, in the layer's dtype."""
    data_px: tuple[int, ...]
    """For each slice: pixels with data."""
    clear_px: tuple[int, ...]
    """For each slice: pixels with data that the mask leaves; without a mask as `data_px`."""


@dataclass(slots=True)
class _Laid:
    """One slice of a block."""

    layers: dict[str, NDArray[Any]]
    """Values by layer; before the mask."""
    deciding: NDArray[np.float32] | None
    """Values of the index of a `max:` composite."""
    seen: NDArray[np.bool_]
    """True for pixels that have data in all bands of their product."""
    some: NDArray[np.bool_]
    """True for pixels that have data in any band."""
    hidden: NDArray[np.bool_]
    """True for pixels that the mask hides."""


def make_block(task: CubeBlock) -> BlockPixels:
    """Read and compute one block.

    Raises:
        InputError: A file is damaged; the message names it.
        S2KitError: A remote file cannot be read.
    """
    recipe = task.recipe
    if recipe.composite is None:
        return _stacked(task)
    laid = [_lay(one, task.grid, recipe) for one in task.slices]
    clear = np.stack([one.seen & ~one.hidden for one in laid])
    layers = _composed(laid, clear, task, recipe.composite)
    return BlockPixels(layers, *_counts(laid))


def _stacked(task: CubeBlock) -> BlockPixels:
    laid = _lay(task.slices[0], task.grid, task.recipe)
    for layer in task.recipe.layers:
        if layer.is_masked and laid.hidden.any():
            laid.layers[layer.name] = np.where(laid.hidden, layer.nodata, laid.layers[layer.name]).astype(layer.dtype)
    return BlockPixels(laid.layers, *_counts([laid]))


def _counts(laid: Sequence[_Laid]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (
        tuple(int(one.some.sum()) for one in laid),
        tuple(int((one.some & ~one.hidden).sum()) for one in laid),
    )


def _composed(
    laid: Sequence[_Laid], clear: NDArray[np.bool_], task: CubeBlock, composite: Composite
) -> dict[str, NDArray[Any]]:
    out: dict[str, NDArray[Any]] = {}
    at = None
    if composite.picks_dates:
        values = None if composite.index is None else np.stack([_deciding(one) for one in laid])
        at = chosen(clear, values)
        days = np.array([one.day.toordinal() - _EPOCH_ORDINAL for one in task.slices] or [0], np.int32)
        out["source_date"] = np.where(at >= 0, days[at], NO_DATE).astype(np.int32)
    for layer in task.recipe.layers if composite.kind != "count" else ():
        stack = [one.layers[layer.name] for one in laid]
        out[layer.name] = (
            picked(stack, at, layer.nodata) if at is not None else _reduced(layer, stack, clear, composite)
        )
    out["count"] = clear.sum(axis=0, dtype=np.uint16)
    return out


def _deciding(one: _Laid) -> NDArray[np.float32]:
    assert one.deciding is not None, "a `max:` composite computes its index for every slice"
    return one.deciding


def _reduced(
    layer: CubeLayer, stack: Sequence[NDArray[Any]], clear: NDArray[np.bool_], composite: Composite
) -> NDArray[Any]:
    """A layer's median, mean or percentile of the clear slices; classes and angles have none: the latest clear one."""
    if layer.name == "SCL" or layer.kind == "angle":
        last = chosen(clear[::-1], None)
        return picked(stack[::-1], last, layer.nodata)
    return reduce_stack(np.where(clear, np.stack(stack), layer.nodata).astype(layer.dtype), composite)


def _lay(one: Slice, grid: Grid, recipe: CubeRecipe) -> _Laid:
    """All layers of one slice, each pixel from one product."""
    laid = _empty(grid, recipe)
    rest: list[tuple[CubeSource, dict[str, NDArray[Any]]]] = []
    with raster_session(), OpenImages(recipe.reading) as images:
        for source in one.sources:
            if laid.seen.all():
                break
            pixels = read_bands(source, grid, recipe, images)
            if pixels is None:
                continue
            whole, some = _there(source, pixels, recipe)
            _fill(laid, whole & ~laid.seen, source, pixels, _Context(grid, recipe, images))
            laid.seen |= whole
            laid.some |= whole
            if (some & ~whole & ~laid.seen).any():
                rest.append((source, pixels))
        for source, pixels in rest:
            _, some = _there(source, pixels, recipe)
            _fill(laid, some & ~laid.some, source, pixels, _Context(grid, recipe, images))
            laid.some |= some
    return laid


def _empty(grid: Grid, recipe: CubeRecipe) -> _Laid:
    layers = {layer.name: np.full(grid.shape, layer.nodata, layer.dtype) for layer in recipe.layers}
    deciding = None
    if recipe.composite is not None and recipe.composite.index is not None:
        deciding = np.full(grid.shape, np.nan, np.float32)
    seen, some, hiding = (np.zeros(grid.shape, np.bool_) for _ in range(3))
    return _Laid(layers, deciding, seen, some, hiding)


def _there(
    source: CubeSource, pixels: Mapping[str, NDArray[Any]], recipe: CubeRecipe
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels with data in all bands of a product, and in any; of layers only where no band is read."""
    names = [name for name in recipe.bands if name in pixels and is_reflectance(source.images[name].band)]
    names = names or [name for name in recipe.bands if name in pixels]
    have = [pixels[name] != source.images[name].nodata for name in names]
    return np.logical_and.reduce(have), np.logical_or.reduce(have)


def _fill(
    laid: _Laid,
    where: NDArray[np.bool_],
    source: CubeSource,
    pixels: Mapping[str, NDArray[Any]],
    around: "_Context",
) -> None:
    """Put a product's values where it is the one that is shown."""
    if not where.any():
        return
    recipe = around.recipe
    for layer in recipe.layers:
        values = _values(layer, source, pixels, around)
        if values is not None:
            _put(laid.layers, layer.name, values, where)
    if laid.deciding is not None and recipe.composite is not None and recipe.composite.index is not None:
        deciding = _index(recipe.composite.index, source, pixels)
        if deciding is not None:
            np.copyto(laid.deciding, deciding, where=where)
    if recipe.mask is not None:
        if source.classes is None:
            raise InputError(f"{source.id} has neither SCL nor a cloud mask", "leave out the mask, or the product")
        np.copyto(laid.hidden, _hidden(source, pixels, around), where=where)


def _values(
    layer: CubeLayer, source: CubeSource, pixels: Mapping[str, NDArray[Any]], around: "_Context"
) -> NDArray[Any] | None:
    """A layer of a product; None if it lacks what that needs."""
    if layer.kind == "index":
        return _index(layer.spec, source, pixels)
    if layer.kind == "angle":
        return angle_pixels(source, layer.name, around.grid)
    if layer.name not in pixels:
        return None
    return values_of(layer, pixels[layer.name], source.images[layer.name], digital=around.recipe.digital)


def _put(layers: dict[str, NDArray[Any]], name: str, values: NDArray[Any], where: NDArray[np.bool_]) -> None:
    if where.all():
        layers[name] = values
    else:
        np.copyto(layers[name], values, where=where)


@dataclass(frozen=True, slots=True)
class _Context:
    grid: Grid
    recipe: CubeRecipe
    images: OpenImages


def _hidden(source: CubeSource, pixels: Mapping[str, NDArray[Any]], around: _Context) -> NDArray[np.bool_]:
    """True for hidden pixels of a product; SCL that was read as a layer is not read again."""
    mask = around.recipe.mask
    assert mask is not None
    assert source.classes is not None
    if "SCL" in pixels and not mask.dilate_m:
        from_layer: NDArray[np.bool_] = mask.table[pixels["SCL"]]
        return from_layer
    return hidden(source.classes, [around.grid], mask, around.images)[0]


def _index(spec: str, source: CubeSource, pixels: Mapping[str, NDArray[Any]]) -> NDArray[np.float32] | None:
    """An index of a product; None if it lacks a band of it."""
    index = find_index(spec)
    if any(band not in pixels for band in index.bands):
        return None
    return compute(index, [reflectance(pixels[band], source.images[band]) for band in index.bands])
