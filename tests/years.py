"""Years of tickets in an empty desk, written by the database itself in seconds.

Each was opened by a mail, confirmed and told of, answered, and closed; half an hour was noted on
it. Keys that are random in life (a message's identity, hashes) are so here. All indexes and
triggers stand while the rows come, and nothing is packed afterwards: what is measured has grown.
"""

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType

from daemon.store.session import Store

LIVING = 200  # tickets that wait for somebody; a desk of any age has no more
APART = 300  # seconds between two tickets

# One ticket a row: its number here, when it came, whether it waits, a text that is its own.
_EACH = """
WITH RECURSIVE
  number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count}),
  each AS (
    SELECT n, {at} AS at, n > {count} - {living} AS lives, {digest} AS digest,
           'k' || (n % 5000) || '@kund' || (n % 30) || '.se' AS customer
    FROM number
  ),
  mail (copy, kind, answer) AS (VALUES (0, 'confirmation', true), (1, 'notice', false))
"""
_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "tickets (id, number, subject, customer_id, requester, language, priority, status,"
        " opened_at, closed_at)": """
        SELECT n, 1000 + n, 'Skrivare ' || n, n % 30 + 1, customer, 'sv', 3,
               CASE WHEN lives THEN 'open' ELSE 'closed' END, at,
               CASE WHEN NOT lives THEN at END
        FROM each""",
        "inbox (id, identity, received_at, source, size, raw_sha256, message_id, state, attempts,"
        " kind, outcome, sender, ticket_id, processed_at)": """
        SELECT n, digest, at, 'lmtp', 300, digest, '<' || substr(digest, 1, 20) || '@kund.se>',
               'done', 1, 'person', 'opened', customer, n, at
        FROM each""",
        "inbox_raw (inbox_id, raw)": "SELECT n, {raw} FROM each",
        "inbox_deliveries (inbox_id, source, received_at)": "SELECT n, 'lmtp', at FROM each",
        "participants (ticket_id, address, added_at)": "SELECT n, customer, at FROM each",
        "ticket_messages (ticket_id, inbox_id, at, author, address, text)": """
        SELECT n, CASE author WHEN 'customer' THEN n END, at, author,
               CASE author WHEN 'customer' THEN customer ELSE 'anna@example.se' END, said
        FROM each, (
            SELECT 'customer' AS author, '{said}' AS said
            UNION ALL SELECT 'engineer', 'Nu går den igen.'
        ) AS spoken""",
        "events (at, kind, actor, cause, ticket_id, customer_id, data)": """
        SELECT at, happened.kind, customer, 'inbox:' || n, n, n % 30 + 1, {data}
        FROM each, (
            SELECT 'participant' AS kind, '{{"address": "k"}}' AS data
            UNION ALL SELECT 'opened', '{{"priority": 3}}'
            UNION ALL SELECT 'answered', '{{"outgoing": 1}}'
            UNION ALL SELECT 'closed', NULL
        ) AS happened
        WHERE NOT lives OR happened.kind IN ('participant', 'opened')""",
        "clocks (ticket_id, kind, started_at, target_minutes, due_at, result, ended_at,"
        " used_minutes, tell_at)": """
        SELECT n, 'response', at, 480, CASE WHEN lives THEN {later} ELSE at END,
               CASE WHEN lives THEN 'running' ELSE 'met' END,
               CASE WHEN NOT lives THEN at END, CASE WHEN NOT lives THEN 30 END,
               CASE WHEN lives THEN {later} END
        FROM each""",
        "outgoing (id, key, kind, message_id, ticket_id, inbox_id, created_at, answer, raw)": """
        SELECT 2 * n - 1 + copy, mail.kind || ':' || n, mail.kind,
               '<t' || (1000 + n) || '.' || substr(digest, 1 + 16 * copy, 16) || '@example.se>',
               n, n, at, answer, {raw}
        FROM each, mail""",
        "outbox (outgoing_id, recipient, envelope_from, state, created_at, next_at, attempts,"
        " sent_at, reply, answer)": """
        SELECT 2 * n - 1 + copy, CASE WHEN answer THEN customer ELSE 'anna@example.se' END,
               'support@example.se', 'sent', at, at, 1, at, '250 kept', answer
        FROM each, mail""",
        "ledger (kind, customer_id, ticket_id, person_id, inbox_id, ordinal, worked_on, "
        "received_at, visible_at, actual, billable, cause)": """
        SELECT 'use', n % 30 + 1, n, 1, n, 1, {day}, at, at, 30, 30, 'inbox:' || n
        FROM each WHERE NOT lives""",
        "chain (seq, kind, row_id, hash)": """
        SELECT n, 'ledger', n, digest FROM each WHERE NOT lives""",
    }
)
_SAID = "Skrivaren på plan två står still. " * 4
_RAW = "Subject: x\r\n" * 20


def fill(store: Store, count: int, until: dt.datetime) -> None:
    """Write that many tickets, the last one just before `until`, into an empty desk's database."""
    first = int(until.timestamp()) - APART * (count + 1)
    (_fill_sqlite if store.is_sqlite else _fill_postgresql)(store, count, first)


def _written(count: int, words: Mapping[str, str]) -> list[str]:
    words = {**words, "count": str(count), "living": str(LIVING), "said": _SAID}
    each = _EACH.format(**words)
    return [f"INSERT INTO {table} {each} {rows.format(**words)}" for table, rows in _TABLES.items()]


def _fill_sqlite(store: Store, count: int, first: int) -> None:
    at = "strftime('%Y-%m-%dT%H:%M:%SZ', {} + {} * n{}, 'unixepoch')"
    words = {
        "at": at.format(first, APART, ""),
        "later": at.format(first, APART, " + 172800"),
        "day": "substr(at, 1, 10)",
        "digest": "digest(n)",
        "data": "data",
        "raw": f"x'{_RAW.encode().hex()}'",
    }
    with closing(sqlite3.connect(str(store.engine.url.database))) as connection:
        connection.create_function(
            "digest", 1, lambda n: hashlib.sha256(b"%d" % n).hexdigest(), deterministic=True
        )
        for pragma in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -2000000"):
            connection.execute(f"PRAGMA {pragma}")
        for statement in _written(count, words):
            connection.execute(statement)
        connection.commit()


def _fill_postgresql(store: Store, count: int, first: int) -> None:
    words = {
        "at": f"to_timestamp({first} + {APART}::bigint * n)",
        "later": "at + interval '2 days'",
        "day": "CAST(at AS date)",
        "data": "CAST(data AS json)",
        "digest": "encode(sha256(convert_to(CAST(n AS text), 'UTF8')), 'hex')",
        "raw": rf"'\x{_RAW.encode().hex()}'::bytea",
    }
    with store.writing() as tx:
        # References are true by their making; a look at each would take minutes (superusers only).
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in _written(count, words):
            tx.exec_driver_sql(statement.replace("%", "%%"))
        for table in ("tickets", "inbox", "outgoing"):  # their rows brought their own numbers
            series = f"pg_get_serial_sequence('{table}', 'id')"
            tx.exec_driver_sql(f"SELECT setval({series}, (SELECT max(id) FROM {table}))")
        tx.exec_driver_sql(f"SELECT setval('ticket_numbers', {1000 + count})")
    with store.engine.connect() as connection:  # as autovacuum does; nothing does in a SQLite file
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
