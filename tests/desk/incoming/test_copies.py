"""One message, one effect; and one proof, one effect: replays and copies at the desk (B3, D1)."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from daemon.store.mail import inbox
from daemon.store.schema import tables
from parsers.message import read
from tests import signing
from tests.builders import (
    SETTINGS,
    a_desk,
    a_mail,
    an_engineers_mail,
    dated,
    header_of,
    instant,
    text_of,
)
from tests.mail_copies import Mail, copies, renamed, with_footer

MORNING = "2026-11-20 09:00"
ANNA = "Anna Svensson <anna@example.se>"
PASS = b"Authentication-Results: mx.example.se; dmarc=pass header.from=example.se\n"
UNTRUSTED = SETTINGS.replace('["mx.example.se"]', "[]")


def booked(desk):
    """The minutes that are in the ledger, by ticket."""
    with desk.desk.store.reading() as tx:
        rows = tx.execute(
            select(tables.ledger.c.ticket_id, func.sum(tables.ledger.c.actual))
            .where(tables.ledger.c.ticket_id.is_not(None))
            .group_by(tables.ledger.c.ticket_id)
        )
        return dict(rows.all())


def ends(desk):
    """The state and outcome of every message."""
    with desk.desk.store.reading() as tx:
        rows = tx.execute(
            select(tables.inbox.c.state, tables.inbox.c.outcome).order_by(tables.inbox.c.id)
        )
        return [tuple(row) for row in rows]


def events(desk, kind):
    with desk.desk.store.reading() as tx:
        return tx.execute(select(tables.events).where(tables.events.c.kind == kind)).all()


def two_tickets(desk):
    """A ticket of acme's and one of beta's; gives the notices of both to Anna."""
    desk.get(a_mail(), MORNING)
    desk.get(a_mail("Cia <cia@beta.se>", "Rapporten", "Den saknas.\n"), "2026-11-20 09:05")
    return desk.mailer.to("anna@example.se")


def answer(notice, text="Klart nu. [tid: 4h]\n", **more):
    """Her mail as she wrote it at half past nine, without proof."""
    return dated(a_mail(ANNA, "SV: ärende", text, reply_to=notice, **more), "2026-11-20 09:30")


def elsewhere(raw, notice):
    """The mail as an answer to another one."""
    mail = Mail.of(raw).without(b"In-Reply-To").without(b"References")
    field = b"In-Reply-To: " + header_of(notice, "Message-ID").encode()
    return Mail((*mail.fields, field), mail.body).raw()


def with_cc(raw):
    return b"Cc: x@y.se\n" + raw


REPLAYS = {
    "a comment": lambda raw, _: b"Comments: 1\n" + raw,
    "another answer": elsewhere,
    "another Message-ID": lambda raw, _: renamed(Mail.of(raw)).raw(),
    "a copy to somebody": lambda raw, _: with_cc(raw),
    "all of it": lambda raw, notice: renamed(Mail.of(elsewhere(with_cc(raw), notice))).raw(),
    "no transfer encoding": lambda raw, _: (
        Mail.of(with_cc(raw)).without(b"Content-Transfer-Encoding").raw()
    ),
}


class Ways:
    """The two ways to prove a mail: the border's word, or a signature that the desk checks."""

    def __init__(self, store, folder, monkeypatch, way):
        text = SETTINGS if way == "border" else UNTRUSTED
        self.desk, self.way = a_desk(store, folder, settings=text), way
        monkeypatch.setattr(type(self.desk.desk.dns), "questions", lambda *_: Asked())

    def proven(self, raw):
        """The mail with proof, as its sender's server hands it over."""
        signed = signing.signed(raw, covering=("from", "to", "subject", "date", "content-type"))
        return PASS + signed.replace(b"\r\n", b"\n") if self.way == "border" else signed


class Asked:
    """Questions to the test's own name server."""

    def of_a_mail(self):
        return signing.dns


@pytest.fixture(params=["border", "dkim"])
def ways(request, store, tmp_path, monkeypatch):
    return Ways(store, tmp_path, monkeypatch, request.param)


