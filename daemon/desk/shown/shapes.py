"""The JSON shapes of contract.md 4, made of the records in this folder."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from daemon.domain.money import Money
from daemon.domain.periods import Period


def as_json(value: object) -> object:
    """Give the shape of a value for `json.dumps(default=…)`; TypeError for one without a shape.

    A record becomes an object with its fields as keys, in their order; a field `from_` is `from`.
    A record with a `to_json` makes its own shape.
    """
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Money | Period | Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "to_json"):
        return value.to_json()
    if is_dataclass(value):
        return {each.name.rstrip("_"): getattr(value, each.name) for each in fields(value)}
    raise TypeError(f"{type(value).__name__} has no shape in contract.md 4")


def shape(thing: object, keys: str) -> dict[str, Any]:
    """An object of the attributes of a thing; `key=attribute` renames one."""
    pairs = (each.partition("=") for each in keys.split())
    return {key: getattr(thing, attribute or key) for key, _, attribute in pairs}
