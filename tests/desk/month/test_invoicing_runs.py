"""A run over what is due: its cost, what stops it, whom it tells, what stands beside (I1–I5)."""

import datetime as dt
import threading

import pytest

from daemon.app import accounting
from daemon.desk.month import pushing as pushed
from daemon.desk.month.pushing import access_is_back
from daemon.domain.document import Document, PdfError
from daemon.domain.invoice import AccountingError, Fault
from daemon.store import leases, token_records
from daemon.store.money import invoices
from daemon.store.schema import tables
from integrations.fortnox.access.sealing import TokenStore
from integrations.fortnox.access.token import Token
from integrations.fortnox.double.registers import seeded
from integrations.fortnox.double.server import FortnoxDouble
from tests.builders import REGISTER, a_desk, a_mail, instant, text_of
from tests.desk.month.pushing import START, Played, Pushing, close_november

CREATE, SEARCH = "POST /3/invoices", "GET /3/invoices"


@pytest.fixture
def played():
    return Played()


@pytest.fixture
def double(played):
    """Ends with the proof that nothing was booked, sent, printed or changed (I2, I4)."""
    with FortnoxDouble(clock=played.now, ticks=played.ticks) as running:
        yield running
    assert running.violations == []


@pytest.fixture
def pushing(desk, double, played):
    close_november(desk)
    made = Pushing(desk, double, played)
    yield made
    made.end()


def at(pushing, clock):
    """Let it be that time of 1 December, and push what is due."""
    pushing.played.seconds = (instant(f"2026-12-01 {clock}") - START).total_seconds()
    pushing.push()


def mails(pushing, address, words=""):
    pushing.desk.work(pushing.played.now().replace(microsecond=0))
    found = [text_of(raw) for raw in pushing.desk.mailer.to(address)]
    return [text for text in found if words in " ".join(text.split())]


def asked(double, path):
    return sum(f"{each.method} {each.path}" == path for each in double.requests)


# --- what it costs ----------------------------------------------------------------------------


def test_one_preflight_serves_all_that_is_due(pushing, double):
    """I5, issue 8: once per run."""
    pushing.push()
    assert asked(double, "GET /3/customers") == 1
    assert len([each for each in double.requests if each.path.startswith("/3/")]) <= 3 * 3 + 5
    pushing.assert_exactly_once()


def busiest(times, window=5.0):
    """The greatest number of starts in any closed window: counted from each start."""
    return max(
        sum(first <= other <= first + window for other in times[at : at + 60])
        for at, first in enumerate(times)
    )


def many(count):
    customer = """
[[customers]]
key = "kund-{0}"
name = "Kund {0} AB"
accounting_number = "{1}"
domains = ["kund-{0}.se"]
[[customers.agreements]]
plan = "attend"
from = 2026-11-01
"""
    numbers = range(count)
    return REGISTER + "".join(customer.format(each, 2000 + each) for each in numbers)


def pushed_in_a_row(store, tmp_path, count):
    """A month of so many customers, pushed by one process through the database's line."""
    played, registers = Played(), seeded()
    for each in range(count):
        registers.add_customer(str(2000 + each), f"Kund {each} AB")
    desk = a_desk(store, tmp_path, register=many(count))
    close_november(desk)
    with FortnoxDouble(registers=registers, clock=played.now, ticks=played.ticks) as double:
        pushing = Pushing(desk, double, played, shared_line=True)
        pushing.push()
        pushing.assert_exactly_once()
        pushing.end()
        assert 429 not in double.statuses
        return played, double


def holds_the_pace(played, double, count):
    """≤ 25 requests in any 5 s, ≤ 3 an invoice, time within 10 % of the limit's own bound."""
    assert busiest(double.times) <= 25
    assert len(double.requests) <= 3 * count
    assert played.seconds <= 1.1 * (len(double.requests) / 25 * 5)
    first_pages = [
        each
        for each in double.requests
        if each.path == "/3/customers" and each.query.get("page") == "1"
    ]
    assert len(first_pages) == 1  # one preflight for all


def test_sixty_statements_keep_the_pace_of_the_limit(store, tmp_path):
    """Issue 8, in short."""
    holds_the_pace(*pushed_in_a_row(store, tmp_path, 60), 63)


