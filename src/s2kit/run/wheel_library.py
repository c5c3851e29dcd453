"""Shared libraries that a package's wheel carries. Asks the disk and the system."""

import ctypes.util
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path


def library_paths(package: str, name: str) -> Iterator[str]:
    """Where a library may be: in a package's wheel (Linux and Windows, macOS), then where the system has it.

    The package itself is not loaded for it; the system is asked only if the wheel has none that the caller takes.

    Args:
        package: The package, such as `rasterio`.
        name: The library without `lib`, such as `openjp2`.
    """
    spec = find_spec(package)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        for place in (folder.parent / f"{package}.libs", folder / ".dylibs", folder / f"{package}.libs"):
            if place.is_dir():
                yield from (str(path) for path in sorted(place.glob(f"*{name}*")))
    system = ctypes.util.find_library(name)
    if system:
        yield system
