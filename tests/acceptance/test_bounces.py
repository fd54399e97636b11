"""A real Postfix sends our mail out, and brings its bounces to the keyed return paths (E1)."""

import json
import smtplib

import pytest

from tests.bounced import a_bounce
from tests.builders import a_mail
from tests.desk_process import a_place
from tests.mail_servers import postfix
from tests.scripted_smtp import sink
from tests.servers import free_port, wait_for

BO = "bo@acme.se"
US = "support@example.se"


@pytest.fixture
def world(tmp_path, sqlite_url):
    """The customers' server, our Postfix before it, and our daemon behind both."""
    with sink() as customers:
        door, out = free_port(), f"smtp:[127.0.0.1]:{customers.port}"
        with postfix(f"lmtp:inet:127.0.0.1:{door}", elsewhere=out) as border:

            def desk(reply_address):
                more = 'names = ["mx.example.net"]\n'
                place = a_place(tmp_path / "desk", sqlite_url, border.port, more=more, port=door)
                written = place.folder / "avtald.toml"
                own = f'answers = 1000\nreply_address = "{reply_address}"'
                written.write_text(written.read_text().replace("answers = 1000", own, 1))
                place.start()
                place.ready()
                places.append(place)
                return place

            places = []
            try:
                yield desk, border, customers
            finally:
                for place in places:
                    assert place.stop() == 0
                    place.store.close()


def hand_in(port, sender, raw, to=US):
    """Over SMTP, through the border."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(sender, [to], raw)


def mails_to(customers, address):
    return [(sender, raw) for sender, to, raw in customers.mails if f"<{address}>" in to]


def clock(place):
    done = place.run("tickets", "--json")
    assert done.returncode == 0, done.stderr
    (ticket,) = json.loads(done.stdout)
    return ticket["response"]


def notes(place):
    return place.run("ticket", "1001").stdout.decode()


ANSWER = a_mail(
    "Anna Svensson <anna@example.se>",
    "SV: [#1001] Skrivaren",
    "Nu går den.\n",
    message_id="<answer@example.se>",
)


def confirmed(place, border, customers):
    """Bo's ticket, and his confirmation."""
    hand_in(border.port, BO, a_mail(message_id="<first@acme.se>"))
    wait_for(lambda: mails_to(customers, BO), "the confirmation")
    wait_for(place.at_rest, "everything is done")


@pytest.mark.parametrize("reply_address", ["plus", "plain"])
def test_a_real_bounce_comes_back_and_withdraws_the_stop_E1(world, reply_address):
    """With plus addresses to a path of its own; else our own server's local mail is the proof."""
    desk, border, customers = world
    place = desk(reply_address)
    confirmed(place, border, customers)
    customers.refused = {BO: "550 5.1.1 no such person"}
    hand_in(border.port, "anna@example.se", ANSWER)
    wait_for(lambda: "kom inte fram (5.1.1)" in notes(place), "the bounce came back")
    assert clock(place)["ended_at"] is None
    assert "inte styrkt" not in notes(place)
    (sender, _), *_ = mails_to(customers, BO)
    own = sender.startswith("FROM:<support+b1001.")
    assert own == (reply_address == "plus")


@pytest.mark.parametrize("reply_address", ["plus", "plain"])
def test_forged_bounces_through_the_border_change_nothing_E1(world, reply_address):
    desk, border, customers = world
    place = desk(reply_address)
    confirmed(place, border, customers)
    hand_in(border.port, "anna@example.se", ANSWER)
    wait_for(lambda: len(mails_to(customers, BO)) == 2, "the answer")
    (first, _), (_, sent) = mails_to(customers, BO)
    wait_for(lambda: clock(place)["ended_at"] is not None, "the clock stopped")
    stolen = first.partition("<")[2].partition(">")[0]  # the path of the confirmation
    made_up = "support+b1001.aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb@example.se"
    forged_trace = (
        "Received: by mx.example.net (Postfix)\r\n\tid 4F2B71; Fri, 20 Nov 2026 09:41:00 +0100",
    )
    tries = [(US, US), (stolen, stolen)]
    tries += [(made_up, made_up)] if reply_address == "plus" else []
    tries = list(dict.fromkeys(tries))  # the same text twice is one message (B3)
    for serial, (to, written) in enumerate(tries):
        raw = a_bounce(
            sent, BO, to=written, by="mx.example.net", received=forged_trace, serial=serial
        )
        hand_in(border.port, "", raw, to=to)
    wait_for(lambda: notes(place).count("inte styrkt") >= len(tries), "all were noted")
    assert clock(place)["ended_at"] is not None
