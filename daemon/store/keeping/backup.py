"""A consistent copy of the database while the desk runs, and the proof of one by reading it back.

SQLite copies itself (VACUUM INTO); PostgreSQL is dumped by its own pg_dump, and the copy is proven
in a database of its own, which is removed again. Beside each copy lies its manifest: its
time, its SHA-256, the number of rows of each table, and the head of the chain of money rows.
"""

import datetime as dt
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, desc, func, inspect, select, table
from sqlalchemy.exc import DBAPIError

from daemon.store import migrations, rows
from daemon.store.schema.tables import chain
from daemon.store.session import Store, StoreError, Tx, open_store

_PATIENCE = 60.0  # seconds for a lock on the database that is copied
_INSTALL = "apt-get install postgresql-client"


class BackupError(Exception):
    """A copy cannot be made, or cannot be trusted; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of a copy, with its time and its hash."""

    engine: str  # sqlite, postgresql
    made_at: str  # ISO 8601, UTC
    schema: str
    sha256: str
    counts: Mapping[str, int]
    chain_length: int
    chain_head: str

    @classmethod
    def beside(cls, copy: Path) -> "Manifest | None":
        """The manifest of a copy; None where there is none."""
        try:
            return cls(**json.loads(manifest_of(copy).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise BackupError(f"{manifest_of(copy)} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a database, in one look."""

    schema: str
    counts: Mapping[str, int]
    chain_length: int
    chain_head: str


def manifest_of(copy: Path) -> Path:
    """The path of a copy's manifest."""
    return copy.with_name(copy.name + ".json")


def contents(tx: Tx) -> Contents:
    """Count every table, and take the head of the chain."""
    names = sorted(inspect(tx).get_table_names())
    counts = {name: tx.scalar(select(func.count()).select_from(table(name))) or 0 for name in names}
    head = tx.execute(select(chain).order_by(desc(chain.c.seq)).limit(1)).first()
    return Contents(
        migrations.current(tx) or "", counts, head.seq if head else 0, head.hash if head else ""
    )


def make(store: Store, target: Path, now: dt.datetime) -> Manifest:
    """Write a copy of everything committed before; it appears whole or not at all.

    Raises BackupError for a file that exists or cannot be written, StoreError for a database out
    of reach.
    """
    if target.exists():
        raise BackupError(f"{target} exists already: name another file")
    half = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        half.touch(0o600, exist_ok=False)
        copied = (_copy_sqlite if store.is_sqlite else _dump)(store, half)
        manifest = Manifest(
            engine=store.engine.dialect.name,
            made_at=now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            sha256=digest(half),
            **asdict(copied),
        )
        _write(manifest_of(target), json.dumps(asdict(manifest), indent=1) + "\n")
        half.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        half.unlink(missing_ok=True)
    return manifest


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())


def _sync(path: Path) -> None:
    """Make what was written durable: a file's bytes, a folder's names."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


# --- SQLite -------------------------------------------------------------------------------------


def _copy_sqlite(store: Store, half: Path) -> Contents:
    """One statement, one snapshot: writers wait for it no longer than for another writer."""
    try:
        with closing(sqlite3.connect(store.engine.url.database or "", timeout=_PATIENCE)) as source:
            source.execute("VACUUM INTO ?", (str(half),))
    except sqlite3.Error as error:
        raise StoreError(f"the database cannot be copied now: {error}") from error
    _sync(half)
    with _sqlite_copy(half) as copy, copy.reading() as tx:
        return contents(tx)


@contextmanager
def _sqlite_copy(file: Path) -> Iterator[Store]:
    """Open a copy that nobody else uses, without a change to it."""
    engine = create_engine(
        URL.create(
            "sqlite",
            database=f"file:{file.absolute()}",
            query={
                "mode": "ro",
                "immutable": "1",
                "uri": "true",
            },
        )
    )
    try:
        yield Store(engine)
    finally:
        engine.dispose()


# --- PostgreSQL ---------------------------------------------------------------------------------


def _dump(store: Store, half: Path) -> Contents:
    """Dump the very snapshot that was counted."""
    with store.reading() as tx:
        dumped = contents(tx)
        snapshot = str(tx.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
        _client(
            store.engine.url,
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={snapshot}",
            f"--file={half}",
        )
    _sync(half)
    return dumped


def _client(url: URL, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs on that database; the password stays out of sight."""
    if shutil.which(program) is None:
        raise BackupError(f"{program} is not installed: {_INSTALL}")
    ended = subprocess.run(  # noqa: S603  the arguments are ours
        [program, *arguments],
        env=os.environ | _environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        says = (ended.stderr.strip().splitlines() or ["without a word"])[-1]
        raise BackupError(f"{program} failed: {says}")


def _environment(url: URL) -> dict[str, str]:
    """The address of the database and its password, as libpq reads them."""
    host = url.host or url.query.get("host")
    named = {
        "PGHOST": host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    return {name: str(value) for name, value in named.items() if value is not None}


@contextmanager
def _postgres_copy(store: Store, file: Path) -> Iterator[Store]:
    """The dump, read into a database of its own on the same server, which is dropped afterwards."""
    name = f"avtald_restore_test_{secrets.token_hex(6)}"
    url = store.engine.url
    with _server(store) as server:
        try:
            server.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        except DBAPIError as error:
            role = f'ALTER ROLE "{url.username}" CREATEDB'
            says = f"a database to read the copy into cannot be made ({error.orig}): {role}"
            raise BackupError(says.replace("\n", " ")) from error
        try:
            there = url.set(database=name)
            _client(
                there, "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={name}", str(file)
            )
            copy = open_store(there.render_as_string(hide_password=False))
            try:
                yield copy
            finally:
                copy.close()
        finally:
            server.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def _server(store: Store) -> Iterator[Any]:
    """A connection outside any transaction: databases are made and dropped so."""
    engine = create_engine(store.engine.url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(f"the database cannot be used now: {error.orig}") from error
    finally:
        engine.dispose()


# --- reading a copy back ------------------------------------------------------------------------


@contextmanager
def opened(store: Store, file: Path) -> Iterator[Store]:
    """A copy, read back beside the running database, which stays untouched.

    Raises BackupError for a foreign file, or a copy of another engine.
    """
    try:
        with file.open("rb") as head:
            kind = _KINDS.get(head.read(5))
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}") from error
    if kind is None:
        raise BackupError(f"{file} is no copy that avtald backup made")
    if kind == "sqlite":
        with _in_a_scratch_folder(file) as scratch, _sqlite_copy(scratch) as copy:
            yield copy
    elif store.is_sqlite:
        raise BackupError(f"{file} is of PostgreSQL: name it in [database] to test it there")
    else:
        with _postgres_copy(store, file) as copy:
            yield copy


_KINDS = {b"SQLit": "sqlite", b"PGDMP": "postgresql"}


@contextmanager
def _in_a_scratch_folder(file: Path) -> Iterator[Path]:
    """A restore proper: the file is copied to another place, and read there."""
    with tempfile.TemporaryDirectory(prefix="avtald-restore-") as folder:
        scratch = Path(folder) / "avtald.db"
        shutil.copyfile(file, scratch)
        yield scratch


def file_faults(file: Path, manifest: Manifest | None) -> list[str]:
    """The faults of a copy's bytes: they are not as written."""
    try:
        if manifest is not None and digest(file) != manifest.sha256:
            return ["the file is not the one that was written: its SHA-256 differs"]
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}") from error
    return []


def faults(copy: Store, manifest: Manifest | None) -> list[str]:
    """The faults of a copy, read back: damage, and other numbers of rows than in its manifest."""
    try:
        with copy.reading() as tx:
            damage = _damage(tx) if copy.is_sqlite else []
            return damage or _differences(contents(tx), manifest)
    except (StoreError, DBAPIError) as error:
        return [f"the copy cannot be read: {str(error).splitlines()[0]}"]


def _damage(tx: Tx) -> list[str]:
    damage = [str(row[0]) for row in tx.exec_driver_sql("PRAGMA integrity_check(5)")]
    damaged = [f"the file is damaged: {each}" for each in damage if each != "ok"]
    orphans = tx.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    return damaged + [f"a row of {each[0]} has lost the row of {each[2]}" for each in orphans]


def _differences(kept: Contents, manifest: Manifest | None) -> list[str]:
    if manifest is None:
        return []
    told = []
    for name in sorted(set(kept.counts) | set(manifest.counts)):
        here, then = kept.counts.get(name, 0), manifest.counts.get(name, 0)
        if here != then:
            told.append(f"{name}: {here} rows, {then} when the copy was made")
    if (kept.chain_length, kept.chain_head) != (manifest.chain_length, manifest.chain_head):
        told.append("the chain of money rows ends elsewhere than when the copy was made")
    return told


def foreign(store: Store, kept: Contents) -> list[str]:
    """A copy whose money rows never stood in the running database is another's, or was altered."""
    link = select(chain.c.hash).where(chain.c.seq == kept.chain_length)
    try:
        with store.reading() as tx:
            here = tx.scalar(link) if migrations.current(tx) else None
    except (StoreError, DBAPIError):
        return []  # the database that runs is gone: the very case that copies are for
    if here is None or here == kept.chain_head:
        return []
    return ["the chain of money rows is not the one of the database that runs"]


# --- the copies on this machine -----------------------------------------------------------------

_MADE = "copies"  # the fact with the copies that this database knows of
_REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class Known:
    """A copy on this machine; `keep` is the number of newer ones after which it is removed."""

    file: Path
    made_at: dt.datetime
    keep: int | None


def note(store: Store, file: Path, now: dt.datetime, keep: int | None) -> None:
    """Remember a copy, so that an erasure can name it (K2); a copy is good also without."""
    made = {
        "file": str(file.absolute()),
        "at": now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "keep": keep,
    }
    with suppress(StoreError, DBAPIError), store.writing() as tx:
        before = [each for each in _noted(tx) if Path(each["file"]).exists()]
        rows.keep_fact(tx, _MADE, json.dumps([*before, made][-_REMEMBERED:]))


def _noted(tx: Tx) -> list[dict[str, Any]]:
    noted: list[dict[str, Any]] = json.loads(rows.fact(tx, _MADE) or "[]")
    return noted


def known_copies(tx: Tx) -> list[Known]:
    """The copies still in their places, the oldest first."""
    return [
        Known(Path(each["file"]), dt.datetime.fromisoformat(each["at"]), each["keep"])
        for each in _noted(tx)
        if Path(each["file"]).exists()
    ]


def removed_on(copy: Known, all_copies: Sequence[Known]) -> dt.date | None:
    """The day, about, of a copy's removal for newer ones; None without a pace to tell it by."""
    times = sorted(
        each.made_at
        for each in all_copies
        if each.file.parent == copy.file.parent and each.keep is not None
    )
    if copy.keep is None or len(times) < 2:
        return None
    pace = (times[-1] - times[0]) / (len(times) - 1)
    return (copy.made_at + copy.keep * pace).date()


def copies(folder: Path) -> Sequence[Path]:
    """The copies in a folder that were named by their instants, the oldest first."""
    return sorted(each for each in folder.glob("avtald-*.backup") if each.is_file())


def forget(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest copies of a folder; gives which."""
    old = list(copies(folder))[:-keep]
    for copy in old:
        with suppress(FileNotFoundError):
            manifest_of(copy).unlink()
        copy.unlink()
    return old
