"""Rows that a transaction has still to write: together, and before anybody could miss them.

A row that nobody has to be given an id of is kept here, and written before the transaction's next
statement that names its table, or before its end. So whoever asks finds it, whoever rolls back has
none of it, and rows of one kind keep their order; but twenty messages that share a commit write
their events with one statement, not with forty.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Executable

_KEPT = "pending"  # in a connection's `info`: kind → rows, for the length of a transaction
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A kind of rows: the tables that they change, and what writes those that have gathered."""

    tables: frozenset[str]
    write: Callable[[Connection, list[Any]], object]

    @classmethod
    def of(cls, table: str, statement: Callable[[Connection], Executable]) -> "Pending":
        """Rows for one table, each a set of the same columns: written by one statement for all."""
        return cls(frozenset({table}), lambda tx, rows: tx.execute(statement(tx), rows))

    def add(self, tx: Connection, row: Any) -> None:
        """Let a row wait."""
        tx.info.setdefault(_KEPT, {}).setdefault(self, []).append(row)

    def rows(self, tx: Connection) -> Sequence[Any]:
        """What waits now."""
        found: Sequence[Any] = tx.info.get(_KEPT, {}).get(self, ())
        return found


def write_all(tx: Connection) -> None:
    """Write whatever waits; `Store.writing` does so at its end."""
    waiting = tx.info.get(_KEPT, {})
    while waiting:
        kind = next(iter(waiting))
        kind.write(tx, waiting.pop(kind))


def forget(tx: Connection) -> None:
    """Let what waits go, with its transaction; a connection that is lost has lost it already."""
    if not tx.invalidated:
        tx.info.pop(_KEPT, None)


def before_statement(
    tx: Connection,
    _cursor: object,
    statement: str,
    _parameters: object,
    context: Any,
    _many: bool,
) -> None:
    """Write first what this statement could see, except what it says it `leaves` (an option)."""
    waiting = tx.info.get(_KEPT)
    if not waiting:
        return
    left = context.execution_options.get("leaves")
    named = _words(statement)
    for kind in [kind for kind in waiting if kind is not left and kind.tables & named]:
        if kind in waiting:  # writing one kind may have written another before it
            kind.write(tx, waiting.pop(kind))


@lru_cache(maxsize=512)
def _words(statement: str) -> frozenset[str]:
    return frozenset(_WORD.findall(statement))
