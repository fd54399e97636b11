"""Seals over changing rows with money or authority in them: register, invoices, holds.

A change of such a row adds a seal at the end of its transaction: a digest of the row as it lies in
the database. `verify` compares each row with its newest seal, and finds a change past the program.
The seals are a chain of their own: each has a hash over itself and the one before.

A digest is salted. An erasure (K2) forgets the salts of the person's earlier seals, and nobody can
try names against them; the chain needs no salt.
"""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Column, Table, and_, desc, func, select, update

from daemon.store.pending import Pending
from daemon.store.rows import add_all, pieces
from daemon.store.schema.tables import (
    agreement_versions,
    contacts,
    customer_domains,
    customers,
    holds,
    invoices,
    people,
    people_addresses,
    seals,
)
from daemon.store.session import Tx

START = "0" * 64  # the hash before the first link of a chain
_LOCK = 7237


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sealed rows; `parts` is a column of another table, with the owner's column."""

    table: Table
    columns: Sequence[Column[Any]]
    parts: tuple[Column[Any], Column[Any]] | None = None

    @property
    def form(self) -> str:
        """The names of the columns under the seal: a later schema has more."""
        names = [column.name for column in self.columns]
        return ",".join([*names, *([self.parts[0].name] if self.parts else [])])


def _all(table: Table, *but: str) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in {"id", *but}]


_OF_INVOICES = ("statement_id", "reference", "state", "payload_hash", "number")

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "person": Kind(
            people, _all(people), (people_addresses.c.address, people_addresses.c.person_id)
        ),
        "customer": Kind(
            customers, _all(customers), (customer_domains.c.domain, customer_domains.c.customer_id)
        ),
        "contact": Kind(contacts, _all(contacts)),
        "agreement": Kind(agreement_versions, _all(agreement_versions)),
        "hold": Kind(holds, _all(holds, "asked_at")),
        "invoice": Kind(invoices, [invoices.c[name] for name in _OF_INVOICES]),
    }
)


def changed(tx: Tx, kind: str, keys: Iterable[int]) -> None:
    """Seal these rows at the end of this transaction, as they are then."""
    for key in keys:
        _CHANGED.add(tx, (kind, key))


def _seal(tx: Tx, rows: Sequence[tuple[str, int]]) -> None:
    new: list[tuple[str, int, Mapping[str, Any]]] = []
    for kind, keys in sorted(_by_kind(rows).items()):
        for some in pieces(keys):
            before = newest(tx, kind, some)
            now = sorted(contents(tx, kind, some).items())
            new += [
                (kind, key, content)
                for key, content in now
                if key not in before or not before[key].is_of(KINDS[kind].form, content)
            ]
    _add(tx, new)


def _by_kind(rows: Sequence[tuple[str, int]]) -> dict[str, set[int]]:
    by_kind: dict[str, set[int]] = {}
    for kind, key in rows:
        by_kind.setdefault(kind, set()).add(key)
    return by_kind


# In no statement's way: seals are of rows as they are at the end.
_CHANGED = Pending(frozenset(), _seal)


@dataclass(frozen=True, slots=True)
class Seal:
    """The newest seal of a row."""

    form: str
    digest: str
    salt: str | None

    def is_of(self, form: str, content: Mapping[str, Any]) -> bool:
        """True if the seal is of this content, in this form."""
        return self.form == form and self.digest == digest(self.salt or "", content)


def canonical(content: Mapping[str, Any]) -> bytes:
    """The same bytes for the same content, on every engine and machine."""
    return _ENCODER.encode(content).encode()


