"""Access: client credentials first, else rotation, and no secret ever shown (facts.md 2)."""

import datetime as dt
import logging
import threading
import traceback
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox.access.consent import consent_url, exchange_code
from integrations.fortnox.access.sealing import MemoryRecord, TokenStore, in_memory
from integrations.fortnox.access.token import ConsentError, NoAccessError, Token
from integrations.fortnox.pacing import EvenPacer

TOKEN = "POST /oauth-v1/token"


def token_requests(double):
    return [request for request in double.requests if request.path == "/oauth-v1/token"]


@pytest.fixture
def old_token(double, played):
    """What a consent left behind, an hour ago."""
    refresh = double.tokens.new_refresh()
    return Token("spent-access", played.now() - dt.timedelta(hours=1), 3600, refresh, 123456)


@pytest.fixture
def rotating(a_client, old_token):
    """A client that has only a refresh token, and its store."""
    store = in_memory(old_token)
    return a_client(store=store, tenant_id=None), store


def test_client_credentials_name_the_tenant_and_send_a_form(client, double):
    """facts.md 2.3."""
    assert client.company_information().tenant_id == 123456
    [request] = token_requests(double)
    assert request.body == b"grant_type=client_credentials"
    assert request.headers["TenantId"] == "123456"
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_token_is_used_for_45_minutes_and_then_renewed(client, double, played):
    """facts.md 2: 1 h of life."""
    for minutes, renewals in ((0, 1), (44, 1), (45.1, 2), (80, 2), (91, 3)):
        played.seconds = minutes * 60
        client.read("1")
        assert len(token_requests(double)) == renewals


def test_a_token_is_kept_for_the_next_process(a_client, double):
    store = in_memory()
    for _ in range(2):
        a_client(store=store).read("1")
    assert len(token_requests(double)) == 1


