"""Which windows of one image are read together, so that no pixel is decoded twice; computes."""

from collections.abc import Sequence
from dataclasses import dataclass

from s2kit.grid import Window


@dataclass(frozen=True, slots=True)
class SharedWindow:
    """One read that serves several windows."""

    window: Window
    members: tuple[int, ...]
    """Positions of the windows that it holds."""


_READ_PX = 1 << 16
"""What one more read of a JPEG 2000 file costs, in pixels that could be decoded meanwhile (measured: some 10 ms)."""
_BLOCK_PX = 64
"""A window is decoded in whole code-blocks of this side."""
_LOOK_BACK = 12


def share_windows(windows: Sequence[Window], *, largest_px: int = 1 << 22) -> list[SharedWindow]:
    """Join windows that lie together where one read costs less than two, so that no pixel is decoded twice.

    Args:
        windows: Windows of one image.
        largest_px: A joint read of several windows holds no more pixels than this.

    Returns:
        Reads; each window is in exactly one.
    """
    order = sorted(range(len(windows)), key=lambda i: (windows[i].row // 1024, windows[i].col, windows[i].row))
    shared: list[tuple[Window, tuple[int, ...]]] = [(windows[index], (index,)) for index in order]
    for _ in range(2):
        joined: list[tuple[Window, tuple[int, ...]]] = []
        for window, members in shared:
            for at in range(len(joined) - 1, max(-1, len(joined) - 1 - _LOOK_BACK), -1):
                held, others = joined[at]
                joint = _hull(held, window)
                if joint.width * joint.height <= largest_px and _cost(joint) <= _cost(held) + _cost(window):
                    joined[at] = (joint, others + members)
                    break
            else:
                joined.append((window, members))
        shared = sorted(joined, key=lambda read: (read[0].col // 1024, read[0].row))
    return [SharedWindow(window, members) for window, members in shared]


def _cost(window: Window) -> int:
    return _READ_PX + (window.width + _BLOCK_PX) * (window.height + _BLOCK_PX)


def _hull(one: Window, two: Window) -> Window:
    col, row = min(one.col, two.col), min(one.row, two.row)
    return Window(col, row, max(one.col_end, two.col_end) - col, max(one.row_end, two.row_end) - row)
