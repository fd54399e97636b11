"""`avtald check` looks outside: at real servers on loopback, and changes nothing there."""

from pathlib import Path

import pytest

from daemon.app import probes
from daemon.app.outages import Outage, Server, outage
from daemon.desk.context import Desk
from daemon.desk.upkeep.check import ProbeError
from daemon.domain.opening_hours import Calendar
from daemon.domain.wording import speaker
from daemon.intake.mailbox import Mailbox
from daemon.intake.oauth import CONSENT, OAuthError, SpentError
from daemon.settings import load
from daemon.settings.mail import Imap
from daemon.settings.values import Secret
from tests.odd_imap import odd_imap
from tests.scripted_smtp import sink

ENGLISH = speaker("en")


@pytest.fixture
def desk_with(store, tmp_path):
    """Makes an English desk with these tables besides [desk]."""
    (tmp_path / "var").mkdir()

    def make(tables: str = "") -> Desk:
        file = tmp_path / "avtald.toml"
        own = 'name = "E"\naddress = "support@example.se"\nlanguage = "en"'
        file.write_text(f"[desk]\n{own}\n{tables}")
        settings = load.load(file, {})
        return Desk(store, settings, Calendar(settings.calendar), b"")

    return make


def mailbox_of(server, user: str, **changes) -> Imap:
    values = {
        "host": "127.0.0.1",
        "port": server.port,
        "tls": "none",
        "username": user,
        "password_file": Secret(Path("imap-password"), server.password),
    }
    return Imap(**values | changes)


def test_a_mailbox_that_lets_us_in_works_and_keeps_its_mail(imap_server, desk_with):
    imap_server.put("probe", b"Subject: x\r\n\r\nx\r\n")
    look = probes.probes_of(desk_with()).mailbox
    assert look(mailbox_of(imap_server, "probe")) == "login works"
    assert len(imap_server.uids("probe", criteria="UNSEEN")) == 1


def told(look, server) -> tuple[str, str]:
    """What a probe found, and its remedy."""
    with pytest.raises(ProbeError) as caught:
        look(server)
    return str(caught.value), caught.value.remedy


def test_a_server_without_idle_or_move_works_and_it_is_told_how(
    imap_server, desk_with, monkeypatch
):
    for name in ("can_idle", "can_move"):
        monkeypatch.setattr(Mailbox, name, property(lambda _self: False))
    look = probes.probes_of(desk_with()).mailbox
    assert look(mailbox_of(imap_server, "probe3")) == (
        "login works; without IDLE mail is fetched every 60 seconds; "
        "without MOVE handled mail is marked instead"
    )


CERTIFICATE = (
    "give the server a certificate for 127.0.0.1 from an authority that this machine trusts, "
    "or mend host"
)
IMAP_FAULTS = {
    "password": (
        {"password_file": Secret(Path("imap-password"), "nej")},
        "the login is refused: [AUTHENTICATIONFAILED] Authentication failed.",
        "mend username and password_file in [intake.imap]",
    ),
    "folder": (
        {"folder": "Finns inte"},
        "there is no folder 'Finns inte'",
        "mend folder in [intake.imap]",
    ),
    "port": (
        {"port": 1},
        "nobody listens at 127.0.0.1:1",
        "start the server, or mend host and port in [intake.imap]",
    ),
    "name": (
        {"host": "mail.invalid", "tls": "starttls"},
        "the name mail.invalid is not known",
        "mend host in [intake.imap], or the DNS",
    ),
    "certificate": (
        {"tls": "starttls"},
        "no valid certificate: self-signed certificate",
        CERTIFICATE,
    ),
}


@pytest.mark.parametrize("fault", IMAP_FAULTS)
def test_what_is_wrong_with_a_mailbox_is_told_with_the_key_that_mends_it(
    imap_server, desk_with, fault
):
    change, says, remedy = IMAP_FAULTS[fault]
    look = probes.probes_of(desk_with()).mailbox
    assert told(look, mailbox_of(imap_server, "probe2", **change)) == (says, remedy)


@pytest.mark.parametrize(
    ("verb", "answer", "says", "remedy"),
    [
        ("SELECT", b"NO [UNAVAILABLE] later", "cannot open 'INBOX': [UNAVAILABLE] later", "rights"),
        ("SELECT", b"NO [NOPERM] no right", "cannot open 'INBOX': [NOPERM] no right", "rights"),
        ("SELECT", b"NO no such thing", "there is no folder 'INBOX'", "mend folder"),
        ("SELECT", b"OK [READ-ONLY] in", "the folder 'INBOX' can only be read", "move mail"),
    ],
)
def test_a_folder_that_is_there_and_closed_is_not_told_to_be_missing(
    desk_with, verb, answer, says, remedy
):
    look = probes.probes_of(desk_with()).mailbox
    with odd_imap() as odd:
        odd.twist[verb] = lambda tag, _usual: tag + b" " + answer + b"\r\n"
        found = told(look, mailbox_of(odd, "probe4"))
    assert (found[0], remedy in found[1]) == (says, True)