@pytest.mark.parametrize("name", REPLAYS)
@pytest.mark.parametrize("later", ["2026-11-20 10:00", "2027-01-07 10:00"])
def test_a_proven_mail_that_is_sent_again_books_nothing_and_asks_nobody_D1(ways, name, later):
    """Also 48 days later, and also with fields that its signature leaves out."""
    desk = ways.desk
    notices = two_tickets(desk)
    raw = ways.proven(answer(notices[0]))
    desk.get(raw, "2026-11-20 09:31")
    before, sent = booked(desk), len(desk.mailer.sent)
    assert sum(before.values()) == 240
    border, rest = (PASS, raw.removeprefix(PASS)) if ways.way == "border" else (b"", raw)
    desk.get(border + REPLAYS[name](rest, notices[1]), later)
    assert booked(desk) == before
    assert len(desk.mailer.sent) == sent
    assert ends(desk)[-1] == ("done", "copy")
    assert [row.ticket_id for row in events(desk, "copy")] == [1]


def test_four_replays_of_a_correction_take_its_minutes_once_D1(ways):
    desk = ways.desk
    notice = two_tickets(desk)[0]
    desk.get(ways.proven(answer(notice)), "2026-11-20 09:31")
    correction = dated(
        a_mail(ANNA, "SV: ärende", "[tid: -1h]\n", reply_to=notice), "2026-11-20 09:40"
    )
    for number in range(4):
        desk.get(ways.proven(b"Comments: %d\n" % number + correction), "2026-11-20 09:41")
    assert sum(booked(desk).values()) == 180


def test_a_mail_that_she_wrote_to_somebody_else_waits_for_her_word_D1(ways):
    desk = ways.desk
    notice = two_tickets(desk)[0]
    raw = ways.proven(answer(notice, "Jag säger upp mig.\n", to="nils@annan.se"))
    desk.get(raw, "2026-11-20 09:31")
    assert ends(desk)[-1] == ("held", "held")
    assert "inte skrivet till oss" in text_of(desk.mailer.to("anna@example.se")[-1])
    assert "säger upp" not in text_of(desk.mailer.to("bo@acme.se")[-1])


def test_an_old_mail_with_proof_waits_for_her_word_D1(ways):
    desk = ways.desk
    notice = two_tickets(desk)[0]
    desk.get(ways.proven(answer(notice)), "2026-11-27 09:31")
    assert ends(desk)[-1] == ("held", "held")
    assert "datum ligger långt" in text_of(desk.mailer.to("anna@example.se")[-1])


# --- a copy brings the proof ------------------------------------------------------------------


def test_the_same_mail_first_without_and_then_with_proof_is_released_B3(ways):
    """With its original receipt time; the request that she got is moot, and no second comes."""
    desk = ways.desk
    notice = two_tickets(desk)[0]
    raw = answer(notice)
    desk.get(raw, "2026-11-20 09:31")
    request = desk.mailer.to("anna@example.se")[-1]
    asked = len(desk.mailer.to("anna@example.se"))
    desk.get(b"List-ID: <x>\n" + raw, "2026-11-20 09:32")  # another one without proof
    assert len(desk.mailer.to("anna@example.se")) == asked
    desk.get(ways.proven(raw), "2026-11-20 09:50")
    assert sum(booked(desk).values()) == 240
    with desk.desk.store.reading() as tx:
        assert set(tx.scalars(select(tables.ledger.c.received_at))) >= {instant("2026-11-20 09:31")}
        clock = tx.execute(select(tables.clocks).where(tables.clocks.c.ticket_id == 1)).first()
    assert clock.ended_at == instant("2026-11-20 09:31")
    desk.get(
        dated(a_mail(ANNA, "SV: x", "OK", reply_to=request), "2026-11-20 10:00"),
        "2026-11-20 10:00",
    )
    assert sum(booked(desk).values()) == 240
    assert {state for state, _ in ends(desk)} == {"done"}


