"""`avtald fortnox`, `avtald invoices` and the accounting part of `avtald check` (I1, I4, I5)."""

import json
import threading
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from daemon.app import desks
from daemon.store.schema import tables
from integrations.fortnox.double.server import FortnoxDouble
from tests.builders import REGISTER

TABLE = """
[accounting]
kind = "fortnox"
finance = ["ekonomi@example.se"]
first_month = "2026-10"
[accounting.fortnox]
api_url = "{told.api_url}"
auth_url = "{told.auth_url}"
token_url = "{told.token_url}"
client_id = "{told.client_id}"
client_secret_file = "fortnox-client-secret"
invoice_link = "https://books/{{number}}"
"""


@pytest.fixture
def double():
    with FortnoxDouble() as running:
        yield running
    assert running.violations == []


@pytest.fixture
def desk(folder, double):
    """A desk that has a tenant's number, and a register."""
    return a_desk_of(folder, double, f"tenant_id = {double.tokens.tenant_id}\n")


@pytest.fixture
def without_tenant(folder, double):
    return a_desk_of(folder, double, "")


def a_desk_of(folder, double, more):
    file = folder / "avtald.toml"
    told = double.settings()
    before = file.read_text("utf-8").partition("[accounting]")[0]
    file.write_text(before + TABLE.format(told=told) + more, encoding="utf-8")
    secret = folder / "fortnox-client-secret"
    secret.touch(mode=0o600)
    secret.write_text(told.client_secret)
    (folder / "register.toml").write_text(REGISTER, encoding="utf-8")
    return folder


def consented(double, url):
    """The administrator opens the address and says yes: where the browser is sent back to."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    return double.tokens.consent(query).headers["Location"]


# --- login ------------------------------------------------------------------------------------


def test_a_login_comes_back_on_loopback_and_keeps_a_sealed_token(
    without_tenant, avtald, double, monkeypatch
):
    from daemon.cli import fortnox

    answer = fortnox._answer

    def browser(asked, port, say, **how):
        url = consented(double, asked.url)
        opened = threading.Timer(0.2, lambda: urllib.request.urlopen(url).close())
        opened.start()
        return answer(asked, port, say, **how)

    monkeypatch.setattr(fortnox, "_answer", browser)
    ended = avtald("fortnox", "login")
    assert ended.code == 0, ended.err
    assert "account_type=service" in ended.out
    assert f"tenant_id = {double.tokens.tenant_id}" in ended.out
    with desks.opened() as opened, opened.store.reading() as tx:
        row = tx.execute(tables.tokens.select()).one()
    assert row.state == "ok"
    for secret in (*double.tokens.access, *double.tokens.refresh):
        assert secret.encode() not in row.secret
        assert secret not in ended.out + ended.err
    assert avtald("fortnox", "check").code == 0


def pasting(monkeypatch, double, change=lambda address: address):
    """Answers the prompt with what the administrator's browser shows."""
    import click

    shown = []
    echo = click.echo
    monkeypatch.setattr(
        click, "echo", lambda text="", **how: (shown.append(text), echo(text, **how))
    )

    def prompt(_text):
        url = next(text for text in shown if "oauth" in str(text))
        return change(consented(double, url))

    monkeypatch.setattr(click, "prompt", prompt)


def test_a_pasted_address_does_as_well(without_tenant, avtald, double, monkeypatch):
    pasting(monkeypatch, double)
    ended = avtald("fortnox", "login", "--paste")
    assert ended.code == 0, ended.err
    assert "Exempel Support AB" in ended.out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda address: address.replace("state=", "state=x"), "annan inloggning"),
        (lambda address: "http://127.0.0.1/callback?error=access_denied", "access_denied"),
        (lambda address: "http://127.0.0.1/callback", "ingen kod"),
        (lambda address: "0123", "nekades"),
    ],
    ids=["foreign state", "denied", "unpaid account", "wrong code"],
)
def test_an_answer_without_consent_changes_nothing(
    without_tenant, avtald, double, monkeypatch, change, says
):
    pasting(monkeypatch, double, change)
    ended = avtald("fortnox", "login", "--paste")
    assert ended.code == 1
    assert says in ended.err
    with desks.opened() as opened, opened.store.reading() as tx:
        assert tx.execute(tables.tokens.select()).all() == []


def test_a_login_says_how_finance_gets_links_to_the_drafts_h7(
    without_tenant, avtald, double, monkeypatch
):
    """Nothing in Fortnox tells where a person opens an invoice."""
    pasting(monkeypatch, double)
    assert "invoice_link" not in avtald("fortnox", "login", "--paste").out
    file = without_tenant / "avtald.toml"
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join(each for each in lines if "invoice_link" not in each) + "\n", "utf-8")
    pasting(monkeypatch, double)
    assert "invoice_link" in avtald("fortnox", "login", "--paste").out


def test_the_books_of_another_company_are_refused(desk, avtald, double, monkeypatch):
    pasting(monkeypatch, double)
    double.tokens.tenant_id = 999
    ended = avtald("fortnox", "login", "--paste")
    assert ended.code == 1
    assert "tenant_id 999, inte 123456" in ended.err


def test_a_login_for_files_is_wrong_usage(folder, avtald):
    assert avtald("fortnox", "login").code == 2


# --- check ------------------------------------------------------------------------------------


