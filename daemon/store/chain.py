"""The hash chain over money rows: each link seals its row and every link before it."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import desc, select

from daemon.store.schema import chain
from daemon.store.session import Tx

_START = "0" * 64
_LOCK = 7234


def canonical(content: Mapping[str, Any]) -> bytes:
    """The same content as the same bytes, on every engine and machine."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a money row")


def link(previous: str, content: Mapping[str, Any]) -> str:
    """The hash of a row that follows this one."""
    return hashlib.sha256(previous.encode() + canonical(content)).hexdigest()


def seal(tx: Tx, kind: str, row_id: int, content: Mapping[str, Any]) -> str:
    """Add a row to the chain, in the transaction that writes it."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    last = tx.execute(
        select(chain.c.seq, chain.c.hash).order_by(desc(chain.c.seq)).limit(1)
    ).first()
    seq, previous = (last.seq, last.hash) if last else (0, _START)
    value = link(previous, {"kind": kind, "row": row_id} | dict(content))
    tx.execute(chain.insert().values(seq=seq + 1, kind=kind, row_id=row_id, hash=value))
    return value
