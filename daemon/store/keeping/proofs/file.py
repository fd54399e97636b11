"""Proving the database's own file: its pages and indexes, its schema, and its unused bytes."""

import re
from collections.abc import Iterator
from pathlib import Path

from daemon.store.keeping.proofs import packing, second_copies
from daemon.store.keeping.proofs.faults import Fault
from daemon.store.session import Tx

_MOST = 100  # faults of the file that are told
_MISSING = re.compile(r"row (\d+) missing from index (\w+)")
_SEARCH = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts5%'"


def file_faults(tx: Tx) -> Iterator[Fault]:
    """Everything that is wrong with an SQLite file; PostgreSQL proves its files by itself."""
    if tx.dialect.name != "sqlite":
        return
    for (line,) in tx.exec_driver_sql(f"PRAGMA integrity_check({_MOST})"):
        if line != "ok":
            yield _damage(str(line))
    if not second_copies.is_as_made(tx):
        yield Fault("file", 0, "schema")
    for page in packing.differences_in_child(Path(tx.engine.url.database or "")):
        yield Fault("page", page, "bytes")


def _damage(line: str) -> Fault:
    missing = _MISSING.search(line)
    if missing:
        table = missing[2].removeprefix(second_copies.PREFIX)
        return Fault("cells", int(missing[1]), "copy", table)
    return Fault("file", 0, "damaged", " ".join(line.split()))
