"""One by one or in groups, that faults break apart: the same mails come to the same end (B3)."""

import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from daemon.desk.context import Desk
from daemon.desk.incoming import receive
from daemon.desk.ports import SendError
from daemon.desk.reminders import warnings
from daemon.store.mail import inbox, outbox
from daemon.store.schema import tables
from daemon.store.session import Store, StoreError, open_store
from tests.builders import (
    REGISTER,
    SETTINGS,
    ADesk,
    Catcher,
    a_desk,
    a_mail,
    header_of,
    instant,
    text_of,
)
from tests.desk.incoming.test_hostile_mail import a_bounce
from tests.servers import memory

T0 = instant("2026-11-16 09:00")
MADE = SETTINGS.replace("[identity]", "answers = 3\nreply_address = 'plus'\n\n[identity]", 1)
MADE = MADE.replace("\n\nanswers", "\nanswers").replace(
    "[accounting]", 'spam_header = "X-Spam-Flag: YES"\n\n[accounting]'
)
KNOWN = REGISTER.replace('"100', '"7')  # no number there looks like a ticket's
ANNA, ERIK = "Anna Svensson <anna@example.se>", "Erik Lind <erik@example.se>"
CUSTOMERS = (
    "Bo Ek <bo@acme.se>",
    "bo@acme.se",
    "Bo <BO@Acme.SE>",
    "Eva <eva@acme.se>",
    "Ute <weg@acme.se>",
    "Cia <cia@beta.se>",
    "eve@delta.se",
    "Siv <siv@gmail.com>",
    "Siv <Siv@Gmail.com>",
    "Åsa <asa@xn--rksmrgs-5wao1o.se>",
    "Åsa <asa@räksmörgås.se>",
    "ekonomi@example.se",
    "support@example.se",
    "Anna Svensson <anna@example.se>",
)
WORDS = ("Den står still.", "Tack!", "Prio 1\n\nNu.", "OK", "När kommer ni?", "Nej, inte jag.")
TAGS = (
    "[tid: 1h]",
    "[klar]",
    "[vänta]",
    "[intern]",
    "[start]",
    "[prio: 1]",
    "[kund: beta]",
    "[kund: acme]",
    "[skräp]",
    "[öppna]",
    "[ångra]",
    "[tid: 14h]",
    "[tid: -10m]",
    "[hjälp]",
    "[slå ihop: {n}]",
    "[tilldela: Erik]",
    "[för: bo@acme.se]",
    "[för: eva@acme.se]",
    "[intenr]",
    "\n#{n} [tid: 10m]\n{m}: [klar]\n",
    "",
)
SUBJECTS = (
    "Skrivaren",
    "saldo",
    "KRITISK: allt",
    "SV: [#{n}] Skrivaren",
    "[#{m}]",
    "Frånvaro: ledig",
)
PROOF = "mx.example.se; dmarc=pass header.from=example.se"
WHO, PICK = st.sampled_from(CUSTOMERS), st.integers(0, 999)
SUBJECT, SAID = st.sampled_from(SUBJECTS), st.sampled_from(WORDS)
ENGINEER = st.sampled_from([ANNA, ERIK])
TAGGED = st.builds(" ".join, st.lists(st.sampled_from(TAGS), max_size=3))
WRITTEN = st.builds(str.__add__, TAGGED, st.sampled_from([" Vi kommer.\n", "\n", "OK\n"]))
NEW = ("new", "new", "cc", "spam", "same id", "nobody", "again", "burst")
ANSWERS = ("reply", "reply", "references", "to our id", "envelope", "stolen", "machine", "bounce")
WORK = ("work", "work", "work", "by number", "unproven", "call", "away", "release")
MAIL = st.one_of(
    st.tuples(st.sampled_from(NEW), WHO, SUBJECT, SAID, PICK),
    st.tuples(st.sampled_from(ANSWERS), WHO, st.sampled_from(["SV: x", "KRITISK: x"]), SAID, PICK),
    st.tuples(st.sampled_from(WORK), ENGINEER, st.just("SV: [#{n}] x"), WRITTEN, PICK),
)
BEGINNING = [("new", who, "Skrivaren", "Den står still.", 0) for who in CUSTOMERS[:9:2]]
STORY = st.lists(st.lists(MAIL, min_size=2, max_size=9), min_size=2, max_size=3)
# At which steps of a group something fails, and whether that is the database's fault.
STEPS = frozenset({"message.acted", "message.finished", "messages.committed"})
FAULTS = st.dictionaries(st.integers(0, 40), st.booleans(), max_size=3)


