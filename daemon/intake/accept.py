"""Deliveries made durable: every door calls `accept` before it acknowledges anything (B1)."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from daemon.store import migrations
from daemon.store.fault import fault_point
from daemon.store.mail import arrivals
from daemon.store.session import Store
from parsers.identity import marks

log = structlog.get_logger("avtald.accept")

_HEADERS_LOOKED_AT = 64 * 1024
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(
    rb"^message-id[ \t]*:(?:[ \t]|\r?\n[ \t])*(<[^<>\x00-\x20\x7f]{1,500}>)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery of one message, as a door took it; `received_at` is our own server's time (B2).

    `delivery` identifies this delivery, and stays the same when the message is fetched again. It is
    the identity of a message with neither Date nor Message-ID (B3).
    """

    raw: bytes
    received_at: dt.datetime
    source: str  # imap, smtp, lmtp, receive
    delivery: str
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()
    mailbox: str | None = None
    uidvalidity: int | None = None
    uid: int | None = None
    shelve: str | None = None  # why nobody can act on it: `raw` is then only a part of it (B4)


def accept(
    store: Store, deliveries: Sequence[Arrival], *, go_live: dt.datetime | None
) -> list[int | None]:
    """Keep all deliveries with one commit: on return they are durable, and may be acknowledged.

    Gives each message's number in the inbox, None for a message known already (B3). Mail received
    before `go_live` is archived: it gets no answer and starts no clock (B5). Raises StoreError,
    also beside a newer schema: then nothing is kept, and nothing may be acknowledged.
    """
    kept = [_delivery(arrival, go_live) for arrival in deliveries]
    with store.writing() as tx:
        migrations.refuse_newer(tx)
        numbers = arrivals.accept(tx, kept)
        fault_point("inbox.writing")
    fault_point("inbox.committed")
    for arrival, number in zip(deliveries, numbers, strict=True):
        log.info("kept", inbox=number, source=arrival.source, size=len(arrival.raw))
    return numbers


def _delivery(arrival: Arrival, go_live: dt.datetime | None) -> arrivals.Delivery:
    archived = go_live is not None and arrival.received_at < go_live
    marked = marks(arrival.raw, delivery=arrival.delivery)
    return arrivals.Delivery(
        raw=arrival.raw,
        identity=marked.identity,
        hint=marked.hint,
        received_at=arrival.received_at,
        source=arrival.source,
        message_id=message_id(arrival.raw),
        envelope_from=arrival.envelope_from,
        envelope_to=arrival.envelope_to,
        mailbox=arrival.mailbox,
        uidvalidity=arrival.uidvalidity,
        uid=arrival.uid,
        state="archived" if archived else "new",
        unfit=arrival.shelve,
    )


def message_id(raw: bytes) -> str | None:
    """The Message-ID in the header block, found without parsing the message: only a hint (B3)."""
    head = raw[:_HEADERS_LOOKED_AT]
    end = _END_OF_HEADERS.search(head)
    header = _MESSAGE_ID.search(head, 0, end.start() + 1 if end else len(head))
    return None if header is None else header[1].decode("utf-8", "backslashreplace")
