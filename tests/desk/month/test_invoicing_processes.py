"""Real processes that push: two at once, and one that is killed at its worst moment (I1)."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from daemon.app import accounting, desks
from daemon.desk.context import Desk
from daemon.domain.opening_hours import Calendar
from daemon.settings import load
from daemon.store.money import invoices
from daemon.store.session import open_store
from integrations.fortnox.double.registers import seeded
from integrations.fortnox.double.server import FortnoxDouble
from tests.builders import SETTINGS, a_desk
from tests.desk.month.pushing import START, Played, Pushing, close_november
from tests.desk.month.test_invoicing_runs import many

SPAWN = multiprocessing.get_context("spawn")


def settings_for(folder, double):
    """An avtald.toml whose Fortnox is that double."""
    told = double.settings()
    (folder / "fortnox-client-secret").write_text(told.client_secret)
    file = folder / "avtald.toml"
    file.write_text(
        SETTINGS.replace('kind = "files"', 'kind = "fortnox"')
        + f"""
[accounting.fortnox]
api_url = "{told.api_url}"
token_url = "{told.token_url}"
client_id = "{told.client_id}"
client_secret_file = "fortnox-client-secret"
tenant_id = {told.tenant_id}
"""
    )
    return file


def push(url, file, ready=None):
    """What `avtald invoices push` does, in a process of its own."""
    settings = load.load(file, {})
    desk = Desk(open_store(url), settings, Calendar(settings.calendar), b"test key for the desk")
    run = accounting.push_of(desk, accounting.accounting_of(desk))
    if ready is not None:
        ready.wait()
    while run.step(START):
        pass


def posted(double):
    return [
        json.loads(each.body)["Invoice"]["ExternalInvoiceReference1"]
        for each in double.requests
        if (each.method, each.path) == ("POST", "/3/invoices")
    ]


@dataclass
class Office:
    """A closed month, a double in real time, and processes that push."""

    desk: object
    double: FortnoxDouble
    url: str
    file: object

    def process(self, *more):
        made = SPAWN.Process(target=push, args=(self.url, self.file, *more))
        made.start()
        return made

    def states(self):
        with self.desk.desk.store.reading() as tx:
            return {each.customer_key: each.state for each in invoices.listing(tx)}


def an_office(store, url, folder, customers):
    registers = seeded()
    for each in range(customers):
        registers.add_customer(str(2000 + each), f"Kund {each} AB")
    desk = a_desk(store, folder, register=many(customers))
    close_november(desk)
    double = FortnoxDouble(registers=registers).start()
    return Office(desk, double, url, settings_for(folder, double))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_processes_that_push_the_same_month_post_each_statement_once(engine, request, tmp_path):
    """I1, issue 8; and together they keep one pace."""
    name = "sqlite_url" if engine == "sqlite" else "pg_url"
    url = request.getfixturevalue(name)
    store = open_store(url)
    office = an_office(store, url, tmp_path, customers=5)
    try:
        ready = SPAWN.Barrier(2)
        both = [office.process(ready) for _ in "ab"]
        for process in both:
            process.join(60)
        assert [process.exitcode for process in both] == [0, 0]
        made = posted(office.double)
        assert len(made) == len(set(made)) == 8
        assert set(office.states().values()) == {"pushed"}
        assert 429 not in office.double.statuses
        assert office.double.violations == []
    finally:
        office.double.stop()
        store.close()


WORST = {
    "before it is carried out": ("slow", "POST /3/invoices"),
    "after it is carried out": ("slow-after", "POST /3/invoices"),
    "during the look-up": ("slow", "GET /3/invoices"),
    "during the preflight": ("slow", "GET /3/customers"),
    "while it gets a token": ("slow-after", "POST /oauth-v1/token"),
}


@pytest.mark.parametrize("moment", WORST)
def test_a_process_that_is_killed_leaves_exactly_one_invoice(moment, store, sqlite_url, tmp_path):
    """I1: kill -9, and the next process goes on at once, for it sees that the first is dead."""
    office = an_office(store, sqlite_url, tmp_path, customers=0)
    double = office.double
    trouble, on = WORST[moment]
    double.faults.add(trouble, on, seconds=1.0)
    try:
        process = office.process()
        until = time.monotonic() + 30
        while not double.faults.struck and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
        time.sleep(1.1)  # what is under way inside Fortnox comes to its end
        pushing = Pushing(office.desk, double, Played())
        pushing.settle()
        pushing.assert_exactly_once()
        pushing.end()
        assert double.violations == []
    finally:
        double.stop()


def test_sigterm_ends_a_daemon_whose_client_waits_its_turn(tmp_path):
    """R29, issue 8: a Fortnox that says 429 keeps a client waiting, and nobody waits for it."""
    with FortnoxDouble() as double:
        file = settings_for(tmp_path, double)
        with desks.opened(file) as opened:
            close_november(a_desk(opened.store, tmp_path, settings=file.read_text()))
        double.faults.add("429", "GET *", times=None)
        daemon = subprocess.Popen([sys.executable, "-m", "daemon", "run", "--config", str(file)])
        until = time.monotonic() + 30
        while 429 not in double.statuses and time.monotonic() < until:
            time.sleep(0.05)
        assert 429 in double.statuses
        daemon.terminate()
        before = time.monotonic()
        assert daemon.wait(60) == 0
        assert time.monotonic() - before < 20  # without it: until all patience is gone
        assert double.invoices == []
