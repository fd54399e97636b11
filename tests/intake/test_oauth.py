"""Access tokens: fetched when needed, kept while they last, refused with the provider's words."""

import datetime as dt
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from daemon.app.consents import access_token
from daemon.intake import imap, oauth
from daemon.intake.oauth import AccessToken, OAuthError
from daemon.settings.mail import Imap, OAuth2
from daemon.settings.values import Secret
from tests.servers import free_port


@pytest.fixture
def provider(httpserver):
    def settings(**changes):
        return SimpleNamespace(
            **{
                "token_url": httpserver.url_for("/token"),
                "client_id": "us",
                "client_secret": "hemligt",
                "refresh_token": None,
                "scope": "mail",
            }
            | changes
        )

    return settings


def asked(httpserver):
    return [
        {key: value[0] for key, value in parse_qs(request.get_data(as_text=True)).items()}
        for request, _ in httpserver.log
    ]


def test_client_credentials_give_a_token_that_is_kept_while_it_lasts(httpserver, provider):
    httpserver.expect_request("/token", "POST").respond_with_json(
        {"access_token": "abc", "expires_in": 3600}
    )
    token = AccessToken(provider())
    assert [token(), token()] == ["abc", "abc"]
    assert asked(httpserver) == [
        {
            "client_id": "us",
            "client_secret": "hemligt",
            "scope": "mail",
            "grant_type": "client_credentials",
        },
    ]


@pytest.mark.parametrize("lasts", ['"soon"', "[]", "NaN", "null", '"3600"', "1e999"])
def test_how_long_a_token_lasts_is_an_hour_where_the_provider_tells_nothing_of_use(
    httpserver, provider, monkeypatch, lasts
):
    """RFC 6749 section 5.1: expires_in is recommended, not required."""
    httpserver.expect_request("/token").respond_with_data(
        f'{{"access_token": "abc", "expires_in": {lasts}}}', content_type="application/json"
    )
    token, now = AccessToken(provider()), [1000.0]
    monkeypatch.setattr(oauth.time, "monotonic", lambda: now[0])
    assert [token(), token()] == ["abc", "abc"]
    now[0] += 3300
    token()
    assert len(asked(httpserver)) == 2


def test_a_token_is_renewed_before_it_runs_out_with_the_latest_refresh_token(httpserver, provider):
    for number in (1, 2):
        httpserver.expect_ordered_request("/token").respond_with_json(
            {"access_token": f"a{number}", "expires_in": 200, "refresh_token": f"r{number}"}
        )
    token = AccessToken(provider(refresh_token="r0", client_secret=None, scope=""))
    assert [token(), token()] == ["a1", "a2"]
    assert [
        (question["grant_type"], question["refresh_token"], "scope" in question)
        for question in asked(httpserver)
    ] == [("refresh_token", "r0", False), ("refresh_token", "r1", False)]


def test_a_token_that_was_not_taken_is_fetched_anew(httpserver, provider):
    for number in (1, 2):
        httpserver.expect_ordered_request("/token").respond_with_json(
            {"access_token": f"a{number}", "expires_in": "3600"}
        )
    token = AccessToken(provider())
    assert token() == "a1"
    token.forget()
    assert token() == "a2"


@pytest.mark.parametrize(
    ("status", "said", "permanent", "words"),
    [
        (
            400,
            {"error": "invalid_client", "error_description": "wrong secret"},
            True,
            r"\(400\): invalid_client: wrong secret$",
        ),
        (429, {"error": "slow down"}, False, r"\(429\): slow down$"),
        (503, ["busy"], False, r"\(503\)$"),
        (200, {"token": "x"}, False, r"\(200\)$"),
    ],
)
def test_a_refusal_says_why_and_whether_a_person_must_mend_it(
    httpserver, provider, status, said, permanent, words
):
    httpserver.expect_request("/token").respond_with_json(said, status=status)
    with pytest.raises(OAuthError, match=words) as caught:
        AccessToken(provider())()
    assert caught.value.permanent is permanent
    assert "hemligt" not in str(caught.value)


def test_an_answer_that_is_no_json_and_a_provider_that_is_away_are_temporary(httpserver, provider):
    httpserver.expect_request("/token").respond_with_data("<html>", status=502)
    for settings in (provider(), provider(token_url=f"http://127.0.0.1:{free_port()}/token")):
        with pytest.raises(OAuthError) as caught:
            AccessToken(settings)()
        assert not caught.value.permanent


class Script:
    """The server's side of a session that logs in by token, as Exchange speaks it."""

    def __init__(self, taken):
        self.taken = taken
        self.offered = []

    def authenticate(self, mechanism, answer):
        self.offered.append((mechanism, answer(b"")))
        if self.offered[-1][1] != f"user=support@example.se\1auth=Bearer {self.taken}\1\1":
            raise imap.imaplib.IMAP4.error("AUTHENTICATE failed.")
        raise imap.imaplib.IMAP4.abort("that is far enough")

    def shutdown(self):
        pass

    send = read = readline = shutdown


def test_a_mailbox_is_entered_by_token_and_a_refused_one_is_not_used_again(
    httpserver, provider, store, monkeypatch, tmp_path
):
    for number in (1, 2):
        httpserver.expect_ordered_request("/token").respond_with_json(
            {"access_token": f"a{number}", "expires_in": 3600}
        )
    server = Script(taken="a2")
    monkeypatch.setattr(imap.mailbox.imap_tools.MailBox, "_get_mailbox_client", lambda _: server)
    settings = Imap(
        host="outlook.example",
        username="support@example.se",
        auth="oauth2",
        oauth2=OAuth2(
            token_url=httpserver.url_for("/token"),
            client_id="us",
            client_secret_file=Secret(tmp_path / "secret", "hemligt"),
        ),
    )
    door = imap.ImapDoor(settings, store, token=access_token(settings, store))
    now = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    assert not door.step(now)
    assert door.fault.startswith("AccessError")
    assert not door.step(now)
    assert door.fault == "abort: that is far enough"
    assert {mechanism for mechanism, _ in server.offered} == {"XOAUTH2"}
    assert oauth.EARLY_SECONDS > 60
