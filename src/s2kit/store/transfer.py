"""One object of a store into one file, resumed wherever it broke off, and proven before it gets its name.

The bytes go to `NAME.TAG.part`, TAG being made of the object's entity tag: an object that was replaced in between has
another TAG, so that what is left of the old one is never continued. Every request after the first asks for the rest
only, with `If-Match`. The checksum is taken while the bytes arrive; what an earlier run left is read once more for it.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import stamina

from s2kit.errors import InputError, ServiceError, TryLaterError
from s2kit.run.deadline import Deadline, StoppedError
from s2kit.run.files import PART_SUFFIX, ensure_folder, remove, translate_os_error
from s2kit.store.base import Body, ChangedError, ObjectInfo, Store
from s2kit.store.hashes import Algorithm, is_md5, new_hash
from s2kit.store.part_file import open_part, remove_part

if TYPE_CHECKING:
    from hashlib import _Hash

Proof = Literal["manifest", "etag", "size"]

CHUNK = 1 << 20
"""Bytes that are read from disk at a time."""

_PROGRESS = 1 << 16
"""New bytes after which a broken transfer counts as moving: its count of attempts begins anew."""


class ProofError(InputError):
    """The bytes that arrived, twice over, are not those that the manifest lists."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object, the file that it shall become, and what proves it."""

    info: ObjectInfo
    """Key, size and tag as the store lists them."""
    target: Path
    algorithm: Algorithm | None = None
    """None if no manifest lists the file: then an MD5 tag of the store is the only witness."""
    checksum: str | None = None
    """Hexadecimal, lower case."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of an object."""

    nbytes: int
    """Size of the file."""
    moved: int
    """Bytes that came over the wire for it in this run."""
    proof: Proof
    """`manifest`: its checksum; `etag`: the store's MD5; `size`: nothing better was to be had."""


class Budget(Deadline):
    """How long a run may go on, and how patient it is with the faults of a file; shared by all its threads."""

    def __init__(self, timeout_s: float | None = None, stall_s: float = 600.0, attempts: int = 8) -> None:
        """Start the clock.

        Args:
            timeout_s: Seconds for the whole run; None for no bound.
            stall_s: Seconds for a file to make progress again after a fault.
            attempts: Faults in a row, without progress between them, after which a file is given up.
        """
        super().__init__(timeout_s)
        self.stall_s = stall_s
        self.attempts = attempts


def run_now(commit: "Commit") -> None:
    """Commit at once, in the thread that transferred."""
    commit()


def fetch(
    store: Store,
    wanted: Wanted,
    budget: Budget,
    advanced: Callable[[int], None] = lambda nbytes: None,
    commit: Callable[["Commit"], object] = run_now,
) -> Fetched:
    """Bring an object to its place, proven.

    Bytes that turn out wrong are fetched once more from the first one. After a second failure the file is left as
    `NAME.TAG.part` for the caller to quarantine; it never gets its final name.

    Args:
        store: Where it is.
        wanted: What, where to, and its proof.
        budget: How long to try.
        advanced: Called with the bytes of each chunk; below zero if they have to come again.
        commit: Gets what syncs the proven file to the disk and renames it; another thread may call that, so that the
            connection need not wait for the disk.

    Raises:
        ProofError: Wrong bytes, twice.
        TryLaterError: Faults without end, or the time is over.
        NotFoundError, AccessError, ServiceError: As the store says.
        DiskError, OutputError: The file cannot be written.
    """
    ensure_folder(wanted.target.parent)
    moved = 0
    for last in (False, True):
        with _Transfer(store, wanted, budget, advanced) as transfer:
            transfer.run()
            moved += transfer.moved
            proof, witness = transfer.verdict()
            if proof is not None:
                commit(transfer.detach())
                return Fetched(transfer.have, moved, proof)
            if not last:
                transfer.restart()
    raise ProofError(f"{wanted.info.key}: {witness}", "the archive's copy is damaged: try --archive cdse or gcp")


def part_of(target: Path, etag: str | None) -> Path:
    """Where the bytes of an object with this tag gather."""
    tag = hashlib.sha256(etag.encode()).hexdigest()[:16] if etag else "untagged"
    return target.with_name(f"{target.name}.{tag}{PART_SUFFIX}")


def parts_of(target: Path) -> list[Path]:
    """All that earlier attempts left for a file."""
    prefix = f"{target.name}."
    if not target.parent.is_dir():
        return []
    return sorted(
        entry for entry in target.parent.iterdir() if entry.name.startswith(prefix) and entry.name.endswith(PART_SUFFIX)
    )


def hash_file(path: Path, algorithm: Algorithm, nbytes: int | None = None) -> str:
    """Checksum of a file, or of its first bytes, as lower-case hexadecimal.

    Raises:
        DiskError, OutputError: The file cannot be read.
    """
    digest = new_hash(algorithm)
    with _os_errors(path), path.open("rb") as file:
        _feed(file, digest, nbytes)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Commit:
    """The last step of a proven file: calling it syncs the bytes to the disk and renames the part."""

    file: IO[bytes]
    """The part, open; closed by either step."""
    part: Path
    target: Path

    def __call__(self) -> None:
        """Give the file its name.

        Raises:
            DiskError, OutputError: The disk refuses.
        """
        with _os_errors(self.target):
            with self.file:
                os.fsync(self.file.fileno())
            self.part.replace(self.target)

    def abandon(self) -> None:
        """Leave the part as it is, for a later run."""
        self.file.close()


