"""One statement, one invoice, whatever faults and kills come in whatever order (I1, I2, I5)."""

import json
import shutil
import tempfile
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from daemon.store import migrations
from daemon.store.session import open_store
from integrations.fortnox.double.faults import PlannedFault, Trouble
from integrations.fortnox.double.server import FortnoxDouble
from tests.builders import ADesk
from tests.desk.month.pushing import Played, Pushing, a_closed_desk
from tests.servers import memory

RENAMED = ("Invoice", "DocumentNumber", "Net", "Credit", "Booked", "Cancelled", "Invoices")
REFUSALS = (2000433, 2001302, 2000359, 2001399, 1000003, None)
ENDPOINTS = (
    "POST /3/invoices",
    "GET /3/invoices",
    "GET /3/invoices/*",
    "POST /oauth-v1/token",
    "GET /3/customers",
    "GET /3/articles/*",
    "GET /3/settings/lockedperiod",
    "*",
)
PLAIN = tuple(
    each
    for each in Trouble
    if each not in (Trouble.SLOW, Trouble.SLOW_AFTER, Trouble.RENAMED_FIELD, Trouble.REFUSED)
)


@cache
def closed() -> tuple[Path, ADesk]:
    """A database with a closed month, made once and copied for every example."""
    folder = Path(tempfile.mkdtemp(prefix="avtald-", dir=memory()))
    store = open_store(f"sqlite:///{folder}/avtald.db")
    migrations.upgrade(store)
    desk = a_closed_desk(store, folder)
    store.close()
    return folder, desk


class Faults(RuleBasedStateMachine):
    """Faults, kills, hours, impatient operators and other people's invoices, in any order."""

    def __init__(self):
        super().__init__()
        template, desk = closed()
        self.folder = Path(tempfile.mkdtemp(prefix="avtald-", dir=memory()))
        shutil.copyfile(template / "avtald.db", self.folder / "avtald.db")
        self.store = open_store(f"sqlite:///{self.folder}/avtald.db")
        played = Played()
        self.double = FortnoxDouble(clock=played.now, ticks=played.ticks).start()
        own = ADesk(replace(desk.desk, store=self.store))
        self.pushing = Pushing(own, self.double, played)
        self.foreign = []
        self.late = []  # creations that are under way inside Fortnox: seconds, and what was sent

    @rule(trouble=st.sampled_from(PLAIN), on=st.sampled_from(ENDPOINTS), times=st.integers(1, 5))
    def something_goes_wrong(self, trouble, on, times):
        self.double.faults.add(trouble, on, times=times)

    @rule(field=st.sampled_from(RENAMED), on=st.sampled_from(ENDPOINTS))
    def a_field_is_renamed(self, field, on):
        self.double.faults.add("renamed-field", on, renamed=(field, "Nytt"))

    @rule(code=st.sampled_from(REFUSALS), on=st.sampled_from(ENDPOINTS))
    def a_request_is_refused(self, code, on):
        self.double.faults.add("refused", on, code=code)

    @rule(moments=st.integers(1, 50))
    def the_process_dies_soon(self, moments):
        self.pushing.played.die_in(moments)

    @rule(seconds=st.sampled_from([10, 70, 120, 360]))
    def a_creation_is_carried_out_long_after_its_connection_was_lost(self, seconds):
        self.double.faults.planned.insert(0, PlannedFault(Trouble.DROP_BEFORE, "POST /3/invoices"))
        posts = len(self.double.requests)
        self.push()
        for request, status in zip(
            self.double.requests[posts:], self.double.statuses[posts:], strict=True
        ):
            if (request.method, request.path, status) == ("POST", "/3/invoices", 0):
                at = self.pushing.played.seconds + seconds
                self.late.append((at, json.loads(request.body, parse_float=Decimal)["Invoice"]))
                break
        self.double.faults.planned = [
            fault for fault in self.double.faults.planned if fault.trouble != Trouble.DROP_BEFORE
        ]

    def arrive(self):
        """What was under way inside Fortnox for long enough is there now."""
        now = self.pushing.played.seconds
        for at, sent in self.late:
            if at <= now:
                self.double.books.create(sent)
        self.late = [(at, sent) for at, sent in self.late if at > now]

    @rule()
    def push(self):
        self.arrive()
        self.pushing.push()

    @rule(seconds=st.sampled_from([1, 14, 15, 60, 300, 1800, 3600]))
    def time_passes(self, seconds):
        self.pushing.played.seconds += seconds
        self.push()

    @rule()
    def an_operator_pushes_what_waits(self):
        from daemon.store.money import invoices

        with self.store.writing() as tx:
            invoices.hurry(tx)
        self.push()

    @rule(key=st.sampled_from(["AVT-acme-2026-11x", "AVT-acme-2026-1", "avt-beta-2026-11"]))
    def somebody_else_makes_an_invoice(self, key):
        made = self.double.add_invoice("1003", ExternalInvoiceReference1=key)
        self.foreign.append(dict(made))

    @invariant()
    def no_statement_ever_has_two_invoices(self):
        for reference in self.pushing.references():
            assert len(self.pushing.of(reference)) <= 1

    @invariant()
    def nothing_is_booked_sent_or_changed(self):
        assert self.double.violations == []

    def teardown(self):
        try:
            self.pushing.settle(self.arrive)
            self.pushing.assert_exactly_once()
            for made in self.foreign:
                assert made in self.double.invoices
            assert self.double.violations == []
        finally:
            self.pushing.end()
            self.double.stop()
            self.store.close()
            shutil.rmtree(self.folder)


QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def test_after_any_faults_and_kills_each_statement_has_exactly_one_invoice():
    """I1, I2, I5: over the real desk, store and client."""
    short = settings(max_examples=12, stateful_step_count=12, **QUIET)
    run_state_machine_as_test(Faults, settings=short)


@pytest.mark.long
def test_after_very_many_faults_and_kills_each_statement_has_exactly_one_invoice():
    """I1, the long form."""
    long = settings(max_examples=400, stateful_step_count=25, **QUIET)
    run_state_machine_as_test(Faults, settings=long)


CALLS = (*ENDPOINTS[:7], "GET /3/units", "GET /3/contracts")


def tried(trouble, on, **how):
    """One fault of one kind at one call, alone: twice in a row is once for each repetition."""
    machine = Faults()
    try:
        machine.double.faults.add(trouble, on, **how)
        machine.push()
        machine.no_statement_ever_has_two_invoices()
    finally:
        machine.teardown()


@pytest.mark.parametrize("trouble", PLAIN)
def test_any_fault_alone_at_a_creation_leaves_exactly_one_invoice(trouble):
    """I1."""
    tried(trouble, "POST /3/invoices")
    tried(trouble, "POST /3/invoices", times=3)


@pytest.mark.long
@pytest.mark.parametrize("on", CALLS)
@pytest.mark.parametrize("trouble", PLAIN)
def test_any_fault_alone_at_any_call_leaves_exactly_one_invoice(trouble, on):
    """I1: once, as often as a call is repeated, and as often as three invoices repeat it."""
    for times in (1, 4, 13):
        tried(trouble, on, times=times)


@pytest.mark.parametrize("moment", range(1, 64, 3))
def test_a_kill_at_any_moment_leaves_exactly_one_invoice(moment):
    """I1: before and after each request, before and after each commit."""
    for exact in range(moment, moment + 3):
        machine = Faults()
        try:
            machine.pushing.played.die_in(exact)
            machine.push()
            machine.no_statement_ever_has_two_invoices()
        finally:
            machine.teardown()
