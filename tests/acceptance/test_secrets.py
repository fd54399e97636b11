"""S27: passwords, tokens and keys show nowhere, whatever is refused and whatever is asked.

Each secret is a canary, and so is each form in which it goes over the wire, and each token that is
got for one. Fortnox and the mailbox's provider are doubles, the outgoing server refuses the login,
the database is either engine's.
"""

import base64
import io
import smtplib
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import make_url

from daemon.cli.main import run
from integrations.fortnox.double.registers import seeded
from integrations.fortnox.double.server import FortnoxDouble
from tests.acceptance.daemon_process import Place, a_place
from tests.builders import REGISTER, a_mail
from tests.scripted_smtp import sink
from tests.servers import free_port, program, wait_for

SECRETS = {
    name: f"canary-{name}-{number}7f3a9b"
    for number, name in enumerate(
        (
            "imap-password",
            "smtp-password",
            "db-password",
            "oauth2-client-secret",
            "oauth2-refresh-token",
            "fortnox-client-secret",
            "fortnox-key",
        )
    )
}
ACCESS = "canary-access-token-2c81d0"
ROTATED = "canary-rotated-refresh-token-9b47e1"
SETTINGS = """
kind = "fortnox"
[accounting.fortnox]
api_url = "{fortnox.api_url}"
auth_url = "{fortnox.auth_url}"
token_url = "{fortnox.token_url}"
client_id = "{fortnox.client_id}"
client_secret_file = "fortnox-client-secret"
token_key_file = "fortnox-key"
tenant_id = {fortnox.tenant_id}
[database]
url = "{url}"
password_file = "db-password"
[outgoing]
host = "127.0.0.1"
port = {outgoing}
tls = "none"
username = "u"
password_file = "smtp-password"
[[intake.imap]]
host = "127.0.0.1"
port = {shut}
tls = "none"
username = "one"
password_file = "imap-password"
[[intake.imap]]
host = "127.0.0.1"
port = {shut}
tls = "none"
username = "two"
auth = "oauth2"
[intake.imap.oauth2]
token_url = "{provider}"
client_id = "us"
client_secret_file = "oauth2-client-secret"
refresh_token_file = "oauth2-refresh-token"
"""
COMMANDS = (
    ("check",),
    ("check", "--json"),
    ("check", "--debug"),
    ("export",),
    ("tick",),
    ("tick", "--debug"),
    ("invoices",),
    ("invoices", "push", "--debug"),
    ("fortnox", "check"),
    ("fortnox", "check", "--debug"),
    ("mail", "--json"),
    ("verify",),
    ("db", "check"),
    ("backup", "copy"),
    ("restore-test", "copy", "--json"),
    ("tickets",),
    ("statements", "--json"),
    ("person", "export", "bo@acme.se", "bo.zip"),
    ("--config", "nowhere", "check", "--debug"),
)
LATER = ("--debug", "--now", "2030-01-01T06:00:00+01:00")


@dataclass
class Bird:
    """A desk whose secrets are canaries, and everything that was said of it."""

    place: Place
    fortnox: FortnoxDouble
    said: Callable[[], tuple[str, str]]
    heard: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> None:
        """A command, in this process: its start costs more than its work."""
        run(words)
        self.heard[" ".join(words)] = "".join(self.said())

    def canaries(self) -> list[str]:
        tokens = [*SECRETS.values(), ACCESS, ROTATED, *self.fortnox.tokens.access]
        client = f"{self.fortnox.tokens.client_id}:{SECRETS['fortnox-client-secret']}"
        sent = (client, f"\0u\0{SECRETS['smtp-password']}", SECRETS["smtp-password"])
        return [*tokens, *(base64.b64encode(each.encode()).decode() for each in sent)]

    def sung(self) -> list[tuple[str, str]]:
        """Where a canary was heard; (what it was heard in, the canary)."""
        texts = self.heard | dict(written(self.place.folder)) | dict(self.dumped())
        return [
            (name, bird) for name, said in texts.items() for bird in self.canaries() if bird in said
        ]

    def dumped(self) -> Iterator[tuple[str, str]]:
        """A dump of PostgreSQL is packed: read it as SQL."""
        copy = self.place.folder / "copy"
        if copy.is_file() and copy.read_bytes().startswith(b"PGDMP"):
            reader = program("pg_restore", "postgresql-client", "usr/lib/postgresql/*/bin")
            told = subprocess.run([reader, "-f", "-", copy], capture_output=True, check=True)
            assert b"acme" in told.stdout
            yield "the dump", told.stdout.decode("latin-1")


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file but the secrets' own, what is packed unpacked."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name not in SECRETS:
            raw = file.read_bytes()
            yield str(file), raw.decode("latin-1")
            if file.suffix == ".zip":
                with zipfile.ZipFile(io.BytesIO(raw)) as packed:
                    for name in packed.namelist():
                        yield f"{file}/{name}", packed.read(name).decode("latin-1")