class _Transfer:
    """The state of one file: how much there is, its checksum so far, the tag it belongs to."""

    def __init__(self, store: Store, wanted: Wanted, budget: Budget, advanced: Callable[[int], None]) -> None:
        self._store = store
        self._wanted = wanted
        self._budget = budget
        self._advanced = advanced
        self._info = wanted.info
        self._algorithm: Algorithm = wanted.algorithm or "MD5"
        self._digest: _Hash = new_hash(self._algorithm)
        self._file: IO[bytes] | None = None
        self._part = part_of(wanted.target, self._info.etag)
        self.have = 0
        self.moved = 0

    def __enter__(self) -> "_Transfer":
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def run(self) -> None:
        """Pull until the object is whole; faults are met with patience as long as there is progress."""
        finished = self.have == self._info.nbytes
        while not finished:
            for attempt in stamina.retry_context(
                on=_passing,
                attempts=self._budget.attempts,
                timeout=self._budget.stall_s,
                wait_initial=0.1,
                wait_jitter=0.2,
                wait_max=10.0,
            ):
                with attempt:
                    finished = self._attempt()
                    if not finished:
                        break  # progress was made: the count of attempts begins anew

    def verdict(self) -> tuple[Proof | None, str]:
        """How the bytes are proven, or None and what is wrong with them."""
        if self.have != self._info.nbytes:
            return None, f"{self.have} bytes arrived, {self._info.nbytes} were announced"
        digest, checksum = self._digest.hexdigest(), self._wanted.checksum
        if checksum is not None:
            if digest == checksum:
                return "manifest", ""
            return None, f"{self._algorithm} is {digest}, the manifest says {checksum}"
        if is_md5(self._info.etag):
            return (
                ("etag", "") if digest == self._info.etag else (None, f"MD5 is {digest}, the tag is {self._info.etag}")
            )
        return "size", ""

    def detach(self) -> "Commit":
        """What gives the file its name; it may be called later, from anywhere."""
        assert self._file is not None
        file, self._file = self._file, None
        return Commit(file, self._part, self._wanted.target)

    def restart(self, info: ObjectInfo | None = None) -> None:
        """Forget what there is; with `info`, an object that was replaced is begun."""
        self._advanced(-self.have)
        self.__exit__()
        remove(self._part)
        if info is not None:
            self._info = info
            self._part = part_of(self._wanted.target, info.etag)
        self._open()

    def _open(self) -> None:
        with _os_errors(self._part):
            for stale in parts_of(self._wanted.target):
                if stale != self._part:
                    remove_part(stale)
            self._digest = new_hash(self._algorithm)
            self._file = open_part(self._part)
            self.have = _feed(self._file, self._digest)
            if self.have > self._info.nbytes:
                self._empty()
        self._advanced(self.have)

    def _empty(self) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._digest = new_hash(self._algorithm)
        self.have = 0

    def _attempt(self) -> bool:
        """One request; True when the object is whole, False when it broke off after some progress."""
        before = self.have
        try:
            self._budget.check()
            with self._store.body(self._info.key, self.have, self._info.etag) as body:
                self._budget.check()  # the answer may have come after the run's end: its files are no longer ours
                self._continue_from(body)
                self._pull(body)
        except StoppedError:
            raise
        except ChangedError:
            info = self._store.stat(self._info.key)
            self._budget.check()
            self.restart(info)
            raise
        except TryLaterError:
            if self.have - before >= _PROGRESS:
                return False
            raise
        return True

    def _continue_from(self, body: Body) -> None:
        if body.start == self.have:
            return
        if body.start != 0:
            raise ServiceError(
                f"{self._info.key}: asked for byte {self.have}, the server sent from byte {body.start} on",
                "try another archive",
            )
        self._advanced(-self.have)
        self._empty()  # the server does not know ranges

    def _pull(self, body: Body) -> None:
        assert self._file is not None
        for chunk in body.chunks:
            self._budget.check()
            with _os_errors(self._part):
                rest = memoryview(chunk)
                while rest:
                    rest = rest[self._file.write(rest) :]
            self._digest.update(chunk)
            self.have += len(chunk)
            self.moved += len(chunk)
            self._advanced(len(chunk))
            if self.have > self._info.nbytes:
                break
        if self.have < self._info.nbytes:
            raise TryLaterError(f"{self._info.key}: the transfer broke off at byte {self.have}", "run again later")


def _passing(error: Exception) -> bool:
    return isinstance(error, TryLaterError) and not isinstance(error, StoppedError)


def _feed(file: IO[bytes], digest: "_Hash", nbytes: int | None = None) -> int:
    """Hash from the file's start, all of it or its first bytes; returns how many."""
    file.seek(0)
    total = 0
    while nbytes is None or total < nbytes:
        chunk = file.read(CHUNK if nbytes is None else min(CHUNK, nbytes - total))
        if not chunk:
            break
        digest.update(chunk)
        total += len(chunk)
    return total


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise translate_os_error(error, path) from error
