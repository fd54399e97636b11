"""The first month, for every customer a close or an import asks about (H1)."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings

from daemon.desk.month import statement_facts
from daemon.desk.register import file as register_file
from daemon.desk.register import importing
from daemon.domain.agreement import BUILT_IN, Version, timeline
from daemon.domain.periods import Period, months_from
from daemon.domain.register import Agreement
from daemon.store.money import ledger, register
from daemon.store.schema import money_tables, tables
from tests.builders import REGISTER, SETTINGS, a_desk, instant
from tests.desk.month.test_closing import Books, frozen
from tests.domain import naive_billing
from tests.domain.billing_histories import Beginning, beginnings

LATER = instant("2027-04-15 09:00")
WITHDRAWN_ONLY = Beginning(None, None, ((dt.date(2026, 2, 1), True),), (), ())
EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def write(tx, customer, facts):
    """Write a customer's agreements, work and frozen months straight into the tables."""
    terms = BUILT_IN["attend"].terms
    for starts, withdrawn in facts.agreed:
        version = Version(0, customer.key, starts, None, True, terms, withdrawn)
        register.keep_agreement(tx, customer.id, Agreement(version, {}))
    for ordinal, day in enumerate(facts.worked):
        ledger.book(
            tx,
            customer_id=customer.id,
            ticket_id=None,
            person_id=None,
            inbox_id=None,
            ordinal=ordinal,
            worked_on=day,
            received_at=LATER,
            visible_at=LATER,
            actual=30,
            billable=30,
            increment=1,
            counts=True,
            outside=False,
            cause="test",
        )
    for month in facts.billed:
        tx.execute(
            money_tables.statements.insert().values(
                customer_id=customer.id,
                month=str(month),
                reference=f"AVT-{customer.key}-{month}",
                frozen_at=LATER,
                cut_at=LATER,
                net_ore=0,
                hash="",
            )
        )


def with_settings(desk, facts):
    accounting = replace(desk.settings.accounting, first_month=facts.setting)
    table = replace(desk.settings.desk, go_live=facts.go_live)
    return replace(desk, settings=replace(desk.settings, accounting=accounting, desk=table))


def naive_past_months(facts, versions):
    """The months up to March 2027 that an agreement covers, from the first month on."""
    first = naive_billing.first_month(facts)
    if first is None:
        return []
    spans = timeline(versions)
    months = months_from(Period.parse(first), Period.parse("2027-03"))
    return [
        str(month) for month in months if any(month.covered(span.start, span.end) for span in spans)
    ]


@EXAMPLES
@example(facts=WITHDRAWN_ONLY)
@given(facts=beginnings())
def test_closing_begins_with_the_naive_models_month_H1(desk, facts):
    asked = with_settings(desk.desk, facts)
    with desk.desk.store.writing() as tx:
        delta = register.customer_by_key(tx, "delta")
        write(tx, delta, facts)
        month = statement_facts.first_month_of(tx, asked, delta)
        loaded = statement_facts.load_facts(tx, asked, [delta], LATER)[delta.id]
        tx.rollback()
    assert (month and str(month)) == naive_billing.first_month(facts)
    assert loaded.first == month


@EXAMPLES
@given(facts=beginnings())
def test_an_import_counts_past_months_from_the_naive_models_month_H1(desk, facts):
    facts = replace(facts, worked=(), billed=())
    asked = with_settings(desk.desk, facts)
    with desk.desk.store.writing() as tx:
        tx.execute(tables.agreement_versions.delete())
        delta = register.customer_by_key(tx, "delta")
        write(tx, delta, facts)
        past = importing.past_months(tx, register.load(tx), asked.settings, asked.calendar, LATER)
        versions = register.versions_of(tx, delta.id)
        tx.rollback()
    assert [str(month) for month in past.months] == naive_past_months(facts, versions)


@pytest.mark.parametrize("instead", ["[]", '[{ plan = "attend", from = 2027-06-01 }]'])
def test_an_agreement_taken_back_after_its_bill_is_credited_at_the_next_close_H1_H3(
    store, tmp_path, instead
):
    """Without `first_month` and `go_live`: a billed month is never before the first month."""
    text = SETTINGS.replace('first_month = "2026-11"', "")
    beta = REGISTER[REGISTER.index('[[customers]]\nkey = "beta"') :]
    desk, books = a_desk(store, tmp_path, settings=text, register=beta), Books()
    desk.close("2026-12-01 06:00", books)
    assert str(frozen(desk).net) == "3000.00"
    file = tmp_path / "later.toml"
    file.write_text(f'[[customers]]\nkey = "beta"\nagreements = {instead}\n', encoding="utf-8")
    with store.writing() as tx:
        read = register_file.read(file)
        asked = importing.plan(tx, str(file), read, desk.desk.settings)
        importing.apply(tx, asked, instant("2026-12-10 09:00"))
    desk.close("2027-01-01 06:00", books)
    december = frozen(desk, "2026-12")
    assert str(december.net + december.left_out) == "-3000.00"
