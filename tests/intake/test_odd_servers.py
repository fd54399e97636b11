"""The IMAP door before odd, slow and hostile servers: nothing lost, nobody in another's way."""

import datetime as dt

import pytest

from daemon.intake.imap import ImapDoor
from daemon.settings_mail import Imap
from daemon.settings_types import Secret
from daemon.store import inbox
from tests.odd_imap import odd_imap

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def mail(number=1):
    return b"Date: x\r\nMessage-ID: <%d@acme.se>\r\nSubject: Hej\r\n\r\nHej!\r\n" % number


@pytest.fixture
def odd():
    with odd_imap() as server:
        yield server


@pytest.fixture
def door(store, odd, tmp_path):
    table = Imap(
        host="127.0.0.1", port=odd.port, tls="none", username="u", poll=dt.timedelta(seconds=1),
        password_file=Secret(tmp_path / "password", "hemligt"),
    )  # fmt: skip
    opened = ImapDoor(table, store, timeout=0.5)
    yield opened
    opened.close()


def kept(store):
    with store.reading() as tx:
        return sorted(inbox.raw(tx, row.id) for row in inbox.listing(tx, limit=1000))


@pytest.mark.parametrize("verb", ["SIZES", "BODIES"])
@pytest.mark.parametrize(
    "words",
    [
        b"NO [UNAVAILABLE] try later",
        b"NO [LIMIT] UID FETCH Rate limit hit.",
        b"NO Server Unavailable. 15",
        b"BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds",
        b"NO [OVERQUOTA] Account exceeded command or bandwidth limits.",
    ],
)
def test_a_server_that_has_no_time_for_us_shelves_no_mail_and_takes_no_receipt_time_b2_b4(
    odd, door, store, verb, words
):
    """RFC 5530: the server's own trouble, and temporary; it is no message that is at fault."""
    odd.put(mail(1), mail(2))
    odd.twist[verb] = lambda tag, _usual: tag + b" " + words + b"\r\n"
    for _ in range(5):
        assert not door.step(NOW)
        assert door.fault is not None
    odd.twist.clear()
    assert door.step(NOW)
    with store.reading() as tx:
        rows = inbox.listing(tx)
    assert [row.reason for row in rows] == [None, None]
    assert {row.received_at for row in rows} == {dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC)}
    assert kept(store) == [mail(1), mail(2)]