@pytest.mark.long
def test_five_hundred_statements_keep_the_pace_of_the_limit(store, tmp_path):
    """Issue 8."""
    holds_the_pace(*pushed_in_a_row(store, tmp_path, 500), 503)


# --- what stops one, and what stops all -------------------------------------------------------


def test_a_customer_missing_in_fortnox_is_held_and_told_and_the_others_are_pushed(pushing, double):
    """I5, issue 8; and it is pushed by itself once somebody has mended it."""
    del double.registers.customers["1002"]
    at(pushing, "06:00")
    assert pushing.states() == {"acme": "pushed", "beta": "fault", "delta": "pushed"}
    pushing.desk.close(pushing.played.now().replace(microsecond=0), pushing.client)
    pushing.push()
    [told] = mails(pushing, "ekonomi@example.se", "finns inte i Fortnox")
    assert "Lägg upp kunden i Fortnox" in " ".join(told.split())
    double.add_customer("1002", "Beta AB")
    at(pushing, "06:40")
    assert pushing.states()["beta"] == "fault"
    at(pushing, "07:05")
    pushing.assert_exactly_once()
    assert len(mails(pushing, "ekonomi@example.se", "finns inte i Fortnox")) == 1


def test_a_locked_month_stops_only_its_own_invoices(pushing, double, desk):
    """I5: a problem of one draft is not one of its customer's other months."""
    double.registers.locked_until = "2026-11-30"
    pushing.push()
    assert set(pushing.states().values()) == {"fault"}
    assert "låst" in _faults(pushing)["AVT-acme-2026-11"]
    desk.close("2027-01-01 06:00", pushing.client)
    with desk.desk.store.reading() as tx:
        made = {each.reference: each.state for each in invoices.listing(tx)}
    assert (made["AVT-acme-2026-12"], made["AVT-acme-2026-11"]) == ("pushed", "fault")


def _faults(pushing):
    with pushing.desk.desk.store.reading() as tx:
        return {each.reference: each.fault for each in invoices.listing(tx)}


def test_lost_access_is_told_once_to_finance_and_operators_and_tickets_go_on(pushing, double):
    """I5."""
    double.tokens.consented = False
    for clock in ("06:00", "06:30", "07:00", "12:00"):
        at(pushing, clock)
    assert set(pushing.states().values()) == {"waiting"}
    for address in ("ekonomi@example.se", "drift@example.se"):
        assert len(mails(pushing, address, "avtald fortnox login")) == 1
    pushing.desk.get(a_mail(subject="Ny fråga", text="Hej igen"), "2026-12-01 12:01")
    assert "Ny fråga" in text_of(pushing.desk.mailer.to("bo@acme.se")[-1])
    double.tokens.consented = True
    at(pushing, "12:31")
    pushing.assert_exactly_once()


def test_access_lost_between_preflight_and_creation_stops_the_run_and_is_told_once(pushing, double):
    """I5: also where every preflight goes well."""
    double.faults.add("missing-licence", CREATE, times=None)
    for clock in ("06:00", "06:31", "07:02", "07:33"):
        at(pushing, clock)
    assert asked(double, CREATE) == 4  # one each run: the first stops it
    assert len(mails(pushing, "drift@example.se", "licens")) == 1
    double.faults.clear()
    at(pushing, "08:04")
    pushing.assert_exactly_once()


def test_a_fortnox_that_is_down_is_not_asked_for_every_invoice(pushing, double):
    """I5: a passing fault stops the run for five minutes, and nobody is told."""
    double.faults.add("gateway", "GET *", times=None)
    before = len(double.requests)
    at(pushing, "06:00")
    assert len(double.requests) - before <= 5
    assert mails(pushing, "drift@example.se") == []
    double.faults.clear()
    at(pushing, "06:06")
    pushing.assert_exactly_once()


def test_three_unclear_answers_in_a_row_are_enough_for_a_while(store, tmp_path, double, played):
    """I1: what times out for everybody is not tried for everybody."""
    desk = a_desk(store, tmp_path, register=many(5))
    for each in range(5):
        double.add_customer(str(2000 + each), f"Kund {each} AB")
    close_november(desk)
    pushing = Pushing(desk, double, played)
    double.faults.add("drop-before", CREATE, times=None)
    at(pushing, "06:00")
    assert asked(double, CREATE) == 3
    double.faults.clear()
    pushing.settle()
    pushing.assert_exactly_once()
    pushing.end()


