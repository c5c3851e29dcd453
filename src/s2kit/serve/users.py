"""Users, their passwords and tokens, in a small database that all processes of the service share.

Passwords are kept as scrypt hashes (RFC 7914, with parameters that OWASP names: N = 2^15, r = 8, p = 3), tokens as
SHA-256, so that the file gives nobody a login.
"""

import hashlib
import hmac
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from s2kit.errors import DiskError, InputError, NotFoundError, OutputError

TOKEN_S = 7 * 86_400
"""Seconds for which a token is good."""
_REMEMBERED_S = 300.0
"""Seconds for which a process remembers a right password: clients of Basic logins send it with every request."""
_HASHES_AT_ONCE = 2
"""Each takes 32 MiB: guesses of passwords wait for one another."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SHORTEST = 10
_TABLES = """
CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, salt BLOB NOT NULL, hash BLOB NOT NULL, pays INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
  hash BLOB PRIMARY KEY, name TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE, expires REAL NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is logged in."""

    name: str
    may_pay: bool = False
    """True if archives that bill their readers may be used for this user."""


ANYBODY = User("anonymous")
"""Who a request comes from if there are no users."""


class UserStore:
    """The users of one service."""

    def __init__(self, folder: Path) -> None:
        """Open the database, or make it.

        Raises:
            DiskError: It cannot be opened.
        """
        self._path = folder / "users.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            os.close(descriptor)
            with self._open() as database:
                database.execute("PRAGMA journal_mode=WAL")
                database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise DiskError(f"{self._path} cannot be opened: {error}", "name another folder with --state") from error
        self._unknown = _hashed("", b"\x00" * 16)
        self._remembered: dict[bytes, float] = {}
        self._hashing = threading.BoundedSemaphore(_HASHES_AT_ONCE)
        self._key = secrets.token_bytes(32)

    def add(self, name: str, password: str, *, may_pay: bool = False) -> None:
        """Add a user.

        Raises:
            InputError: The name has odd characters, or the password is too short.
            OutputError: There is such a user already.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"user name {name!r} cannot be used", "take letters, digits, '.', '_', '@' and '-'")
        if len(password) < _SHORTEST:
            raise InputError(f"the password has less than {_SHORTEST} characters", "take a longer one")
        salt = secrets.token_bytes(16)
        try:
            with self._open() as database:
                database.execute(
                    "INSERT INTO users VALUES (?, ?, ?, ?)", (name, salt, _hashed(password, salt), int(may_pay))
                )
        except sqlite3.IntegrityError as error:
            raise OutputError(
                f"there is a user {name} already", f"remove it with: s2kit serve user remove {name}"
            ) from (error)

    def remove(self, name: str) -> None:
        """Remove a user with all tokens.

        Raises:
            NotFoundError: There is no such user.
        """
        with self._open() as database:
            if not database.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount:
                raise NotFoundError(f"there is no user {name}", "see s2kit serve user list")

    def names(self) -> list[str]:
        """All users, sorted."""
        with self._open() as database:
            return [str(name) for (name,) in database.execute("SELECT name FROM users ORDER BY name")]

    def login(self, name: str, password: str) -> User | None:
        """The user with that password; None if there is none. An unknown name takes as long as a known one."""
        with self._open() as database:
            row = database.execute("SELECT salt, hash, pays FROM users WHERE name = ?", (name,)).fetchone()
        salt, expected, pays = row or (b"\x00" * 16, self._unknown, 0)
        proof = hmac.digest(self._key, f"{name}\0{password}\0".encode() + expected, "sha256")
        now = time.monotonic()
        is_right = self._remembered.get(proof, 0.0) > now or self._hashes_to(expected, password, salt)
        if not (is_right and row):
            return None
        self._remembered = {key: until for key, until in self._remembered.items() if until > now}
        self._remembered.setdefault(proof, now + _REMEMBERED_S)
        return User(name, bool(pays))

    def _hashes_to(self, expected: bytes, password: str, salt: bytes) -> bool:
        with self._hashing:
            return hmac.compare_digest(_hashed(password, salt), expected)

    def new_token(self, user: User) -> str:
        """A token that stands for a login until it expires."""
        token = secrets.token_urlsafe(32)
        now = time.time()
        with self._open() as database:
            database.execute("DELETE FROM tokens WHERE expires < ?", (now,))
            database.execute("INSERT INTO tokens VALUES (?, ?, ?)", (_digest(token), user.name, now + TOKEN_S))
        return token

    def of_token(self, token: str) -> User | None:
        """The user that a token was made for; None if it is unknown or has expired."""
        with self._open() as database:
            row = database.execute(
                "SELECT users.name, users.pays FROM tokens JOIN users ON users.name = tokens.name"
                " WHERE tokens.hash = ? AND tokens.expires > ?",
                (_digest(token), time.time()),
            ).fetchone()
        return None if row is None else User(str(row[0]), bool(row[1]))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=10)
        try:
            database.execute("PRAGMA foreign_keys=ON")
            with database:
                yield database
        finally:
            database.close()


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << 15, r=8, p=3, dklen=32, maxmem=1 << 26)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
