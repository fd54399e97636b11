"""The real daemon and an outgoing server that takes its time after the final dot (issue 15, 7)."""

import smtplib
import time
from itertools import pairwise

import pytest
from sqlalchemy import select

from daemon.store.schema import tables
from daemon.store.session import open_store
from tests.acceptance.daemon_process import a_place
from tests.builders import REGISTER, a_mail
from tests.scripted_smtp import sink
from tests.servers import wait_for

SLOW_SECONDS = 15


@pytest.fixture
def out():
    with sink() as running:
        yield running


@pytest.fixture
def place(tmp_path, out):
    server = f'[outgoing]\nhost = "127.0.0.1"\nport = {out.port}\ntls = "none"\n'
    return a_place(tmp_path, REGISTER, server)


def hand_in(port, sender):
    mail = a_mail(f"Kund <{sender}>", message_id=f"<{sender}>")
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(sender, ["support@example.se"], mail)


def deliveries(place, address):
    store = open_store(f"sqlite:///{place.folder}/var/avtald.db")
    query = select(tables.outbox).where(tables.outbox.c.recipient == address)
    with store.reading() as tx:
        rows = tx.execute(query).all()
    store.close()
    return [(row.state, row.repeats) for row in rows]


def test_a_server_slow_with_one_customer_s_mail_holds_up_nobody_else_s(place, out):
    out.slow = {"sen@acme.se": SLOW_SECONDS}
    with place.running(WATCHDOG_USEC="2000000") as daemon:
        started = time.monotonic()
        hand_in(daemon.port, "sen@acme.se")
        wait_for(lambda: [m for m in out.mails if "sen@acme.se" in m[1]], "the slow one is there")
        for number in range(6):
            handed = time.monotonic()
            hand_in(daemon.port, f"k{number}@acme.se")
            wait_for(
                lambda number=number: [m for m in out.mails if f"k{number}@acme.se" in m[1]],
                "the other customer's confirmation",
            )
            assert time.monotonic() - handed < 8
        assert time.monotonic() - started < SLOW_SECONDS, "the machine was too slow to tell"
        wait_for(lambda: deliveries(place, "sen@acme.se") == [("sent", 0)], "the word came")
        beats = [at for at in daemon.systemd.said("WATCHDOG=1") if at > started]
        assert max(b - a for a, b in pairwise(beats)) < 4
        daemon.terminate()
    assert len([mail for mail in out.mails if "sen@acme.se" in mail[1]]) == 1


def test_a_stop_does_not_wait_for_a_slow_server_and_its_mail_goes_again_once(place, out):
    out.slow = {"sen@acme.se": 90}
    with place.running() as daemon:
        hand_in(daemon.port, "sen@acme.se")
        wait_for(lambda: [m for m in out.mails if "sen@acme.se" in m[1]], "the slow one is there")
        assert daemon.terminate() < 25
    assert deliveries(place, "sen@acme.se") == [("pending", 1)]
