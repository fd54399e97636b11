"""A desk with two mailboxes, one broken: the other goes on, and people are told what to mend."""

import json
import urllib.error
import urllib.request
import uuid

import pytest

from daemon.store.schema import tables
from tests.builders import a_mail
from tests.desk_process import MAILBOX, a_place, sink
from tests.odd_imap import odd_imap
from tests.servers import free_port, wait_for


def asked(port):
    """What /health answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


@pytest.fixture
def broken():
    with odd_imap() as odd:
        odd.twist["LOGIN"] = lambda tag, _usual: tag + b" NO [AUTHENTICATIONFAILED] no\r\n"
        yield odd


@pytest.fixture
def desk(tmp_path, sqlite_url, imap_server, broken):
    user, watch = f"u{uuid.uuid4().hex[:10]}", free_port()
    imap_server.put(user, a_mail("Bo <bo@acme.se>", "Skrivaren", message_id="<1@acme.se>"))
    with sink() as out:
        place = a_place(
            tmp_path / "desk",
            sqlite_url,
            out.port,
            more=MAILBOX.format(port=broken.port, user="broken")
            + MAILBOX.format(port=imap_server.port, user=user)
            + f'[watch]\nlisten = "127.0.0.1:{watch}"\n',
        )
        try:
            yield place, out, watch
        finally:
            place.stop()
            place.store.close()


def is_done(place):
    return place.count(tables.inbox, tables.inbox.c.state == "done") == 1


def test_the_other_goes_on_and_the_operators_are_told_once(desk):
    place, out, watch = desk
    place.start()
    place.ready()
    wait_for(lambda: is_done(place), "the other mailbox's mail is done", place.process)
    told = "drift@example.se"
    wait_for(lambda: out.to(told), "the operators are told", place.process, seconds=60)
    status, health = asked(watch)
    (fault,) = health["faults"]
    assert status == 503
    assert "broken@127.0.0.1/INBOX" in fault
    assert "[AUTHENTICATIONFAILED]" in fault
    checked = place.run("check")
    said = " ".join(checked.stdout.decode().split())  # however wide the terminal is
    says, _, remedy = said.partition("IMAP broken@127.0.0.1/INBOX")[2].partition("→")
    assert checked.returncode == 1
    assert "[AUTHENTICATIONFAILED]" in says
    assert remedy.partition("→")[0].count("password_file") == 1
    assert place.stop() == 0
    assert len(out.to(told)) == 1


def test_a_tick_fetches_from_the_other_and_says_which_is_out_of_reach(desk):
    place, _, _ = desk
    ended = place.run("tick")
    assert is_done(place)
    assert (ended.returncode, b"broken@127.0.0.1/INBOX" in ended.stderr) == (75, True)
