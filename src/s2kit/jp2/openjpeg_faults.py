"""Published faults of OpenJPEG, the versions that have them, and whether s2kit's ways to it reach them; pure.

rasterio's wheels carry their own libopenjp2: that of 1.4.4 is 2.5.3, that of 1.5.2 is 2.5.4.
"""

from dataclasses import dataclass

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was published."""

    name: str
    first: Version
    """The first version that has it."""
    fixed: Version
    """The first version that has it no more; far away if no release is free of it yet."""
    reached: bool
    """True if a file from outside can get there by way of s2kit."""
    why: str
    """Why it is reached or not."""

    def is_in(self, version: Version) -> bool:
        """True if a version has the fault."""
        return self.first <= version < self.fixed


FAULTS = (
    Fault(
        "CVE-2025-54874",
        (2, 5, 1),
        (2, 5, 4),
        reached=False,
        why="its function reads JP2 boxes; GDAL and s2kit hand over codestreams only, with an empty image",
    ),
    Fault(
        "OSV-2025-219",
        (2, 5, 3),
        (2, 5, 5),
        reached=False,
        why="files whose tile-parts TLM does not announce are refused before the decoder sees them",
    ),
    Fault(
        "CVE-2024-56827",
        (2, 0, 0),
        (2, 5, 3),
        reached=True,
        why="a table of markers is overrun by some damaged files",
    ),
)
"""Sources: openjpeg pull request 1573 and issues 1564, 1620 and 1652."""


def faults_of(version: str) -> tuple[Fault, ...]:
    """The faults of a version, such as `2.5.3`; none for a text that is no version."""
    try:
        major, minor, patch = (int(part) for part in version.split(".")[:3])
    except ValueError:
        return ()
    return tuple(fault for fault in FAULTS if fault.is_in((major, minor, patch)))
