"""A whole desk as processes: `avtald run` with its doors, an SMTP sink, and what may be asked."""

import contextlib
import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from daemon.store.schema import tables
from daemon.store.session import Store, open_store
from tests.builders import REGISTER, a_mail, header_of
from tests.servers import free_port, listens, wait_for

ROOT = Path(__file__).resolve().parents[1]
AVTALD = [sys.executable, "-m", "daemon"]
SETTINGS = """
[desk]
name = "Exempel Support"
address = "{address}"
operators = ["drift@{domain}"]
answers = 1000
all_answers = 100000
gather_from = 100000
[database]
url = "{url}"
[identity]
require = "none"
[intake]
disk_reserve = "64kB"
[intake.lmtp]
listen = "127.0.0.1:{port}"
[outgoing]
host = "127.0.0.1"
port = {out}
tls = "none"
{more}
"""
MAILBOX = """
[[intake.imap]]
host = "127.0.0.1"
port = {port}
tls = "none"
username = "{user}"
password_file = "imap-password"
"""


class Sink:
    """Takes every mail and keeps it."""

    def __init__(self):
        self.mails = []  # (recipient, raw)
        self.port = free_port()

    async def handle_DATA(self, _server, _session, envelope):
        self.mails += [(each, envelope.original_content) for each in envelope.rcpt_tos]
        return "250 kept"

    def to(self, address):
        return [raw for recipient, raw in self.mails if recipient == address]

    def ids(self):
        """How often each Message-ID came for each recipient."""
        return Counter((to, header_of(raw, "Message-ID")) for to, raw in self.mails)


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """A sink on loopback."""
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


@dataclass
class Place:
    """A configured desk in a folder of its own."""

    folder: Path
    url: str
    port: int
    process: subprocess.Popen | None = None
    store: Store = field(init=False)

    def __post_init__(self):
        self.store = open_store(self.url)

    def run(self, *words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess:
        """A command in that folder."""
        return subprocess.run(
            [*AVTALD, *words],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def start(self, *, kill_at: str = "", limit: list[str] | None = None) -> None:
        """`avtald run`, perhaps to be killed at a step."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*(limit or []), *AVTALD, "run"],
                cwd=self.folder,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT), "AVTALD_KILL_AT": kill_at},
            )

    def ready(self) -> None:
        wait_for(lambda: listens(self.port), f"avtald run\n{self.log()}", self.process)

    def rest(self) -> None:
        """Wait until nothing is left to do, however much there was."""
        wait_for(self.at_rest, "everything is done", seconds=600)

    def log(self) -> str:
        """The end of what the daemon said."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def kill(self) -> None:
        """As a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """As systemd does; gives the exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    # --- what is there ---

    def count(self, table, *where) -> int:
        with self.store.reading() as tx:
            return tx.scalar(select(func.count()).select_from(table).where(*where))

    def at_rest(self) -> bool:
        """Whether nothing waits: no message, no mail."""
        waiting = tables.outbox.c.state.in_(["pending", "sending"])
        return not self.count(tables.inbox, tables.inbox.c.state == "new") and not self.count(
            tables.outbox, waiting
        )

    def requesters(self) -> Counter:
        """How many tickets each requester has."""
        with self.store.reading() as tx:
            return Counter(tx.scalars(select(tables.tickets.c.requester)))

    def intact(self) -> bool:
        if not self.store.is_sqlite:
            return True
        with self.store.reading() as tx:
            return tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def a_place(
    folder: Path,
    url: str,
    out: int,
    *,
    more: str = "",
    address: str = "support@example.se",
    port: int = 0,
) -> Place:
    """A desk with its register, on an empty database with the schema."""
    folder.mkdir(exist_ok=True)
    place = Place(folder, url, port or free_port())
    settings = SETTINGS.format(
        url=url,
        port=place.port,
        out=out,
        more=more,
        address=address,
        domain=address.partition("@")[2],
    )
    (folder / "avtald.toml").write_text(settings, encoding="utf-8")
    (folder / "register.toml").write_text(REGISTER, encoding="utf-8")
    (folder / "imap-password").write_text("hemligt")  # the tests' Dovecot asks for it
    (folder / "imap-password").chmod(0o600)
    done = place.run("import", "register.toml")
    assert done.returncode == 0, done.stderr
    return place


@dataclass
class Mails:
    """A client's mails, each with a requester of its own; every third books time."""

    names: list[str] = field(default_factory=list)

    def new(self) -> tuple[str, bytes]:
        """The sender's address, and a mail that nobody has sent."""
        name = f"kund{len(self.names)}.{uuid.uuid4().hex[:8]}@acme.se"
        self.names.append(name)
        if len(self.names) % 3:
            return name, a_mail(f"Bo <{name}>", "Skrivaren", message_id=f"<{uuid.uuid4().hex}@x>")
        text = f"[för: {name}] [tid: 1m] Hon ringde om skrivaren.\n"
        return "anna@example.se", a_mail(
            "Anna Svensson <anna@example.se>",
            "Skrivaren",
            text,
            message_id=f"<{uuid.uuid4().hex}@x>",
        )

    @property
    def timed(self) -> int:
        """How many of them book time."""
        return len(self.names) // 3


class Client(threading.Thread):
    """Hands over one mail after another until it is stopped, each again until it is taken."""

    def __init__(self, port: int, most: int = 10**9, to: str = "support@example.se"):
        super().__init__(daemon=True)
        self.port, self.most, self.to = port, most, to
        self.mails = Mails()
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set() and len(self.mails.names) < self.most:
            sender, raw = self.mails.new()
            while not self._deliver(sender, raw):
                time.sleep(0.02)

    def _deliver(self, sender: str, raw: bytes) -> bool:
        try:
            with smtplib.LMTP("127.0.0.1", self.port, timeout=30) as client:
                client.sendmail(sender, [self.to], raw)
        except (OSError, smtplib.SMTPException):
            return False
        return True


def acted_once(place: Place, sink: Sink, names: list[str], timed: int) -> None:
    """Every mail has one ticket, one confirmation (by its Message-ID), its time once."""
    found, wanted = place.requesters(), Counter(names)
    assert found == wanted, f"missing {wanted - found}, too many {found - wanted}"
    assert place.count(tables.ledger) == timed  # of a minute each: below C11's 24 h a day
    for name in names:
        confirmations = {header_of(raw, "Message-ID") for raw in sink.to(name)}
        assert len(confirmations) == 1, name
    assert place.count(tables.inbox, tables.inbox.c.state != "done") == 0
    assert place.intact()
