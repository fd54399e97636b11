"""The tables: who we serve, what came in, what was decided, what went out, what it cost.

Money is integer öre, durations are integer minutes, instants are UTC. What money rests on
(`ledger`, `statements`, `statement_rows`, `chain`) is append-only: triggers refuse to change it.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from daemon.store.types import Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts only INTEGER PRIMARY KEY by itself; PostgreSQL wants the wide one.
Id = BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{target}.id"), nullable=nullable)


def _flag(name: str, *, default: bool) -> Column[bool]:
    return Column(
        name, Boolean(create_constraint=False), nullable=False,
        server_default="1" if default else "0",  # so that both engines read it from a migration
    )  # fmt: skip


# --- the desk itself -------------------------------------------------------------------------

facts = (
    Table(  # one value per name: the desk's own key for reply ids, the calendar's fingerprint, …
        "facts",
        metadata,
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
)

leases = Table(  # work that only one process may do at a time: polling a mailbox, closing, tokens
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Instant, nullable=False),
)

due = Table(  # what is to happen at an instant: warnings, reminders, reports, look-ups
    "due",
    metadata,
    _id(),
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

alarms = Table(  # a fault that operators or finance were told of, once, until it clears
    "alarms",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("raised_at", Instant, nullable=False),
    Column("cleared_at", Instant),
    Column("message", Text, nullable=False),
)

events = Table(  # K1: every change, with time, actor and cause
    "events",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),  # an address, "avtald", or "command"
    Column("cause", Text, nullable=False),  # "inbox:17", "command import", "clock"
    _ref("ticket_id", "tickets", nullable=True),
    _ref("customer_id", "customers", nullable=True),
    Column("data", JSON),
    Index(None, "ticket_id", "id"),
    Index(None, "customer_id", "id"),
)

# --- the register ----------------------------------------------------------------------------

people = Table(  # engineers, finance, managers (D1)
    "people",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("roles", JSON, nullable=False),
    Column("absent_until", Date),
    _flag("active", default=True),
)

people_addresses = Table(  # the registered address and its aliases
    "people_addresses",
    metadata,
    Column("address", Text, primary_key=True),
    _ref("person_id", "people"),
)

customers = Table(
    "customers",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("organisation_number", Text),
    Column("language", Text),
    Column("accounting_number", Text),
    Column("your_reference", Text),
    Column("order_number", Text),
    Column("invoice_language", Text),
    Column("reports_to", JSON, nullable=False),
    _ref("manager_id", "people", nullable=True),
    _flag("active", default=True),
)

customer_domains = Table(
    "customer_domains",
    metadata,
    Column("domain", Text, primary_key=True),
    _ref("customer_id", "customers"),
    Index(None, "customer_id"),
)

contacts = Table(
    "contacts",
    metadata,
    _id(),
    _ref("customer_id", "customers"),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    _flag("active", default=True),
    Index(None, "customer_id"),
)

agreement_versions = Table(  # F1: dated versions; the terms are copied in when the version is made
    "agreement_versions",
    metadata,
    _id(),
    _ref("customer_id", "customers"),
    Column("plan", Text, nullable=False),
    Column("starts", Date, nullable=False),
    Column("until", Date),  # the last day covered
    _flag("renews", default=True),
    Column("terms", JSON, nullable=False),
    Column("overrides", JSON, nullable=False),  # what the register said of its own
    _flag("withdrawn", default=False),
    UniqueConstraint("customer_id", "starts"),
)

# --- what came in (B1–B5) ---------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    _id(),
    Column("identity", Text, nullable=False, unique=True),  # B3
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
    _ref("ticket_id", "tickets", nullable=True),
    Column("released_by", Id),  # the message whose token released a held one
    Column("processed_at", Instant),
    Index(None, "state", "received_at", "id"),
    Index(None, "message_id"),
    Index(None, "ticket_id"),
)

inbox_raw = Table(  # apart from the row, so that scans of the inbox stay small
    "inbox_raw",
    metadata,
    Column("inbox_id", Id, ForeignKey("inbox.id"), primary_key=True, autoincrement=False),
    Column("raw", LargeBinary),  # None once erased (K2)
)

inbox_deliveries = Table(  # every delivery of a message, by whichever door (B1, B3)
    "inbox_deliveries",
    metadata,
    _id(),
    _ref("inbox_id", "inbox", nullable=True),  # None: shelved by its headers, too large to fetch
    Column("source", Text, nullable=False),
    Column("mailbox", Text),
    Column("uidvalidity", BigInteger),
    Column("uid", BigInteger),
    Column("received_at", Instant, nullable=False),
    _flag("moved", default=False),
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
    _id(),
    Column("number", Integer, nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    _ref("customer_id", "customers", nullable=True),
    Column("requester", Text, nullable=False),
    Column("requester_name", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", Text, nullable=False),  # open, waiting, closed, merged, unplaced
    Column("opened_at", Instant, nullable=False),  # E1: receipt of the first customer message
    Column("closed_at", Instant),
    _ref("assignee_id", "people", nullable=True),
    _ref("merged_into_id", "tickets", nullable=True),
    _ref("follows_id", "tickets", nullable=True),  # D5: the closed ticket that this one continues
    _flag("spam", default=False),
    CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
    Index(None, "status", "id"),
    Index(None, "customer_id", "id"),
    Index(None, "requester"),
)

participants = Table(
    "participants",
    metadata,
    _ref("ticket_id", "tickets"),
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("added_at", Instant, nullable=False),
    _flag("silent", default=False),  # D3: an unknown sender who joined, and gets nothing yet
    UniqueConstraint("ticket_id", "address"),
    Index(None, "address"),
)

ticket_messages = Table(  # what was said on a ticket, as its readers see it
    "ticket_messages",
    metadata,
    _id(),
    _ref("ticket_id", "tickets"),
    _ref("inbox_id", "inbox", nullable=True),
    _ref("outgoing_id", "outgoing", nullable=True),
    Column("at", Instant, nullable=False),
    Column("author", Text, nullable=False),  # customer, engineer, stranger, machine, desk
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    _flag("internal", default=False),
    Column("text", Text, nullable=False),
    Index(None, "ticket_id", "id"),
)

clocks = Table(  # E1–E8: due_at serves lists and warnings; a result is frozen when the clock ends
    "clocks",
    metadata,
    _id(),
    _ref("ticket_id", "tickets"),
    Column("kind", Text, nullable=False),  # response, follow-up, resolution
    Column("ordinal", Integer, nullable=False, server_default="0"),
    Column("started_at", Instant, nullable=False),
    Column("target_minutes", Integer),  # None: the priority of now promises nothing
    Column("due_at", Instant),  # None: paused, or nothing promised
    _flag("paused", default=False),
    Column("ended_at", Instant),
    Column("used_minutes", Integer),
    Column("result", Text, nullable=False, server_default="running"),  # met, missed, unanswered
    Column("breached_at", Instant),
    Column("told", JSON),  # E7: what was told: percentages, and null for the breach
    Column("tell_at", Instant),  # E7: when something is to be told next
    UniqueConstraint("ticket_id", "kind", "ordinal"),
    Index(None, "tell_at"),
    Index(None, "result", "due_at"),
)

# --- held, and waiting for a word (C11, D1, H7) ------------------------------------------------

holds = Table(
    "holds",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),  # proof, entry, internal, approval
    Column("token", Text, nullable=False, unique=True),  # the SHA-256 of the one-time token
    _ref("inbox_id", "inbox", nullable=True),
    _ref("person_id", "people", nullable=True),
    _ref("ticket_id", "tickets", nullable=True),
    _ref("customer_id", "customers", nullable=True),
    Column("worked_on", Date),
    Column("created_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", JSON),
    Column("settled_at", Instant),
    Column("settled_by", Id),  # the inbox message that settled it
    Column("outcome", Text),  # released, refused, expired
    Index(None, "kind", "settled_at"),
    Index(None, "customer_id", "settled_at"),
)

# --- the ledger (G1): append-only ---------------------------------------------------------------

ledger = Table(
    "ledger",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),  # use, reversal, adjustment
    _ref("customer_id", "customers", nullable=True),  # None: a ticket nobody has placed yet
    _ref("ticket_id", "tickets", nullable=True),
    _ref("person_id", "people", nullable=True),
    _ref("inbox_id", "inbox", nullable=True),
    Column("ordinal", Integer, nullable=False, server_default="0"),  # C12: among all tags
    Column("booking", Integer, nullable=False, server_default="0"),  # > 0: booked anew (D7)
    _ref("reverses_id", "ledger", nullable=True),
    Column("worked_on", Date, nullable=False),
    Column("received_at", Instant, nullable=False),  # order of G4
    Column("visible_at", Instant, nullable=False),  # H1: a statement sees it from here on
    Column("actual", Integer, nullable=False),  # minutes; negative in a reversal
    Column("billable", Integer, nullable=False),  # minutes, rounded as G5 says
    Column("increment", Integer, nullable=False, server_default="1"),  # it was rounded up to this
    _flag("counts", default=True),  # False: `ej deb`
    _flag("outside", default=False),  # kväll: the plan's outside_rate
    Column("cause", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    UniqueConstraint("inbox_id", "ordinal", "booking", "kind", "reverses_id"),
    Index(None, "customer_id", "worked_on"),
    Index(None, "ticket_id"),
    Index(None, "reverses_id"),
    Index(
        "uq_ledger_entry", "inbox_id", "ordinal", "booking",
        unique=True,
        sqlite_where=text("kind = 'use'"),
        postgresql_where=text("kind = 'use'"),
    ),
)  # fmt: skip

# --- closing and invoicing (H, I) ---------------------------------------------------------------

closings = Table(  # a month that was closed: what finance was told
    "closings",
    metadata,
    Column("month", Text, primary_key=True),
    Column("closed_at", Instant, nullable=False),
    Column("held", JSON, nullable=False),  # customers (by id) whose statement waits (H6)
    Column("mailed_at", Instant),  # H7
)

statements = Table(  # frozen (H5)
    "statements",
    metadata,
    _id(),
    _ref("customer_id", "customers"),
    Column("month", Text, nullable=False),
    Column("reference", Text, nullable=False, unique=True),
    Column("frozen_at", Instant, nullable=False),
    Column("cut_at", Instant, nullable=False),  # it saw what was received before this instant
    Column("net_ore", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("customer_id", "month"),
)

statement_rows = Table(
    "statement_rows",
    metadata,
    _id(),
    _ref("statement_id", "statements"),
    Column("ordinal", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # fee, overage, text
    Column("period", Text, nullable=False, server_default=""),  # month of a fee, bank period
    _ref("version_id", "agreement_versions", nullable=True),
    Column("rate_ore", BigInteger),
    Column("quantity", Integer),  # hundredths
    Column("price_ore", BigInteger),
    Column("amount_ore", BigInteger),
    Column("data", JSON, nullable=False),
    UniqueConstraint("statement_id", "ordinal"),
)

invoices = Table(  # I1: intent, outcome, number
    "invoices",
    metadata,
    _id(),
    _ref("statement_id", "statements"),
    Column("reference", Text, nullable=False, unique=True),
    # approval, waiting, intent (a request may be out), unclear, pushed, nothing, fault
    Column("state", Text, nullable=False),
    Column("payload_hash", Text),
    Column("intent_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lookups", Integer, nullable=False, server_default="0"),
    Column("next_at", Instant),
    Column("number", Text),
    Column("link", Text),
    Column("pushed_at", Instant),
    Column("attached", Boolean(create_constraint=False)),
    Column("fault", Text),
    Column("remedy", Text),
    Column("condition", JSON),  # I4: as last seen: booked, sent, cancelled, credited, paid
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    UniqueConstraint("statement_id"),
    Index(None, "state", "next_at"),
)

chain = Table(  # the hash chain over money rows: each links to the one before
    "chain",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # ledger, statement, row
    Column("row_id", Id, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("kind", "row_id"),
)

tokens = Table(  # accounting access, encrypted with a key from a credential
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("secret", LargeBinary),
    Column("expires_at", Instant),
    Column("pending_since", Instant),
    Column("state", Text, nullable=False, server_default="ok"),  # ok, needs_consent
)

requests = Table(  # pacing, shared between processes: when each request may go, in milliseconds
    "requests",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "channel", "at_ms"),
)

# --- what went out -----------------------------------------------------------------------------

outgoing = Table(  # a mail as it leaves; one row in the outbox for each recipient
    "outgoing",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),  # what caused it: the same cause, one mail
    Column("kind", Text, nullable=False),  # confirmation, relay, notice, receipt, …
    Column("message_id", Text, nullable=False, unique=True),
    _ref("ticket_id", "tickets", nullable=True),
    _ref("inbox_id", "inbox", nullable=True),  # the message that it answers or carries on
    Column("about", Text),  # what a reply to it means: "hold:7", "statement:3"
    Column("created_at", Instant, nullable=False),
    _flag("answer", default=False),  # J2: an automatic answer to an outside address
    Column("raw", LargeBinary),  # None once erased
    Index(None, "ticket_id"),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    _ref("outgoing_id", "outgoing"),
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
    _flag("customer_side", default=False),  # E1: its acceptance can stop a clock
    _flag("answer", default=False),  # J2, repeated here so that the limit is one index look-up
    UniqueConstraint("outgoing_id", "recipient"),
    Index(None, "state", "next_at", "id"),
    Index(None, "recipient", "answer", "created_at"),
)

# --- meetings, reports, persons ------------------------------------------------------------------

meetings = Table(
    "meetings",
    metadata,
    _id(),
    _ref("customer_id", "customers"),
    Column("period", Text, nullable=False),
    Column("uid", Text, nullable=False, unique=True),
    Column("sequence", Integer, nullable=False, server_default="0"),
    Column("starts_at", Instant),
    Column("ends_at", Instant),
    Column("state", Text, nullable=False),
    Column("replies", JSON),
    UniqueConstraint("customer_id", "period"),
)

reports = Table(  # J3: which report was sent
    "reports",
    metadata,
    _id(),
    _ref("customer_id", "customers"),
    Column("period", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    _ref("outgoing_id", "outgoing", nullable=True),
    UniqueConstraint("customer_id", "period"),
)

erasures = Table(  # K2: replayed after a restore
    "erasures",
    metadata,
    _id(),
    Column("subject_hash", Text, nullable=False),
    Column("replaced_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("report", JSON, nullable=False),
)
