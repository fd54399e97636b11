"""A desk with a closed month, a Fortnox on loopback, played time, and processes that can die."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from daemon.app.fortnox import NAME
from daemon.desk.month import closing
from daemon.desk.month.pushing import Push
from daemon.store import leases
from daemon.store.money import invoices, statements
from daemon.store.request_line import RequestLine
from daemon.store.schema import tables
from daemon.store.session import Store
from daemon.store.token_records import TokenRecord
from integrations.fortnox.access.sealing import TokenStore
from integrations.fortnox.client import FortnoxClient
from integrations.fortnox.double.server import FortnoxDouble
from integrations.fortnox.pacing import EvenPacer, MemoryLine
from tests.builders import ADesk, a_desk, a_mail, an_engineers_mail, instant

START = instant("2026-12-01 06:00")
DEAD = leases.owner().rpartition(":")[0] + ":1"  # a process of this machine that no longer runs


class Killed(BaseException):
    """What kill -9 looks like from inside."""


@dataclass
class Played:
    """Seconds that pass only when somebody sleeps; and the moments at which a process dies."""

    seconds: float = 0.0
    moments: int = 0
    deaths: set[int] = field(default_factory=set)

    def now(self) -> dt.datetime:
        return START + dt.timedelta(seconds=self.seconds)

    def ticks(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def moment(self) -> None:
        """Something durable is about to happen, or just did: here a kill makes a difference."""
        self.moments += 1
        if self.moments in self.deaths:
            raise Killed

    def die_in(self, moments: int) -> None:
        self.deaths.add(self.moments + moments)


@dataclass
class MortalStore:
    """A store whose process may die before and after every commit."""

    store: Store
    played: Played

    def __getattr__(self, name: str):
        return getattr(self.store, name)

    @contextmanager
    def writing(self) -> Iterator:
        with self.store.writing() as tx:
            yield tx
            self.played.moment()
        self.played.moment()


@dataclass
class Pushing:
    """The desk's push against a double, process after process."""

    desk: ADesk
    double: FortnoxDouble
    played: Played
    timeout: float = 10.0
    shared_line: bool = False
    run: Push | None = None
    client: FortnoxClient | None = None

    def __post_init__(self) -> None:
        self.mortal = replace(self.desk.desk, store=MortalStore(self.desk.desk.store, self.played))

    def start(self) -> None:
        """Another process, which remembers nothing."""
        self.end()
        store = self.mortal.store
        line = RequestLine(self.desk.desk.store, NAME) if self.shared_line else MemoryLine()
        pacer = EvenPacer(line, clock=self.played.ticks, sleep=self.played.sleep)
        record = TokenRecord(store, NAME, sleep=self.played.sleep)
        tokens = TokenStore(record, self.double.tokens.client_secret)
        self.client = FortnoxClient(
            self.double.settings(timeout=self.timeout, invoice_link="https://books/{number}"),
            tokens,
            pacer,
            clock=self.played.now,
            sleep=self.played.sleep,
        )
        http = self.client._transport._http
        http.send = self._mortal(http.send)
        self.run = Push(self.mortal, self.client)

    def _mortal(self, send):
        def sent(request, **how):
            self.played.moment()
            answer = send(request, **how)
            self.played.moment()
            return answer

        return sent

    def push(self) -> None:
        """Push until nothing is due; a process that dies is followed by another."""
        if self.run is None:
            self.start()
        with suppress(Killed):
            while self.run.step(self.played.now().replace(microsecond=0)):
                pass
            return
        self.bury()

    def bury(self) -> None:
        """The process is dead: what it held is held by nobody that lives."""
        self.end()
        with self.desk.desk.store.writing() as tx:
            for table, owner in ((tables.invoices, "lease_owner"), (tables.leases, "owner")):
                mine = table.c[owner] == leases.owner()
                tx.execute(table.update().where(mine).values({owner: DEAD}))

    def end(self) -> None:
        if self.client is not None:
            self.client.close()
        self.run = self.client = None

    def settle(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """The faults have stopped: let hours pass until everything has found its end."""
        self.double.faults.clear()
        self.played.deaths.clear()
        for turn in range(48):
            meanwhile()
            self.push()
            self.played.seconds += 5 * 60
            if turn > 2 and set(self.states().values()) == {"pushed"}:
                return

    def states(self) -> dict[str, str]:
        with self.desk.desk.store.reading() as tx:
            return {each.customer_key: each.state for each in invoices.listing(tx)}

    def of(self, reference: str) -> list[dict]:
        """Every invoice of that key that the double has."""
        return [i for i in self.double.invoices if i["ExternalInvoiceReference1"] == reference]

    def references(self) -> dict[str, str]:
        """Each statement's reference, and its net."""
        with self.desk.desk.store.reading() as tx:
            return {each.reference: str(each.net) for each in statements.listing(tx) if each.net}

    def posts(self, reference: str | None = None) -> int:
        bodies = [
            json.loads(each.body)
            for each in self.double.requests
            if (each.method, each.path) == ("POST", "/3/invoices")
        ]
        keys = [body["Invoice"]["ExternalInvoiceReference1"] for body in bodies]
        return len(keys) if reference is None else keys.count(reference)

    def assert_exactly_once(self) -> None:
        """I1, I3: one invoice a statement, right to the öre, and the number is known."""
        with self.desk.desk.store.reading() as tx:
            known = {each.reference: each for each in invoices.listing(tx)}
        for reference, net in self.references().items():
            [made] = self.of(reference)
            assert f"{made['Net']:.2f}" == net
            shown = known[reference]
            assert (shown.state, shown.number, shown.fault) == (
                "pushed",
                made["DocumentNumber"],
                None,
            ), shown


def close_november(desk: ADesk) -> None:
    """Three statements: a fee; a fee and overage; overage of a customer without agreement."""
    for sender, text in (("cia@beta.se", "[tid: 20h13m]"), ("dan@delta.se", "[tid: 1h7m]")):
        desk.get(a_mail(sender, "Rapporten", f"Hej {sender}"), "2026-11-09 10:00")
        notice = desk.mailer.to("anna@example.se")[-1]
        desk.get(an_engineers_mail(text, reply_to=notice), "2026-11-10 10:00")
        receipt = desk.mailer.to("anna@example.se")[-1]
        desk.get(an_engineers_mail("OK", reply_to=receipt), "2026-11-10 10:05")
    desk.work("2026-11-30 12:00")
    while closing.close_due_month(desk.desk, START):
        pass


def a_closed_desk(store: Store, folder: Path) -> ADesk:
    desk = a_desk(store, folder)
    close_november(desk)
    return desk
