"""The registry: every process that a graph may call, as a plain function. Nothing else can be called. Computes only."""

from collections.abc import Callable
from typing import Any

from s2kit.openeo.processes import arrays, cubes, dimensions, elementwise, geometry, reducers, space, time, words

Function = Callable[..., Any]


def pure_processes() -> dict[str, Function]:
    """All processes that only compute; loading and saving are added by who runs the graph."""
    families = (elementwise, reducers, arrays, words, dimensions, cubes, time, geometry, space)
    return {name: function for family in families for name, function in family.PROCESSES.items()}