def test_the_proven_mails_own_fields_count_and_not_those_of_a_copy_sent_ahead_D1(ways):
    """The attacker's copy answers another customer's ticket."""
    desk = ways.desk
    notices = two_tickets(desk)
    raw = answer(notices[0])
    desk.get(elsewhere(raw, notices[-1]), "2026-11-20 09:31")
    desk.get(ways.proven(raw), "2026-11-20 09:35")
    assert booked(desk) == {1: 240}
    assert not any("Klart nu" in text_of(mail) for mail in desk.mailer.to("cia@beta.se"))


def test_a_forged_mail_with_her_message_id_suppresses_nothing_and_counts_nothing_D1(ways):
    desk = ways.desk
    notice = two_tickets(desk)[0]
    raw = answer(notice)
    mail = Mail.of(raw)
    forged = Mail(mail.fields, b"Betala allt. [tid: 9h]\n").raw()
    desk.get(forged, "2026-11-20 09:20")
    request = desk.mailer.to("anna@example.se")[-1]
    desk.get(ways.proven(raw), "2026-11-20 09:35")
    assert booked(desk) == {1: 240}
    with desk.desk.store.reading() as tx:
        clock = tx.execute(select(tables.clocks).where(tables.clocks.c.ticket_id == 1)).first()
    assert clock.ended_at == instant("2026-11-20 09:35")  # never the forged one's time
    desk.get(
        dated(a_mail(ANNA, "SV: x", "OK", reply_to=request), "2026-11-20 10:00"),
        "2026-11-20 10:00",
    )
    assert booked(desk) == {1: 240}
    assert not any("Betala" in text_of(each) for each in desk.mailer.to("bo@acme.se"))


def test_a_forged_mail_and_a_true_one_without_proof_are_two_questions_D1(desk):
    """She refuses the one, and the other is not lost with it."""
    notice = two_tickets(desk)[0]
    raw = answer(notice)
    desk.get(Mail(Mail.of(raw).fields, b"Betala. [tid: 9h]\n").raw(), "2026-11-20 09:20")
    desk.get(raw, "2026-11-20 09:35")
    assert [state for state, _ in ends(desk)].count("held") == 2


def test_a_copy_of_a_message_that_she_refused_asks_no_more_but_proof_counts_D1(ways):
    desk = ways.desk
    notice = two_tickets(desk)[0]
    raw = answer(notice)
    desk.get(raw, "2026-11-20 09:31")
    request = desk.mailer.to("anna@example.se")[-1]
    desk.get(
        dated(a_mail(ANNA, "SV: x", "Nej", reply_to=request), "2026-11-20 09:40"),
        "2026-11-20 09:40",
    )
    told = len(desk.mailer.sent)
    desk.get(b"Comments: 1\n" + raw, "2026-11-20 09:45")
    assert len(desk.mailer.sent) == told
    desk.get(ways.proven(raw), "2026-11-20 09:50")
    assert booked(desk) == {1: 240}


# --- shelved, silenced, archived --------------------------------------------------------------


def test_a_copy_of_a_shelved_message_is_acted_on_in_its_place_B4(desk):
    """It is not lost, and a replay of the first does it no second time."""
    raw = dated(a_mail(), MORNING)
    desk.receive(raw, MORNING)
    with desk.desk.store.writing() as tx:
        (claimed,) = inbox.claim(tx)
        tx.execute(tables.inbox.update().values(attempts=3))
        assert inbox.fail(tx, claimed.id, "ValueError: no", instant(MORNING))
    desk.get(b"List-ID: <x>\n" + raw, "2026-11-20 10:00")
    with desk.desk.store.writing() as tx:
        assert not inbox.reopen(tx, claimed.id)
        ticket = tx.execute(select(tables.tickets)).one()
        tx.execute(tables.inbox.update().values(attempts=1))
    assert ticket.opened_at == instant(MORNING)


@pytest.mark.parametrize(
    "field", [b"Auto-Submitted: auto-replied", b"X-Avtald-Instance: %s", b"Return-Path: <>"]
)
def test_no_field_of_a_copy_sent_ahead_silences_a_customer_B3(desk, field):
    if b"%s" in field:
        field %= desk.desk.instance.encode()
    answered = b"In-Reply-To: <x@acme.se>\n"
    raw = dated(a_mail(), MORNING)
    desk.get(field + b"\n" + answered + raw, MORNING)
    desk.get(raw, "2026-11-20 09:01")
    assert ends(desk)[-1] == ("done", "opened")
    assert len(desk.mailer.to("bo@acme.se")) == 1


