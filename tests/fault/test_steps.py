"""Killed at every named step, and at any moment: what was acknowledged acts once (B1–B4, R04)."""

import itertools
import random
import re
import signal
import time
import uuid
from pathlib import Path

import pytest

from daemon.store.fault import STEPS
from daemon.store.mail import inbox
from daemon.store.schema import tables
from tests.builders import a_mail
from tests.desk_process import MAILBOX, Client, a_place, acted_once, sink
from tests.servers import wait_for

ROOT = Path(__file__).resolve().parents[2]
IMAP = MAILBOX + 'poll = "1s"\n'


def test_every_listed_step_stands_in_the_code_once_and_no_other_does():
    used = [
        name
        for file in (ROOT / "daemon").rglob("*.py")
        for name in re.findall(r'fault_point\("([^"]+)"\)', file.read_text())
    ]
    assert sorted(used) == sorted(STEPS)


def replayed(place):
    """Try again what chance has hit three times, as an operator does (B4)."""
    with place.store.writing() as tx:
        for row in inbox.listing(tx, states=["shelved"]):
            assert inbox.reopen(tx, row.id)


def killed_at(tmp_path, url, imap_server, steps):
    """One desk that dies at each step in turn while mail comes in by both doors."""
    user = f"f{uuid.uuid4().hex[:8]}"
    with sink() as out:
        more = IMAP.format(port=imap_server.port, user=user)
        place = a_place(tmp_path / "desk", url, out.port, more=more)
        client, fetched = Client(place.port), []
        try:
            for number, step in enumerate(steps):
                fetched.append(f"imap{number}.{uuid.uuid4().hex[:6]}@acme.se")
                imap_server.put(user, a_mail(f"Eva <{fetched[-1]}>", message_id=f"<{fetched[-1]}>"))
                place.start(kill_at=step)
                if not number:
                    client.start()
                wait_for(lambda: place.process.poll() is not None, f"dies at {step}")
                assert place.process.returncode == -signal.SIGKILL, step
                if step.startswith(("outbox", "mail")):
                    # Three deaths at one delivery are too many for a repeat: hit others next.
                    assert place.run("tick").returncode == 0
            client.stopped.set()
            place.start()
            place.ready()
            client.join(600)
            wait_for(lambda: not imap_server.uids(user) and place.at_rest(), "everything is done")
            replayed(place)
            place.rest()
        finally:
            client.stopped.set()
            assert place.stop() == 0
        acted_once(place, out, [*client.mails.names, *fetched], client.mails.timed)
        place.store.close()


def test_killed_at_every_step_each_mail_acts_once(tmp_path, sqlite_url, imap_server):
    killed_at(tmp_path, sqlite_url, imap_server, list(STEPS))


@pytest.mark.long
def test_killed_at_every_step_five_times_each_mail_acts_once(tmp_path, any_url, imap_server):
    steps = list(itertools.chain.from_iterable(STEPS for _ in range(5)))
    killed_at(tmp_path, any_url, imap_server, steps)


@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.long)])
def test_killed_at_any_moment_under_load_each_mail_acts_once(tmp_path, any_url, rounds):
    chance = random.Random(11)
    with sink() as out:
        place = a_place(tmp_path / "desk", any_url, out.port)
        clients = [Client(place.port) for _ in range(2)]
        for number in range(rounds):
            place.start()
            place.ready()
            if not number:
                for client in clients:
                    client.start()
            taken = place.count(tables.inbox)
            wait_for(lambda taken=taken: place.count(tables.inbox) > taken, "mail comes in")
            time.sleep(chance.uniform(0.05, 0.7))
            place.kill()
        for client in clients:
            client.stopped.set()
        place.start()
        place.ready()
        for client in clients:
            client.join(600)
        place.rest()
        replayed(place)
        place.rest()
        assert place.stop() == 0
        names = [name for client in clients for name in client.mails.names]
        assert len(names) >= rounds
        acted_once(place, out, names, sum(client.mails.timed for client in clients))
        place.store.close()
