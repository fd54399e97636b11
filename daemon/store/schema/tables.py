"""The tables: the register, received mail, tickets, outgoing mail.

Durations are integer minutes, instants are UTC. The tables of money stand in `money_tables.py`, and
can be imported from here as well.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
)

from daemon.store.schema.columns import Id, flag, id_column, metadata, partial, ref
from daemon.store.schema.money_tables import (
    chain,
    closings,
    erasures,
    invoices,
    ledger,
    meetings,
    reports,
    requests,
    seals,
    statement_rows,
    statements,
    tokens,
)
from daemon.store.schema.types import Instant

# --- the desk itself --------------------------------------------------------------------------

facts = Table(  # one value per name: the key of reply ids, the calendar's fingerprint, …
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

leases = Table(  # work of one process at a time: polling a mailbox, closing, tokens
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Instant, nullable=False),
)

due = Table(  # acts due at an instant: warnings, reminders, reports, look-ups
    "due",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("run_at", Instant, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),  # waiting, done, void
    Column("data", JSON),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    UniqueConstraint("kind", "key"),
    Index(None, "state", "run_at"),
)

alarms = Table(  # a fault told to operators or finance, once, until it clears
    "alarms",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("raised_at", Instant, nullable=False),
    Column("cleared_at", Instant),
    Column("message", Text, nullable=False),
)

events = Table(  # K1: every change, with time, actor and cause
    "events",
    metadata,
    id_column(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),  # an address, "avtald", or "command"
    Column("cause", Text, nullable=False),  # "inbox:17", "command import", "clock"
    ref("ticket_id", "tickets", nullable=True),
    ref("customer_id", "customers", nullable=True),
    Column("data", JSON),
    Index(None, "ticket_id", "id"),
    Index(None, "customer_id", "id"),
    partial("ix_events_of_customers", "customer_id", where="ticket_id IS NULL"),
)

# --- the register -----------------------------------------------------------------------------

people = Table(  # engineers, finance, managers (D1)
    "people",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("roles", JSON, nullable=False),
    Column("absent_until", Date),
    flag("active", default=True),
)

people_addresses = Table(  # the registered address and its aliases
    "people_addresses",
    metadata,
    Column("address", Text, primary_key=True),
    ref("person_id", "people"),
)

customers = Table(
    "customers",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("organisation_number", Text),
    Column("language", Text),
    Column("accounting_number", Text),
    Column("your_reference", Text),
    Column("order_number", Text),
    Column("invoice_language", Text),
    Column("reports_to", JSON, nullable=False),
    ref("manager_id", "people", nullable=True),
    flag("active", default=True),
)

customer_domains = Table(
    "customer_domains",
    metadata,
    Column("domain", Text, primary_key=True),
    ref("customer_id", "customers"),
    Index(None, "customer_id"),
)

contacts = Table(
    "contacts",
    metadata,
    id_column(),
    ref("customer_id", "customers"),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    flag("active", default=True),
    Index(None, "customer_id"),
)

agreement_versions = Table(  # F1: dated versions; the terms are copied in when the version is made
    "agreement_versions",
    metadata,
    id_column(),
    ref("customer_id", "customers"),
    Column("plan", Text, nullable=False),
    Column("starts", Date, nullable=False),
    Column("until", Date),  # the last day covered
    flag("renews", default=True),
    Column("terms", JSON, nullable=False),
    Column("overrides", JSON, nullable=False),  # the terms apart from the plan, from the register
    flag("withdrawn", default=False),
    UniqueConstraint("customer_id", "starts"),
)

# --- received mail (B1–B5) --------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    id_column(),
    Column("identity", Text, nullable=False),  # B3: of one first message, and of its copies
    Column("hint", Text),  # its Message-ID, From and Date, hashed: a copy with another text has it
    Column("seal", Text),  # D1: the proven text that the desk acted on, hashed
    ref("copy_of", "inbox", nullable=True),  # the first message of the same identity or hint
    Column("received_at", Instant, nullable=False),  # B2
    Column("source", Text, nullable=False),  # imap, smtp, lmtp, receive
    Column("envelope_from", Text),
    Column("envelope_to", JSON),
    Column("size", Integer, nullable=False),
    Column("raw_sha256", Text, nullable=False),
    Column("message_id", Text),  # a hint only
    # a new one becomes done, held (D1), shelved (B4) or archived (B5)
    Column("state", Text, nullable=False, server_default="new"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("reason", Text),  # why it is held or shelved
    Column("kind", Text),  # person, auto_reply, bounce, …
    Column("outcome", Text),  # opened, joined, relayed, noted, …
    Column("sender", Text),
    ref("ticket_id", "tickets", nullable=True),
    Column("released_by", Id),  # the message whose token released a held one
    Column("processed_at", Instant),
    partial("ix_inbox_thanks", "received_at", where="outcome = 'thanks'"),
    partial("ix_inbox_open", "state", "received_at", "id", where="state <> 'done'"),
    partial("uq_inbox_identity", "identity", where="copy_of IS NULL", unique=True),
    partial("ix_inbox_hint", "hint", where="hint IS NOT NULL"),
    partial("ix_inbox_seal", "seal", where="seal IS NOT NULL"),
    partial("ix_inbox_copies", "copy_of", where="copy_of IS NOT NULL"),
    partial("ix_inbox_copied", "identity", where="copy_of IS NOT NULL"),
    Index(None, "message_id"),
    Index(None, "ticket_id"),
)

inbox_raw = Table(  # apart from its row: scans of the inbox stay small
    "inbox_raw",
    metadata,
    Column("inbox_id", Id, ForeignKey("inbox.id"), primary_key=True, autoincrement=False),
    Column("raw", LargeBinary),  # None once erased (K2)
)

inbox_deliveries = Table(  # every delivery of a message, by whichever door (B1, B3)
    "inbox_deliveries",
    metadata,
    id_column(),
    ref("inbox_id", "inbox", nullable=True),  # None: shelved by its headers, too large to fetch
    Column("source", Text, nullable=False),
    Column("mailbox", Text),
    Column("uidvalidity", BigInteger),
    Column("uid", BigInteger),
    Column("received_at", Instant, nullable=False),
    flag("moved", default=False),
    UniqueConstraint("mailbox", "uidvalidity", "uid"),
    Index(None, "inbox_id"),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("uidvalidity", BigInteger),
    Column("polled_at", Instant),
    Column("error", Text),
)

# --- tickets ----------------------------------------------------------------------------------

tickets = Table(
    "tickets",
    metadata,
    id_column(),
    Column("number", Integer, nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    ref("customer_id", "customers", nullable=True),
    Column("requester", Text, nullable=False),
    Column("requester_name", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", Text, nullable=False),  # open, waiting, closed, merged, unplaced
    Column("opened_at", Instant, nullable=False),  # E1: receipt of the first customer message
    Column("closed_at", Instant),
    ref("assignee_id", "people", nullable=True),
    ref("merged_into_id", "tickets", nullable=True),
    ref("follows_id", "tickets", nullable=True),  # D5: the closed ticket before this one
    flag("spam", default=False),
    CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
    partial("ix_tickets_living", "number", where="status <> 'closed' AND status <> 'merged'"),
    Index(None, "customer_id", "id"),
    Index(None, "requester"),
    partial("ix_tickets_merged_into_id", "merged_into_id", where="merged_into_id IS NOT NULL"),
    partial("ix_tickets_follows_id", "follows_id", where="follows_id IS NOT NULL"),
)

participants = Table(
    "participants",
    metadata,
    ref("ticket_id", "tickets"),
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("added_at", Instant, nullable=False),
    flag("silent", default=False),  # D3: an unknown sender has joined, and gets no mail yet
    UniqueConstraint("ticket_id", "address"),
    Index(None, "address"),
)

ticket_messages = Table(  # the conversation of a ticket, as its readers see it
    "ticket_messages",
    metadata,
    id_column(),
    ref("ticket_id", "tickets"),
    ref("inbox_id", "inbox", nullable=True),
    ref("outgoing_id", "outgoing", nullable=True),
    Column("at", Instant, nullable=False),
    Column("author", Text, nullable=False),  # customer, engineer, stranger, machine, desk
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    flag("internal", default=False),
    Column("text", Text, nullable=False),
    Index(None, "ticket_id", "id"),
    Index(None, "inbox_id"),
    partial("ix_ticket_messages_answers", "at", where="author = 'engineer'"),
)

clocks = Table(  # E1–E8: due_at serves lists and warnings; a result is frozen when the clock ends
    "clocks",
    metadata,
    id_column(),
    ref("ticket_id", "tickets"),
    Column("kind", Text, nullable=False),  # response, follow-up, resolution
    Column("ordinal", Integer, nullable=False, server_default="0"),
    Column("started_at", Instant, nullable=False),
    Column("target_minutes", Integer),  # None: the priority of now promises nothing
    Column("due_at", Instant),  # None: paused, or nothing promised
    flag("paused", default=False),
    Column("ended_at", Instant),
    Column("used_minutes", Integer),
    Column("result", Text, nullable=False, server_default="running"),  # met, missed, unanswered
    Column("breached_at", Instant),
    Column("told", JSON),  # E7: the warnings told: percentages, and null for the breach
    Column("tell_at", Instant),  # E7: when something is to be told next
    UniqueConstraint("ticket_id", "kind", "ordinal"),
    partial("ix_clocks_running", "ticket_id", where="result = 'running'"),
    partial("ix_clocks_to_tell", "tell_at", where="tell_at IS NOT NULL"),
)

# --- held, and waiting for a word (C11, D1, H7) -----------------------------------------------

holds = Table(
    "holds",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),  # proof, entry, internal, approval
    Column("token", Text, nullable=False, unique=True),  # the SHA-256 of the one-time token
    ref("inbox_id", "inbox", nullable=True),
    ref("person_id", "people", nullable=True),
    ref("ticket_id", "tickets", nullable=True),
    ref("customer_id", "customers", nullable=True),
    Column("worked_on", Date),
    Column("created_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", JSON),
    Column("asked_at", Instant),  # of a proof: when its person was asked about it
    Column("settled_at", Instant),
    Column("settled_by", Id),  # the inbox message that settled it
    Column("outcome", Text),  # released, refused, expired
    Index(None, "kind", "settled_at"),
    Index(None, "customer_id", "settled_at"),
)

# --- outgoing mail ----------------------------------------------------------------------------

outgoing = Table(  # a mail as it leaves; one row in the outbox for each recipient
    "outgoing",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),  # its cause: the same cause, one mail
    Column("kind", Text, nullable=False),  # confirmation, relay, notice, receipt, …
    Column("message_id", Text, nullable=False, unique=True),
    ref("ticket_id", "tickets", nullable=True),
    ref("inbox_id", "inbox", nullable=True),  # the message answered or carried on by it
    Column("about", Text),  # the subject of a reply to it: "hold:7,8", "close:2026-11:"
    Column("created_at", Instant, nullable=False),
    flag("answer", default=False),  # J2: an automatic answer to an outside address
    Column("raw", LargeBinary),  # None once erased
    Column("raw_sha256", Text),
    Index(None, "ticket_id"),
    Index(None, "inbox_id"),
)

outbox = Table(
    "outbox",
    metadata,
    id_column(),
    ref("outgoing_id", "outgoing"),
    Column("recipient", Text, nullable=False),
    Column("envelope_from", Text, nullable=False),
    # pending, sending, sent, failed (5xx or given up), unclear (after the final dot)
    Column("state", Text, nullable=False, server_default="pending"),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("repeats", Integer, nullable=False, server_default="0"),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("sent_at", Instant),
    Column("reply", Text),
    flag("customer_side", default=False),  # E1: its acceptance can stop a clock
    flag("answer", default=False),  # J2, repeated here: the limit is one index look-up
    UniqueConstraint("outgoing_id", "recipient"),
    partial("ix_outbox_open", "state", "next_at", "id", where="state <> 'sent'"),
    Index(None, "recipient", "answer", "created_at"),
)

notices = Table(  # J2: those gathered into one mail; they hold no words once it is made
    "notices",
    metadata,
    id_column(),
    Column("key", Text, nullable=False),  # its cause, as of a mail
    ref("person_id", "people"),
    ref("ticket_id", "tickets"),
    ref("inbox_id", "inbox", nullable=True),  # the message told of
    ref("outgoing_id", "outgoing", nullable=True),  # the mail; None: it waits
    Column("at", Instant, nullable=False),
    Column("remarks", JSON, nullable=False),
    UniqueConstraint("person_id", "key"),
    Index(None, "person_id", "at"),
    Index(None, "inbox_id"),
    partial("ix_notices_waiting", "at", where="outgoing_id IS NULL"),
)

# --- the conditions of the partial indexes ----------------------------------------------------

# SQLite uses such an index only for a statement with the same condition in the same words.
IN_INBOX = inbox.c.state != literal_column("'done'")
IN_OUTBOX = outbox.c.state != literal_column("'sent'")
LIVING = and_(
    tickets.c.status != literal_column("'closed'"), tickets.c.status != literal_column("'merged'")
)
RUNNING = clocks.c.result == literal_column("'running'")

__all__ = [
    "IN_INBOX",
    "IN_OUTBOX",
    "LIVING",
    "RUNNING",
    "agreement_versions",
    "alarms",
    "chain",
    "clocks",
    "closings",
    "contacts",
    "customer_domains",
    "customers",
    "due",
    "erasures",
    "events",
    "holds",
    "inbox",
    "inbox_deliveries",
    "inbox_raw",
    "invoices",
    "leases",
    "ledger",
    "mailboxes",
    "meetings",
    "metadata",
    "notices",
    "outbox",
    "outgoing",
    "participants",
    "people",
    "people_addresses",
    "reports",
    "requests",
    "seals",
    "statement_rows",
    "statements",
    "ticket_messages",
    "tickets",
    "tokens",
]
