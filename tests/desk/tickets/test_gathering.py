"""Notices to our own people: four at once, the others within ten minutes in one mail (J2)."""

import dataclasses
import datetime as dt
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.app import steps
from daemon.desk.register import erasing
from daemon.desk.reminders import gathered_notices
from daemon.loop import until_nothing
from daemon.store.mail import notices, outbox
from daemon.store.money import ledger, register
from tests.builders import SETTINGS, a_desk, a_mail, an_engineers_mail, header_of, instant, text_of

GATHERED = SETTINGS.replace("gather_from = 1000\n", "")  # as the product comes
START = instant("2026-11-20 09:00")
ANNA, ERIK = "anna@example.se", "erik@example.se"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def busy(any_store, tmp_path):
    """A desk that gathers, on both engines."""
    return a_desk(any_store, tmp_path, settings=GATHERED)


def work(desk, at):
    """Everything due by then, gathered notices too."""
    desk.work(at)
    while gathered_notices.send_due(desk.desk, at):
        desk.work(at)


def burst(desk, count, start=START, *, seconds=1, prefix="Fråga", sender="Bo Ek <bo@acme.se>"):
    for number in range(count):
        at = start + dt.timedelta(seconds=seconds * number)
        raw = a_mail(sender, f"{prefix} {number}", f"Mejl {number} av {prefix}.")
        desk.receive(raw, at)
        work(desk, at)


def to(desk, address):
    """The mails to one of our people: those of one ticket, and the gathered ones."""
    mails = desk.mailer.to(address)
    single = [raw for raw in mails if header_of(raw, "Subject").startswith("[#")]
    return single, [raw for raw in mails if raw not in single]


def listed(raw):
    """The numbers of the tickets in a gathered mail, in order."""
    return [int(each) for each in re.findall(r"^(\d{4}): ", text_of(raw), re.MULTILINE)]


def named(raw):
    return int(re.match(r"\[#(\d+)\]", header_of(raw, "Subject"))[1])


# --- the figures of the rule ------------------------------------------------------------------


def test_thirty_mails_in_a_minute_are_four_notices_and_one_mail_J2(busy):
    burst(busy, 20, seconds=2)
    burst(busy, 10, START + MINUTE, sender="Siv <siv@beta.se>", prefix="Beta")
    assert [len(each) for each in to(busy, ANNA)] == [4, 0]
    work(busy, START + 12 * MINUTE)
    for address in (ANNA, ERIK):
        single, (many,) = to(busy, address)
        assert len(single) == 4
        assert [*map(named, single), *listed(many)] == list(range(1001, 1031))


def test_five_hundred_mails_of_one_stranger_are_five_mails_to_each_engineer_J2(store, tmp_path):
    desk = a_desk(store, tmp_path, settings=GATHERED)
    for number in range(500):
        at = START + dt.timedelta(seconds=10 * number)
        desk.receive(a_mail("kim@example.org", f"Fråga {number}", f"Mejl {number}."), at)
        if number % 10 == 9:
            work(desk, at)
    work(desk, START + 100 * MINUTE)
    single, many = to(desk, ANNA)
    assert len(single) + len(many) <= 6
    assert sorted([*map(named, single), *(n for raw in many for n in listed(raw))]) == list(
        range(1001, 1022)
    )


def test_they_go_when_the_first_has_waited_ten_minutes_and_not_before_J2(busy):
    burst(busy, 5)
    fifth = START + dt.timedelta(seconds=4)
    work(busy, fifth + 10 * MINUTE - dt.timedelta(seconds=1))
    assert to(busy, ANNA)[1] == []
    work(busy, fifth + 10 * MINUTE)
    assert [listed(raw) for raw in to(busy, ANNA)[1]] == [[1005]]


def test_ten_minutes_later_notices_go_at_once_again_J2(busy):
    burst(busy, 6)
    work(busy, START + 11 * MINUTE)
    burst(busy, 4, START + 11 * MINUTE, prefix="Senare")
    assert [len(each) for each in to(busy, ANNA)] == [8, 1]


