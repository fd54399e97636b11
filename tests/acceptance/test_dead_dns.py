"""The real daemon beside a DNS server that is silent, late or failing (D1a; issue 15, 4)."""

import smtplib
import time
from itertools import pairwise

import pytest

from tests.acceptance.daemon_process import SETTINGS, a_place
from tests.builders import REGISTER, a_mail
from tests.desk.incoming.test_late_proof import forged
from tests.name_server import name_server
from tests.scripted_smtp import sink
from tests.servers import wait_for

CUSTOMER_SECONDS = 10


@pytest.mark.parametrize("health", ["silent", 8, "servfail"])
def test_forged_mail_holds_no_customer_up_and_starves_no_watchdog_D1a(
    tmp_path, monkeypatch, health
):
    proven = SETTINGS.replace('require = "none"', 'nameserver = "127.0.0.1:{dns}"')
    with sink() as out, name_server() as names:
        names.health = health
        monkeypatch.setattr(
            "tests.acceptance.daemon_process.SETTINGS", proven.replace("{dns}", str(names.port))
        )
        server = f'[outgoing]\nhost = "127.0.0.1"\nport = {out.port}\ntls = "none"\n'
        place = a_place(tmp_path, REGISTER, server)
        with place.running(WATCHDOG_USEC="8000000") as daemon:
            started = time.monotonic()
            for number in range(8):
                hand_in(daemon.port, "anna@example.se", forged(number))
            for number in range(3):
                handed = time.monotonic()
                sender = f"k{number}@acme.se"
                hand_in(daemon.port, sender, a_mail(f"K <{sender}>", message_id=f"<{sender}>"))
                wait_for(
                    lambda sender=sender: [m for m in out.mails if sender in m[1]],
                    "the customer's confirmation",
                )
                assert time.monotonic() - handed < CUSTOMER_SECONDS
            time.sleep(3)
            assert names.asked
            beats = [at for at in daemon.systemd.said("WATCHDOG=1") if at > started]
            assert max(after - before for before, after in pairwise([started, *beats])) < 8
            daemon.terminate()


def hand_in(port, sender, mail):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(sender, ["support@example.se"], mail)
