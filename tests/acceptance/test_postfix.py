"""Postfix hands over to the LMTP door: as many rows as mails, and an empty queue (R03)."""

import smtplib

import pytest

from daemon.store.schema import tables
from tests.builders import a_mail
from tests.desk_process import a_place, acted_once, sink
from tests.mail_servers import postfix


@pytest.mark.parametrize("count", [60, pytest.param(500, marks=pytest.mark.long)])
def test_all_that_postfix_took_is_in_the_inbox_and_its_queue_is_empty(tmp_path, sqlite_url, count):
    names = [f"kund{number}@acme.se" for number in range(count)]
    with sink() as out:
        place = a_place(tmp_path / "desk", sqlite_url, out.port)
        place.start()
        try:
            place.ready()
            with postfix(f"lmtp:inet:127.0.0.1:{place.port}") as border:
                with smtplib.SMTP("127.0.0.1", border.port) as client:
                    for name in names:
                        raw = a_mail(f"Bo <{name}>", message_id=f"<{name}>")
                        client.sendmail(name, ["support@example.se"], raw)
                border.drain()
            place.rest()
        finally:
            assert place.stop() == 0
        assert place.count(tables.inbox) == place.count(tables.inbox_deliveries) == count
        acted_once(place, out, names, 0)
