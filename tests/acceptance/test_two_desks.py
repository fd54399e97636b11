"""Two desks that answer each other automatically stop (J2): real doors on both sides."""

import smtplib
import time

import pytest
from aiosmtpd.controller import Controller

from daemon.store import migrations
from daemon.store.session import open_store
from tests.builders import a_mail
from tests.desk_process import a_place
from tests.servers import free_port, wait_for

TELLING = (b"auto-submitted", b"x-auto-response-suppress", b"x-avtald-instance", b"precedence")


class Router:
    """Brings mail to the desk whose domain it names; may take off what tells of automatic mail."""

    def __init__(self, *, strip):
        self.strip, self.ports, self.carried = strip, {}, []
        self.port = free_port()

    async def handle_DATA(self, _server, _session, envelope):
        for to in envelope.rcpt_tos:
            port = self.ports.get(to.partition("@")[2])
            if to.startswith("support@") and port:
                self.carried.append(to)
                with smtplib.LMTP("127.0.0.1", port, timeout=30) as client:
                    client.sendmail(envelope.mail_from, [to], self._text(envelope))
        return "250 carried"

    def _text(self, envelope):
        head, _, body = envelope.original_content.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        kept = [each for each in lines if each.lower().partition(b":")[0] not in TELLING]
        return b"\r\n".join(kept if self.strip else lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize("strip", [False, True], ids=["honest", "headers lost on the way"])
def test_two_desks_that_answer_each_other_stop_within_two_mails_each(tmp_path, strip):
    router = Router(strip=strip)
    controller = Controller(router, hostname="127.0.0.1", port=router.port)
    controller.start()
    places = {}
    try:
        for domain in ("nord.se", "syd.se"):
            url = f"sqlite:///{tmp_path}/{domain}.db"
            made = open_store(url)
            migrations.upgrade(made)
            made.close()
            places[domain] = a_place(
                tmp_path / domain, url, router.port, address=f"support@{domain}"
            )
            places[domain].start()
            router.ports[domain] = places[domain].port
        for place in places.values():
            place.ready()
        # One desk writes to the other, as when its address is a customer's contact.
        raw = a_mail("Syd <support@syd.se>", "Skrivaren", message_id="<first@syd.se>")
        with smtplib.LMTP("127.0.0.1", places["nord.se"].port) as client:
            client.sendmail("support@syd.se", ["support@nord.se"], raw)
        wait_for(lambda: router.carried, "the first answer")
        calm, seen = 0, 0
        while calm < 8:
            time.sleep(0.25)
            resting = all(place.at_rest() for place in places.values())
            calm = calm + 1 if resting and len(router.carried) == seen else 0
            seen = len(router.carried)
            assert seen <= 4, router.carried
        assert max(router.carried.count(f"support@{domain}") for domain in places) <= 2
    finally:
        for place in places.values():
            assert place.stop() == 0
            place.store.close()
        controller.stop()