# --- what is unclear --------------------------------------------------------------------------


def test_an_unreadable_look_up_never_makes_an_unclear_invoice_look_unsent(pushing, double):
    """I1: not even when an operator pushes again; all three look-ups are made anew."""
    double.faults.add("drop-before", CREATE)
    at(pushing, "06:00:00")
    double.faults.add("renamed-field", SEARCH, renamed=("Invoices", "Nytt"))
    at(pushing, "06:00:16")
    assert pushing.states()["acme"] == "fault"
    with pushing.desk.desk.store.writing() as tx:
        invoices.hurry(tx)
    for clock in ("06:01:00", "06:02:05"):
        at(pushing, clock)
        assert pushing.posts("AVT-acme-2026-11") == 1
    late = {"CustomerNumber": "1001", "ExternalInvoiceReference1": "AVT-acme-2026-11"}
    double.books.create({**late, "InvoiceRows": []})  # it was under way all the time
    at(pushing, "06:08:00")
    assert pushing.posts("AVT-acme-2026-11") == 1
    assert len(pushing.of("AVT-acme-2026-11")) == 1


def test_against_a_real_fortnox_played_time_proves_nothing(pushing, double, monkeypatch):
    """I1: with `tick --now` hours pass at once; the server may still be busy with the request."""
    monkeypatch.setattr(pushed, "LOOKUPS", (dt.timedelta(seconds=2),) * 3)
    pushing.start()
    pushing.run._real_time = True
    pushing.client._transport._timeouts[False] = 0.2
    double.faults.add("slow", CREATE, seconds=3)  # lost after 0.2 s, carried out after 3 s
    for _ in range(54):  # minutes that pass in 8 s
        pushing.played.seconds += 60
        pushing.push()
        threading.Event().wait(0.15)
    pushing.assert_exactly_once()


def test_a_process_that_lost_its_claim_while_looking_up_creates_nothing(pushing, double):
    """I1: a slow look-up outlives its lease; somebody else has gone on."""
    pushing.start()
    find = pushing.client.find

    def slow(reference):
        found = find(reference)
        if reference == "AVT-acme-2026-11":
            with pushing.desk.desk.store.writing() as tx:
                mine = tables.invoices.c.reference == reference
                other = {"lease_owner": "elsewhere:1:1"} | {"lease_until": leases.wall()}
                tx.execute(tables.invoices.update().where(mine).values(other))
        return found

    pushing.client.find = slow
    pushing.push()
    assert pushing.posts("AVT-acme-2026-11") == 0
    assert pushing.states() == {"acme": "waiting", "beta": "pushed", "delta": "pushed"}


def test_an_intent_outlasts_the_slowest_creation(pushing):
    """I1: nobody takes over while a request of 120 s, tried four times, is out."""
    pushing.start()
    held = []
    create = pushing.client.create

    def watched(draft):
        with pushing.desk.desk.store.reading() as tx:
            row = tx.execute(
                tables.invoices.select().where(tables.invoices.c.reference == draft.reference)
            ).one()
        held.append((row.state, row.lease_until - leases.wall()))
        return create(draft)

    pushing.client.create = watched
    pushing.push()
    assert all(state == "intent" and left > dt.timedelta(minutes=20) for state, left in held)
    assert len(held) == 3


def test_whatever_a_creation_raises_it_is_unclear(pushing):
    """I1: a fault of our own is no proof that nothing was sent."""
    pushing.start()
    create = pushing.client.create

    def broken(draft):
        create(draft)
        raise RuntimeError("ours")

    pushing.client.create = broken
    with pytest.raises(RuntimeError):
        pushing.push()
    assert pushing.states()["acme"] == "unclear"
    del pushing.client.create
    pushing.settle()
    pushing.assert_exactly_once()


# --- the token --------------------------------------------------------------------------------


