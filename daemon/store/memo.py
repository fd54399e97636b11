"""What a transaction has read already: the same question to the same state is asked once."""

from collections.abc import Callable
from typing import Any, TypeVar

from daemon.store.session import Tx

T = TypeVar("T")


def once(tx: Tx, topic: str, key: Any, read: Callable[[], T]) -> T:
    """What `read` gave for that topic and key in this transaction; reads where it has not yet.

    Whoever changes rows of a topic calls `forget` in the same transaction.
    """
    known = tx.info.setdefault("memo", {}).setdefault(topic, {})
    if key not in known:
        known[key] = read()
    found: T = known[key]
    return found


def forget(tx: Tx, topic: str) -> None:
    """Ask anew from here on: something of that topic has changed."""
    tx.info.get("memo", {}).pop(topic, None)
