"""Whatever the network does, the client never creates twice and says what it knows (I1, I5)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox.double.faults import Trouble
from integrations.fortnox.lists import items
from integrations.fortnox.pacing import EvenPacer

CREATE = "POST /3/invoices"
SEARCH = "GET /3/invoices"
HARMLESS = ("429", "500-before", "500-after", "drop-before", "drop-after", "gateway", "slow")
UNCLEAR = (
    *("500-before", "500-after", "1000003-after", "drop-before", "drop-after"),
    *("gateway", "garbled-after"),
)
KEY = "AVT-beta-2026-11"


def posts(double):
    return sum(f"{request.method} {request.path}" == CREATE for request in double.requests)


@pytest.mark.parametrize("trouble", UNCLEAR)
def test_an_unclear_answer_to_a_creation_is_never_repeated(client, double, a_draft, trouble):
    """I1: look up, never repeat blindly."""
    double.faults.add(trouble, CREATE)
    with pytest.raises(AccountingError) as caught:
        client.create(a_draft())
    assert caught.value.fault is Fault.UNCLEAR
    assert posts(double) == 1
    carried_out = trouble.endswith("-after")
    assert [found.reference for found in client.find(KEY)] == [KEY] * carried_out


def test_a_creation_that_answers_too_late_is_unclear(a_client, double, a_draft):
    """I1, facts.md 3.4: the server may finish late."""
    client = a_client(timeout=0.2)
    client.find(KEY)
    double.faults.add("slow-after", CREATE, seconds=0.6)
    with pytest.raises(AccountingError, match="ReadTimeout") as caught:
        client.create(a_draft())
    assert caught.value.fault is Fault.UNCLEAR
    assert posts(double) == 1


@pytest.mark.parametrize("trouble", ["429", "invalid-token"])
def test_what_was_certainly_not_carried_out_is_repeated_at_once(client, double, a_draft, trouble):
    """facts.md 3.4: 429 and 401 come before the request is processed."""
    double.faults.add(trouble, CREATE)
    assert client.create(a_draft()).number == "1"
    assert posts(double) == 2
    assert len(double.invoices) == 1


def test_a_429_silences_the_client_for_at_least_five_seconds(client, double, a_draft, played):
    """facts.md 3.1."""
    client.find(KEY)
    before = played.seconds
    double.faults.add("429", CREATE)
    client.create(a_draft())
    assert played.seconds - before >= 5


def test_an_endless_429_ends_as_a_temporary_fault(client, double, a_draft):
    double.faults.add("429", CREATE, times=None)
    with pytest.raises(AccountingError, match="HTTP 429") as caught:
        client.create(a_draft())
    assert caught.value.fault is Fault.TEMPORARY
    assert double.invoices == []


def test_a_creation_is_not_sent_after_the_machine_slept(a_client, double, a_draft, played):
    """I1: another process may have taken over meanwhile; look-ups are harmless at any time."""

    class Asleep(EvenPacer):
        def wait_turn(self):
            super().wait_turn()
            played.seconds += 21 * 60

    client = a_client(pacer=Asleep(clock=played.ticks, sleep=played.sleep))
    assert list(client.find(KEY)) == []
    with pytest.raises(AccountingError) as caught:
        client.create(a_draft())
    assert caught.value.fault is Fault.TEMPORARY
    assert posts(double) == 0


def test_no_connection_at_all_is_temporary_and_repeated(client, double, a_draft, played):
    """I1: not a byte was sent."""
    client.find(KEY)
    double.stop()
    with pytest.raises(AccountingError, match="ingen förbindelse") as caught:
        client.create(a_draft())
    assert caught.value.fault is Fault.TEMPORARY
    assert {1, 2, 4} <= set(played.slept)


@pytest.mark.parametrize("trouble", HARMLESS)
def test_a_lookup_survives_every_single_fault(client, double, a_draft, trouble):
    client.create(a_draft())
    for endpoint in (SEARCH, "GET /3/invoices/*"):
        double.faults.add(trouble, endpoint)
    assert [found.number for found in client.find(KEY)] == ["1"]
    assert len(double.faults.struck) == 2


@pytest.mark.parametrize("trouble", ["500-before", "drop-before", "gateway", "garbled-after"])
def test_a_lookup_that_fails_is_not_absent(client, double, a_draft, trouble):
    """I1."""
    client.create(a_draft())
    double.faults.add(trouble, SEARCH, times=None)
    with pytest.raises(AccountingError) as caught:
        client.find(KEY)
    assert caught.value.fault is Fault.TEMPORARY


@pytest.mark.parametrize(
    ("endpoint", "field"),
    [
        (SEARCH, "Invoices"),
        (SEARCH, "ExternalInvoiceReference1"),
        (SEARCH, "DocumentNumber"),
        ("GET /3/invoices/*", "Invoice"),
        (SEARCH, "Cancelled"),
        ("GET /3/invoices/*", "Net"),
        ("GET /3/invoices/*", "Credit"),
        ("GET /3/invoices/*", "Cancelled"),
        ("GET /3/invoices/*", "ExternalInvoiceReference1"),
        ("GET /3/invoices/*", "DocumentNumber"),
        ("GET /3/invoices/*", "DeliveredQuantity"),
    ],
)
def test_a_renamed_field_in_a_lookup_is_an_alarm_and_not_absent(
    client, double, a_draft, endpoint, field
):
    """I1: an answer that we do not understand proves nothing."""
    client.create(a_draft())
    double.faults.add("renamed-field", endpoint, renamed=(field, "Nytt"))
    with pytest.raises(AccountingError, match="annan form") as caught:
        client.find(KEY)
    assert caught.value.fault is Fault.BUG


@pytest.mark.parametrize("field", ["Invoice", "DocumentNumber", "Net", "Price", "Booked"])
def test_a_renamed_field_in_a_creation_is_unclear(client, double, a_draft, field):
    """I1, I3: it was created; a look-up must tell."""
    double.faults.add("renamed-field", CREATE, renamed=(field, "Nytt"))
    with pytest.raises(AccountingError) as caught:
        client.create(a_draft())
    assert caught.value.fault is Fault.UNCLEAR
    assert len(double.invoices) == 1


def test_hits_that_a_page_leaves_out_are_not_absent():
    """I1: MetaInformation says 1, the list is empty."""
    answer = {"MetaInformation": {"@TotalResources": 1, "@TotalPages": 1}, "Invoices": []}
    with pytest.raises(AccountingError, match="0 av 1 poster"):
        list(items(lambda call: answer, "/3/invoices", "Invoices"))


def test_cancelled_invoices_and_credit_notes_are_not_found(client, double, a_draft):
    """I1, facts.md 3.4."""
    number = client.create(a_draft()).number
    double.books.credit(number)
    assert [found.number for found in client.find(KEY)] == [number]
    double.books.cancel(number)
    assert list(client.find(KEY)) == []


def test_two_live_invoices_of_one_key_are_both_told(client, double, a_draft):
    """I1: several hits are an alarm, never a choice."""
    client.create(a_draft())
    client.create(a_draft())
    assert [found.number for found in client.find(KEY)] == ["1", "2"]


@pytest.mark.parametrize(
    ("trouble", "more", "fault"),
    [
        ("missing-scope", {}, Fault.ACCESS),
        ("missing-licence", {}, Fault.ACCESS),
        ("refused", {"code": 2000433}, Fault.REFUSED),
        ("refused", {"code": 2001302}, Fault.REFUSED),
        ("refused", {"code": 2001304}, Fault.REFUSED),
        ("refused", {"code": 9999999}, Fault.REFUSED),
        ("refused", {"code": None}, Fault.REFUSED),
        ("refused", {"code": 2000359}, Fault.BUG),
        ("refused", {"code": 2001399}, Fault.BUG),
        ("refused", {"code": 1000029}, Fault.BUG),
        ("refused", {"code": 1000003}, Fault.UNCLEAR),
    ],
)
def test_a_refusal_is_classified_with_its_code_and_a_remedy(
    client, double, a_draft, trouble, more, fault
):
    """facts.md 5, I5: access stops the run, data stops one invoice, our bug is an alarm."""
    double.faults.add(trouble, CREATE, **more)
    with pytest.raises(AccountingError) as caught:
        client.create(a_draft())
    assert caught.value.fault is fault
    assert caught.value.remedy
    assert caught.value.code == more.get("code", caught.value.code)
    assert double.invoices == []


def test_a_missing_customer_is_that_customers_fault_alone(client, double, a_draft):
    """I5."""
    with pytest.raises(AccountingError, match="4711") as caught:
        client.create(a_draft(accounting_number="4711"))
    assert (caught.value.fault, caught.value.code) == (Fault.REFUSED, 2000433)
    assert "accounting_number" in caught.value.remedy
    assert client.create(a_draft(key="other")).number == "1"


def test_a_missing_entry_in_capitals_is_understood(client):
    """facts.md 5: 404 answers have another case."""
    assert client.read("57") is None


def test_an_attachment_without_right_or_licence_is_false_and_not_an_error(client, double, a_draft):
    """Issue 8: where the tenant has that right, else it goes with the mail."""
    number = client.create(a_draft()).number
    for scope in ("archive", "connectfile"):
        double.tokens.scopes.discard(scope)
        assert client.attach(number, "specifikation.pdf", b"%PDF") is False
        double.tokens.scopes.add(scope)
    double.faults.add("missing-licence", "POST /3/archive")
    assert client.attach(number, "specifikation.pdf", b"%PDF") is False
    assert double.books.attachments == []


def test_an_attachment_reaches_the_invoice_with_its_name_and_bytes(client, double, a_draft):
    number = client.create(a_draft()).number
    pdf = b"%PDF-1.7\r\n\x00\xff--boundary\r\n"
    assert client.attach(number, "specifikation åäö.pdf", pdf)
    [link] = double.books.attachments
    assert (link["entityId"], link["entityType"], link["includeOnSend"]) == (int(number), "F", True)
    assert double.books.uploads[link["fileId"]] == ("specifikation åäö.pdf", pdf)


def test_an_unclear_attachment_is_an_error_of_its_own(client, double, a_draft):
    number = client.create(a_draft()).number
    double.faults.add("drop-after", "POST /3/archive")
    with pytest.raises(AccountingError) as caught:
        client.attach(number, "specifikation.pdf", b"%PDF")
    assert caught.value.fault is Fault.UNCLEAR


# --- the procedure of facts.md 3.4, as the desk will follow it, against random faults ---

TROUBLES = st.sampled_from([None, *UNCLEAR, "429", "invalid-token", "missing-scope"])
ENDPOINTS = st.sampled_from([CREATE, SEARCH, "GET /3/invoices/*", "POST /oauth-v1/token", "*"])


class DeadlyPacer(EvenPacer):
    """Kills the process at some of its turns: right before a request, or right after the last."""

    def __init__(self, played, deaths):
        super().__init__(clock=played.ticks, sleep=played.sleep)
        self.deaths = deaths
        self.turns = 0

    def wait_turn(self):
        self.turns += 1
        if self.turns in self.deaths:
            raise SystemExit(9)
        super().wait_turn()


def push_until_known(new_client, draft, played):
    """Look up, create, and after anything unclear look up again before a repetition."""
    client = new_client()
    for _ in range(80):
        try:
            found = client.find(draft.reference)
            if not found:
                return client.create(draft)
            [only] = found
        except SystemExit:
            client = new_client()
        except AccountingError as error:
            if error.fault is Fault.UNCLEAR:
                played.sleep(15 + 60 + 300)
        else:
            return only
    raise AssertionError("the faults never ended")


def exactly_once(a_client, double, a_draft, played, plan, deaths):
    double.books.invoices.clear()
    double.faults.clear()
    foreign = dict(double.add_invoice("1001", ExternalInvoiceReference1=f"{KEY}-annan"))
    for endpoint, trouble in plan:
        double.faults.sequence(endpoint, trouble)
    draft = a_draft()
    pacer = DeadlyPacer(played, deaths)
    echo = push_until_known(lambda: a_client(pacer=pacer), draft, played)
    [ours] = [one for one in double.invoices if one["ExternalInvoiceReference1"] == KEY]
    assert (ours["Net"], ours["DocumentNumber"]) == (draft.net.kronor, echo.number)
    assert (echo.rows, echo.net) == (draft.rows, draft.net)
    assert double.invoices[0] == foreign


PLANS = st.lists(st.tuples(ENDPOINTS, TROUBLES), max_size=12)
DEATHS = st.sets(st.integers(1, 30), max_size=6)
QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(max_examples=25, **QUIET)
@given(plan=PLANS, deaths=DEATHS)
def test_after_any_faults_and_kills_there_is_exactly_one_invoice(
    a_client, double, a_draft, played, plan, deaths
):
    """I1: one statement, one invoice, right to the öre, none foreign touched."""
    exactly_once(a_client, double, a_draft, played, plan, deaths)


@pytest.mark.long
@settings(max_examples=1500, **QUIET)
@given(plan=PLANS, deaths=DEATHS)
def test_after_very_many_faults_and_kills_there_is_exactly_one_invoice(
    a_client, double, a_draft, played, plan, deaths
):
    """I1, the long form."""
    exactly_once(a_client, double, a_draft, played, plan, deaths)


def test_every_kind_of_trouble_is_tried_somewhere():
    tried = {*HARMLESS, *UNCLEAR, "slow-after", "invalid-token", "missing-scope"}
    tried |= {"missing-licence", "renamed-field", "refused"}
    assert tried == {str(trouble) for trouble in Trouble}
