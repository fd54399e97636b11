"""The tables of money: ledger, statements, invoices; and those of a closed period's effects.

Money is integer öre, durations are integer minutes, instants are UTC. `ledger`, `statements`,
`statement_rows`, `chain` and `seals` are append-only: triggers refuse to change them.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from daemon.store.schema.columns import Id, flag, id_column, metadata, partial, ref
from daemon.store.schema.types import Instant

# --- the ledger (G1): append-only -------------------------------------------------------------

ledger = Table(
    "ledger",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),  # use, reversal, adjustment
    ref("customer_id", "customers", nullable=True),  # None: a ticket nobody has placed yet
    ref("ticket_id", "tickets", nullable=True),
    ref("person_id", "people", nullable=True),
    ref("inbox_id", "inbox", nullable=True),
    Column("ordinal", Integer, nullable=False, server_default="0"),  # C12: among all tags
    Column("booking", Integer, nullable=False, server_default="0"),  # > 0: booked anew (D7)
    ref("reverses_id", "ledger", nullable=True),
    Column("worked_on", Date, nullable=False),
    Column("received_at", Instant, nullable=False),  # order of G4
    Column("visible_at", Instant, nullable=False),  # H1: a statement sees it from here on
    Column("actual", Integer, nullable=False),  # minutes; negative in a reversal
    Column("billable", Integer, nullable=False),  # minutes, rounded by G5
    Column("increment", Integer, nullable=False, server_default="1"),  # it was rounded up to this
    flag("counts", default=True),  # False: `ej deb`
    flag("outside", default=False),  # kväll: the plan's outside_rate
    Column("cause", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("key", Text),  # of an adjustment in the register
    UniqueConstraint("inbox_id", "ordinal", "booking", "kind", "reverses_id"),
    Index(None, "customer_id", "worked_on"),
    Index(None, "ticket_id"),
    Index(None, "person_id", "worked_on"),
    partial("ix_ledger_noted", "received_at", where="kind = 'use'"),
    partial("ix_ledger_reversed", "reverses_id", where="reverses_id IS NOT NULL"),
    partial("ix_ledger_reversals", "customer_id", "id", where="kind = 'reversal'"),
    partial("uq_ledger_entry", "inbox_id", "ordinal", "booking", where="kind = 'use'", unique=True),
    partial("uq_ledger_adjustment", "customer_id", "key", where="key IS NOT NULL", unique=True),
)

# --- closing and invoicing (H, I) -------------------------------------------------------------

closings = Table(  # a closed month, with its news for finance
    "closings",
    metadata,
    Column("month", Text, primary_key=True),
    Column("closed_at", Instant, nullable=False),
    Column("held", JSON, nullable=False),  # ids of customers with a waiting statement (H6)
    Column("mailed_at", Instant),  # H7
)

statements = Table(  # frozen (H5)
    "statements",
    metadata,
    id_column(),
    ref("customer_id", "customers"),
    Column("month", Text, nullable=False),
    Column("reference", Text, nullable=False, unique=True),
    Column("frozen_at", Instant, nullable=False),
    Column("cut_at", Instant, nullable=False),  # mail received from here on is not in it
    Column("net_ore", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    # Credits still due (H5).
    Column("left_out_ore", BigInteger, nullable=False, server_default="0"),
    # Told to finance and billed to nobody: minutes of overage worked before the first month (H1),
    # and minutes of adjustments on a date without a bank.
    Column("before_first", Integer, nullable=False, server_default="0"),
    Column("stray", Integer, nullable=False, server_default="0"),
    UniqueConstraint("customer_id", "month"),
)

statement_rows = Table(
    "statement_rows",
    metadata,
    id_column(),
    ref("statement_id", "statements"),
    Column("ordinal", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # fee, overage, text
    Column("period", Text, nullable=False, server_default=""),  # month of a fee, bank period
    ref("version_id", "agreement_versions", nullable=True),
    Column("rate_ore", BigInteger),
    Column("quantity", Integer),  # hundredths
    Column("price_ore", BigInteger),
    Column("amount_ore", BigInteger),
    Column("data", JSON, nullable=False),
    Column("description", Text, nullable=False, server_default=""),  # as printed (H5)
    UniqueConstraint("statement_id", "ordinal"),
)

invoices = Table(  # I1: intent, outcome, number
    "invoices",
    metadata,
    id_column(),
    ref("statement_id", "statements"),
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

seals = Table(  # the newest seal of a row proves it; the seals are a chain of their own
    "seals",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # person, customer, contact, agreement, hold, invoice
    Column("key", Id, nullable=False),  # the row's id
    Column("form", Text, nullable=False),  # the names of the columns that it covers
    Column("digest", Text, nullable=False),
    Column("salt", Text),  # None: forgotten with an erased person (K2)
    Column("hash", Text, nullable=False),
    Index(None, "kind", "key", "seq"),
)

tokens = Table(  # access to accounting and mail, encrypted with a key from a credential
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
    id_column(),
    Column("channel", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "channel", "at_ms"),
)

# --- meetings, reports, persons ---------------------------------------------------------------

meetings = Table(
    "meetings",
    metadata,
    id_column(),
    ref("customer_id", "customers"),
    Column("period", Text, nullable=False),
    Column("uid", Text, nullable=False, unique=True),
    Column("sequence", Integer, nullable=False, server_default="0"),
    Column("starts_at", Instant),
    Column("ends_at", Instant),
    Column("state", Text, nullable=False),
    Column("replies", JSON),
    UniqueConstraint("customer_id", "period"),
)

reports = Table(  # J3: the sent reports
    "reports",
    metadata,
    id_column(),
    ref("customer_id", "customers"),
    Column("period", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    ref("outgoing_id", "outgoing", nullable=True),
    UniqueConstraint("customer_id", "period"),
)

erasures = Table(  # K2: replayed after a restore
    "erasures",
    metadata,
    id_column(),
    Column("subject_hash", Text, nullable=False),
    Column("replaced_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("report", JSON, nullable=False),
)
