"""Spans of bytes in a file or object: joining them, and cutting one out of what was read."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Bytes of a file: `offset` and `nbytes`."""

    offset: int
    nbytes: int

    @property
    def end(self) -> int:
        """File offset after them."""
        return self.offset + self.nbytes


def merged(spans: Sequence[Span], gap: int = 0) -> list[Span]:
    """Spans in file order, those joined that lie not more than `gap` bytes apart."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.offset - result[-1].end <= gap:
            result[-1] = Span(result[-1].offset, max(result[-1].end, span.end) - result[-1].offset)
        else:
            result.append(span)
    return result


def cut_out(span: Span, read: Sequence[Span], data: Sequence[bytes]) -> bytes:
    """The bytes of a span out of reads (in file order, `data` beside them) that hold it whole."""
    at = bisect_right(read, span.offset, key=lambda one: one.offset) - 1
    start = span.offset - read[at].offset
    return data[at][start : start + span.nbytes]
