"""Doors that are killed in the middle of their work: what they acknowledged is kept, once (B1)."""

import random
import signal
import smtplib
import subprocess
import sys
import threading
import time
import uuid

import pytest
from sqlalchemy import func, select

from daemon.store.schema import tables
from tests.servers import free_port, listens, wait_for

_DOOR = """
import sys, threading
from daemon.intake.smtp import Door, Policy, Recipients
from daemon.settings.mail import Door as Table
from daemon.settings.values import Listen
from daemon.store.session import open_store
url, port = sys.argv[1], int(sys.argv[2])
policy = Policy(Recipients.of("support@example.se", [], "plain"))
Door(Table(listen=Listen("127.0.0.1", port)), open_store(url), policy, lmtp=True).start()
threading.Event().wait()
"""
_FETCH = """
import sys, datetime as dt
from pathlib import Path
from daemon.intake.imap import ImapDoor
from daemon.settings.mail import Imap
from daemon.settings.values import Secret
from daemon.store.session import open_store
url, port, user, done = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
table = Imap(
    host="127.0.0.1", port=port, tls="none", username=user, done_folder=done,
    password_file=Secret(Path("password"), "hemligt"),
)
door = ImapDoor(table, open_store(url))
while door.step(dt.datetime.now(dt.UTC)):
    pass
sys.exit(door.fault)
"""

rounds = pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.long)])


def mail(name):
    return f"Date: x\r\nMessage-ID: <{name}@acme.se>\r\n\r\n{'text ' * 400}\r\n".encode()


def start(script, *arguments):
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)])


def kept(store):
    with store.reading() as tx:
        first = tables.inbox.c.copy_of.is_(None)  # a mail sent again is noted (B3)
        identities = tx.scalars(select(tables.inbox.c.message_id).where(first)).all()
        raws = select(func.count()).select_from(tables.inbox_raw).join(tables.inbox)
        whole = tx.scalar(raws.where(first))
        if store.is_sqlite:
            assert tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert whole == len(identities) == len(set(identities))
    return set(identities)


class Client(threading.Thread):
    """Sends one mail after another until it is told to stop, and notes what was acknowledged."""

    def __init__(self, port):
        super().__init__()
        self.port, self.acknowledged, self.stopped = port, [], threading.Event()

    def run(self):
        while not self.stopped.is_set():
            name = uuid.uuid4().hex
            for _ in range(200):  # the same mail, as an MTA does, until it is taken
                try:
                    with smtplib.LMTP("127.0.0.1", self.port, timeout=20) as client:
                        while not self.stopped.is_set():
                            client.sendmail("bo@acme.se", ["support@example.se"], mail(name))
                            self.acknowledged.append(f"<{name}@acme.se>")
                            name = uuid.uuid4().hex
                    break
                except (OSError, smtplib.SMTPException):
                    time.sleep(0.02)


@rounds
def test_a_killed_lmtp_door_has_kept_what_it_acknowledged_once(any_store, any_url, rounds):
    port, chance = free_port(), random.Random(7)
    clients = [Client(port) for _ in range(2)]
    for number in range(rounds):
        door = start(_DOOR, any_url, port)
        wait_for(lambda: listens(port), "the door is open", door)
        if not number:
            for client in clients:
                client.start()
        time.sleep(chance.uniform(0.05, 0.6))
        door.send_signal(signal.SIGKILL)
        door.wait()
    for client in clients:
        client.stopped.set()
    for client in clients:
        client.join(30)
    acknowledged = {name for client in clients for name in client.acknowledged}
    assert len(acknowledged) > rounds
    assert acknowledged <= kept(any_store)
    assert len(kept(any_store) - acknowledged) <= 2 * rounds


@rounds
@pytest.mark.parametrize("done", ["Avtald", ""])
def test_a_killed_imap_door_loses_nothing_and_doubles_nothing(
    any_store, any_url, imap_server, rounds, done
):
    user, chance = f"k{uuid.uuid4().hex[:10]}", random.Random(7)
    names = [uuid.uuid4().hex for _ in range(300)]
    imap_server.put(user, *map(mail, names))
    for _ in range(rounds):
        door = start(_FETCH, any_url, imap_server.port, user, done)
        time.sleep(chance.uniform(0.4, 1.1))  # most of it goes to the start of the program
        door.send_signal(signal.SIGKILL)
        door.wait()
    assert start(_FETCH, any_url, imap_server.port, user, done).wait(60) == 0
    assert kept(any_store) == {f"<{name}@acme.se>" for name in names}
    assert imap_server.uids(user, criteria="SEEN") == []
    left = imap_server.uids(user, criteria="UNKEYWORD $AvtaldHandled")
    assert (left, len(imap_server.uids(user, "Avtald"))) == ([], 300 if done else 0)
