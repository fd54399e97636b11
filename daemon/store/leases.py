"""Leases on work: a lease keeps others away until it runs out, or its owner is dead.

Leases are coordination, not a rule of the desk: they follow the machine's own clock, also where the
desk's time is played.
"""

import datetime as dt
import hashlib
import os
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

from sqlalchemy import Table, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from daemon.store.rows import insert
from daemon.store.schema import tables
from daemon.store.session import Tx

LEASE = dt.timedelta(seconds=120)
FREED: dict[str, object] = {"lease_owner": None, "lease_until": None}


def wall() -> dt.datetime:
    """The machine's own time."""
    return dt.datetime.now(dt.UTC)


def clock_off(tx: Tx) -> float:
    """Seconds by which this machine's clock is ahead of the database's; a file has no clock."""
    if tx.dialect.name == "sqlite":
        return 0.0
    there: dt.datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return (wall() - there).total_seconds()


@cache
def _place() -> str:
    """This machine and its process numbers: a container has numbers of its own.

    Host names are not enough. Containers with the machine's own name, or cloned machines, would
    take each other's living processes for dead.
    """
    machine, room = Path("/etc/machine-id"), Path("/proc/self/ns/pid")
    marks = b""
    with suppress(OSError):
        marks = machine.read_bytes() if machine.exists() else b""
        marks += os.fsencode(room.readlink())
    return f"{socket.gethostname()}/{hashlib.sha256(marks).hexdigest()[:8]}"


@cache
def _owner(pid: int) -> str:
    return f"{_place()}:{pid}:{_started(pid) or ''}"


def owner() -> str:
    """This process, distinct from a later process with the same number."""
    return _owner(os.getpid())


def _started(pid: int) -> str | None:
    """The kernel's start time of a process; "" for no such process, None if nobody can tell.

    A process without a file descriptor left sees no other, and must take none for dead.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def is_dead(name: str) -> bool:
    """True if that owner was a process of this machine, and is dead now."""
    place, _, process = name.partition(":")
    pid, _, started = process.partition(":")
    if place != _place() or not pid.isdecimal():
        return False
    runs_since = _started(int(pid))
    return runs_since == "" or (bool(started) and runs_since not in {None, started})


def until() -> dt.datetime:
    """The end of a lease taken now."""
    return wall() + LEASE


def ran_out(until: dt.datetime, length: dt.timedelta = LEASE) -> bool:
    """True if a lease of that length is over.

    A much later end was set by a clock ahead of ours, or before ours was set back. Nobody can know
    the lease's age, and a dead machine's work must not wait for the clock.
    """
    return not wall() <= until <= wall() + 2 * length


def free_dead(tx: Tx, table: Table, open_: ColumnElement[bool]) -> bool:
    """Give back the rows of this machine's dead processes; False if they held none.

    `open_` is the condition of rows under work, and must have an index: a table grows.
    """
    held = select(table.c.lease_owner).where(open_, table.c.lease_owner.is_not(None)).distinct()
    dead = [name for name in tx.scalars(held) if is_dead(name)]
    if dead:
        tx.execute(update(table).where(open_, table.c.lease_owner.in_(dead)).values(FREED))
    return bool(dead)


def is_free(table: Table) -> ColumnElement[bool]:
    """The condition: nobody works on a row now."""
    return or_(table.c.lease_owner.is_(None), table.c.lease_until < wall())


def is_mine(table: Table) -> ColumnElement[bool]:
    """The condition: this process holds a row.

    A lease that ran out meanwhile still counts (the machine slept, its clock was set): another
    process would have put its own name on the row.
    """
    return table.c.lease_owner == owner()


def taken(length: dt.timedelta = LEASE) -> dict[str, object]:
    """The values for a row under this process's lease."""
    return {"lease_owner": owner(), "lease_until": wall() + length}


def take(tx: Tx, name: str, length: dt.timedelta = LEASE) -> bool:
    """Take or renew the lease of that name; False if another live process has it."""
    table = tables.leases
    values = {"owner": owner(), "until": wall() + length}
    new = insert(tx, table).values(name=name, **values).on_conflict_do_nothing()
    if tx.scalar(new.returning(table.c.name)) is not None:  # psycopg counts no inserted rows
        return True
    row = tx.execute(select(table).where(table.c.name == name).with_for_update()).one_or_none()
    if row is None:
        return False  # given back this moment: whoever asks again gets it
    if row.owner != owner() and not (ran_out(row.until, length) or is_dead(row.owner)):
        return False
    tx.execute(update(table).where(table.c.name == name).values(values))
    return True


def give_back(tx: Tx, name: str) -> None:
    """End this process's lease of that name."""
    table = tables.leases
    tx.execute(table.delete().where(table.c.name == name, table.c.owner == owner()))
