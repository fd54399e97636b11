"""The erasures of persons (K2): under way, done, and in a log that outlives a restore."""

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from daemon.store import rows
from daemon.store.schema.tables import (
    contacts,
    erasures,
    facts,
    inbox,
    outbox,
    participants,
    people_addresses,
    ticket_messages,
    tickets,
)
from daemon.store.session import StoreError, Tx

_SERIES = "person_number"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure, known by a keyed hash of the erased address."""

    subject_hash: str
    replaced_by: str
    at: dt.datetime

    @property
    def number(self) -> int:
        """The person's number."""
        return int(self.replaced_by.partition("@")[0].rpartition("-")[2])


# --- under way ----------------------------------------------------------------------------------

_UNDER_WAY = "erasing:"


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An erasure that has begun; the address is forgotten when the rows are done."""

    subject_hash: str
    number: int  # that stands for the person
    at: dt.datetime
    cause: str
    address: str | None


def begin(tx: Tx, begun: UnderWay) -> None:
    """Note, before anything is changed, that an erasure has begun, or how far it has come."""
    value = {
        "number": begun.number,
        "at": begun.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cause": begun.cause,
        "address": begun.address,
    }
    rows.keep_fact(tx, _UNDER_WAY + begun.subject_hash, json.dumps(value))


def under_way(tx: Tx) -> list[UnderWay]:
    """The erasures that a kill has left unfinished, in a fixed order."""
    query = select(facts).where(facts.c.name.like(f"{_UNDER_WAY}%")).order_by(facts.c.name)
    begun = []
    for row in tx.execute(query):
        value = json.loads(row.value)
        at = dt.datetime.fromisoformat(value["at"])
        name = row.name.removeprefix(_UNDER_WAY)
        begun.append(UnderWay(name, value["number"], at, value["cause"], value["address"]))
    return begun


def finish(tx: Tx, subject_hash: str) -> None:
    """Forget that an erasure is under way: it is done."""
    tx.execute(delete(facts).where(facts.c.name == _UNDER_WAY + subject_hash))


# --- done ---------------------------------------------------------------------------------------


def next_number(tx: Tx) -> int:
    """The number that stands for the next person."""
    return rows.count_up(tx, _SERIES)


def keep_number(tx: Tx, number: int) -> None:
    """Never give a number of the log again."""
    if int(rows.fact(tx, _SERIES) or 0) < number:
        rows.keep_fact(tx, _SERIES, str(number))


def note(
    tx: Tx, subject_hash: str, replaced_by: str, at: dt.datetime, report: Mapping[str, Any]
) -> None:
    """Note an erasure, in its own transaction."""
    values = {"subject_hash": subject_hash, "replaced_by": replaced_by, "at": at}
    tx.execute(erasures.insert().values(**values, report=dict(report)))


def listing(tx: Tx) -> list[Erasure]:
    """Every erasure of this database, in order."""
    query = select(erasures).order_by(erasures.c.id)
    return [Erasure(row.subject_hash, row.replaced_by, row.at) for row in tx.execute(query)]


def addresses(tx: Tx) -> set[str]:
    """Every address of a person, from all tables."""
    columns = (
        contacts.c.email,
        people_addresses.c.address,
        tickets.c.requester,
        participants.c.address,
        ticket_messages.c.address,
        inbox.c.sender,
        inbox.c.envelope_from,
        outbox.c.recipient,
    )
    return {each for column in columns for each in tx.scalars(select(column).distinct()) if each}


# --- the log ------------------------------------------------------------------------------------


def read_log(file: Path) -> list[Erasure]:
    """The erasures in the log; a last line that a crash cut off is none yet."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}") from error
    read = [json.loads(line) for line in lines]
    return [
        Erasure(each["subject_hash"], each["replaced_by"], dt.datetime.fromisoformat(each["at"]))
        for each in read
    ]


def add_to_log(file: Path, new: Sequence[Erasure]) -> None:
    """Add lines, durably."""
    if not new:
        return
    text = "".join(
        json.dumps(
            {
                "subject_hash": each.subject_hash,
                "replaced_by": each.replaced_by,
                "at": each.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
        + "\n"
        for each in new
    )
    try:
        with os.fdopen(os.open(file, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600), "a") as log:
            log.write(text)
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}") from error
