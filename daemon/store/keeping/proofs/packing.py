"""A small SQLite file packed at rest: every byte of it can be proven.

Most bytes of a small file are unused: the middle of pages, the end of a long value. Nothing depends
on them, and no check of SQLite looks at them. But VACUUM writes the same rows as the same bytes: a
file without a change since VACUUM equals a new copy of itself, byte for byte.

The mark of a packed file is SQLite's `user_version`: the number of the last change of the file.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

MOST = 32 * 1024**2  # bytes of a file that is packed: a third of a second's work
_HEAD = 100  # bytes of the file's header
_FORMAT = 18  # 1: with a rollback journal
_PAGE_SIZE, _COUNTER, _MARK = slice(16, 18), slice(24, 28), slice(60, 64)
_VALID_FOR, _LIBRARY = slice(92, 96), slice(96, 100)
_SECONDS = 3600
_TOLD = 100  # lines of damage


def pack(path: Path) -> bool:
    """Write a small file anew, and mark it; False for a file left alone.

    A large file, a packed one and one in use are left alone. No connection of this process may be
    open.
    """
    try:
        size = path.stat().st_size
        if not 0 < size <= MOST or shutil.disk_usage(path.parent).free < 4 * size:
            return False
        if is_packed(_head(path)):
            return False
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode == "wal":  # the file does not count the changes in its log
                return False
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("VACUUM")
            changes = int.from_bytes(_head(path)[_COUNTER], "big") + 1
            connection.execute(f"PRAGMA user_version = {changes & 0x7FFFFFFF}")
    except (sqlite3.Error, OSError):  # somebody else is at work, or the disk is full
        return False
    return True


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def is_packed(head: bytes) -> bool:
    """True for the header of a file without a change since `pack`, by this release of SQLite."""
    major, minor, patch = sqlite3.sqlite_version_info
    library = (major * 1_000_000 + minor * 1000 + patch).to_bytes(4, "big")
    return head[_COUNTER] == head[_MARK] != bytes(4) and head[_LIBRARY] == library


# --- proving ------------------------------------------------------------------------------------


def differences(path: Path) -> Iterator[int]:
    """The pages of a packed file with other bytes than a new copy; none of any other file."""
    head = _head(path)
    if head[_COUNTER] != head[_VALID_FOR] and head[_FORMAT] == 1:
        yield 1
    if not is_packed(head):
        return
    with tempfile.TemporaryDirectory(prefix="avtald-proof-") as folder:
        copy = Path(folder) / "copy"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("VACUUM INTO ?", (str(copy),))
        yield from _unequal(path, copy)


def _unequal(path: Path, copy: Path) -> Iterator[int]:
    size = int.from_bytes(_head(path)[_PAGE_SIZE], "big") or 65536
    with path.open("rb") as ours, copy.open("rb") as new:
        page = 0
        while left := ours.read(size):
            page += 1
            right = new.read(size)
            if page == 1:
                left, right = _comparable(left), _comparable(right)
            if left != right:
                yield page
        if new.read(1):
            yield page + 1


def _comparable(first: bytes) -> bytes:
    """The first page without the numbers that count changes."""
    page = bytearray(first)
    for counts in (_COUNTER, slice(40, 44), _MARK, _VALID_FOR, _LIBRARY):
        page[counts] = bytes(4)
    return bytes(page)


def damage(path: Path) -> list[str]:
    """The lines of SQLite's own check of pages and indexes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        lines = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_TOLD})")]
    return [line for line in lines if line != "ok"]


# --- in a child ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Child:
    """A process that looks at a file."""

    process: subprocess.Popen[bytes]

    def result(self) -> tuple[list[str], list[int]]:
        """The damage, and the differing pages; OSError for a child without an answer."""
        out, err = self.process.communicate(timeout=_SECONDS)
        if self.process.returncode != 0:
            says = (err.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
            raise OSError(f"the file cannot be read: {says}")
        lines, pages = json.loads(out)
        return lines, pages


@contextmanager
def look(path: Path) -> Iterator[Child]:
    """Let a child look at a file while this process works on.

    Had this process opened and closed the file itself, SQLite would lose its locks
    (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    command = [sys.executable, "-I", "-m", __name__, str(path.absolute())]
    with subprocess.Popen(  # noqa: S603  our own module
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/"
    ) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


if __name__ == "__main__":
    file = Path(sys.argv[1])
    json.dump((damage(file), list(differences(file))), sys.stdout)
