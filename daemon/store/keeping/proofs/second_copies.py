"""A second copy of every row in SQLite's file: an index with all columns of its table.

SQLite has no checksum of a page. But `PRAGMA integrity_check` compares each row with its entries in
the indexes, and finds a turned bit in either. No query uses such an index: its condition is always
true, and stands in none. PostgreSQL has checksums of its own (`initdb
--data-checksums`).

Rows of the chain need no second copy, nor do whole mails: they have hashes. The schema itself has a
fingerprint, in the program's own field of SQLite's header.
"""

import zlib

from sqlalchemy import Column, Connection, Table, text

from daemon.store.schema.tables import (
    chain,
    inbox_raw,
    metadata,
    outgoing,
    statement_rows,
    statements,
)

PREFIX = "proof_"
HASHED = frozenset({chain, statement_rows, statements})
MAILS = (inbox_raw.c.raw, outgoing.c.raw)


def columns_of(table: Table) -> list[Column[object]]:
    """The columns in a table's proof index; none for the tables of the chain."""
    if table in HASHED:
        return []
    return [column for column in table.columns if not any(column is mail for mail in MAILS)]


def drop(connection: Connection) -> None:
    """Take the proof indexes away: a migration may change any table then."""
    for name in _existing(connection):
        connection.execute(text(f'DROP INDEX "{name}"'))


def make(connection: Connection) -> None:
    """Make the missing proof indexes, for the tables as they are now."""
    if connection.dialect.name != "sqlite":
        return
    there = _existing(connection)
    for table in metadata.sorted_tables:
        columns = columns_of(table)
        if columns and PREFIX + table.name not in there:
            names = ", ".join(f'"{column.name}"' for column in columns)
            always = f"typeof(\"{columns[0].name}\") <> ''"
            statement = f'CREATE INDEX "{PREFIX}{table.name}" ON "{table.name}" ({names})'
            connection.execute(text(f"{statement} WHERE {always}"))
    connection.exec_driver_sql(f"PRAGMA application_id = {fingerprint(connection)}")


def fingerprint(connection: Connection) -> int:
    """A checksum of the schema as SQLite keeps it; the statistics of its planner apart."""
    query = (
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_stat%'"
    )
    rows = connection.execute(text(f"{query} ESCAPE '!' ORDER BY type, name"))
    return zlib.crc32(repr([tuple(row) for row in rows]).encode()) & 0x7FFFFFFF


def is_as_made(connection: Connection) -> bool:
    """True if the schema is as the last upgrade left it."""
    made = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    return bool(made == fingerprint(connection))


def _existing(connection: Connection) -> set[str]:
    if connection.dialect.name != "sqlite":
        return set()
    query = text("SELECT name FROM sqlite_master WHERE type = 'index'")
    return {name for name in connection.scalars(query) if name.startswith(PREFIX)}
