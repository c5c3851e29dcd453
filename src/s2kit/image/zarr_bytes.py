"""The chunks of one Zarr array for zarr-python, from a store of s2kit, where keys, hosts, consent and counting stay.

The array's own metadata is handed over and not asked for again. Nothing can be written.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterable
from typing import Never

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from s2kit.errors import NotFoundError
from s2kit.run.sharing import sharers
from s2kit.store.base import Store as ByteStore
from s2kit.store.byte_source import Traffic
from s2kit.store.location import ZarrArray
from s2kit.store.open import open_store

METADATA_KEYS = {2: ".zarray", 3: "zarr.json"}


class ChunkStore(Store):
    """A read-only store of zarr-python with one array at its root."""

    supports_writes = False
    supports_deletes = False
    supports_listing = False

    def __init__(self, location: ZarrArray) -> None:
        super().__init__(read_only=True)
        self._location = location
        self._store: ByteStore = open_store(location.archive)
        self._known = {METADATA_KEYS[int(json.loads(location.document)["zarr_format"])]: location.document.encode()}
        self._turn = threading.BoundedSemaphore(max(1, location.archive.max_connections // sharers()))
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self.traffic = Traffic()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChunkStore) and other._location == self._location

    __hash__ = None  # type: ignore[assignment]

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """A chunk, or a range of a shard; None if there is none, which stands for the fill value."""
        if key in self._known:
            return prototype.buffer.from_bytes(self._known[key])
        if key.rpartition("/")[2] in {"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"}:
            return None
        data = await asyncio.to_thread(self._read, key, byte_range)
        return None if data is None else prototype.buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Several ranges, side by side."""
        return list(await asyncio.gather(*(self.get(key, prototype, one) for key, one in key_ranges)))

    async def exists(self, key: str) -> bool:
        """True for the metadata and for chunks that are there."""
        return key in self._known or await asyncio.to_thread(self._size, key) is not None

    async def set(self, key: str, value: Buffer) -> Never:
        """Nothing is written."""
        raise NotImplementedError

    async def delete(self, key: str) -> Never:
        """Nothing is deleted."""
        raise NotImplementedError

    async def list(self) -> AsyncIterator[str]:
        """Nothing is listed."""
        for key in self._known:
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Nothing is listed."""
        for key in self._known:
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Nothing is listed."""
        async for key in self.list_prefix(prefix):
            yield key

    def _read(self, key: str, asked: ByteRequest | None) -> bytes | None:
        start, length = 0, None
        match asked:
            case RangeByteRequest(start=first, end=end):
                start, length = first, end - first
            case OffsetByteRequest(offset=first):
                start = first
            case SuffixByteRequest(suffix=count):
                size = self._size(key)
                if size is None:
                    return None
                start, length = max(size - count, 0), min(count, size)
        try:
            with self._turn:
                data = self._store.read(f"{self._location.path}/{key}", start, length)
        except NotFoundError:
            return None
        self._count(len(data))
        return data

    def _size(self, key: str) -> int | None:
        if key not in self._sizes:
            try:
                with self._turn:
                    self._sizes[key] = self._store.stat(f"{self._location.path}/{key}").nbytes
            except NotFoundError:
                return None
            self._count(0)
        return self._sizes[key]

    def _count(self, nbytes: int) -> None:
        with self._lock:
            self.traffic += Traffic(1, nbytes, 1 if self._location.is_remote else 0)
