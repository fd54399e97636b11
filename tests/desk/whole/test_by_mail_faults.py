"""A fault at any statement of any message: in the end it has had one effect (B3, B4)."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from daemon.desk.incoming import receive
from daemon.desk.reminders import morning_digest
from daemon.store.schema import tables
from daemon.store.session import StoreError
from tests.builders import ADesk, a_mail, an_engineers_mail, instant

ERIK = "Erik Lind <erik@example.se>"

# Each message answers what the desk has sent by then: (who got it, which of theirs).
Story = Callable[[ADesk], bytes]


def to(desk: ADesk, address: str, number: int = -1) -> bytes:
    return desk.mailer.to(address)[number]


def morning(desk: ADesk) -> bytes:
    """The digest, as Anna has it."""
    morning_digest.send_digest(desk.desk, instant("2026-11-20 09:14"))
    desk.work("2026-11-20 09:14")
    return to(desk, "anna@example.se")


STORY: dict[str, Story] = {
    "opens": lambda d: a_mail(cc="eva@acme.se", subject="Prio 2: skrivaren"),
    "engineer answers with time": lambda d: an_engineers_mail(
        "Nu går den. [tid: 1h] [tid: 13h]", reply_to=to(d, "anna@example.se", 0)
    ),
    "ok": lambda d: an_engineers_mail("OK", reply_to=to(d, "anna@example.se")),
    "a stopped answer": lambda d: an_engineers_mail(
        "[inter] Fel version.", reply_to=to(d, "anna@example.se", 0)
    ),
    "ok to it": lambda d: an_engineers_mail("OK då", reply_to=to(d, "anna@example.se")),
    "customer replies": lambda d: a_mail(
        subject="SV", text="Prio 1\n\nIgen!", reply_to=to(d, "bo@acme.se", 0)
    ),
    "held": lambda d: a_mail(
        "erik@example.se", "SV", "Min. [tid: 1h]", reply_to=to(d, "erik@example.se")
    ),
    "released": lambda d: a_mail("erik@example.se", "SV", "ja", reply_to=to(d, "erik@example.se")),
    "phone call": lambda d: an_engineers_mail(
        "[för: cia@beta.se] [tid: 20m] Vi pratade.", subject="Samtal", sender=ERIK
    ),
    "second": lambda d: a_mail(subject="Samma", text="Samma sak"),
    "merged and closed": lambda d: an_engineers_mail(
        "[slå ihop: 1001] [klar] [tid: 5m] Klart.", reply_to=to(d, "anna@example.se")
    ),
    "thanks": lambda d: a_mail(subject="SV", text="Tack!", reply_to=to(d, "bo@acme.se")),
    "stranger": lambda d: a_mail("siv@gmail.com", "Hej", "Hej"),
    "placed": lambda d: an_engineers_mail(
        "[kund: beta] [tilldela: Erik] Vi tittar.", reply_to=to(d, "anna@example.se")
    ),
    "undone": lambda d: an_engineers_mail("[ångra]", reply_to=to(d, "anna@example.se", 2)),
    "to the digest": lambda d: an_engineers_mail(
        "#1001 [tid: 10m] mötet\n#1002 [tid: 13h]", reply_to=morning(d)
    ),
    "ok to both": lambda d: an_engineers_mail("OK, båda", reply_to=to(d, "anna@example.se")),
    "another stranger": lambda d: a_mail("siv@gmail.com", "Fråga", "Hej igen"),
    "placed without a word": lambda d: an_engineers_mail(
        "[kund: acme]", reply_to=to(d, "anna@example.se")
    ),
}
# What a retry may change: how often it was tried, when by our own clock, and a seal's random salt.
_LEFT_OUT = {
    "attempts",
    "reason",
    "token",
    "lease_owner",
    "lease_until",
    "hash",
    "previous",
    "salt",
    "digest",
}


def state(desk: ADesk) -> dict[str, list[dict[str, object]]]:
    with desk.desk.store.reading() as tx:
        return {
            table.name: [
                {name: value for name, value in row._mapping.items() if name not in _LEFT_OUT}
                for row in tx.execute(table.select()).all()
            ]
            for table in tables.metadata.sorted_tables
            if table.name not in {"leases", "alarms"}
        }


class Fault:
    """Raises at one statement of the transactions to come, counted from its start."""

    def __init__(self, engine, at, make):
        self.engine, self.at, self.make, self.seen = engine, at, make, 0
        event.listen(engine, "before_cursor_execute", self)

    def __call__(self, *_):
        self.seen += 1
        if self.seen == self.at:
            raise self.make()

    def end(self):
        event.remove(self.engine, "before_cursor_execute", self)


def process(desk: ADesk, now: str) -> None:
    """Until nothing waits, whatever is raised on the way."""
    again = True
    while again:
        try:
            again = receive.step(desk.desk, instant(now))
        except (StoreError, RuntimeError):
            again = True


def database_is_away() -> Exception:
    return OperationalError("x", None, RuntimeError("away"))


FAULTS = (RuntimeError, database_is_away)


def faults_in(desk: ADesk, copy: Path, now: str, step: int, first: int) -> int:
    """A fault at every so manieth statement of what waits, to its last; gives how many there were.

    How many statements there are is not known beforehand: what one transaction has read of the
    register, the next one need not read again.
    """
    file = Path(desk.desk.store.engine.url.database)
    desk.desk.store.close()
    shutil.copyfile(file, copy)
    process(desk, now)
    right = state(desk)
    assert right["inbox"][-1]["state"] in {"done", "held"}
    for number in itertools.count():
        desk.desk.store.close()
        shutil.copyfile(copy, file)
        broken = Fault(desk.desk.store.engine, 1 + number * step, FAULTS[(number + first) % 2])
        with capture_logs():  # a traceback takes longer to print than all the rest
            process(desk, now)
        broken.end()
        assert state(desk) == right, f"at statement {broken.at}"
        if broken.seen < broken.at:
            break  # it has gone through: there is no such statement
    return number


def every_message(desk: ADesk, copy: Path, step: int, first: int = 0) -> list[int]:
    """The whole story, each of its messages with its faults; gives how many each of them had."""
    faults = []
    for minute, mail in enumerate(STORY.values()):
        now = f"2026-11-20 09:{minute:02}"
        desk.receive(mail(desk), now)
        faults.append(faults_in(desk, copy, now, step, first))
        desk.work(now)
    return faults


def test_a_fault_at_some_statements_of_every_message_changes_nothing_B3(make_desk, tmp_path):
    assert min(every_message(make_desk(), tmp_path / "copy.db", 5)) >= 2


@pytest.mark.long
@pytest.mark.parametrize("first", [0, 1])
def test_a_fault_at_any_statement_of_any_message_changes_nothing_B3(make_desk, tmp_path, first):
    faults = every_message(make_desk(), tmp_path / "copy.db", 1, first)
    assert min(faults) >= 10  # 13 to 61 in November 2026, and 565 in all
