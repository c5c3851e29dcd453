"""Faces of packages: the names that others may use, each loaded as it is asked for. Pure, but for imports."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_face(package: str, places: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """The `__getattr__` of a package: whoever needs one of its modules, as a worker does, loads no other.

    Args:
        package: Name of the package.
        places: Modules by their full names, and the public names that each holds.
    """
    modules = {name: module for module, names in places.items() for name in names}

    def get(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get
