"""Proving the database's own file: its pages and indexes, its schema, and its unused bytes."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.store.keeping.proofs import packing, second_copies
from daemon.store.keeping.proofs.faults import Fault
from daemon.store.session import Tx

_MISSING = re.compile(r"row (\d+) missing from index (\w+)")


@contextmanager
def file_proof(tx: Tx, *, wanted: bool = True) -> Iterator[Callable[[], Iterator[Fault]]]:
    """Begin to prove an SQLite file, beside other proofs; gives the function with the faults.

    A child process reads the file. PostgreSQL proves its files by itself.
    """
    if not wanted or tx.dialect.name != "sqlite":
        yield lambda: iter(())
        return
    with packing.look(Path(tx.engine.url.database or "")) as child:
        yield lambda: _faults(tx, child)


def _faults(tx: Tx, child: packing.Child) -> Iterator[Fault]:
    lines, pages = child.result()
    yield from (_damage(line) for line in lines)
    yield from (Fault("page", page, "bytes") for page in pages)
    if not second_copies.is_as_made(tx):
        yield Fault("file", 0, "schema")


def _damage(line: str) -> Fault:
    missing = _MISSING.search(line)
    if missing:
        table = missing[2].removeprefix(second_copies.PREFIX)
        return Fault("cells", int(missing[1]), "copy", table)
    return Fault("file", 0, "damaged", " ".join(line.split()))
