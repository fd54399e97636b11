"""Column types: instants are aware UTC in whole seconds (A1), on both engines, readable in both."""

import datetime as dt
from typing import Any

from sqlalchemy import Dialect, String
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine


class Instant(TypeDecorator[dt.datetime]):
    """An aware UTC instant: `timestamptz` on PostgreSQL, `2026-11-30T08:30:00Z` on SQLite."""

    impl = String(20)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own form."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(20))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Refuse naive instants: nobody can know their zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive instant {value}: give it a zone")
        utc = value.astimezone(dt.UTC)
        if dialect.name == "postgresql":
            return utc.replace(microsecond=0)
        return utc.isoformat(timespec="seconds")[:19] + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Give the instant back, in UTC."""
        del dialect
        if value is None:
            return None
        if isinstance(value, str):
            return dt.datetime.fromisoformat(value)
        aware: dt.datetime = value.astimezone(dt.UTC)
        return aware


def storable(said: str) -> str:
    """Somebody else's text in a form that any database takes."""
    return said.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
