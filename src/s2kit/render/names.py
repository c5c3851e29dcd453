"""Plans whose files would have one name: twins are dropped, pictures of one product numbered, others refused.

Pure: no input or output. A file's name never depends on which other products are rendered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from s2kit.errors import UsageError
from s2kit.picture.naming import unique_names
from s2kit.render.plan import Planned, Refused
from s2kit.render.tags import FINGERPRINT_TAG


def without_twins(plans: Iterable[Planned | Refused]) -> list[Planned | Refused]:
    """The plans without those that would make the very same picture again."""
    seen: set[str] = set()
    kept: list[Planned | Refused] = []
    for one in plans:
        key = one.output.tags[FINGERPRINT_TAG] if isinstance(one, Planned) else ""
        if not key or key not in seen:
            kept.append(one)
        seen.add(key)
    return kept


def with_own_names(plans: Sequence[Planned | Refused], template: str) -> list[Planned | Refused]:
    """The plans with names of their own.

    Pictures of one product that would share a name get `-2`, `-3` … in the order of the request. Pictures of several
    products are refused: numbers would depend on which products are rendered together. Only a template with `{now}`,
    whose names never come again, has numbers then too.

    Raises:
        UsageError: Two products would have one name.
    """
    planned = [one for one in plans if isinstance(one, Planned)]
    if "{now}" not in template:
        _refuse_shared(planned)
    names = iter(unique_names([str(one.output.path) for one in planned]))
    return [
        replace(one, output=replace(one.output, path=Path(next(names)))) if isinstance(one, Planned) else one
        for one in plans
    ]


def _refuse_shared(planned: Iterable[Planned]) -> None:
    owners: dict[str, str] = {}
    for one in planned:
        owner = owners.setdefault(str(one.output.path).lower(), one.product)
        if owner != one.product:
            raise UsageError(
                f"{one.output.path.name} would be the name of pictures of {owner} and of {one.product}",
                "take a --name-template with {product}, or with {datetime}, {tile}, {baseline} and {discriminator}",
            )
