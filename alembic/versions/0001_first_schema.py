"""The first schema."""

import sqlalchemy as sa
from alembic import op

from daemon.store.schema.types import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The rows under money are append-only: no row is deleted, and no column that counts is changed.
# (`ledger.note` is free text, and may be replaced when a person is erased: K2.)
_GUARDED = {
    "ledger": (
        "id, kind, customer_id, ticket_id, person_id, inbox_id, ordinal, booking, reverses_id, "
        "worked_on, received_at, visible_at, actual, billable, increment, counts, outside, cause"
    ),
    "statements": (
        "id, customer_id, month, reference, frozen_at, cut_at, net_ore, hash, left_out_ore, "
        "before_first, stray"
    ),
    "statement_rows": (
        "id, statement_id, ordinal, kind, period, version_id, rate_ore, quantity, price_ore, "
        "amount_ore, data, description"
    ),
    "chain": "seq, kind, row_id, hash",
}


def _guard() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION avtald_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table, columns in _GUARDED.items():
        for verb in ("DELETE", f"UPDATE OF {columns}"):
            _refuse(table, verb)


def _refuse(table: str, verb: str) -> None:
    name = f"{table}_no_{verb.split(maxsplit=1)[0].lower()}"
    if op.get_bind().dialect.name == "postgresql":
        body = "FOR EACH ROW EXECUTE FUNCTION avtald_append_only()"
    else:
        body = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {body}")


