"""`avtald check` looks outside: at real servers on loopback, and changes nothing there."""

from pathlib import Path

import pytest

from daemon import config, probes
from daemon.desk.check import ProbeError
from daemon.settings_types import Secret
from daemon.two_languages import speaker
from tests.scripted_smtp import sink

ENGLISH = speaker("en")


@pytest.fixture
def settings(tmp_path):
    """Reads settings with these tables besides [desk]."""

    def read(tables: str = "") -> config.Settings:
        file = tmp_path / "avtald.toml"
        file.write_text(f'[desk]\nname = "E"\naddress = "support@example.se"\n{tables}')
        return config.load(file, {})

    return read


def mailbox_of(server, user: str, **changes) -> config.Imap:
    values = {
        "host": "127.0.0.1",
        "port": server.port,
        "tls": "none",
        "username": user,
        "password_file": Secret(Path("imap-password"), server.password),
    }
    return config.Imap(**values | changes)


def test_a_mailbox_that_lets_us_in_works_and_keeps_its_mail(imap_server, settings):
    imap_server.put("probe", b"Subject: x\r\n\r\nx\r\n")
    look = probes.probes_of(settings(), ENGLISH).mailbox
    assert look(mailbox_of(imap_server, "probe")) == "login works"
    assert len(imap_server.uids("probe", criteria="UNSEEN")) == 1


def test_a_wrong_password_and_a_missing_folder_are_told_with_a_remedy(imap_server, settings):
    look = probes.probes_of(settings(), ENGLISH).mailbox
    wrong = Secret(Path("imap-password"), "nej")
    for mailbox in (
        mailbox_of(imap_server, "probe2", password_file=wrong),
        mailbox_of(imap_server, "probe2", folder="Finns inte"),
    ):
        with pytest.raises(ProbeError) as caught:
            look(mailbox)
        assert "127.0.0.1" in caught.value.remedy
        assert "nej" not in str(caught.value)


def test_a_mailbox_out_of_reach_is_told(settings):
    look = probes.probes_of(settings(), ENGLISH).mailbox
    nowhere = config.Imap(
        host="127.0.0.1", port=1, tls="none", username="u",
        password_file=Secret(Path("x"), "x"),
    )  # fmt: skip
    with pytest.raises(ProbeError, match="refused"):
        look(nowhere)


def test_an_outgoing_server_is_greeted_and_nothing_is_sent(settings):
    with sink() as server:
        table = f'[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
        read = settings(table)
        assert probes.probes_of(read, ENGLISH).outgoing(read.outgoing) == "login works"
        assert server.mails == []
        assert [command.split()[0] for command in server.commands] == ["ehlo", "quit"]


def test_an_outgoing_server_that_refuses_is_told(settings, tmp_path):
    (tmp_path / "smtp-password").write_text("hemligt", encoding="utf-8")
    with sink() as server:
        server.say("AUTH", "535 no", "535 no", "535 no")
        server.features.append("AUTH PLAIN LOGIN")
        read = settings(
            f'[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
            'username = "u"\npassword_file = "smtp-password"\n'
        )
        with pytest.raises(ProbeError, match="535") as caught:
            probes.probes_of(read, ENGLISH).outgoing(read.outgoing)
    assert "[outgoing]" in caught.value.remedy
    assert "hemligt" not in str(caught.value)


def test_drafts_as_files_are_an_accounting_system_too(settings):
    assert not probes.probes_of(settings(), ENGLISH).accounting().preflight([])
