"""Answers read before: the same question to the same state is asked once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select

from daemon.store.rows import count_up
from daemon.store.schema.tables import facts
from daemon.store.session import Tx

T = TypeVar("T")

REGISTER = "register_changes"  # counted up with every change of the register
_MOST = 20_000
_KEPT: "WeakKeyDictionary[Engine, dict[Any, Any]]" = WeakKeyDictionary()
_VERSION = select(facts.c.value).where(facts.c.name == REGISTER)


def once(tx: Tx, topic: str, key: Any, read: Callable[[], T]) -> T:
    """The value for a topic and key in this transaction; `read` gives it at the first call.

    A change to the rows of a topic must call `forget` in the same transaction.
    """
    known = tx.info.setdefault("memo", {}).setdefault(topic, {})
    if key not in known:
        known[key] = read()
    value: T = known[key]
    return value


def forget(tx: Tx, topic: str) -> None:
    """Read the topic anew from here on: its rows have changed."""
    tx.info.get("memo", {}).pop(topic, None)


def of_register(tx: Tx, key: Any, read: Callable[[], T]) -> T:
    """The value for a key since the register last changed, in any transaction."""
    known = _of_register(tx)
    value: T = known.get(key, _KEPT)  # another thread may clear it at any moment
    if value is _KEPT:
        value = known[key] = read()
    return value


def foresee(tx: Tx, keys: Iterable[Any], read: Callable[[list[Any]], Mapping[Any, Any]]) -> None:
    """Read with one statement the values for coming calls of `of_register`.

    A key without a value from `read` is kept as None.
    """
    known = _of_register(tx)
    unknown = [key for key in dict.fromkeys(keys) if key not in known]
    if unknown:
        values: dict[Any, Any] = dict.fromkeys(unknown)
        values.update(read(unknown))
        known.update(values)


def _of_register(tx: Tx) -> dict[Any, Any]:
    """The known values of the register, as this transaction sees it."""
    own: dict[Any, Any] = tx.info.setdefault("memo", {}).setdefault("register", {})
    if once(tx, "changed", "register", lambda: False):
        return own
    version = once(tx, "register", "version", lambda: tx.scalar(_VERSION))
    kept = _KEPT.setdefault(tx.engine, {})
    known: dict[Any, Any] = kept.get(version, own)
    if known is own or len(known) > _MOST:
        kept.clear()
        known = kept[version] = {}
    return known


def register_changed(tx: Tx) -> None:
    """Tell every reader, in this transaction and in later ones; call before the change itself."""
    if not once(tx, "changed", "register", lambda: False):
        forget(tx, "changed")
        once(tx, "changed", "register", lambda: True)
        count_up(tx, REGISTER)
    forget(tx, "register")
    forget(tx, "ledger")  # a bank's contents follow from its terms