def test_gathered_notices_count_as_well_in_a_long_flood_J2(busy):
    burst(busy, 20, seconds=90)  # more than five within any ten minutes, for half an hour
    work(busy, START + 60 * MINUTE)
    single, many = to(busy, ANNA)
    assert len(single) == 4
    assert len(many) <= 3


def test_a_clock_set_back_does_not_keep_them_waiting_J2(busy):
    burst(busy, 5, START + dt.timedelta(days=300))
    work(busy, START)
    assert [listed(raw) for raw in to(busy, ANNA)[1]] == [[1005]]


# --- what goes at once, and who is told -------------------------------------------------------


def test_a_critical_ticket_goes_at_once_J2(busy):
    burst(busy, 8)
    busy.get(a_mail(subject="KRITISK: allt står still"), START + MINUTE)
    assert named(to(busy, ANNA)[0][-1]) == 1009
    work(busy, START + 12 * MINUTE)
    assert [listed(raw) for raw in to(busy, ANNA)[1]] == [[1005, 1006, 1007, 1008]]


def test_each_person_has_a_count_of_her_own_J2(busy):
    for number in range(6):
        at = START + number * MINUTE
        busy.get(a_mail(subject=f"Fråga {number}"), at)
        notice = to(busy, ERIK)[0][-1]
        if number == 0:
            busy.get(an_engineers_mail("[tilldela: erik@example.se]", reply_to=notice), at)
    assert len(to(busy, ANNA)[0]) >= 4
    work(busy, START + 20 * MINUTE)
    assert {*map(named, to(busy, ERIK)[0]), *(n for r in to(busy, ERIK)[1] for n in listed(r))} == {
        *range(1001, 1007)
    }


def test_replies_to_one_ticket_stand_together_with_their_texts_J2(busy):
    busy.get(a_mail(), START)
    confirmation = busy.mailer.to("bo@acme.se")[0]
    for number in range(8):
        text = f"Mer att säga nummer {number}."
        busy.get(a_mail(subject="SV", text=text, reply_to=confirmation), START + MINUTE)
    work(busy, START + 12 * MINUTE)
    single, (many,) = to(busy, ANNA)
    assert listed(many) == [1001]
    said = [re.findall(r"nummer (\d)", text_of(raw)) for raw in (*single, many)]
    assert "".join(dict.fromkeys("".join(n for each in said for n in each))) == "01234567"
    assert "Bo Ek <bo@acme.se>" in text_of(many)
    assert "Acme AB" in text_of(many)
    assert "3 - Normal, senast" in text_of(many)


# --- a reply to it ----------------------------------------------------------------------------


def test_a_reply_books_by_line_and_reaches_no_customer_J2_C14(busy):
    burst(busy, 8)
    work(busy, START + 11 * MINUTE)
    (many,) = to(busy, ANNA)[1]
    outside = len(busy.mailer.to("bo@acme.se"))
    reply = an_engineers_mail("#1006 [tid: 1h]\n1007 [tid: 30m]\n", reply_to=many)
    busy.get(reply, START + 12 * MINUTE)
    with busy.desk.store.reading() as tx:
        assert [row.entry.actual for row in ledger.of_message(tx, 9)] == [60, 30]
    assert len(busy.mailer.to("bo@acme.se")) == outside


def test_an_absent_readers_program_answers_it_and_her_absence_is_noted_J2_D8(busy):
    burst(busy, 6)
    work(busy, START + 11 * MINUTE)
    (many,) = to(busy, ANNA)[1]
    away = an_engineers_mail(
        "Jag är på semester.", reply_to=many, headers=[("Auto-Submitted", "auto-replied")]
    )
    busy.get(away, START + 12 * MINUTE)
    with busy.desk.store.reading() as tx:
        assert register.person_by_address(tx, ANNA).absent_until is not None


# --- nothing lost, nothing twice --------------------------------------------------------------


