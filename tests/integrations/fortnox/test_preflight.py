"""What would make drafts fail is told once per run, each with what mends it (I5, issue 8)."""

import dataclasses
import datetime as dt

import pytest

from daemon.domain.invoice import AccountingError, Fault


def told(client, *drafts):
    return [
        (found.customer_key, found.warning, found.message) for found in client.preflight(drafts)
    ]


def test_a_customer_that_fortnox_lacks_is_that_customers_problem(client, a_draft):
    """Issue 8: that one is held, the others are pushed."""
    missing = a_draft(key="gone", customer_name="Gone AB", accounting_number="4711")
    [problem] = client.preflight([a_draft(), missing])
    assert problem.customer_key == "gone"
    assert problem.message == "Kund 4711 (Gone AB) finns inte i Fortnox"
    assert "Lägg upp kunden" in problem.remedy
    assert not problem.warning


def test_an_inactive_customer_and_one_without_number_are_told(client, double, a_draft):
    """H6."""
    double.add_customer("1009", "Vilande AB", Active=False)
    drafts = a_draft(key="a", accounting_number="1009"), a_draft(key="b", accounting_number=None)
    problems = client.preflight(drafts)
    assert [problem.customer_key for problem in problems] == ["a", "b"]
    assert "inaktiv" in problems[0].message
    assert "saknar kundnummer" in problems[1].message


def test_a_number_that_only_resembles_a_customers_is_missing(client, a_draft):
    """facts.md 3.3: searches are substrings."""
    assert "100 (" in told(client, a_draft(accounting_number="100"))[0][2]


def test_missing_and_inactive_articles_name_their_setting(client, double, a_draft):
    del double.registers.articles["SUPPORT"]
    double.registers.articles["SUPPORTTIM"]["Active"] = False
    missing, inactive = client.preflight([a_draft(), a_draft(key="other")])
    assert (missing.customer_key, inactive.customer_key) == (None, None)
    assert "fee_article" in missing.remedy
    assert "SUPPORTTIM är inaktiv" in inactive.message


def test_an_article_that_no_draft_uses_is_not_asked_for(client, double, a_draft, a_row):
    del double.registers.articles["SUPPORTTIM"]
    assert told(client, a_draft(rows=(a_row(),))) == []


def test_a_missing_unit_is_told(client, double, a_draft):
    del double.registers.units["h"]
    assert told(client, a_draft()) == [(None, False, "Enheten h finns inte i Fortnox")]


@pytest.mark.parametrize(("locked", "problems"), [(None, 0), ("2026-11-29", 0), ("2026-11-30", 1)])
def test_a_locked_period_stops_drafts_dated_in_it(client, double, a_draft, locked, problems):
    double.registers.locked_until = locked
    assert len(told(client, a_draft())) == problems


def test_a_running_fortnox_contract_is_a_warning_for_drafts_with_a_fee(
    client, double, a_draft, a_row
):
    """facts.md 6: it would bill the same fee."""
    double.registers.add_contract("7", "1002")
    double.registers.add_contract("8", "1002", Status="FINISHED")
    only_hours = a_draft(key="hours", rows=(a_row("overage"),))
    [(key, warning, message)] = told(client, a_draft(), only_hours)
    assert (key, warning) == ("beta", True)
    assert "(7)" in message


def test_checks_without_right_are_warnings_and_the_others_go_on(client, double, a_draft):
    double.tokens.scopes.discard("settings")
    problems = client.preflight([a_draft()])
    assert [problem.warning for problem in problems] == [True, True]
    assert all("Kunde inte kontrollera" in problem.message for problem in problems)
    assert all("avtald fortnox login" in problem.remedy for problem in problems)


@pytest.mark.parametrize("scope", ["customer", "article"])
def test_a_right_that_every_invoice_needs_stops_the_run(client, double, a_draft, scope):
    """I5."""
    double.tokens.scopes.discard(scope)
    with pytest.raises(AccountingError) as caught:
        client.preflight([a_draft()])
    assert caught.value.fault is Fault.ACCESS


def test_a_lost_access_is_never_a_mere_warning(client, double, a_draft):
    double.faults.add("invalid-token", "GET /3/units", times=2)
    with pytest.raises(AccountingError) as caught:
        client.preflight([a_draft()])
    assert caught.value.fault is Fault.ACCESS


def test_a_big_register_costs_few_requests(client, double, a_draft):
    """Issue 8: at most 3 requests an invoice."""
    for number in range(2000, 3200):
        double.add_customer(str(number), f"Kund {number} AB")
    drafts = [
        dataclasses.replace(a_draft(key=f"k{number}"), accounting_number=str(number))
        for number in range(2000, 3200)
    ]
    assert told(client, *drafts) == []
    assert len(double.requests) == 1 + 3 + 2 + 3


def test_a_customer_with_several_months_is_told_once(client, double, a_draft):
    months = [a_draft(month=f"2026-{month}", accounting_number="4711") for month in (10, 11)]
    assert len(told(client, *months)) == 1
    double.registers.add_contract("7", "1002")
    assert len(told(client, a_draft(month="2026-10"), a_draft(month="2026-11"))) == 1


def test_preflight_asks_and_never_writes(client, double, a_draft):
    client.preflight([a_draft()])
    assert {request.method for request in double.requests[1:]} == {"GET"}
    assert double.invoices == []


def test_without_drafts_it_looks_for_what_every_draft_will_need(client, double):
    """`avtald check`: access, articles and units, before the first month closes."""
    assert told(client) == []
    del double.registers.articles["SUPPORTTIM"]
    del double.registers.units["st"]
    messages = [message for _, _, message in told(client)]
    assert messages == [
        "Artikel SUPPORTTIM finns inte i Fortnox",
        "Enheten st finns inte i Fortnox",
    ]
    double.tokens.consented = False
    double.tokens.access.clear()
    with pytest.raises(AccountingError) as caught:
        client.preflight([])
    assert caught.value.fault is Fault.ACCESS


def test_a_locked_period_concerns_one_draft_and_not_the_customer(client, double, a_draft):
    """I5: the next month of the same customer is open."""
    double.registers.locked_until = "2026-11-30"
    later = a_draft(month="2026-12", date=dt.date(2026, 12, 31))
    [problem] = client.preflight([a_draft(), later])
    assert problem.reference == "AVT-beta-2026-11"