def _unguard() -> None:
    for table in _GUARDED:
        for verb in ("delete", "update"):
            on = f" ON {table}" if op.get_bind().dialect.name == "postgresql" else ""
            op.execute(f"DROP TRIGGER {table}_no_{verb}{on}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION avtald_append_only()")


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("cleared_at", Instant(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("key", name=op.f("uq_alarms_key")),
    )
    op.create_table(
        "chain",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_chain")),
        sa.UniqueConstraint("kind", "row_id", name=op.f("uq_chain_kind_row_id")),
    )
    op.create_table(
        "closings",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=False),
        sa.Column("held", sa.JSON(), nullable=False),
        sa.Column("mailed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closings")),
    )
    op.create_table(
        "due",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("run_at", Instant(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_due_kind_key")),
    )
    op.create_index(op.f("ix_due_state_run_at"), "due", ["state", "run_at"], unique=False)
    op.create_table(
        "erasures",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("subject_hash", sa.Text(), nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("polled_at", Instant(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailboxes")),
    )
    op.create_table(
        "people",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("absent_until", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
    )
    op.create_table(
        "requests",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index(
        op.f("ix_requests_channel_at_ms"), "requests", ["channel", "at_ms"], unique=False
    )
    op.create_table(
        "tokens",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("pending_since", Instant(), nullable=True),
        sa.Column("state", sa.Text(), server_default="ok", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
    )
    op.create_table(
        "customers",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation_number", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("accounting_number", sa.Text(), nullable=True),
        sa.Column("your_reference", sa.Text(), nullable=True),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("invoice_language", sa.Text(), nullable=True),
        sa.Column("reports_to", sa.JSON(), nullable=False),
        sa.Column(
            "manager_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("active", sa.Boolean(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["manager_id"], ["people.id"], name=op.f("fk_customers_manager_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("key", name=op.f("uq_customers_key")),
    )
    op.create_table(
        "people_addresses",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_people_addresses_person_id")
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_people_addresses")),
    )
    op.create_table(
        "agreement_versions",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("renews", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_agreement_versions_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_versions")),
        sa.UniqueConstraint(
            "customer_id", "starts", name=op.f("uq_agreement_versions_customer_id_starts")
        ),
    )
    op.create_table(
        "contacts",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_contacts_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("email", name=op.f("uq_contacts_email")),
    )
    op.create_index(op.f("ix_contacts_customer_id"), "contacts", ["customer_id"], unique=False)
    op.create_table(
        "customer_domains",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_domains_customer_id")
        ),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_customer_domains")),
    )
    op.create_index(
        op.f("ix_customer_domains_customer_id"), "customer_domains", ["customer_id"], unique=False
    )
    op.create_table(
        "meetings",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("starts_at", Instant(), nullable=True),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("replies", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_meetings_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings")),
        sa.UniqueConstraint("customer_id", "period", name=op.f("uq_meetings_customer_id_period")),
        sa.UniqueConstraint("uid", name=op.f("uq_meetings_uid")),
    )
    op.create_table(
        "statements",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("frozen_at", Instant(), nullable=False),
        sa.Column("cut_at", Instant(), nullable=False),
        sa.Column("net_ore", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("left_out_ore", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("before_first", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stray", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_statements_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("customer_id", "month", name=op.f("uq_statements_customer_id_month")),
        sa.UniqueConstraint("reference", name=op.f("uq_statements_reference")),
    )
    op.create_table(
        "tickets",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("requester_name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column(
            "assignee_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "follows_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("spam", sa.Boolean(), server_default="0", nullable=False),
        sa.CheckConstraint("priority BETWEEN 1 AND 4", name=op.f("ck_tickets_priority")),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["people.id"], name=op.f("fk_tickets_assignee_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_tickets_customer_id")
        ),
        sa.ForeignKeyConstraint(["follows_id"], ["tickets.id"], name=op.f("fk_tickets_follows_id")),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["tickets.id"], name=op.f("fk_tickets_merged_into_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("number", name=op.f("uq_tickets_number")),
    )
    op.create_index(
        op.f("ix_tickets_customer_id_id"), "tickets", ["customer_id", "id"], unique=False
    )
    op.create_index(op.f("ix_tickets_requester"), "tickets", ["requester"], unique=False)
    op.create_index(op.f("ix_tickets_status_id"), "tickets", ["status", "id"], unique=False)
    op.create_table(
        "clocks",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("target_minutes", sa.Integer(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("used_minutes", sa.Integer(), nullable=True),
        sa.Column("result", sa.Text(), server_default="running", nullable=False),
        sa.Column("breached_at", Instant(), nullable=True),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.Column("tell_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_clocks_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clocks")),
        sa.UniqueConstraint(
            "ticket_id", "kind", "ordinal", name=op.f("uq_clocks_ticket_id_kind_ordinal")
        ),
    )
    op.create_index(op.f("ix_clocks_result_due_at"), "clocks", ["result", "due_at"], unique=False)
    op.create_index(op.f("ix_clocks_tell_at"), "clocks", ["tell_at"], unique=False)
    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_events_customer_id")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_events_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_customer_id_id"), "events", ["customer_id", "id"], unique=False)
    op.create_index(op.f("ix_events_ticket_id_id"), "events", ["ticket_id", "id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("envelope_from", sa.Text(), nullable=True),
        sa.Column("envelope_to", sa.JSON(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw_sha256", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "released_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("processed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_inbox_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("identity", name=op.f("uq_inbox_identity")),
    )
    op.create_index(op.f("ix_inbox_message_id"), "inbox", ["message_id"], unique=False)
    op.create_index(
        op.f("ix_inbox_state_received_at_id"), "inbox", ["state", "received_at", "id"], unique=False
    )
    op.create_index(op.f("ix_inbox_ticket_id"), "inbox", ["ticket_id"], unique=False)
    op.create_table(
        "invoices",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payload_hash", sa.Text(), nullable=True),
        sa.Column("intent_at", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lookups", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("pushed_at", Instant(), nullable=True),
        sa.Column("attached", sa.Boolean(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("condition", sa.JSON(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_invoices_statement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("reference", name=op.f("uq_invoices_reference")),
        sa.UniqueConstraint("statement_id", name=op.f("uq_invoices_statement_id")),
    )
    op.create_index(
        op.f("ix_invoices_state_next_at"), "invoices", ["state", "next_at"], unique=False
    )
    op.create_table(
        "participants",
        sa.Column(
            "ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("silent", sa.Boolean(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_participants_ticket_id")
        ),
        sa.UniqueConstraint("ticket_id", "address", name=op.f("uq_participants_ticket_id_address")),
    )
    op.create_index(op.f("ix_participants_address"), "participants", ["address"], unique=False)
    op.create_table(
        "statement_rows",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("rate_ore", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("price_ore", sa.BigInteger(), nullable=True),
        sa.Column("amount_ore", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_statement_rows_statement_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["agreement_versions.id"], name=op.f("fk_statement_rows_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_rows")),
        sa.UniqueConstraint(
            "statement_id", "ordinal", name=op.f("uq_statement_rows_statement_id_ordinal")
        ),
    )
    op.create_table(
        "holds",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("worked_on", sa.Date(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column(
            "settled_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_holds_customer_id")
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_holds_inbox_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_holds_person_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_holds_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sa.UniqueConstraint("token", name=op.f("uq_holds_token")),
    )
    op.create_index(
        op.f("ix_holds_customer_id_settled_at"),
        "holds",
        ["customer_id", "settled_at"],
        unique=False,
    )
    op.create_index(op.f("ix_holds_kind_settled_at"), "holds", ["kind", "settled_at"], unique=False)
    op.create_table(
        "inbox_deliveries",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=True),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("uid", sa.BigInteger(), nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("moved", sa.Boolean(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inbox.id"], name=op.f("fk_inbox_deliveries_inbox_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_deliveries")),
        sa.UniqueConstraint(
            "mailbox",
            "uidvalidity",
            "uid",
            name=op.f("uq_inbox_deliveries_mailbox_uidvalidity_uid"),
        ),
    )
    op.create_index(
        op.f("ix_inbox_deliveries_inbox_id"), "inbox_deliveries", ["inbox_id"], unique=False
    )
    op.create_table(
        "inbox_raw",
        sa.Column(
            "inbox_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_inbox_raw_inbox_id")),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_inbox_raw")),
    )
    op.create_table(
        "ledger",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("booking", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("visible_at", Instant(), nullable=False),
        sa.Column("actual", sa.Integer(), nullable=False),
        sa.Column("billable", sa.Integer(), nullable=False),
        sa.Column("increment", sa.Integer(), server_default="1", nullable=False),
        sa.Column("counts", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("outside", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_ledger_customer_id")
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_ledger_inbox_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_ledger_person_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger.id"], name=op.f("fk_ledger_reverses_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ledger_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint(
            "inbox_id",
            "ordinal",
            "booking",
            "kind",
            "reverses_id",
            name=op.f("uq_ledger_inbox_id_ordinal_booking_kind_reverses_id"),
        ),
    )
    op.create_index(
        op.f("ix_ledger_customer_id_worked_on"),
        "ledger",
        ["customer_id", "worked_on"],
        unique=False,
    )
    op.create_index(op.f("ix_ledger_reverses_id"), "ledger", ["reverses_id"], unique=False)
    op.create_index(op.f("ix_ledger_ticket_id"), "ledger", ["ticket_id"], unique=False)
    op.create_index(
        "uq_ledger_entry",
        "ledger",
        ["inbox_id", "ordinal", "booking"],
        unique=True,
        sqlite_where=sa.text("kind = 'use'"),
        postgresql_where=sa.text("kind = 'use'"),
    )
    op.create_table(
        "outgoing",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("answer", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_outgoing_inbox_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_outgoing_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
        sa.UniqueConstraint("key", name=op.f("uq_outgoing_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outgoing_message_id")),
    )
    op.create_index(op.f("ix_outgoing_ticket_id"), "outgoing", ["ticket_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "outgoing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("envelope_from", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("customer_side", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("answer", sa.Boolean(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["outgoing_id"], ["outgoing.id"], name=op.f("fk_outbox_outgoing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint(
            "outgoing_id", "recipient", name=op.f("uq_outbox_outgoing_id_recipient")
        ),
    )
    op.create_index(
        op.f("ix_outbox_recipient_answer_created_at"),
        "outbox",
        ["recipient", "answer", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_outbox_state_next_at_id"), "outbox", ["state", "next_at", "id"], unique=False
    )
    op.create_table(
        "reports",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column(
            "outgoing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_reports_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["outgoing_id"], ["outgoing.id"], name=op.f("fk_reports_outgoing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("customer_id", "period", name=op.f("uq_reports_customer_id_period")),
    )
    op.create_table(
        "ticket_messages",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "outgoing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("internal", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inbox.id"], name=op.f("fk_ticket_messages_inbox_id")
        ),
        sa.ForeignKeyConstraint(
            ["outgoing_id"], ["outgoing.id"], name=op.f("fk_ticket_messages_outgoing_id")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_messages_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_messages")),
    )
    op.create_index(
        op.f("ix_ticket_messages_ticket_id_id"),
        "ticket_messages",
        ["ticket_id", "id"],
        unique=False,
    )
    _guard()


def downgrade() -> None:
    _unguard()
    op.drop_index(op.f("ix_ticket_messages_ticket_id_id"), table_name="ticket_messages")
    op.drop_table("ticket_messages")
    op.drop_table("reports")
    op.drop_index(op.f("ix_outbox_state_next_at_id"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_recipient_answer_created_at"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_outgoing_ticket_id"), table_name="outgoing")
    op.drop_table("outgoing")
    op.drop_index(
        "uq_ledger_entry",
        table_name="ledger",
        sqlite_where=sa.text("kind = 'use'"),
        postgresql_where=sa.text("kind = 'use'"),
    )
    op.drop_index(op.f("ix_ledger_ticket_id"), table_name="ledger")
    op.drop_index(op.f("ix_ledger_reverses_id"), table_name="ledger")
    op.drop_index(op.f("ix_ledger_customer_id_worked_on"), table_name="ledger")
    op.drop_table("ledger")
    op.drop_table("inbox_raw")
    op.drop_index(op.f("ix_inbox_deliveries_inbox_id"), table_name="inbox_deliveries")
    op.drop_table("inbox_deliveries")
    op.drop_index(op.f("ix_holds_kind_settled_at"), table_name="holds")
    op.drop_index(op.f("ix_holds_customer_id_settled_at"), table_name="holds")
    op.drop_table("holds")
    op.drop_table("statement_rows")
    op.drop_index(op.f("ix_participants_address"), table_name="participants")
    op.drop_table("participants")
    op.drop_index(op.f("ix_invoices_state_next_at"), table_name="invoices")
    op.drop_table("invoices")
    op.drop_index(op.f("ix_inbox_ticket_id"), table_name="inbox")
    op.drop_index(op.f("ix_inbox_state_received_at_id"), table_name="inbox")
    op.drop_index(op.f("ix_inbox_message_id"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(op.f("ix_events_ticket_id_id"), table_name="events")
    op.drop_index(op.f("ix_events_customer_id_id"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_clocks_tell_at"), table_name="clocks")
    op.drop_index(op.f("ix_clocks_result_due_at"), table_name="clocks")
    op.drop_table("clocks")
    op.drop_index(op.f("ix_tickets_status_id"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_requester"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_customer_id_id"), table_name="tickets")
    op.drop_table("tickets")
    op.drop_table("statements")
    op.drop_table("meetings")
    op.drop_index(op.f("ix_customer_domains_customer_id"), table_name="customer_domains")
    op.drop_table("customer_domains")
    op.drop_index(op.f("ix_contacts_customer_id"), table_name="contacts")
    op.drop_table("contacts")
    op.drop_table("agreement_versions")
    op.drop_table("people_addresses")
    op.drop_table("customers")
    op.drop_table("tokens")
    op.drop_index(op.f("ix_requests_channel_at_ms"), table_name="requests")
    op.drop_table("requests")
    op.drop_table("people")
    op.drop_table("mailboxes")
    op.drop_table("leases")
    op.drop_table("facts")
    op.drop_table("erasures")
    op.drop_index(op.f("ix_due_state_run_at"), table_name="due")
    op.drop_table("due")
    op.drop_table("closings")
    op.drop_table("chain")
    op.drop_table("alarms")