def _plain(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a sealed row")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain)


def digest(salt: str, content: Mapping[str, Any]) -> str:
    """The digest of a row's content."""
    return hashlib.sha256(salt.encode() + canonical(content)).hexdigest()


def newest(tx: Tx, kind: str, keys: Sequence[int]) -> dict[int, Seal]:
    """The newest seal of each of these rows."""
    last = (
        select(func.max(seals.c.seq))
        .where(seals.c.kind == kind, seals.c.key.in_(keys))
        .group_by(seals.c.key)
    )
    rows = tx.execute(select(seals).where(seals.c.seq.in_(last)))
    return {row.key: Seal(row.form, row.digest, row.salt) for row in rows}


def contents(tx: Tx, kind: str, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The content under the seal of each of these rows, as it is now."""
    sealed = KINDS[kind]
    query = select(sealed.table.c.id, *sealed.columns).where(sealed.table.c.id.in_(keys))
    found = {}
    for row in tx.execute(query):
        content = row._asdict()
        found[content.pop("id")] = content
    parts = parts_of(tx, sealed, keys)
    for key, content in found.items():
        content.update(parts.get(key, parts[None]))
    return found


def parts_of(tx: Tx, sealed: Kind, keys: Sequence[int]) -> dict[int | None, dict[str, Any]]:
    """The parts of these rows in another table; under None, those of a row without any."""
    if sealed.parts is None:
        return {None: {}}
    part, owner = sealed.parts
    parts: dict[int | None, dict[str, Any]] = {None: {part.name: []}}
    query = select(owner, part).where(owner.in_(keys)).order_by(owner, part)
    for key, value in tx.execute(query):
        parts.setdefault(key, {part.name: []})[part.name].append(value)
    for content in parts.values():
        content[part.name].sort()  # engines have other orders
    return parts


def link(previous: str, sealed: Mapping[str, Any]) -> str:
    """The hash of a seal (seq, kind, key, form and digest), after the seal with this hash."""
    return hashlib.sha256(previous.encode() + canonical(sealed)).hexdigest()


def _add(tx: Tx, new: Sequence[tuple[str, int, Mapping[str, Any]]]) -> None:
    """Add seals; writers wait here for each other until they commit."""
    if not new:
        return
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    seq, previous = head(tx)
    rows = []
    for kind, key, content in new:
        seq += 1
        salt = secrets.token_hex(8)
        row: dict[str, Any] = {"seq": seq, "kind": kind, "key": key, "form": KINDS[kind].form}
        row["digest"] = digest(salt, content)
        previous = link(previous, row)
        rows.append(row | {"salt": salt, "hash": previous})
    add_all(tx, seals, rows)


def head(tx: Tx) -> tuple[int, str]:
    """The number and the hash of the last seal."""
    last = tx.execute(select(seals).order_by(desc(seals.c.seq)).limit(1)).first()
    return (last.seq, last.hash) if last else (0, START)


def first(tx: Tx) -> None:
    """Seal each row without a seal, or with a right seal of an earlier form.

    An upgrade does so, and trusts the rows on first use.
    """
    for kind, sealed in KINDS.items():
        keys = list(tx.scalars(select(sealed.table.c.id).order_by(sealed.table.c.id)))
        for some in pieces(keys):
            known, now = newest(tx, kind, some), contents(tx, kind, some)
            new = [key for key in some if key not in known or _has_grown(known[key], now[key])]
            _add(tx, [(kind, key, now[key]) for key in new])


def _has_grown(seal: Seal, content: Mapping[str, Any]) -> bool:
    names = seal.form.split(",")
    if set(names) == set(content) or not set(names) <= set(content):
        return False
    return seal.digest == digest(seal.salt or "", {name: content[name] for name in names})


def forget_salts(tx: Tx, kind: str, keys: Sequence[int]) -> None:
    """K2: forget the salts of the earlier seals of these rows."""
    for some in pieces(keys):
        mine = and_(seals.c.kind == kind, seals.c.key.in_(some))
        last = select(func.max(seals.c.seq)).where(mine).group_by(seals.c.key)
        earlier = and_(mine, seals.c.seq.not_in(last.scalar_subquery()))
        tx.execute(update(seals).where(earlier).values(salt=None))


def settle(tx: Tx) -> dict[str, set[int]]:
    """Seal the changed rows now, and not at the end; gives them by kind."""
    rows = list(_CHANGED.rows(tx))
    _seal(tx, rows)
    return _by_kind(rows)
