"""The real process under a fake systemd: ready, fed, stopped in the middle of work, soaked.

There is no systemd to start units with where these tests run: what it would see of the process is
proven with a `$NOTIFY_SOCKET` of our own, and the units by `systemd-analyze` (test_systemd.py).
"""

import json
import smtplib
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.acceptance.daemon_process import AVTALD, Place, a_place, environment, place, systemd
from tests.builders import REGISTER, a_mail
from tests.scripted_smtp import sink
from tests.servers import wait_for

__all__ = ["place"]
STOP_SECONDS = 30
WATCHDOG = {"WATCHDOG_USEC": "2000000"}


def query(place: Place, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(place.folder / "var" / "avtald.db", timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def count(place: Place, table: str, where: str = "1") -> int:
    return query(place, f"SELECT count(*) FROM {table} WHERE {where}")[0][0]


# --- what systemd hears -------------------------------------------------------------------------


def test_it_says_ready_when_its_door_is_open_feeds_the_watchdog_and_says_when_it_stops(place):
    with place.running(**WATCHDOG) as daemon:
        with smtplib.SMTP("127.0.0.1", daemon.port) as smtp:
            assert smtp.noop()[0] == 250
        daemon.systemd.wait_for("WATCHDOG=1", 3)
        assert daemon.terminate() < STOP_SECONDS
        assert len(daemon.systemd.said("STOPPING=1")) == 1
        said = [text for _, text in daemon.systemd.heard]
        assert said[0] == "READY=1"
        assert set(said) == {"READY=1", "WATCHDOG=1", "STOPPING=1"}


def test_a_socket_in_the_abstract_space_is_heard_too(place, tmp_path, monkeypatch):
    from daemon.loop import notify

    with systemd(tmp_path, abstract=True) as heard:
        monkeypatch.setenv("NOTIFY_SOCKET", heard.path)
        notify("READY=1")
        heard.wait_for("READY=1")


def test_the_watchdog_is_not_fed_while_the_database_does_not_answer(place):
    with place.running(**WATCHDOG) as daemon:
        daemon.systemd.wait_for("WATCHDOG=1")
        with closing(sqlite3.connect(place.folder / "var" / "avtald.db", timeout=30)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(0.5)
            fed = len(daemon.systemd.said("WATCHDOG=1"))
            time.sleep(3)
            assert len(daemon.systemd.said("WATCHDOG=1")) <= fed + 1
            other.rollback()
        fed = len(daemon.systemd.said("WATCHDOG=1"))
        daemon.systemd.wait_for("WATCHDOG=1", fed + 2)


def test_without_a_watchdog_nothing_is_fed(place):
    with place.running() as daemon:
        time.sleep(2.5)
        daemon.terminate()
        assert daemon.systemd.said("WATCHDOG=1") == []


def test_a_secret_comes_from_the_credentials_folder(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    with sink() as server:
        server.features.append("AUTH PLAIN")
        outgoing = (
            f'\n[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
            'username = "u"\npassword_file = "smtp-password"\n'
        )
        (tmp_path / "smtp-password").write_text("beside the file", encoding="utf-8")
        place = a_place(tmp_path, REGISTER, outgoing)
        (credentials / "smtp-password").write_text("from systemd", encoding="utf-8")
        with place.running(CREDENTIALS_DIRECTORY=str(credentials)):
            with smtplib.SMTP("127.0.0.1", place.port) as smtp:
                smtp.sendmail("bo@acme.se", ["support@example.se"], a_mail())
            wait_for(lambda: server.mails, "the confirmation")
        assert any("from systemd" in each for each in server.commands)


def test_a_door_that_is_taken_is_said_in_a_sentence_and_exits_75(place):
    with socket.create_server(("127.0.0.1", place.port)):
        done = place.avtald("run", check=False)
    assert done.returncode == 75
    assert f"cannot listen at 127.0.0.1:{place.port}" in done.stderr
    assert "Traceback" not in done.stderr


# --- SIGTERM in the middle ----------------------------------------------------------------------


LARGE = """\
From: Bo Ek <bo@acme.se>
To: support@example.se
Subject: Stor bilaga
Date: Mon, 23 Nov 2026 09:00:00 +0100
Message-ID: <large@acme.se>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

Se bilagan.
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename="stor.bin"
Content-Transfer-Encoding: base64

"""


class Sender:
    """Sends a mail of 20 MB by hand, as far as it is told."""

    SIZE = 20 * 1024 * 1024

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")
        self.answer()
        for command in ("EHLO x", "MAIL FROM:<bo@acme.se>", "RCPT TO:<support@example.se>", "DATA"):
            self.socket.sendall(f"{command}\r\n".encode())
            self.answer()
        self.socket.sendall(LARGE.replace("\n", "\r\n").encode())
        self.line = b"QUJD" * 19 + b"\r\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault) -> None:
        self.file.close()
        self.socket.close()

    def answer(self) -> str:
        while True:
            line = self.file.readline().decode()
            if line[3:4] != "-":
                return line

    def send(self, share: float) -> None:
        piece = self.line * 1000
        for _ in range(int(self.SIZE * share / len(piece))):
            self.socket.sendall(piece)

    def end(self) -> str:
        """The answer to the final dot; empty where the connection is gone."""
        try:
            self.socket.sendall(b"--b--\r\n.\r\n")
            return self.answer()
        except OSError:
            return ""


def test_R29_sigterm_in_the_middle_of_20_MB_that_go_on_is_accepted_and_kept(place):
    with place.running() as daemon, Sender(daemon.port) as sender:
        sender.send(0.5)
        started = time.monotonic()
        daemon.process.terminate()
        daemon.systemd.wait_for("STOPPING=1")
        sender.send(0.5)
        answer = sender.end()
        assert answer.startswith("250")
        assert daemon.process.wait(STOP_SECONDS) == 0
        assert time.monotonic() - started < STOP_SECONDS
    assert query(place, "SELECT length(raw) > 20000000 FROM inbox_raw") == [(1,)]
    place.avtald("tick")
    assert [each["number"] for each in json.loads(place.avtald("tickets", "--json").stdout)] == [
        1001
    ]


def test_R29_sigterm_while_20_MB_come_no_further_is_refused_and_nothing_kept(place):
    with place.running() as daemon, Sender(daemon.port) as sender:
        sender.send(0.5)
        assert daemon.terminate() < STOP_SECONDS
        assert not sender.end().startswith("250")
    assert count(place, "inbox") == 0


def test_a_new_connection_is_not_taken_while_it_stops(place):
    with place.running() as daemon, Sender(daemon.port) as sender:
        daemon.process.terminate()
        daemon.systemd.wait_for("STOPPING=1")
        wait_for(lambda: not _answers(daemon.port), "the door closes")
        sender.send(0.01)
        assert sender.end().startswith("250")
        assert daemon.process.wait(STOP_SECONDS) == 0


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def test_R29_sigterm_while_drafts_are_printed_leaves_no_half_of_one(tmp_path):
    """The daemon closes October at once, and prints a PDF for each of many customers."""
    customers = "".join(
        f'\n[[customers]]\nkey = "k{number}"\nname = "Kund {number} AB"\n'
        f'domains = ["kund{number}.se"]\n[[customers.agreements]]\nplan = "attend"\n'
        "from = 2026-10-01\n"
        for number in range(9)
    )
    place = a_place(tmp_path, REGISTER + customers)
    drafts = place.folder / "var" / "drafts"
    with place.running() as daemon:
        wait_for(lambda: any(drafts.glob("*.pdf")), "the first draft")
        assert daemon.terminate() < STOP_SECONDS
    assert whole(drafts) < 10
    place.avtald("tick")
    assert whole(drafts) == 10  # acme, and the nine: each has a fee for October
    assert count(place, "invoices", "state = 'pushed'") == 10
    references = [json.loads(each.read_text())["reference"] for each in drafts.glob("*.json")]
    assert len(set(references)) == len(references) == 10


def whole(drafts: Path) -> int:
    """How many drafts there are; each JSON is whole, each PDF has its end."""
    files = sorted(drafts.glob("*.json"))
    for file in files:
        assert json.loads(file.read_text())["reference"] in file.name
        assert file.with_suffix(".pdf").read_bytes().rstrip().endswith(b"%%EOF")
    return len(files)


# --- soak ---------------------------------------------------------------------------------------


def soak(place: Place, server, mails: int, warm_up: int) -> dict[str, int]:
    """Mails through the door to the last confirmation; gives what the process grew by."""
    with place.running() as daemon:
        pid = daemon.process.pid
        send(place.port, range(warm_up))
        settled(place, warm_up)
        before = weigh(pid)
        send(place.port, range(warm_up, mails))
        settled(place, mails)
        after = weigh(pid)
        daemon.terminate()
    assert len({mail[2] for mail in server.mails if "<bo@acme.se>" in mail[1]}) == mails
    return {name: after[name] - before[name] for name in before}


def send(port: int, numbers: range) -> None:
    """Several a connection, as an MTA does."""
    for first in range(numbers.start, numbers.stop, 50):
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for number in range(first, min(first + 50, numbers.stop)):
                mail = a_mail(subject=f"Fel {number}", message_id=f"<soak-{number}@acme.se>")
                smtp.sendmail("bo@acme.se", ["support@example.se"], mail)


def settled(place: Place, mails: int) -> None:
    until = time.monotonic() + 60 + mails
    while (
        count(place, "inbox", "state = 'done'") < mails
        or count(place, "outbox", "state != 'sent'") > 0
    ):
        assert time.monotonic() < until, "the mails are not through"
        time.sleep(0.2)


def weigh(pid: int) -> dict[str, int]:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return {
        "kilobytes": int(status["VmRSS"].split()[0]),
        "threads": int(status["Threads"]),
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
    }


@contextmanager
def soaking(tmp_path) -> Iterator[tuple[Place, object]]:
    """A desk that answers as often as it is asked, with one engineer."""
    register = REGISTER.partition('[[engineers]]\nname = "Erik Lind"')
    one_engineer = register[0] + register[2].partition("\n\n")[2]
    with sink() as server:
        place = a_place(
            tmp_path,
            one_engineer,
            f'\n[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
            "per_minute = 1000000\n",
        )
        file = place.folder / "avtald.toml"
        file.write_text(
            file.read_text().replace(
                "[desk]",
                "[desk]\nanswers = 1000000\nall_answers = 1000000\ntickets_of_address = 1000000",
            )
        )
        yield place, server


def test_R30_many_mails_leave_no_trace_in_the_process(tmp_path):
    with soaking(tmp_path) as (place, server):
        grown = soak(place, server, 300, 100)
    print(f"grown by {grown}")
    assert grown["kilobytes"] < 50_000
    assert (grown["threads"], abs(grown["files"]) <= 2) == (0, True)


@pytest.mark.long
def test_R30_ten_thousand_mails_leave_no_trace_in_the_process(tmp_path):
    with soaking(tmp_path) as (place, server):
        grown = soak(place, server, 10_000, 500)
    print(f"grown by {grown}")
    assert grown["kilobytes"] < 50_000
    assert (grown["threads"], abs(grown["files"]) <= 2) == (0, True)


def test_the_children_of_these_tests_are_the_checkouts_own():
    assert AVTALD[1:] == ["-m", "daemon"]
    assert Path(environment()["PYTHONPATH"], "daemon", "__main__.py").is_file()
