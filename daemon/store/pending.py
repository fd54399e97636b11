"""Rows written later in their transaction: many with one statement, and in time for every reader.

A caller without need of its new row's id leaves the row here. The row is written before the
transaction's next statement that names its table, at the latest at the transaction's end. A reader
of the same transaction therefore finds it, a roll-back takes it along, and rows of one kind keep
their order. Twenty messages in one commit write their events with one statement instead of forty.

The tables are found by the words of each SQL statement, right before it is sent. An explicit flush
would have to stand in every function that reads, and every reader would have to know the writers
with rows held back: one flush forgotten would read an old state, and nothing would show it. The
words also cover hand-written SQL. A word that only looks like a table's name (a column, an alias)
writes rows earlier than necessary, and does no harm. The database itself looks at no table behind
the words: the schema has no views, and its triggers only refuse. A row with references from other
tables names those tables beside its own (`_OPENED` in `tickets.tickets`).
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
    """A kind of rows: the tables changed by them, and the function that writes gathered rows."""

    tables: frozenset[str]
    write: Callable[[Connection, list[Any]], object]

    @classmethod
    def of(cls, table: str, statement: Callable[[Connection], Executable]) -> "Pending":
        """Rows for one table, all with the same columns: one statement writes them."""
        return cls(frozenset({table}), lambda tx, rows: tx.execute(statement(tx), rows))

    def add(self, tx: Connection, row: Any) -> None:
        """Let a row wait."""
        tx.info.setdefault(_KEPT, {}).setdefault(self, []).append(row)

    def rows(self, tx: Connection) -> Sequence[Any]:
        """The rows that wait now."""
        waiting: Sequence[Any] = tx.info.get(_KEPT, {}).get(self, ())
        return waiting


def write_all(tx: Connection) -> None:
    """Write every waiting row; `Store.writing` does so at its end."""
    waiting = tx.info.get(_KEPT, {})
    while waiting:
        kind = next(iter(waiting))
        kind.write(tx, waiting.pop(kind))


def forget(tx: Connection) -> None:
    """Let waiting rows go with their transaction; a lost connection has lost them already."""
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
    """Write every row this statement could see, except the kind it `leaves` (an option)."""
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