def test_a_mail_server_without_starttls_gets_no_password_and_is_told(desk_with):
    look = probes.probes_of(desk_with()).mailbox
    with odd_imap() as odd:
        says, remedy = told(look, mailbox_of(odd, "probe4", tls="starttls"))
    assert says == f"127.0.0.1:{odd.port} has no STARTTLS"
    assert remedy == "mend tls and port in [intake.imap]"
    assert odd.commands == ["CONNECT", "CAPABILITY"]


def test_tls_where_none_is_spoken_is_told(imap_server, desk_with):
    look = probes.probes_of(desk_with()).mailbox
    says, remedy = told(look, mailbox_of(imap_server, "probe2", tls="implicit"))
    assert says == f"127.0.0.1:{imap_server.port} does not speak TLS"
    assert remedy == 'mend tls and port in [intake.imap] (tls = "starttls"?)'


def test_a_server_that_never_answers_is_told():
    server = Server(table="[outgoing]", host="h", port=25, tls="none")
    assert outage(TimeoutError("timed out"), server, ENGLISH) == Outage(
        "h:25 does not answer", "open the firewall for port 25, or mend host and port in [outgoing]"
    )


def test_a_provider_that_gives_no_token_is_told_by_its_table():
    server = Server(table="[intake.imap]", host="h", port=993, tls="implicit")
    refused = OAuthError("no access token (400): invalid_client", permanent=True)
    assert outage(refused, server, ENGLISH) == Outage(
        "no access token (400): invalid_client", "mend [intake.imap.oauth2]"
    )


def test_a_consent_that_ran_out_is_told_with_what_to_do_in_both_languages():
    server = Server(table="[outgoing]", host="h", port=587, tls="starttls")
    spent = SpentError(f"no access token (400): invalid_grant: expired ({CONSENT})", permanent=True)
    found = outage(spent, server, ENGLISH)
    assert found.says == "no access token (400): invalid_grant: expired"
    assert found.remedy == f"{CONSENT} ([outgoing.oauth2])"
    assert outage(spent, server, speaker("sv")).remedy == (
        "godkänn åtkomsten på nytt, lägg den nya refresh token i refresh_token_file i"
        " [outgoing.oauth2] och starta om avtald"
    )


def test_an_outgoing_server_is_greeted_and_nothing_is_sent(desk_with):
    with sink() as server:
        table = f'[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
        desk = desk_with(table)
        assert probes.probes_of(desk).outgoing(desk.settings.outgoing) == "connection works"
        assert server.mails == []
        assert [command.split()[0] for command in server.commands] == ["ehlo", "quit"]


@pytest.mark.parametrize(
    ("words", "warned"), [(["250 ok"], False), (["553 5.1.7 no extensions here"], True)]
)
def test_a_server_that_takes_no_keyed_return_path_is_told_E1(desk_with, words, warned):
    with sink() as server:
        server.say("MAIL", *words)
        table = f'[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
        desk = desk_with(f'reply_address = "plus"\n{table}')
        look = probes.probes_of(desk).outgoing
        if warned:
            found, mends = told(look, desk.settings.outgoing)
            assert "no bounce can prove itself" in found
            assert "desk.return_address" in mends
        else:
            assert look(desk.settings.outgoing) == "connection works"
        assert server.mails == []
        assert any(command.startswith("MAIL FROM:<support+b0.") for command in server.commands)


def outgoing_of(server, folder: Path, tls: str = "none") -> str:
    (folder / "smtp-password").write_text("hemligt", encoding="utf-8")
    return (
        f'[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "{tls}"\n'
        'username = "u"\npassword_file = "smtp-password"\n'
    )


@pytest.mark.parametrize(
    ("features", "tls", "says", "remedy"),
    [
        (
            ["AUTH PLAIN"],
            "none",
            "the login is refused: 535 5.7.8 no",
            "mend username and password_file in [outgoing]",
        ),
        (
            [],
            "none",
            "the server takes no login here",
            "take username out of [outgoing], or mend port and tls",
        ),
        ([], "starttls", "has no STARTTLS", "mend tls and port in [outgoing]"),
        (
            [],
            "implicit",
            "does not speak TLS",
            'mend tls and port in [outgoing] (tls = "starttls"?)',
        ),
    ],
)
def test_an_outgoing_server_that_refuses_is_told(desk_with, tmp_path, features, tls, says, remedy):
    with sink() as server:
        server.say("AUTH", *["535 5.7.8 no"] * 3)
        server.features += features
        desk = desk_with(outgoing_of(server, tmp_path, tls))
        found, mends = told(probes.probes_of(desk).outgoing, desk.settings.outgoing)
    assert says in found
    assert mends == remedy
    assert "hemligt" not in found


def test_drafts_as_files_are_an_accounting_system_too(desk_with):
    assert not probes.probes_of(desk_with()).accounting().preflight([])
