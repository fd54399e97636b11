"""Random histories through the store: what months bill is what the naive model says (G, H)."""

import datetime as dt
import shutil
import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from daemon.desk.month import closing
from daemon.desk.upkeep import verify
from daemon.domain import time_bank
from daemon.domain.money import Money
from daemon.domain.periods import months_from
from daemon.domain.register import Agreement
from daemon.store.money import ledger, register, statements
from daemon.store.schema import tables
from daemon.store.session import open_store
from tests.builders import a_desk
from tests.domain.billing_histories import LAST, histories, naive_sums
from tests.servers import memory

SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
operators = ["drift@example.se"]
[accounting]
kind = "files"
finance = ["ekonomi@example.se"]
first_month = "{first}"
overage = "{overage}"
[[plans.none.prices]]
from = 2027-09-15
hourly_rate = "1019.95"
"""
REGISTER = (
    "".join(f'[[engineers]]\nname = "E {n}"\nemail = "e{n}@example.se"\n' for n in (1, 2))
    + '[[customers]]\nkey = "acme"\nname = "Acme"\n'
)


def at(day, hour=10):
    return dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC)


def book_all(tx, history):
    """Every entry, correction and adjustment, in the order in which they became known."""
    for number in (1, 2, 3):
        tx.execute(
            tables.tickets.insert().values(
                id=number,
                number=1000 + number,
                customer_id=1,
                subject="s",
                requester="a@acme.se",
                requester_name="",
                language="sv",
                priority=3,
                status="open",
                opened_at=at(dt.date(2027, 1, 1)),
            )
        )
    ids = {}
    for entry in sorted(history.entries, key=lambda each: each.received_at):
        ids[entry.id] = ledger.book(
            tx,
            customer_id=1,
            ticket_id=entry.ticket - 1000,
            person_id=entry.engineer,
            inbox_id=None,
            ordinal=entry.ordinal,
            worked_on=entry.worked_on,
            received_at=entry.received_at,
            visible_at=entry.received_at,
            actual=entry.actual,
            billable=entry.billable if entry.counts else 0,
            increment=entry.increment,
            counts=entry.counts,
            outside=entry.outside,
            cause="test",
        )
    for made, named, minutes, counts in history.corrected(dt.date.max):
        found = {each: ledger.bookings(tx, ledger.is_entry(ids[each]))[0] for each in sorted(named)}
        by_id = {each.entry.id: each for each in found.values()}
        taken = time_bank.correct([b.entry for b in by_id.values()], minutes, counts=counts)
        if isinstance(taken, time_bank.Refused):
            continue
        for each in taken:
            ledger.reverse(
                tx,
                by_id[each.entry],
                actual=each.actual,
                billable=each.billable,
                inbox_id=None,
                ordinal=1,
                visible_at=at(made),
                cause="test",
            )
    for known_on, each in history.adjustments:
        ledger.adjust(
            tx, 1, minutes=each.minutes, day=each.date, at=at(known_on), reason=each.reason
        )


def agree(tx, history, day):
    """The register as it stood at the beginning of a day."""
    for fact in history.versions:
        version = fact.as_of(day)
        if version is None:
            continue
        known = {each.id for each in register.versions_of(tx, 1)}
        if version.id not in known:
            tx.execute(
                tables.agreement_versions.insert().values(
                    id=version.id,
                    customer_id=1,
                    plan=version.terms.plan,
                    starts=version.starts,
                    until=version.until,
                    renews=version.renews,
                    terms=version.terms.to_json(),
                    overrides={},
                    withdrawn=version.withdrawn,
                )
            )
        register.keep_agreement(tx, 1, Agreement(version, {}))


def run(template, history, overage, *, late=False):
    """Close every month, each when it ends or all when everything is known; what was frozen."""
    starts = [fact.version.starts for fact in history.versions]
    assume(len(set(starts)) == len(starts))  # the register refuses two from the same day
    with tempfile.TemporaryDirectory(dir=memory()) as home:
        file = Path(home) / "avtald.db"
        shutil.copyfile(template, file)
        store = open_store(f"sqlite:///{file}")
        text = SETTINGS.format(first=history.first, overage=overage)
        desk = a_desk(store, Path(home), settings=text, register=REGISTER).desk
        with store.writing() as tx:
            book_all(tx, history)
        for month in months_from(history.first, LAST):
            with store.writing() as tx:
                agree(tx, history, LAST.end if late else month.end)
            now = at(LAST.end if late else month.end, 6)
            while closing.close_due_month(desk, now):
                pass
        with store.reading() as tx:
            assert verify.prove(tx).faults == []
            found = statements.listing(tx, customer_id=1)
            rows = {each.id: statements.rows_of(tx, each.id) for each in found}
        store.close()
    return found, rows


def billed(rows):
    fees, hours = defaultdict(int), defaultdict(Decimal)
    for row in (row for printed in rows.values() for row in printed):
        if row.kind == "fee":
            fees[row.period, row.version] += row.amount.ore
        elif row.kind == "overage":
            hours[row.period, row.rate.ore] += row.quantity
    return fees, hours


def check(history, found, rows):
    """The sums of all months are the model's, but for credits that no month had room for (H5)."""
    for each in found:
        assert each.net.ore == sum(row.amount.ore for row in rows[each.id] if row.amount)
        assert each.net.ore >= 0
    fees, hours = billed(rows)
    model_fees, model_hours = naive_sums(history)
    surplus = 0
    for key in {*fees, *model_fees}:
        surplus += fees.get(key, 0) - model_fees.get(key, 0)
    for key in {*hours, *model_hours}:
        more = hours.get(key, Decimal(0)) - model_hours.get(key, Decimal(0))
        assert more >= 0
        surplus += Money(key[1]).times(more).ore
    left = found[-1].left_out.ore if found else 0
    assert surplus == -left
    if not left:
        assert {key: each for key, each in fees.items() if each} == model_fees
        assert {key: each for key, each in hours.items() if each} == model_hours


SHORT = settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SHORT
@given(history=histories())
def test_all_months_together_bill_what_the_naive_model_says_H3(sqlite_template, history):
    check(history, *run(sqlite_template, history, "monthly"))


@SHORT
@given(history=histories())
def test_billing_at_the_end_of_bank_periods_bills_the_same_H3(sqlite_template, history):
    check(history, *run(sqlite_template, history, "bank-period"))


@SHORT
@given(history=histories())
def test_closing_late_bills_the_same_as_closing_each_month_H1(sqlite_template, history):
    check(history, *run(sqlite_template, history, "monthly", late=True))


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories())
def test_many_histories_bill_what_the_naive_model_says_H3(sqlite_template, history):
    for overage in ("monthly", "bank-period"):
        check(history, *run(sqlite_template, history, overage))
