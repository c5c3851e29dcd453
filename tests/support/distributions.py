"""What `pip install s2kit[…]` brings, read from what is installed."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OF_DEVELOPERS = {"bench", "dev", "docs", "release"}
EXTRAS = frozenset(distribution("s2kit").metadata.get_all("Provides-Extra") or ()) - OF_DEVELOPERS


def runtime(own: frozenset[str]) -> dict[str, Distribution]:
    """All distributions that `pip install s2kit[…]` brings, by canonical name."""
    found: dict[str, Distribution] = {}
    todo: list[tuple[str, frozenset[str]]] = [("s2kit", own)]
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (canonicalize_name(name), extras) in seen:
            continue
        seen.add((canonicalize_name(name), extras))
        try:
            one = distribution(name)
        except PackageNotFoundError:  # needed on another system only
            continue
        found[canonicalize_name(name)] = one
        for text in one.requires or ():
            need = Requirement(text)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras or {""}):
                todo.append((need.name, frozenset(need.extras)))
    return found