def test_access_that_works_is_shown_with_its_company(desk, avtald, double):
    ended = avtald("fortnox", "check", "--json")
    assert ended.code == 0
    shown = json.loads(ended.out)
    assert (shown["company"], shown["tenant_id"], shown["problems"]) == (
        "Exempel Support AB",
        123456,
        [],
    )
    assert double.invoices == []


def test_what_every_draft_will_need_is_looked_for(desk, avtald, double):
    del double.registers.articles["SUPPORT"]
    ended = avtald("fortnox", "check")
    assert ended.code == 1
    assert "Artikel SUPPORT finns inte" in ended.out
    assert "fee_article" in ended.out


def test_a_missing_consent_says_how_to_mend_it(desk, avtald, double):
    double.tokens.consented = False
    ended = avtald("fortnox", "check")
    assert ended.code == 1
    assert "avtald fortnox login" in ended.out


def test_avtald_check_asks_fortnox_too(desk, avtald, double):
    found = json.loads(avtald("check", "--json").out)
    [accounting] = [each for each in found if each["area"] == "accounting"]
    assert accounting["status"] == "ok"
    double.tokens.consented = False
    double.tokens.access.clear()
    found = json.loads(avtald("check", "--json").out)
    [accounting] = [each for each in found if each["area"] == "accounting"]
    assert accounting["status"] == "fault"
    assert "avtald fortnox login" in accounting["remedy"]


def test_processes_share_one_token(desk, avtald, double):
    """facts.md 2: the second command goes on with what the first one stored."""
    for _ in range(3):
        avtald("fortnox", "check")
    assert double.tokens.issued == 1


# --- invoices ---------------------------------------------------------------------------------


@pytest.fixture
def pushed(desk, avtald):
    avtald("import", "register.toml", "--now", "2026-10-01T08:00:00+02:00")
    assert avtald("tick", "--now", "2026-11-01T06:00:00+01:00").code == 0
    return avtald


def listed(avtald):
    return {each["reference"]: each for each in json.loads(avtald("invoices", "--json").out)}


def test_invoices_are_listed_with_number_and_link(pushed, double):
    [shown] = listed(pushed).values()
    assert (shown["state"], shown["number"]) == ("pushed", "1")
    assert shown["link"] == "https://books/1"
    assert "utkast" in pushed("invoices").out


@pytest.mark.parametrize(
    ("act", "word", "key"),
    [
        (lambda books: books.book("1"), "bokförd", "booked"),
        (lambda books: books.send("1"), "skickad", "sent"),
        (lambda books: books.cancel("1"), "makulerad", "cancelled"),
        (lambda books: books.credit("1"), "krediterad", "credited_by"),
        (lambda books: books.remove("1"), "borttagen", "removed"),
    ],
    ids=["booked", "sent", "cancelled", "credited", "removed"],
)
def test_what_became_of_an_invoice_is_shown_after_the_daily_look(pushed, double, act, word, key):
    """I4."""
    act(double.books)
    for day in ("02", "03"):
        pushed("tick", "--now", f"2026-11-{day}T05:00:00+01:00")
    assert word in pushed("invoices").out
    [shown] = listed(pushed).values()
    assert shown[key]
    assert shown["state"] == "pushed"


def test_push_tries_again_what_a_fault_stopped_and_says_what_is_left(desk, avtald, double):
    """I5."""
    customer = double.registers.customers.pop("1001")
    avtald("import", "register.toml", "--now", "2026-10-01T08:00:00+02:00")
    avtald("tick", "--now", "2026-11-01T06:00:00+01:00")
    ended = avtald("invoices", "push", "--now", "2026-11-01T06:01:00+01:00")
    assert ended.code == 1
    assert "AVT-acme-2026-10: fel" in ended.out
    assert "Lägg upp kunden" in ended.out
    ended = avtald("invoices", "push", "--json", "--now", "2026-11-01T06:01:30+01:00")
    (left,) = json.loads(ended.out)
    assert (ended.code, left["reference"], left["state"]) == (1, "AVT-acme-2026-10", "fault")
    double.registers.customers["1001"] = customer
    ended = avtald("invoices", "push", "--now", "2026-11-01T06:02:00+01:00")
    assert (ended.code, ended.out.strip()) == (0, "allt är överfört")


def test_a_push_that_access_stops_says_why_and_how_to_mend_it(desk, avtald, double):
    """I5: nothing is wrong with the invoice itself, so it tells no fault of its own."""
    avtald("import", "register.toml", "--now", "2026-10-01T08:00:00+02:00")
    double.tokens.consented = False
    avtald("tick", "--now", "2026-11-01T06:00:00+01:00")
    ended = avtald("invoices", "push", "--now", "2026-11-01T06:01:00+01:00")
    assert (ended.code, ended.out.strip()) == (1, "AVT-acme-2026-10: väntar.")
    assert "avtald fortnox login" in ended.err
    double.tokens.consented = True
    double.faults.add("gateway", "GET /3/customers", times=None)
    ended = avtald("invoices", "push", "--now", "2026-11-01T06:02:00+01:00")
    assert ended.code == 75
    assert "502" in ended.err


def test_a_tick_looks_daily_by_itself(pushed, double):
    before = len(double.requests)
    pushed("tick", "--now", "2026-11-01T08:00:00+01:00")
    assert len(double.requests) == before
    pushed("tick", "--now", "2026-11-03T08:00:00+01:00")
    assert len(double.requests) > before
