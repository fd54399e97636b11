"""The database's schema and health, as `avtald db` shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.store import health, migrations
from daemon.store.session import Store


@dataclass(frozen=True, slots=True)
class Database:
    """A database: its schema, this program's schema, and its faults."""

    engine: str
    schema: str | None  # None: it is empty
    needed: str
    faults: Sequence[str]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade of the schema, from one revision to another."""

    before: str | None
    after: str


def look(store: Store) -> Database:
    """Look at the database and change nothing."""
    seen = health.look(store)
    return Database(seen.engine, seen.schema, seen.needed, seen.faults)


def upgrade(store: Store) -> Upgrade:
    """Bring the schema up to this program's revision."""
    before = health.schema(store)
    with health.legible():
        return Upgrade(before, migrations.upgrade(store))