class Refusing(Catcher):
    """A mailer whose server knows no `weg`, for good."""

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> str:
        if recipient.startswith("weg@"):
            raise SendError("550 no such user", permanent=True)
        return super().send(envelope_from, recipient, raw)


@dataclass
class Told:
    """A desk, how many messages it takes together, and at which steps of a group that fails."""

    desk: ADesk
    together: int
    faults: dict[int, bool] = field(default_factory=dict)
    steps: int = 0
    group: int = 0
    came: list[bytes] = field(default_factory=list)

    def play(self, story: Sequence[Sequence[tuple]], monkeypatch: pytest.MonkeyPatch) -> None:
        """Take in what each phase brings, act on all of it, then send all that is to go."""
        claim, act = inbox.claim, receive._together

        def acting(desk, claimed, *more):
            self.group = len(claimed)
            act(desk, claimed, *more)

        with monkeypatch.context() as patch:
            patch.setattr(inbox, "claim", lambda tx: claim(tx, self.together))
            patch.setattr(outbox, "TOGETHER", self.together)
            patch.setattr(receive, "_together", acting)
            patch.setattr(receive, "fault_point", self.fail)
            for phase, mails in enumerate([BEGINNING, *story]):
                start = T0 + dt.timedelta(hours=phase)
                # What a word releases (D1) is acted on next: after the group that the word was in.
                ordered = sorted(mails, key=lambda mail: mail[0] == "release")
                found = [one for mail in ordered for one in self.made(mail)]
                for minute, (raw, envelope) in enumerate(found):
                    self.desk.receive(raw, start + dt.timedelta(minutes=minute), **envelope)
                    self.came.append(raw)
                self.work(start + dt.timedelta(minutes=50))

    def fail(self, step: str) -> None:
        """Fail a group of several at that step; one alone would only be acted on later."""
        if self.group < 2 or step not in STEPS:
            return
        self.steps += 1
        fault = self.faults.pop(self.steps, None)
        if fault is not None:
            raise StoreError("away") if fault else RuntimeError("a fault of ours")

    def work(self, now: dt.datetime) -> None:
        desk, again = self.desk.desk, True
        while again:
            try:
                again = receive.step(desk, now)
            except StoreError:
                again = True
        while warnings.warn_engineers(desk, now):
            pass
        while self.desk.sending.step(now):
            pass

    # --- mails ----------------------------------------------------------------------------------

    def made(self, mail: tuple) -> Iterator[tuple[bytes, dict]]:
        """The mails of a step, as they follow from what this desk has sent so far."""
        kind, who, subject, words, pick = mail
        serial = f"{len(self.came)}.{pick}"
        numbers = self.numbers()
        named = {"n": numbers[pick % len(numbers)], "m": numbers[pick // 7 % len(numbers)]}
        subject, words = (
            text.replace("{n}", str(named["n"])).replace("{m}", str(named["m"]))
            for text in (subject, words)
        )
        more: dict = {"message_id": f"<{serial}@klient>"}
        if who in {ANNA, ERIK} and kind in WORK and kind != "unproven":
            more["proof"] = PROOF
        if kind == "burst":
            for number in range(3):
                yield a_mail(who, subject, words, message_id=f"<{number}.{serial}@klient>"), {}
            return
        yield self.one(kind, pick, [who, subject, words], more)

    def one(self, kind: str, pick: int, said: list[str], more: dict) -> tuple[bytes, dict]:
        """One mail of that kind; an answer comes from whom the mail went to that it answers."""
        envelope: dict = {}
        if kind == "again":
            return self.came[pick % len(self.came)], {}
        if kind == "same id":
            more["message_id"] = header_of(self.came[-1], "Message-ID") or more["message_id"]
        elif kind == "nobody":
            said[0] = f"{said[0]}, {ANNA}" if pick % 2 else "<>"
        elif kind == "spam":
            more["headers"] = [("X-Spam-Flag", "YES")]
        elif kind == "cc":
            more["cc"] = "per@acme.se, weg@acme.se, x@beta.se"
        elif kind == "call":
            said[1] = "Samtal"
        elif kind in {*ANSWERS, "work", "away", "unproven", "release"}:
            to, answered = self.sent(kind, said[0] if kind in WORK else "", pick)
            our_id = header_of(answered, "Reply-To")
            said[0] = said[0] if kind in {*WORK, "stolen"} else to
            if kind == "bounce":
                return a_bounce(answered, to, pick), {}
            if kind in {"machine", "away"}:
                more["headers"] = [("Auto-Submitted", "auto-replied")]
            if kind == "references":
                more["headers"] = [("References", f"<x@y> {header_of(answered, 'Message-ID')}")]
            elif kind == "to our id":
                more["to"] = our_id
            elif kind == "envelope":
                envelope["envelope_to"] = (our_id,)
            else:
                more["reply_to"] = answered
        return a_mail(*said, **more), envelope

    def numbers(self) -> list[int]:
        """The numbers of tickets, and some of the next ones where anybody can know them."""
        table = tables.tickets.c
        with self.desk.desk.store.reading() as tx:
            known = list(tx.scalars(select(table.number).order_by(table.number)))
        next_one = known[-1] + 1 if known else 1001
        if not self.desk.desk.store.is_sqlite:
            return [*known, 999_999]
        return [*known, *range(next_one, next_one + 3)]

    def sent(self, kind: str, who: str, pick: int) -> tuple[str, bytes]:
        """A mail that an engineer got, or somebody else, whatever ids it was given."""
        out, box = tables.outgoing.c, tables.outbox.c
        query = select(out.inbox_id, out.kind, box.recipient, out.ticket_id, out.raw)
        query = query.join(tables.outbox).where(box.state == "sent").order_by(out.id)
        query = query.where(out.kind.not_in(["warnings", "alarm"]))
        with self.desk.desk.store.reading() as tx:
            rows = tx.execute(query).all()
        ours = ("anna@example.se", "erik@example.se")
        rows = [row for row in rows if (row.recipient in who if who else row.recipient not in ours)]
        asked = [row for row in rows if (row.kind == "proof") == (kind == "release")]
        rows = asked or [row for row in rows if row.kind != "proof"]
        rows.sort(key=lambda row: (row.inbox_id or 0, *row[1:3], row.ticket_id or 0))
        chosen = rows[pick % len(rows)]
        return chosen.recipient, chosen.raw


# --- how it ended ---------------------------------------------------------------------------------


TABLES = (
    tables.tickets,
    tables.inbox,
    tables.ticket_messages,
    tables.events,
    tables.ledger,
    tables.holds,
    tables.people,
)
UNORDERED = (tables.participants, tables.clocks, tables.alarms)
NOT_COMPARED = {
    "id",
    "outgoing_id",
    "attempts",
    "lease_until",
    "token",
    "hash",
    "reverses_id",
    "booking",
    "identity",
    "hint",
    "seal",
    "message_id",
    "raw_sha256",
    "size",
}
MAILS = select(
    tables.outbox,
    tables.outgoing.c.kind,
    tables.outgoing.c.ticket_id,
    tables.outgoing.c.inbox_id,
    tables.outgoing.c.raw,
).join(tables.outgoing)


def end(desk: Desk) -> dict[str, list]:
    """All that the desk holds, with ranks for ids and numbers, which may have gaps."""
    with desk.store.reading() as tx:
        found = {
            table.name: [row._asdict() for row in tx.execute(select(table).order_by(*order))]
            for table in (*TABLES, *UNORDERED)
            for order in [[] if table in UNORDERED else [table.c.id]]
        }
        found["outbox"] = [_as_read(row._asdict()) for row in tx.execute(MAILS)]
    ranks = {row["id"]: f"#{rank}" for rank, row in enumerate(found["tickets"])}
    numbers = {str(row["number"]): ranks[row["id"]] for row in found["tickets"]}

    def known(name: str, value: object) -> str:
        if name in {"ticket_id", "merged_into_id", "follows_id"} and value is not None:
            return ranks[value]
        text = re.sub(r"outbox:\d+|'answer': \d+|[a-z2-7]{16}\.[a-z2-7]{16}", "_", str(value))
        return re.sub(r"(?<!\d)\d{4}(?!\d)", lambda each: numbers.get(each[0], each[0]), text)

    held = {
        name: [
            tuple(
                (column, known(column, row[column])) for column in row if column not in NOT_COMPARED
            )
            for row in rows
        ]
        for name, rows in found.items()
    }
    unordered = {"outbox", *(table.name for table in UNORDERED)}
    return {name: sorted(rows) if name in unordered else rows for name, rows in held.items()}


def _as_read(row: dict) -> dict:
    """A mail by what it says."""
    raw = row.pop("raw")
    return row | {"subject": header_of(raw, "Subject"), "says": text_of(raw)}


@pytest.fixture(params=["sqlite", "postgresql"])
def make_two(request, sqlite_template, tmp_path) -> Iterator[Callable[[], list[ADesk]]]:
    """Makes the same desk twice, each with a database of its own, on each engine in turn."""
    home = Path(tempfile.mkdtemp(prefix="avtald-", dir=memory() or tmp_path))
    if request.param == "sqlite":
        shutil.copyfile(sqlite_template, home / "model")

        def copy(name: str) -> str:
            return f"sqlite:///{shutil.copyfile(home / 'model', home / name)}"

        model_url = f"sqlite:///{home}/model"
    else:
        model_url = request.getfixturevalue("pg_url")
        cluster, model_name = request.getfixturevalue("postgresql"), model_url.rpartition("/")[2]

        def copy(name: str) -> str:
            cluster.run(f"DROP DATABASE IF EXISTS {model_name}_{name} WITH (FORCE)")
            cluster.run(f"CREATE DATABASE {model_name}_{name} TEMPLATE {model_name}")
            return f"{model_url}_{name}"

    first = open_store(model_url)
    model = a_desk(first, tmp_path, settings=MADE, register=KNOWN).desk
    first.close()
    opened: list[Store] = []

    def made() -> list[ADesk]:
        while opened:
            opened.pop().close()
        opened.extend(open_store(copy(name)) for name in ("one", "other"))
        return [ADesk(replace(model, store=store), Refusing()) for store in opened]

    yield made
    for store in opened:
        store.close()
    shutil.rmtree(home, ignore_errors=True)


def alike(desks: Sequence[ADesk], story, faults, together, monkeypatch) -> None:
    one, other = Told(desks[0], 1), Told(desks[1], together, dict(faults))
    with structlog.testing.capture_logs():  # printing tracebacks takes seconds
        for each in (one, other):
            each.play(story, monkeypatch)
    first, second = end(one.desk.desk), end(other.desk.desk)
    for table, rows in first.items():
        assert [row for row in second[table] if row not in rows] == [], table
        assert second[table] == rows, table


QUICK = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@given(STORY, FAULTS, st.integers(2, 20))
@settings(max_examples=5, deadline=None, suppress_health_check=QUICK)
def test_mails_come_to_the_same_end_in_groups_as_one_by_one_B3(
    make_two, monkeypatch, story, faults, together
):
    alike(make_two(), story, faults, together, monkeypatch)


@pytest.mark.long
@given(STORY, FAULTS, st.integers(2, 20))
@settings(max_examples=200, deadline=None, suppress_health_check=QUICK)
def test_many_stories_come_to_the_same_end_in_groups_as_one_by_one_B3(
    make_two, monkeypatch, story, faults, together
):
    alike(make_two(), story, faults, together, monkeypatch)
