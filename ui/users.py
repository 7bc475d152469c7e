"""Who may sign in: a file with a line for each user.

A line is ``NAME:HASH``, or ``NAME:HASH:COLLECTION,COLLECTION`` for a user who sees these only. The
hash is scrypt's, salted, in the PHC form ``$scrypt$ln=15,r=8,p=3$SALT$HASH``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rag.errors import BadInput
from rag.library import check_name

SHORTEST = 8
LONGEST = 1024
# OWASP's choice for 32 MiB: about a quarter of a second for one guess.
_LN, _R, _P = 15, 8, 3
_NAME = re.compile(r"\w[\w.@-]{0,63}")
_HASH = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)", re.ASCII)
# Wrong passwords for one name that cost no time, and the longest wait after more of them.
FREE = 5
LONGEST_WAIT = 60.0
_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class User:
    """One line of the file; ``collections`` is None for a user who sees everything."""

    name: str
    hash: str
    collections: tuple[str, ...] | None = None


class Users:
    """The users of one file, as it is now. Safe to share between threads.

    Who is taken out of the file is signed in no longer.
    """

    def __init__(self, path: Path) -> None:
        """Raises ``BadInput`` for a file that is missing, empty or malformed."""
        self._path = path
        self._lock = threading.Lock()
        # Each check takes 32 MiB, so that many at once would take all memory.
        self._checking = threading.Lock()
        self._waits = _Waits()
        self._stamp, self._users = _stamp(path), read_users(path)
        if not self._users:
            raise BadInput(f"{path} names nobody: {_ADD.format(path)} lets someone in")

    def check(self, name: str, password: str) -> bool:
        """Whether this is the user's password.

        Takes as long for a name that is not there. From ``FREE`` wrong ones in a row, the next is
        looked at after a pause only, which doubles each time.
        """
        user = self._now().get(name)
        with self._checking:
            if self._waits.over(name) > 0:
                return False
            right = _verify(password, user.hash if user else _NOBODY)
            right = right and user is not None
            self._waits.tried(name, right)
            return right

    def knows(self, name: str) -> bool:
        """Whether there is such a user."""
        return name in self._now()

    def collections(self, name: str) -> tuple[str, ...] | None:
        """The collections a user may see, None for all. Raises ``BadInput`` for nobody's name."""
        user = self._now().get(name)
        if user is None:
            raise BadInput("you are not signed in any more: reload the page")
        return user.collections

    def _now(self) -> dict[str, User]:
        with self._lock:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._users = read_users(self._path)
                self._stamp = stamp
            return self._users


def read_users(path: Path) -> dict[str, User]:
    """The users of a file by name. Raises ``BadInput`` for one that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadInput(f"there is no file of users at {path}: {_ADD.format(path)}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the file of users {path} cannot be read: {error}") from error
    users: dict[str, User] = {}
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, 1):
        name, _, rest = line.partition(":")
        hashed, colon, shared = rest.partition(":")
        if not _NAME.fullmatch(name) or not _HASH.fullmatch(hashed) or name in users:
            raise BadInput(
                f"line {number} of {path} is no user, or one that is there twice: take it out and "
                f"{_ADD.format(path)}"
            )
        collections = tuple(c for c in shared.split(",") if c) if colon else None
        users[name] = User(name, hashed, collections)
    return users


def put_user(
    path: Path, name: str, password: str, collections: Iterable[str] | None = None
) -> bool:
    """Add a user to a file, made if there is none, or change the password. Whether it is a new one.

    ``collections`` are all that the user may see; None leaves them as they are, or allows all.
    Raises ``BadInput`` for a name, password or collection that cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name: use up to 64 letters, digits, '.', '-', '_' and '@'")
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"a password has {SHORTEST} to {LONGEST:,} characters: choose another")
    users = read_users(path) if path.exists() else {}
    before = users.get(name)
    shared = tuple(dict.fromkeys(collections)) if collections is not None else None
    if shared is None and before:
        shared = before.collections
    for collection in shared or ():
        if not collection:
            raise BadInput("a collection that a user may see needs a name")
        check_name(collection)
    users[name] = User(name, _hashed(password), shared)
    _write(path, users)
    return before is None


def remove_user(path: Path, name: str) -> None:
    """Take a user out of a file. Raises ``BadInput`` when there is no such user."""
    users = read_users(path)
    if users.pop(name, None) is None:
        raise BadInput(f"{path} has no user {name!r}: `footnote users list` shows who is there")
    _write(path, users)


def _write(path: Path, users: dict[str, User]) -> None:
    """Replace the file in one step; nobody but its owner can read it."""
    path = path.resolve()
    lines = []
    for user in users.values():
        shared = "" if user.collections is None else ":" + ",".join(user.collections)
        lines.append(f"{user.name}:{user.hash}{shared}\n")
    try:
        # mkstemp makes a file of mode 0600.
        number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123 - a number
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"the file of users {path} cannot be written: {error}") from error


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    found = _scrypt(password, salt, _LN, _R, _P)
    return f"$scrypt$ln={_LN},r={_R},p={_P}${_encoded(salt)}${_encoded(found)}"


def _verify(password: str, hashed: str) -> bool:
    match = _HASH.fullmatch(hashed)
    assert match is not None
    ln, r, p = (int(number) for number in match.groups()[:3])
    salt, wanted = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in match.groups()[3:])
    given = password if len(password) <= LONGEST else ""
    return hmac.compare_digest(_scrypt(given, salt, ln, r, p, len(wanted)), wanted)


def _scrypt(password: str, salt: bytes, ln: int, r: int, p: int, size: int = 32) -> bytes:
    memory = 128 * r * ((1 << ln) + p + 2)
    return hashlib.scrypt(
        password.encode(errors="replace"), salt=salt, n=1 << ln, r=r, p=p, maxmem=memory, dklen=size
    )


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Waits:
    """How long each name has to wait after wrong passwords; the latest names only."""

    def __init__(self) -> None:
        self._wrong: dict[str, tuple[int, float]] = {}

    def over(self, name: str) -> float:
        """The seconds until the name may be tried again."""
        return self._wrong.get(name, (0, 0.0))[1] - time.monotonic()

    def tried(self, name: str, right: bool) -> None:
        """Record what came of trying."""
        wrong, _ = self._wrong.pop(name, (0, 0.0))
        if right:
            return
        wrong += 1
        wait = min(LONGEST_WAIT, 2.0 ** (wrong - FREE)) if wrong >= FREE else 0.0
        self._wrong[name] = wrong, time.monotonic() + wait
        if len(self._wrong) > _NAMES:
            del self._wrong[next(iter(self._wrong))]


_ADD = "`footnote users add NAME --auth-file {}`"
# The hash of no password, for names that are not there.
_NOBODY = f"$scrypt$ln={_LN},r={_R},p={_P}${_encoded(bytes(16))}${_encoded(bytes(32))}"