def test_a_token_lost_between_answer_and_store_needs_consent_and_tickets_go_on(pushing, double):
    """Issue 8: the old refresh token is spent, the new one was never stored."""
    store = pushing.desk.desk.store
    pushing.start()
    sealed = pushing.client._transport._tokens._store
    pushing.client._transport._settings = pushing.client._transport._tokens._settings = (
        double.settings(tenant_id=None)
    )
    assert isinstance(sealed, TokenStore)
    old = Token("spent", START - dt.timedelta(hours=2), 3600, double.tokens.new_refresh())
    sealed.save(old)
    double.faults.add("drop-after", "POST /oauth-v1/token")
    at(pushing, "06:00")
    for clock in ("06:31", "07:02", "07:33"):
        at(pushing, clock)
    with store.reading() as tx:
        assert token_records.state(tx, "fortnox") == token_records.NEEDS_CONSENT
    for address in ("ekonomi@example.se", "drift@example.se"):
        assert len(mails(pushing, address, "avtald fortnox login")) == 1
    pushing.desk.get(a_mail(subject="Ny fråga", text="Hej igen"), "2026-12-01 08:00")
    assert "Ny fråga" in text_of(pushing.desk.mailer.to("bo@acme.se")[-1])
    sealed.save(Token("new", START, 3600, double.tokens.new_refresh()))  # somebody has consented
    with store.writing() as tx:
        assert token_records.state(tx, "fortnox") == token_records.OK
        access_is_back(tx, START)
    at(pushing, "08:01")
    pushing.assert_exactly_once()


# --- the specification ------------------------------------------------------------------------


def specification(statement_id):
    return Document(f"specifikation-{statement_id}.pdf", "application/pdf", b"%PDF-1.7 timmar")


def attaching(pushing):
    pushing.start()
    pushing.run._specification = specification
    return pushing


def test_the_specification_stands_beside_each_invoice_once(pushing, double):
    attaching(pushing).push()
    pushing.push()
    linked = sorted(each["entityId"] for each in double.books.attachments)
    assert linked == sorted(int(each["DocumentNumber"]) for each in double.invoices)
    assert {pdf for _, pdf in double.books.uploads.values()} == {b"%PDF-1.7 timmar"}


def test_one_that_cannot_be_printed_or_says_nothing_stops_nothing(pushing, double):
    def unprintable(statement_id):
        if statement_id != 1:
            raise PdfError("broken")

    attaching(pushing).run._specification = unprintable
    pushing.push()
    assert double.books.attachments == []
    pushing.assert_exactly_once()


def test_the_desk_s_own_push_attaches_the_hours_as_pdf(pushing, double):
    """H2: not where no time was worked: there is nothing to tell."""
    pushing.start()
    pushing.run = accounting.push_of(pushing.desk.desk, pushing.client)
    pushing.push()
    names = sorted(name for name, _ in double.books.uploads.values())
    assert names == ["specification-2026-11-delta.pdf", "specifikation-2026-11-beta.pdf"]
    assert all(pdf.startswith(b"%PDF") for _, pdf in double.books.uploads.values())


def test_without_the_right_it_is_asked_for_once_and_goes_with_the_mail(pushing, double):
    double.tokens.scopes.discard("archive")
    attaching(pushing).push()
    assert asked(double, "POST /3/archive") == 1
    pushing.assert_exactly_once()
    pushing.played.seconds += 7200
    pushing.push()
    assert asked(double, "POST /3/archive") == 1


def test_an_attachment_whose_answer_was_lost_is_not_made_twice(pushing, double):
    double.faults.add("drop-after", "POST /api/*")
    attaching(pushing).push()
    pushing.played.seconds += 600
    pushing.push()
    assert len(double.books.attachments) == 3


# --- the end ----------------------------------------------------------------------------------


def test_a_stop_ends_a_sleeping_client_at_once_and_creates_nothing_after():
    """R29: SIGTERM while a client waits for its turn."""
    from integrations.fortnox.pacing import EvenPacer, Waits

    waits = Waits()
    pacer = EvenPacer(sleep=waits.sleep)
    pacer.wait_turn()
    pacer.hold_off(60)
    ended = []

    def wait():
        with pytest.raises(AccountingError) as caught:
            pacer.wait_turn()
        ended.append(caught.value.fault)

    thread = threading.Thread(target=wait)
    thread.start()
    waits.stop()
    thread.join(5)
    assert ended == [Fault.TEMPORARY]