def test_a_list_s_copy_that_comes_first_takes_no_confirmation_away_J1(desk):
    raw = dated(a_mail(), MORNING)
    desk.get(b"List-ID: <x>\n" + raw, MORNING)
    assert desk.mailer.to("bo@acme.se") == []
    desk.get(raw, "2026-11-20 09:01")
    assert len(desk.mailer.to("bo@acme.se")) == 1
    desk.get(b"Received: by mx\n" + raw, "2026-11-20 09:02")
    assert len(desk.mailer.to("bo@acme.se")) == 1
    assert len(events(desk, "copy")) == 2


# --- a stream of mails ------------------------------------------------------------------------


def effects(desk):
    """Everything that the mails did: tickets, ledger rows, outgoing mails.

    Requests are left out: a copy without proof that comes first is asked about (D1).
    """
    with desk.desk.store.reading() as tx:
        opened = tx.execute(
            select(tables.tickets.c.subject, tables.tickets.c.requester, tables.tickets.c.status)
        ).all()
        time = tx.execute(select(tables.ledger.c.kind, tables.ledger.c.actual)).all()
    named = sorted((_without_list(subject), *rest) for subject, *rest in opened)
    mails = [(to, raw) for to, raw in desk.mailer.sent if "från dig?" not in read(raw).subject]
    sent = [(to, read(raw).subject) for to, raw in mails]
    return named, sorted(map(tuple, time)), sorted(map(_unnumbered, sent))


def _without_list(subject):
    """The subject as its writer had it: a list's copy may have come first."""
    return subject.replace("[support-list] ", "")


def _unnumbered(sent):
    """A mail as its reader and its subject say; the tickets may be opened in another order."""
    to, subject = sent
    return to, "".join(char for char in _without_list(subject) if not char.isdigit())


def stream():
    """Mails of customers, of a stranger and of an engineer, each unlike the others."""
    mails = [
        a_mail(f"Bo Ek <bo{n}@acme.se>", f"Fel {chr(65 + n)}", f"Maskin {n} står.\n", headers=())
        for n in range(3)
    ]
    mails.append(a_mail("Okänd <x@okand.example>", "Fråga", "Vad kostar det?\n"))
    mails += [
        an_engineers_mail(f"[för: bo{n}@acme.se] [tid: {n + 1}h]\nRingde.\n", subject=f"Samtal {n}")
        for n in range(2)
    ]
    return [dated(raw, MORNING) for raw in mails]


# Every other mail meets lists that add a footer; the others lose their Message-ID.
AGAIN = st.one_of(
    st.tuples(st.sampled_from([0, 2, 4]), copies(keeps_id=True)),
    st.tuples(st.sampled_from([1, 3, 5]), copies(keeps_id=False)),
)


@given(st.lists(AGAIN, max_size=8), st.randoms())
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each example is two desks: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_stream_with_copies_has_the_effects_of_each_mail_once_B3(make_desk, again, chance):
    """Through any door, in any order."""
    mails = stream()
    once = make_desk()
    for raw in mails:
        once.receive(raw, MORNING)
    once.work(MORNING)
    expected = effects(once)
    desk = make_desk()
    both = [*mails, *(make(mails[number]) for number, make in again)]
    chance.shuffle(both)
    for raw in both:
        desk.receive(raw, MORNING)
        if chance.random() < 0.5:
            desk.work(MORNING)
    desk.work(MORNING)
    assert effects(desk) == expected


def test_a_footer_and_the_mail_itself_are_one_in_either_order_B3(make_desk):
    raw = dated(a_mail(), MORNING)
    footer = with_footer(Mail.of(raw)).raw()
    for pair in ((raw, footer), (footer, raw)):
        desk = make_desk()
        for mail in pair:
            desk.get(mail, MORNING)
        assert len(desk.mailer.to("bo@acme.se")) == 1
        assert len(events(desk, "copy")) == 1
