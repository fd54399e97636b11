"""Whole mails against their hashes (B1), and erasures that are not finished (K2)."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import select

from daemon.store.keeping.erasures import under_way
from daemon.store.keeping.proofs.faults import Counted, Fault
from daemon.store.schema.tables import inbox, inbox_raw, outgoing
from daemon.store.session import Tx


def mail_faults(tx: Tx, counted: Counted) -> Iterator[Fault]:
    """B1: every mail against the hash of its bytes; an erased one (K2) has none."""
    yield from _received(tx, counted)
    query = (
        select(outgoing.c.id, outgoing.c.raw_sha256, outgoing.c.raw)
        .where(outgoing.c.raw.is_not(None))
        .order_by(outgoing.c.id)
        .execution_options(yield_per=8)
    )
    for row in tx.execute(query):
        counted.add("sent", 1)
        if hashlib.sha256(row.raw).hexdigest() != row.raw_sha256:
            yield Fault("sent", row.id, "altered")


def _received(tx: Tx, counted: Counted) -> Iterator[Fault]:
    query = (
        select(inbox.c.id, inbox.c.raw_sha256, inbox_raw.c.inbox_id, inbox_raw.c.raw)
        .outerjoin(inbox_raw, inbox_raw.c.inbox_id == inbox.c.id)
        .order_by(inbox.c.id)
        .execution_options(yield_per=8)
    )
    for row in tx.execute(query):
        counted.add("mail", 1)
        if row.inbox_id is None:
            yield Fault("mail", row.id, "no_raw")
        elif row.raw is not None and hashlib.sha256(row.raw).hexdigest() != row.raw_sha256:
            yield Fault("mail", row.id, "altered")


def erasure_faults(tx: Tx) -> Iterator[Fault]:
    """K2: an erasure that is under way, or was killed, has left bytes of the person."""
    yield from (Fault("erasure", each.number, "unfinished") for each in under_way(tx))
