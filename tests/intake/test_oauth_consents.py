"""Refresh tokens that a provider replaces (RFC 6749 section 6) outlive the process, sealed."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from werkzeug import Response

from daemon.app import probes, steps
from daemon.app.consents import KeptConsent, access_token
from daemon.desk.context import Desk
from daemon.desk.upkeep.check import ProbeError
from daemon.domain.opening_hours import Calendar
from daemon.intake.oauth import CONSENT, AccessToken, Kept, SpentError
from daemon.settings import load
from daemon.settings.mail import Imap, OAuth2, Outgoing
from daemon.settings.values import Secret
from daemon.store.schema.tables import leases, tokens
from daemon.store.session import open_store
from tests.scripted_smtp import sink
from tests.servers import free_port


class Provider:
    """Takes each refresh token once, and gives another in its place; an access token is short."""

    def __init__(self, httpserver):
        self.url = httpserver.url_for("/token")
        self.taken = {"given-0"}
        self.rotates = True
        self.asked = []
        self._line = threading.Lock()
        httpserver.expect_request("/token", "POST").respond_with_handler(self.answer)

    def answer(self, request):
        form = {key: each[0] for key, each in parse_qs(request.get_data(as_text=True)).items()}
        refresh = form.get("refresh_token")
        with self._line:
            self.asked.append(refresh)
            if form["grant_type"] == "client_credentials":
                return said(200, access_token="ours", expires_in=1, refresh_token="not asked for")
            if refresh not in self.taken:
                words = f"the token {refresh} has expired"
                return said(400, error="invalid_grant", error_description=words)
            number = len(self.asked)
            if not self.rotates:
                return said(200, access_token=f"access-{number}", expires_in=1)
            self.taken.remove(refresh)
            self.taken.add(f"rotated-{number}")
            return said(
                200,
                access_token=f"access-{number}",
                expires_in=1,
                refresh_token=f"rotated-{number}",
            )


def said(status, **what):
    return Response(json.dumps(what), status, content_type="application/json")


@pytest.fixture
def provider(httpserver):
    return Provider(httpserver)


@pytest.fixture
def mailbox(provider, tmp_path):
    """A mailbox by that consent; it is out of reach, but its tokens are not."""

    def make(given="given-0", **changes):
        by = {
            "token_url": provider.url,
            "client_id": "us",
            "refresh_token_file": Secret(tmp_path / "oauth2-refresh-token", given),
        } | changes
        return Imap(
            host="127.0.0.1",
            port=free_port(),
            tls="none",
            username="support@example.se",
            auth="oauth2",
            oauth2=OAuth2(**by),
        )

    return make


def sealed(store):
    """Every record that is kept: its name, and what is in it."""
    with store.reading() as tx:
        return dict(tx.execute(select(tokens.c.name, tokens.c.secret)).all())


def test_what_the_provider_gave_in_a_tokens_place_outlives_a_restart(any_store, provider, mailbox):
    for number in (1, 2, 3):  # each a process of its own; the one in the file is taken once
        assert access_token(mailbox(), any_store)() == f"access-{number}"
    assert provider.asked == ["given-0", "rotated-1", "rotated-2"]


def test_the_new_one_is_kept_before_the_access_token_is_used(provider, mailbox):
    class Killed(Kept):
        def save(self, newest):
            raise KeyboardInterrupt(newest)

    token = AccessToken(mailbox().oauth2, Killed())
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt, match="rotated-1"):
            token()
        provider.taken.add("given-0")
        provider.asked.clear()


def test_a_new_consent_wins_over_what_was_kept_of_the_old(any_store, provider, mailbox):
    access_token(mailbox(), any_store)()
    provider.taken.add("given-anew")
    for _ in range(2):
        access_token(mailbox("given-anew"), any_store)()
    assert provider.asked == ["given-0", "given-anew", "rotated-2"]


def test_where_the_kept_one_is_refused_the_given_one_is_tried(store, provider, mailbox):
    access_token(mailbox(), store)()
    provider.taken = {"given-0"}
    assert access_token(mailbox(), store)() == "access-3"
    assert access_token(mailbox(), store)() == "access-4"
    assert provider.asked == ["given-0", "rotated-1", "given-0", "rotated-3"]


def test_a_given_one_that_lasts_takes_the_place_of_a_kept_one_that_is_refused(
    store, provider, mailbox
):
    access_token(mailbox(), store)()
    provider.taken, provider.rotates = {"given-0"}, False
    for _ in range(2):
        access_token(mailbox(), store)()
    assert provider.asked == ["given-0", "rotated-1", "given-0", "given-0"]


def test_where_both_are_refused_the_operator_is_told_what_to_do(store, provider, mailbox):
    access_token(mailbox(), store)()
    provider.taken.clear()
    with pytest.raises(SpentError) as caught:
        access_token(mailbox(), store)()
    assert provider.asked[1:] == ["rotated-1", "given-0"]
    assert caught.value.permanent
    assert str(caught.value) == (
        f"no access token (400): invalid_grant: the token *** has expired ({CONSENT})"
    )


def test_another_refusal_than_of_the_token_is_told_at_once(store, httpserver, provider, mailbox):
    access_token(mailbox(), store)()
    httpserver.clear()
    httpserver.expect_request("/token").respond_with_json({"error": "invalid_client"}, status=401)
    with pytest.raises(Exception, match=r"\(401\): invalid_client$"):
        access_token(mailbox(), store)()
    assert len(httpserver.log) == 1


def test_two_machines_and_several_mailboxes_share_one_consent(any_url, provider, mailbox):
    """The provider takes each token once: whoever renews beside another would be refused."""
    stores = [open_store(any_url) for _ in range(2)]
    sources = [access_token(mailbox(), store) for store in stores for _ in range(2)]
    with ThreadPoolExecutor(len(sources)) as pool:
        given = list(pool.map(lambda source: source(), sources * 3))
    for store in stores:
        store.close()
    assert len(set(given)) == 12
    assert len(provider.asked) == len(set(provider.asked)) == 12


def test_check_and_the_outgoing_server_go_on_with_what_is_kept(store, provider, mailbox, tmp_path):
    (tmp_path / "oauth2-refresh-token").write_text("given-0\n", encoding="utf-8")
    (tmp_path / "var").mkdir()
    file = tmp_path / "avtald.toml"
    with sink() as server:
        server.features.append("AUTH XOAUTH2")
        file.write_text(
            '[desk]\nname = "E"\naddress = "support@example.se"\nlanguage = "en"\n'
            f'[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
            'username = "u"\nauth = "oauth2"\n'
            f'[outgoing.oauth2]\ntoken_url = "{provider.url}"\nclient_id = "us"\n'
            'refresh_token_file = "oauth2-refresh-token"\n',
            encoding="utf-8",
        )
        settings = load.load(file, {})
        desk = Desk(store, settings, Calendar(settings.calendar), b"")
        look = probes.probes_of(desk)
        with pytest.raises(ProbeError, match="nobody listens"):
            look.mailbox(mailbox())
        assert look.outgoing(settings.outgoing) == "login works"
        mailer = steps.mailers_of(desk)()
        mailer.send("support@example.se", "bo@acme.se", b"Subject: x\r\n\r\nx\r\n")
        mailer.close()
        assert len(server.mails) == 1
    assert provider.asked == ["given-0", "rotated-1", "rotated-2"]


def read_only(url):
    """The same database, where nothing can be written."""
    name, more = url.split(":", 1)
    if name == "sqlite":
        path = more.removeprefix("///")
        return open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
    sign = "&" if "?" in more else "?"
    return open_store(f"{url}{sign}options=-c%20default_transaction_read_only%3Don")


def test_where_nothing_can_be_written_mail_goes_on_from_memory_and_the_log_says_so_once(
    any_url, provider, mailbox
):
    store = read_only(any_url)
    with capture_logs() as lines:
        source = access_token(mailbox(), store)
        assert [source(), source(), source()] == ["access-1", "access-2", "access-3"]
    store.close()
    assert provider.asked == ["given-0", "rotated-1", "rotated-2"]
    (line,) = lines
    assert line["event"] == "the newest refresh token lives in memory only: a restart may lose it"
    assert line["log_level"] == "warning"
    assert "read" in line["error"]


def test_what_could_not_be_kept_is_kept_as_soon_as_it_can_be(store, provider, mailbox, monkeypatch):
    source = access_token(mailbox(), store)
    source()
    with monkeypatch.context() as broken:
        broken.setattr(KeptConsent, "save", lambda *_: False)
        source()
    source()
    access_token(mailbox(), store)()
    assert provider.asked == ["given-0", "rotated-1", "rotated-2", "rotated-3"]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_before_the_database_is_set_up_check_goes_on_from_memory(
    engine, request, tmp_path, provider, mailbox
):
    if engine == "sqlite":
        store = open_store(f"sqlite:///{tmp_path / 'new.db'}")
    else:
        store = request.getfixturevalue("pg_store")
        with store.writing() as tx:
            tokens.drop(tx)
            leases.drop(tx)
    with capture_logs() as lines:
        assert access_token(mailbox(), store)() == "access-1"
    store.close()
    assert len(lines) == 1


@pytest.mark.parametrize("damaged", [b"", b"short", b"\0" * 60])
def test_a_damaged_record_counts_as_none_and_the_log_says_so(store, provider, mailbox, damaged):
    access_token(mailbox(), store)()
    provider.taken.add("given-0")
    with store.writing() as tx:
        tx.execute(tokens.update().values(secret=damaged))
    with capture_logs() as lines:
        assert access_token(mailbox(), store)() == "access-2"
    (line,) = lines
    assert line["event"] == "the kept refresh token is damaged: back to the given"
    assert access_token(mailbox(), store)() == "access-3"  # and it is whole again


def test_a_provider_that_never_replaces_a_token_leaves_nothing_to_keep(store, provider, mailbox):
    provider.rotates = False
    source = access_token(mailbox(), store)
    assert [source(), source()] == ["access-1", "access-2"]
    assert sealed(store) == {}


def test_client_credentials_write_nothing(store, provider, mailbox, tmp_path):
    by = {"client_secret_file": Secret(tmp_path / "s", "hemligt"), "refresh_token_file": None}
    source = access_token(mailbox(**by), store)
    assert [source(), source()] == ["ours", "ours"]
    assert provider.asked == [None, None]
    with store.reading() as tx:
        assert tx.execute(select(tokens)).all() == tx.execute(select(leases)).all() == []


def test_a_login_by_password_asks_for_no_token(store, provider, mailbox):
    by = mailbox().oauth2
    plain = Outgoing(host="127.0.0.1", tls="none", oauth2=by)
    assert access_token(plain, store) is None


def test_S27_no_token_shows_in_the_database_its_name_or_what_is_told(
    store, sqlite_url, provider, mailbox
):
    source = access_token(mailbox(), store)
    with capture_logs() as lines:
        source()
        source()
        provider.taken.clear()
        with pytest.raises(SpentError) as caught:
            source()
    (name,) = sealed(store)
    kept = Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()
    told = f"{name} {lines} {source!r} {source.__dict__['_kept']!r} {caught.value!r}"
    for secret in ("given-0", "rotated-1", "rotated-2", "access-1", "access-2"):
        assert secret not in told
        assert secret.encode() not in kept
        assert base64.b64encode(secret.encode()) not in kept