def test_two_threads_that_find_no_token_renew_once(a_client, double):
    """reliability.md 5: one renewer."""
    client = a_client(pacer=EvenPacer(spacing=0))
    double.faults.add("slow", TOKEN, seconds=0.1)
    threads = [threading.Thread(target=client.read, args=("1",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(token_requests(double)) == 1
    assert len(double.requests) == 6


def test_two_threads_whose_token_is_refused_renew_once(a_client, double):
    client = a_client(pacer=EvenPacer(spacing=0))
    client.read("1")
    double.tokens.access.clear()
    double.faults.add("slow", TOKEN, seconds=0.1)
    threads = [threading.Thread(target=client.read, args=("1",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(token_requests(double)) == 2


def test_a_refused_token_is_renewed_once_and_then_consent_is_asked_for(client, double, a_draft):
    double.faults.add("invalid-token", "POST /3/invoices", times=2)
    with pytest.raises(ConsentError, match="unauthorized") as caught:
        client.create(a_draft())
    assert caught.value.fault is Fault.ACCESS
    assert "avtald fortnox login" in caught.value.remedy
    assert len(token_requests(double)) == 2
    assert double.invoices == []


def test_a_withdrawn_consent_says_what_to_do(client, double):
    double.tokens.consented = False
    with pytest.raises(ConsentError) as caught:
        client.read("1")
    assert caught.value.fault is Fault.ACCESS
    assert "avtald fortnox login" in caught.value.remedy


def test_a_wrong_secret_names_the_keys_to_check(a_client):
    client = a_client(client_secret="not-it")
    with pytest.raises(NoAccessError, match="client_secret") as caught:
        client.read("1")
    assert "client_secret_file" in caught.value.remedy
    assert not isinstance(caught.value, ConsentError)


@pytest.mark.parametrize("trouble", ["500-before", "drop-before", "drop-after", "gateway", "429"])
def test_client_credentials_are_asked_for_again_after_a_fault(client, double, trouble):
    """Harmless: every answer is a new token."""
    double.faults.add(trouble, TOKEN)
    assert client.read("1") is None
    assert len(token_requests(double)) == 2


def test_an_unreadable_token_answer_is_temporary(client, double):
    double.faults.add("renamed-field", TOKEN, times=None, renamed=("access_token", "x"))
    with pytest.raises(AccountingError, match="oläsligt") as caught:
        client.read("1")
    assert caught.value.fault is Fault.TEMPORARY


def test_without_a_tenant_the_refresh_token_rotates(rotating, double, played):
    """facts.md 2.2: single use, a new one with every answer, stored."""
    client, store = rotating
    first = store.load().refresh
    client.read("1")
    second = store.load().refresh
    played.seconds += 50 * 60
    client.read("1")
    assert len({first, second, store.load().refresh}) == 3
    assert list(double.tokens.refresh) == [store.load().refresh]
    assert store.pending_since() is None


def test_a_refused_service_account_falls_back_to_the_refresh_token(a_client, double, old_token):
    store = in_memory(old_token)
    double.tokens.consented = False
    assert a_client(store=store).read("1") is None
    assert len(token_requests(double)) == 2
    assert store.load().refresh != old_token.refresh


@pytest.mark.parametrize("tenant", [777, None], ids=["another company's", "nobody knows whose"])
def test_a_kept_token_of_another_company_opens_no_books_i1(a_client, double, played, tenant):
    """The settings name a company: drafts never go to the one that was named before."""
    double.tokens.access["other"] = played.now() + dt.timedelta(hours=1)
    store = in_memory(Token("other", played.now(), 3600, "its-refresh-token", tenant))
    a_client(store=store).read("1")
    assert "Bearer other" not in [each.headers.get("Authorization") for each in double.requests]
    kept = store.load()
    assert (kept.tenant, kept.refresh) == (123456, None)


def test_the_refresh_token_of_another_company_is_no_fall_back(a_client, double, played):
    store = in_memory(Token("spent", played.now(), 3600, double.tokens.new_refresh(), 777))
    double.tokens.consented = False
    with pytest.raises(ConsentError):
        a_client(store=store).read("1")
    assert len(token_requests(double)) == 1


def test_a_rotated_token_is_still_of_the_same_company(rotating):
    client, store = rotating
    client.read("1")
    assert store.load().tenant == 123456


def test_client_credentials_leave_the_fall_back_unspent(a_client, old_token):
    store = in_memory(old_token)
    a_client(store=store).read("1")
    assert store.load().refresh == old_token.refresh


class CrashingStore(TokenStore):
    """Loses the first answer: the process dies between the answer and the store."""

    crashes = 1

    def save(self, token):
        if self.crashes:
            self.crashes -= 1
            raise SystemExit(9)
        super().save(token)


def test_a_token_lost_between_answer_and_store_asks_for_consent(a_client, double, old_token):
    """Issue 8, reliability.md 5: the old one is tried once, then a person must log in."""
    record = MemoryRecord()
    TokenStore(record, "key").save(old_token)
    store = CrashingStore(record, "key")
    with pytest.raises(SystemExit):
        a_client(store=store, tenant_id=None).read("1")
    assert store.pending_since() is not None
    after = a_client(store=store, tenant_id=None)
    with pytest.raises(ConsentError, match="gick förlorat") as caught:
        after.read("1")
    assert "avtald fortnox login" in caught.value.remedy
    asked = len(token_requests(double))
    with pytest.raises(ConsentError, match="inte godkänd"):
        after.read("1")
    assert len(token_requests(double)) == asked == 2


def test_a_rotation_that_never_reached_fortnox_costs_nothing(rotating, double):
    """reliability.md 5.3: the server may never have seen the request."""
    client, store = rotating
    double.faults.add("drop-before", TOKEN)
    assert client.read("1") is None
    assert store.pending_since() is None


def test_the_rotation_is_noted_before_it_is_sent(rotating, double):
    client, store = rotating
    noted = []

    class Watching(type(double.tokens)):
        __slots__ = ()

        def answer(self, headers, form):
            noted.append(store.pending_since())
            return super().answer(headers, form)

    double.tokens.__class__ = Watching
    client.read("1")
    assert len(noted) == 1
    assert noted[0] is not None


def test_consent_goes_through_a_service_account_and_its_code_is_exchanged(double, played):
    """facts.md 2.1: `avtald fortnox login`."""
    settings = double.settings(tenant_id=None)
    url = consent_url(settings, "http://127.0.0.1:9/callback", "state-1")
    query = parse_qs(urlsplit(url).query)
    assert query["account_type"] == ["service"]
    assert query["access_type"] == ["offline"]
    assert query["scope"][0].split()[:2] == ["invoice", "customer"]
    with httpx.Client(trust_env=False) as http:
        back = http.get(url).headers["Location"]
        answer = parse_qs(urlsplit(back).query)
        assert answer["state"] == ["state-1"]
        token = exchange_code(
            http, settings, answer["code"][0], "http://127.0.0.1:9/callback", played.now()
        )
        assert token.refresh in double.tokens.refresh
        with pytest.raises(ConsentError, match="Authorization code"):
            exchange_code(http, settings, answer["code"][0], "x", played.now())


def secrets_of(double, store):
    token = store.load()
    known = {double.tokens.client_secret, *double.tokens.access, *double.tokens.refresh}
    return known | ({token.access, token.refresh} if token else set()) - {None, ""}


@pytest.mark.parametrize("trouble", ["invalid-token", "500-after", "drop-after", "missing-scope"])
@pytest.mark.parametrize("endpoint", ["POST /3/invoices", TOKEN])
def test_no_secret_stands_in_any_error_or_log(
    a_client, double, a_draft, old_token, caplog, trouble, endpoint
):
    """S27, issue 8: never in a log, never in an error."""
    caplog.set_level(logging.DEBUG)
    store = in_memory(old_token)
    client = a_client(store=store, tenant_id=None)
    secrets = secrets_of(double, store)
    double.faults.add(trouble, endpoint, times=None)
    with pytest.raises(AccountingError) as caught:
        client.create(a_draft())
    told = "".join(traceback.format_exception(caught.value)) + caught.value.remedy + caplog.text
    told += repr((store.load(), double.settings(), caught.value))
    secrets |= secrets_of(double, store)
    assert len(secrets) >= 3
    assert [secret for secret in secrets if secret in told] == []
