"""The bytes of an object of a store: ranges that are joined where they lie close, read side by side, and counted.

Every range after the first says which object it belongs to (If-Match), so that no image is put together from two.
"""

import tempfile
import time
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice, pairwise
from typing import IO, Self

from s2kit.errors import InputError
from s2kit.run.sharing import share_of
from s2kit.run.threads import Pool
from s2kit.store.base import ObjectInfo, Part, Store
from s2kit.store.byte_source import Traffic
from s2kit.store.spans import Span, merged

GAP_NBYTES = 32 * 1024
"""Ranges that lie not farther apart are read as one: such a gap takes less time than another request."""
LARGEST_REQUEST = 8 << 20
"""Ranges above this are read in pieces, side by side."""

KEPT_PIECE = 1 << 20
"""Bytes of the largest answer that stays at hand."""
_KEPT_NBYTES = 32 << 20


class RemoteSource:
    """One object of a store as a `ByteSource`; what was read stays at hand, small pieces of it. Not for threads."""

    def __init__(self, store: Store, key: str, name: str, first_nbytes: int, known: ObjectInfo | None = None) -> None:
        """Look at an object.

        Args:
            store: Where it lies.
            key: Its key.
            name: What messages call it.
            first_nbytes: How many of its first bytes to read along with its size and tag.
            known: Size and tag, where they are known: then nothing is read yet.

        Raises:
            NotFoundError: There is no such object.
            AccessError: It may not be read.
            InputError: It is empty.
        """
        self.name = name
        self._store, self._key = store, key
        self.connections = share_of(store.archive.max_connections)
        """Requests that may travel side by side."""
        self._pool: Pool | None = None
        self._whole: IO[bytes] | None = None
        self._pieces: list[tuple[int, bytes]] = []
        """What is at hand, in order and apart."""
        self._ages: deque[Span] = deque()
        """The same pieces, the oldest first."""
        self._kept_nbytes = 0
        self._traffic = Traffic()
        self.object = known or self._look(first_nbytes)
        self.size = self.object.nbytes

    @property
    def traffic(self) -> Traffic:
        """What was read so far."""
        return self._traffic

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read ranges that lie within the object, each whole, in the order asked for.

        Raises:
            ChangedError: The object is no longer the one that was opened.
        """
        if self._whole is not None:
            return [self._from_whole(Span(*one)) for one in ranges]
        asked = [Span(*one) for one in ranges]
        wanted = merged([piece for span in asked for piece in self._missing(span)], GAP_NBYTES)
        spans = [piece for span in wanted for piece in _pieces(span)]
        parts = self._fetch(spans)
        if not all(part.ranged for part in parts):
            return self.read_many(ranges)
        fetched = [(span.offset, part.data) for span, part in zip(spans, parts, strict=True)]
        at_hand = sorted(self._uncovered(spans) + fetched)
        found = [_joined(at_hand, span) for span in asked]
        for offset, data in fetched:
            self.keep(offset, data)
        return found

    def follow(self, spans: Sequence[Span], then: Callable[[Span, bytes], Iterable[Span]]) -> None:
        """Read spans side by side and whatever their bytes lead to; no answer waits for another one.

        Args:
            spans: Where to begin, within the object.
            then: Called in this thread with a span and its bytes as they arrive; says what to read next.

        Raises:
            ChangedError: The object is no longer the one that was opened.
        """
        started = time.perf_counter()
        todo = deque((span, 1) for span in spans)
        at_work: dict[Future[Part], tuple[Span, int]] = {}
        requests = nbytes = trips = 0
        while todo or at_work:
            while todo:
                span, trip = todo.popleft()
                data = self.at_hand(*span)
                if len(data) == span.nbytes:
                    todo.extend((one, trip) for one in then(span, data))
                else:
                    at_work[self._threads().submit(self._one, span)] = span, trip
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                span, trip = at_work.pop(future)
                part = future.result()
                requests, nbytes, trips = requests + 1, nbytes + len(part.data), max(trips, trip)
                if not part.ranged and self._whole is None:
                    self._take_whole()
                self.keep(span.offset, part.data)
                todo.extend((one, trip + 1) for one in then(span, part.data))
        trips = max(trips, -(-requests // self.connections))
        self._traffic += Traffic(requests, nbytes, trips, time.perf_counter() - started)

    def keep(self, offset: int, data: bytes) -> None:
        """Have bytes of the object at hand that were read here or are known otherwise."""
        if len(data) > KEPT_PIECE:
            return
        for gap in self._missing(Span(offset, len(data))):
            insort(self._pieces, (gap.offset, data[gap.offset - offset : gap.end - offset]))
            self._ages.append(gap)
            self._kept_nbytes += gap.nbytes
        while self._kept_nbytes > _KEPT_NBYTES:
            oldest = self._ages.popleft()
            self._kept_nbytes -= oldest.nbytes
            del self._pieces[bisect_left(self._pieces, oldest.offset, key=_offset)]

    def at_hand(self, offset: int, limit: int) -> bytes:
        """The bytes from an offset on that need no request, up to `limit`."""
        if self._whole is not None:
            return self._from_whole(Span(offset, max(min(limit, self.size - offset), 0)))
        pieces, at = [], offset
        for start, data in islice(self._pieces, _last_before(self._pieces, offset), None):
            if start > at or at >= offset + limit:
                break
            if start + len(data) > at:
                pieces.append(data[at - start : offset + limit - start])
                at = start + len(data)
        return b"".join(pieces)

    def as_file(self) -> str:
        """The path of a copy of the whole object, which is there until the source is closed."""
        if self._whole is None:
            self._take_whole()
        assert self._whole is not None
        return self._whole.name

    def close(self) -> None:
        """Let go of threads and of what was put aside."""
        if self._pool is not None:
            self._pool.close()
        if self._whole is not None:
            self._whole.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self, nbytes: int) -> ObjectInfo:
        started = time.perf_counter()
        part = self._store.fetch(self._key, 0, nbytes)
        self._count([part], started)
        if part.info.nbytes == 0:
            raise InputError(f"{self.name}: the file is empty")
        self.object, self.size = part.info, part.info.nbytes
        if not part.ranged:
            self._take_whole()
        else:
            self.keep(0, part.data)
        return part.info

    def _fetch(self, spans: Sequence[Span]) -> list[Part]:
        if not spans:
            return []
        started = time.perf_counter()
        if len(spans) == 1 or self.connections == 1:
            parts = [self._one(span) for span in spans]
        else:
            parts = list(self._threads().map(self._one, spans))
        self._count(parts, started)
        if not all(part.ranged for part in parts):
            self._take_whole()
        return parts

    def _threads(self) -> Pool:
        if self._pool is None:
            self._pool = Pool(self.connections, "s2kit-range")
        return self._pool

    def _one(self, span: Span) -> Part:
        part = self._store.fetch(self._key, span.offset, span.nbytes, self.object.etag)
        if len(part.data) != span.nbytes:
            raise InputError(f"{self.name}: the object ends before byte {span.end}")
        return part

    def _count(self, parts: Sequence[Part], started: float) -> None:
        trips = -(-len(parts) // self.connections)
        nbytes = sum(len(part.data) for part in parts)
        self._traffic += Traffic(len(parts), nbytes, trips, time.perf_counter() - started)

    def _take_whole(self) -> None:
        """Read the object once from end to end."""
        started = time.perf_counter()
        whole = tempfile.NamedTemporaryFile(prefix="s2kit-")  # noqa: SIM115 - closed with the source
        try:
            with self._store.body(self._key, 0, self.object.etag) as body:
                for chunk in body.chunks:
                    whole.write(chunk)
        except BaseException:
            whole.close()
            raise
        whole.flush()
        self._traffic += Traffic(1, whole.tell(), 1, time.perf_counter() - started)
        self._whole = whole

    def _from_whole(self, span: Span) -> bytes:
        assert self._whole is not None
        self._whole.seek(span.offset)
        return self._whole.read(span.nbytes)

    def _missing(self, span: Span) -> list[Span]:
        """The parts of a span that are not at hand."""
        gaps, at = [], span.offset
        for offset, data in islice(self._pieces, _last_before(self._pieces, at), None):
            if offset >= span.end:
                break
            if offset > at:
                gaps.append(Span(at, offset - at))
            at = max(at, offset + len(data))
        if at < span.end:
            gaps.append(Span(at, span.end - at))
        return gaps

    def _uncovered(self, spans: Sequence[Span]) -> list[tuple[int, bytes]]:
        """The pieces at hand that do not lie wholly within one of these spans."""
        return [
            (offset, data)
            for offset, data in self._pieces
            if not any(span.offset <= offset and offset + len(data) <= span.end for span in spans)
        ]


def _offset(piece: tuple[int, bytes]) -> int:
    return piece[0]


def _last_before(pieces: Sequence[tuple[int, bytes]], offset: int) -> int:
    """Place of the last piece that begins at or before an offset; 0 where none does."""
    return max(bisect_right(pieces, offset, key=_offset) - 1, 0)


def _pieces(span: Span) -> list[Span]:
    count = -(-span.nbytes // LARGEST_REQUEST)
    edges = [span.offset + span.nbytes * at // count for at in range(count + 1)]
    return [Span(start, end - start) for start, end in pairwise(edges)]


def _joined(pieces: Sequence[tuple[int, bytes]], span: Span) -> bytes:
    """A span out of pieces in order that hold it; they may overlap."""
    found, at = [], span.offset
    for offset, data in islice(pieces, _last_before(pieces, at), None):
        if at >= span.end:
            break
        if offset + len(data) > at:
            found.append(data[at - offset : span.end - offset])
            at = offset + len(data)
    return b"".join(found)