@settings(max_examples=15, deadline=None, suppress_health_check=[*HealthCheck])
@given(gaps=st.lists(st.integers(0, 400), min_size=1, max_size=30), late=st.booleans())
def test_every_ticket_is_told_once_to_each_person_J2(make_gathering, gaps, late):
    desk, at = make_gathering(), START
    for number, gap in enumerate(gaps):
        at += dt.timedelta(seconds=gap)
        desk.receive(a_mail(f"p{number % 9}@acme.se", f"Fråga {number}", f"Nummer {number}"), at)
        if not late or number % 5 == 0:
            work(desk, at)
    work(desk, at)
    work(desk, at + 11 * MINUTE)
    for address in (ANNA, ERIK):
        single, many = to(desk, address)
        told = [*map(named, single), *(number for raw in many for number in listed(raw))]
        assert sorted(told) == list(range(1001, 1001 + len(gaps)))


@pytest.fixture
def make_gathering(make_desk):
    """Makes a desk that gathers, anew each time."""

    def made():
        desk = make_desk()
        old = desk.desk.settings
        table = dataclasses.replace(old.desk, gather_from=5)
        made_new = dataclasses.replace(old, desk=table)
        return type(desk)(dataclasses.replace(desk.desk, settings=made_new))

    return made


@pytest.mark.parametrize("where", ["told", "post"])
def test_a_death_in_between_neither_loses_nor_repeats_J2(busy, monkeypatch, where):
    burst(busy, 8)
    later = START + 11 * MINUTE
    place = notices if where == "told" else gathered_notices
    whole = getattr(place, where)

    def dies(*given):
        whole(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place, where, dies)
        with pytest.raises(KeyboardInterrupt):
            gathered_notices.send_due(busy.desk, later)
    work(busy, later)
    work(busy, later + MINUTE)
    for address in (ANNA, ERIK):
        assert [listed(raw) for raw in to(busy, address)[1]] == [[1005, 1006, 1007, 1008]]


def test_a_message_that_fails_leaves_no_notice_behind_J2(busy, monkeypatch):
    burst(busy, 6)
    with busy.desk.store.reading() as tx:
        before = len(notices.due(tx, START + 11 * MINUTE, 10 * MINUTE))
    whole = notices.wait

    def fails(*given, **more):
        whole(*given, **more)
        raise KeyboardInterrupt

    busy.receive(a_mail(subject="En till"), START + MINUTE)
    with monkeypatch.context() as patch:
        patch.setattr(notices, "wait", fails)
        with pytest.raises(KeyboardInterrupt):
            busy.work(START + MINUTE)
    with busy.desk.store.reading() as tx:
        waiting = notices.due(tx, START + 11 * MINUTE, 10 * MINUTE)
    assert len(waiting) == before == 2
    assert all(len(rows) == 2 for rows in waiting.values())


def test_a_tick_sends_the_due_ones_J2(busy):
    burst(busy, 5)
    assert until_nothing(steps.clock_steps(busy.desk), START + 5 * MINUTE)["gather"] == 0
    assert until_nothing(steps.clock_steps(busy.desk), START + 11 * MINUTE)["gather"] == 1


# --- what is kept (K2) ------------------------------------------------------------------------


def erase_bo(desk, at):
    erasing.erase(desk.desk, "bo@acme.se", at, steps.papers_of(desk.desk))


def test_an_erasure_empties_the_gathered_mail_with_its_persons_words_J2_K2(busy):
    busy.desk.settings.desk.state_dir.mkdir(exist_ok=True)
    burst(busy, 6)
    work(busy, START + 11 * MINUTE)
    (many,) = to(busy, ANNA)[1]
    erase_bo(busy, START + 60 * MINUTE)
    with busy.desk.store.reading() as tx:
        sent = outbox.by_message_ids(tx, [header_of(many, "Message-ID")])
        assert [each.kind for each in sent.values()] == ["notices"]
        assert outbox.raws(tx, [each.id for each in sent.values()]) == {}


def test_an_erasure_before_the_gathered_mail_leaves_no_word_for_it_J2_K2(busy):
    busy.desk.settings.desk.state_dir.mkdir(exist_ok=True)
    burst(busy, 6)
    erase_bo(busy, START + MINUTE)
    work(busy, START + 11 * MINUTE)
    (many,) = to(busy, ANNA)[1]
    assert listed(many) == [1005, 1006]
    assert text_of(many).count("Meddelandet är raderat.") == 2
    assert not any(word in text_of(many) for word in ("Bo Ek", "bo@acme.se", "Mejl 5"))