@pytest.fixture
def fortnox() -> Iterator[FortnoxDouble]:
    registers = seeded()
    registers.add_customer("1001", "Acme AB")
    registers.add_customer("1002", "Beta AB")
    registers.add_customer("1004", "Delta AB")
    double = FortnoxDouble(registers=registers)
    double.tokens.client_secret = SECRETS["fortnox-client-secret"]
    with double:
        yield double


@pytest.fixture
def outgoing():
    """Takes no login."""
    with sink() as server:
        server.features.append("AUTH PLAIN LOGIN")
        server.say("AUTH", *["535 5.7.8 no"] * 500)
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def bird(request, tmp_path, fortnox, outgoing, httpserver, monkeypatch, capsys) -> Bird:
    provider = httpserver.expect_request("/token", "POST")
    provider.respond_with_json(
        {"access_token": ACCESS, "expires_in": 3600, "refresh_token": ROTATED}
    )
    for name, text in SECRETS.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text, encoding="utf-8")
    sqlite = request.param == "sqlite"
    url = "sqlite:///var/avtald.db" if sqlite else request.getfixturevalue("pg_url")
    more = SETTINGS.format(
        url=url,
        outgoing=outgoing.port,
        shut=free_port(),
        fortnox=fortnox.settings(),
        provider=httpserver.url_for("/token"),
    )
    if sqlite:
        more = more.replace('password_file = "db-password"\n', "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AVTALD_CONFIG", raising=False)
    return Bird(a_place(tmp_path, REGISTER, more), fortnox, capsys.readouterr)


def work(bird: Bird) -> None:
    """The daemon takes a mail, cannot answer it, has no mailbox, and makes October's drafts."""
    with bird.place.running() as daemon:
        with smtplib.SMTP("127.0.0.1", daemon.port) as smtp:
            smtp.sendmail("bo@acme.se", ["support@example.se"], a_mail())
        wait_for(lambda: b"not sent" in daemon.log.read_bytes(), "the failed delivery")
        wait_for(lambda: bird.fortnox.invoices, "a draft")
        daemon.terminate()


def lock_out(bird: Bird) -> None:
    """From here on Fortnox refuses the secret, and what it gave."""
    bird.fortnox.tokens.client_secret = "another"
    bird.fortnox.tokens.access = dict.fromkeys(
        bird.fortnox.tokens.access, bird.fortnox.tokens.now()
    )


def test_S27_no_secret_shows_in_logs_errors_check_exports_or_copies(bird, outgoing):
    work(bird)
    assert bird.fortnox.tokens.access
    for words in COMMANDS:
        bird.run(*words)
    lock_out(bird)
    for words in (("check", "--debug"), ("fortnox", "check", "--debug"), ("tick", *LATER)):
        bird.run(*words)
    assert bird.sung() == []
    over_the_wire = f"{outgoing.commands} {[dict(each.headers) for each in bird.fortnox.requests]}"
    assert sum(canary in over_the_wire for canary in bird.canaries()) >= 3  # they were used
    everything = " ".join(bird.heard.values())
    assert "535" in everything  # the outgoing server's refusal was told
    assert "client_secret_file" in bird.heard["check --debug"]


def test_S27_a_database_out_of_reach_shows_no_password(bird):
    file = bird.place.folder / "avtald.toml"
    text = file.read_text(encoding="utf-8")
    url = next(line for line in text.splitlines() if line.startswith("url = "))
    asked = make_url(url.removeprefix('url = "').removesuffix('"'))
    away = asked.set(port=free_port()) if asked.host else asked.set(database="/dev/null/x.db")
    file.write_text(text.replace(url, f'url = "{away}"'), encoding="utf-8")
    for words in (("tickets", "--debug"), ("check", "--debug"), ("run", "--debug")):
        bird.run(*words)
    assert bird.sung() == []
    assert "Traceback" in bird.heard["tickets --debug"]
