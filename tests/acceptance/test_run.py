"""The real process: `avtald run` with its SMTP door, and `avtald tick`, `receive` beside it."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from daemon.loop import asked_to_stop
from tests.builders import REGISTER, a_mail, header_of, text_of
from tests.servers import free_port, wait_for

AVTALD = [sys.executable, "-m", "daemon"]


class Sink:
    """Takes every mail and keeps it."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append((envelope.rcpt_tos[0], envelope.original_content))
        return "250 kept"

    def to(self, address):
        return [raw for recipient, raw in self.mails if recipient == address]


@pytest.fixture
def sink():
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.port = controller.port
    yield handler
    controller.stop()


@pytest.fixture
def place(tmp_path, sink):
    """A folder with a configuration and an imported register."""
    (tmp_path / "avtald.toml").write_text(
        f"""
[desk]
name = "Exempel Support"
address = "support@example.se"
operators = ["drift@example.se"]
[intake.smtp]
listen = "127.0.0.1:{free_port()}"
[intake]
disk_reserve = "1MB"
[outgoing]
host = "127.0.0.1"
port = {sink.port}
tls = "none"
[identity]
require = "none"
[accounting]
kind = "files"
finance = ["ekonomi@example.se"]
first_month = "2026-11"
""",
        encoding="utf-8",
    )
    (tmp_path / "register.toml").write_text(REGISTER, encoding="utf-8")
    assert avtald(tmp_path, "import", "register.toml").returncode == 0
    return tmp_path


def avtald(folder, *words, stdin=None):
    return subprocess.run(
        [*AVTALD, *words],
        cwd=folder,
        input=stdin,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def shown(folder, *words):
    return json.loads(avtald(folder, *words, "--json").stdout)


@pytest.fixture
def running(place):
    """The daemon, ready to receive."""
    process, port = started(place)
    try:
        wait_for(lambda: _answers(port), "avtald run", process)
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def started(place):
    """`avtald run` in a folder, and the port at which its door will be."""
    port = int((place / "avtald.toml").read_text().partition("127.0.0.1:")[2].partition('"')[0])
    process = subprocess.Popen(
        [*AVTALD, "run"],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    return process, port


def _answers(port):
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=2) as smtp:
            return smtp.noop()[0] == 250
    except OSError:
        return False


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError:
        return False
    return True


def test_a_mail_to_the_door_is_confirmed(running, place, sink):
    _, port = running
    started = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.sendmail("bo@acme.se", ["support@example.se"], a_mail())
    wait_for(lambda: sink.to("bo@acme.se"), "the confirmation")
    print(f"from SMTP to the confirmation: {time.monotonic() - started:.3f} s")
    assert header_of(sink.to("bo@acme.se")[0], "Subject").startswith("[#1001]")
    assert len(shown(place, "tickets")) == 1


def test_an_unknown_recipient_is_refused_and_a_known_one_is_not(running):
    _, port = running
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.ehlo()
        smtp.mail("bo@acme.se")
        assert smtp.rcpt("nobody@example.se")[0] == 550
        assert smtp.rcpt("support@example.se")[0] == 250


def test_the_same_mail_by_receive_twice_and_by_smtp_is_one_ticket_B3(running, place, sink):
    _, port = running
    raw = a_mail(subject="En enda gång")
    (place / "m.eml").write_bytes(raw)
    assert avtald(place, "receive", "m.eml").returncode == 0
    assert avtald(place, "receive", stdin=raw).returncode == 0
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.sendmail("bo@acme.se", ["support@example.se"], raw)
    wait_for(lambda: sink.to("anna@example.se"), "the notice")
    time.sleep(1.5)
    assert [each["number"] for each in shown(place, "tickets")] == [1001]
    assert len(sink.to("bo@acme.se")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_stop_stops_it_cleanly_also_where_it_comes_twice(running, number):
    """SIGHUP is of a terminal that closes: what is being sent must not be in doubt for that."""
    process, _ = running
    for _ in range(2):
        process.send_signal(number)
    assert process.wait(30) == 0


def test_under_nohup_a_terminal_that_closes_ends_nothing():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asked = asked_to_stop()
        signal.raise_signal(signal.SIGHUP)
        assert not asked.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert asked.is_set()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_sigterm_in_the_moment_in_which_the_door_opens_stops_it_cleanly(place):
    process, port = started(place)
    try:
        while not _accepts(port):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)


def test_two_ticks_at_the_same_instant_the_second_does_nothing(place, sink):
    now = "2026-12-01T06:00:00+01:00"
    (place / "m.eml").write_bytes(a_mail(subject="Prio 2: still"))
    avtald(place, "receive", "m.eml", "--now", "2026-11-20T16:30:00+01:00")
    assert avtald(place, "tick", "--now", "2026-11-20T16:31:00+01:00").returncode == 0
    assert "måndag 23 november kl. 08:30" in text_of(sink.to("bo@acme.se")[0])
    assert avtald(place, "tick", "--now", now).returncode == 0
    sent = len(sink.mails)
    assert sum(shown(place, "tick", "--now", now).values()) == 0
    assert len(sink.mails) == sent
    states = {each["customer"]: each["state"] for each in shown(place, "statements")}
    assert states == {"acme": "pushed", "beta": "pushed"}


def test_a_broken_configuration_tells_every_mistake_and_exits_2(place):
    (place / "avtald.toml").write_text(
        '[desk]\nname = "X"\naddress = "no address"\nlanguge = "sv"\n[clock]\nwarn_at = [500]\n'
    )
    done = avtald(place, "tick")
    assert done.returncode == 2
    said = done.stderr.decode()
    assert "desk.address" in said
    assert "languge" in said
    assert "warn_at" in said


@pytest.mark.parametrize("fault", ["no configuration", "no database", "wrong option"])
def test_receive_answers_75_for_every_fault(place, fault):
    words = ["receive"]
    if fault == "no configuration":
        (place / "avtald.toml").unlink()
    elif fault == "no database":
        (place / "var").rename(place / "gone")
        (place / "var").write_text("a file")
    else:
        words.append("--nonsense")
    assert avtald(place, *words, stdin=a_mail()).returncode == 75


@pytest.mark.parametrize("fault", ["no database", "wrong option"])
def test_receive_answers_75_also_where_nobody_can_be_told(place, fault):
    """To an MTA any other code is a bounce, 120 of an output that cannot be flushed as well."""
    words = ["receive", *(["--nonsense"] if fault == "wrong option" else [])]
    (place / "var").rename(place / "gone")
    (place / "var").write_text("a file")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*AVTALD, *words],
            cwd=place,
            input=a_mail(),
            stderr=full,
            check=False,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
    assert ended.returncode == 75
