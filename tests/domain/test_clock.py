"""The response clock, priorities and the reading of events, rule by rule (E1–E4, E8)."""

from datetime import timedelta
from itertools import permutations

import pytest

from daemon.domain.clock import (
    ClockKind,
    Event,
    EventKind,
    Result,
    Targets,
    events_in_order,
    read_clocks,
    urgency,
)
from daemon.domain.opening_hours import Calendar, OpeningHours
from tests.domain.ticket_stories import (
    ATTEND,
    CALENDAR,
    GRADED,
    HOUR,
    K,
    at,
    clocks,
    response,
    told,
)

# --- E1: the response clock ---


def test_the_response_clock_runs_from_the_first_message():
    """E1, A3."""
    clock = response("20 16:00 opened 3", now="23 10:00")
    assert clock.kind is ClockKind.RESPONSE
    assert clock.started_at == at("20 16:00")
    assert clock.due_at == at("23 15:00")
    assert clock.used == 3 * HOUR
    assert (clock.result, clock.met, clock.running) == (Result.RUNNING, None, True)
    assert clock.ended_at is None
    assert clock.breached_at is None


@pytest.mark.parametrize("ender", ["answer", "started"])
def test_an_answer_or_a_start_ends_the_response_clock(ender):
    """E1, E8."""
    clock = response("20 16:00 opened 3", f"23 10:00 {ender}", "24 10:00 answer")
    assert clock.ended_at == at("23 10:00")
    assert clock.ended_by is EventKind(ender)
    assert clock.used == 3 * HOUR
    assert clock.met is True


def test_only_the_first_answer_counts():
    """E1: the receipt of the first engineer's message."""
    assert response("23 08:00 opened", "23 09:00 answer", "23 10:00 started").ended_at == at(
        "23 09:00"
    )


@pytest.mark.parametrize("kind", ["customer-message", "auto-reply", "priority 2", "waiting"])
def test_nothing_else_ends_the_response_clock(kind):
    """E1."""
    assert response("23 08:00 opened 3", f"23 09:00 {kind}", now="23 10:00").running


@pytest.mark.parametrize(
    ("end", "met", "breached"),
    [("23 15:59:59", True, None), ("23 16:00", True, None), ("23 16:00:01", False, "23 16:00")],
)
def test_met_means_not_after_the_deadline(end, met, breached):
    """E8: met = end ≤ deadline."""
    clock = response("23 08:00 opened 3", f"{end} answer")
    assert clock.met is met
    assert clock.breached_at == (breached and at(breached))


def test_an_end_on_the_evening_of_a_deadline_at_closing_time_is_late():
    """E8, A3: the deadline is Monday 17:00, though nothing more was used by Tuesday 07:00."""
    clock = response("23 09:00 opened 3", "24 07:00 answer")
    assert clock.used == 8 * HOUR
    assert clock.met is False


def test_a_bounce_withdraws_the_stop_and_opens_the_result_again():
    """E1: and the breach is where the events put it, before the bounce was known."""
    lines = ("23 08:00 opened 3", "23 10:00 answer 7")
    assert response(*lines).met is True
    clock = response(*lines, "25 09:00 answer-bounced 7", now="25 10:00")
    assert clock.running
    assert clock.breached_at == at("23 16:00")
    assert clock.used == 20 * HOUR


def test_after_a_bounce_the_next_answer_counts():
    """E1."""
    clock = response(
        "23 08:00 opened 3", "23 10:00 answer 7", "23 10:05 answer-bounced 7", "23 15:00 answer 8"
    )
    assert clock.ended_at == at("23 15:00")
    assert clock.met is True


def test_a_bounce_of_another_answer_withdraws_nothing():
    """E1."""
    clock = response(
        "23 08:00 opened 3", "23 10:00 answer 7", "23 11:00 answer 8", "23 12:00 answer-bounced 8"
    )
    assert clock.ended_at == at("23 10:00")


def test_an_answer_without_an_id_is_never_withdrawn():
    """E1."""
    clock = response("23 08:00 opened 3", "23 10:00 answer", "23 12:00 answer-bounced")
    assert clock.ended_at == at("23 10:00")


def test_a_start_is_not_withdrawn_by_a_bounce():
    """E1: [start] in the message whose delivery failed still says that work began."""
    clock = response(
        "23 08:00 opened", "23 10:00 answer 7", "23 10:00 started", "23 11:00 answer-bounced 7"
    )
    assert clock.ended_at == at("23 10:00")
    assert clock.ended_by is K.STARTED


@pytest.mark.parametrize("closing", ["closed", "solved"])
@pytest.mark.parametrize(
    ("end", "result", "met"),
    [("23 16:00", Result.UNANSWERED, None), ("23 16:01", Result.MISSED, False)],
)
def test_closing_without_a_word_is_unanswered_in_time_and_missed_after(closing, end, result, met):
    """E1."""
    clock = response("23 08:00 opened 3", f"{end} {closing}")
    assert (clock.result, clock.met) == (result, met)
    assert clock.ended_at == at(end)


def test_closing_with_an_answer_in_the_same_message_is_an_answer():
    """E1: the message ends the clock before its [klar] closes the ticket."""
    assert response("23 08:00 opened", "23 10:00 solved", "23 10:00 answer").met is True


def test_closing_with_an_answer_that_bounced_is_closing_without_a_word():
    """E1."""
    clock = response(
        "23 08:00 opened", "23 10:00 answer 7", "23 10:00 solved", "23 10:01 answer-bounced 7"
    )
    assert clock.result is Result.UNANSWERED


def test_a_start_in_the_opening_message_uses_no_time():
    """D6: an engineer registers a phone call with [start]."""
    clock = response("23 08:00 opened", "23 08:00 started")
    assert clock.used == timedelta(0)
    assert clock.met is True


# --- E2, E3: targets ---


def test_an_agreement_without_response_hours_promises_nothing():
    """E2: no agreement, no clock, and no follow-up either."""
    found = clocks(
        "23 08:00 opened", "23 09:00 answer", "23 10:00 customer-message", targets=Targets()
    )
    assert found.response is None
    assert found.follow_ups == ()
    assert found.all() == ()


def test_each_priority_has_its_own_target():
    """E2."""
    for level, due in {1: "23 09:00", 2: "23 12:00", 3: "23 16:00", 4: "24 15:00"}.items():
        assert response(f"23 08:00 opened {level}", targets=GRADED).due_at == at(due)


def test_without_a_statement_the_priority_is_normal():
    """C4."""
    clock = response("23 08:00 opened", targets=GRADED)
    assert [change.level for change in clock.levels] == [3]


def test_a_level_without_a_target_has_no_clock_until_the_priority_rises():
    """E2, E4."""
    only_critical = Targets(response={1: HOUR})
    assert response("23 08:00 opened 3", targets=only_critical) is None
    raised = response("23 08:00 opened 3", "23 08:30 priority 1", targets=only_critical)
    assert raised.due_at == at("23 09:00")
    assert raised.breached_at == at("23 09:00")


def test_a_breach_stays_when_the_new_level_promises_nothing():
    """E4: a deadline that had passed stays missed."""
    clock = response(
        "23 08:00 opened 1", "23 10:00 priority 4", "23 11:00 answer", targets=Targets({1: HOUR})
    )
    assert clock.met is False
    assert (clock.target, clock.due_at) == (None, None)
    assert clock.breached_at == at("23 09:00")


def test_work_is_listed_by_deadline_then_by_priority():
    """E2: what has no deadline comes last."""
    soon, later = at("23 09:00"), at("23 10:00")
    listed = [(later, 1), (None, 2), (soon, 3), (None, 1), (soon, 2)]
    assert sorted(listed, key=lambda each: urgency(*each)) == [
        (soon, 2),
        (soon, 3),
        (later, 1),
        (None, 1),
        (None, 2),
    ]


# --- E4: a new priority ---


def test_a_new_priority_counts_from_the_original_start():
    """E4."""
    raised = response("23 08:00 opened 3", "23 10:00 priority 2", targets=GRADED, now="23 10:30")
    lowered = response("23 08:00 opened 3", "23 10:00 priority 4", targets=GRADED, now="23 10:30")
    assert raised.due_at == at("23 12:00")
    assert lowered.due_at == at("24 15:00")
    assert raised.breached_at is lowered.breached_at is None


def test_a_deadline_that_had_passed_stays_missed():
    """E4."""
    clock = response("23 08:00 opened 1", "23 10:00 priority 3", "23 11:00 answer", targets=GRADED)
    assert clock.due_at == at("23 16:00")
    assert clock.met is False
    assert clock.breached_at == at("23 09:00")


def test_a_new_deadline_that_is_already_past_is_a_breach_at_the_change():
    """E4."""
    clock = response("23 08:00 opened 3", "23 10:00 priority 1", targets=GRADED, now="23 10:00")
    assert clock.due_at == at("23 09:00")
    assert clock.breached_at == at("23 10:00")


def test_a_change_in_the_second_of_the_deadline_is_in_time():
    """E4, E8: at the deadline itself nothing has passed yet."""
    lowered = response("23 08:00 opened 1", "23 09:00 priority 3", targets=GRADED)
    raised = response(
        "23 08:00 opened 3", "23 09:00 priority 1", "23 09:00:01 answer", targets=GRADED
    )
    assert lowered.breached_at == at("23 16:00")
    assert raised.breached_at == at("23 09:00")
    at_once = response("23 08:00 opened 3", "23 09:00 priority 1", targets=GRADED, now="23 09:00")
    assert at_once.breached_at is None


def test_an_answer_ends_the_clock_before_its_own_new_priority():
    """E4: [prio: 1] in the answer moves no deadline of the clock that the answer ended."""
    clock = response("23 08:00 opened 3", "23 12:00 priority 1", "23 12:00 answer", targets=GRADED)
    assert clock.met is True
    assert clock.due_at == at("23 16:00")


def test_of_two_levels_in_one_second_the_more_severe_one_stays():
    """C6, E4: whatever their order."""
    lines = ("23 08:00 opened 3", "23 09:00 priority 1", "23 09:00 priority 4")
    for order in permutations(lines):
        assert response(*order, targets=GRADED, now="23 09:00").due_at == at("23 09:00")


def test_stating_the_same_priority_again_changes_nothing():
    """E4."""
    clock = response("23 08:00 opened 3", "23 09:00 priority 3", targets=GRADED, now="23 10:00")
    assert len(clock.levels) == 1


def test_a_priority_after_the_end_moves_nothing():
    """E8."""
    clock = response("23 08:00 opened 3", "23 10:00 answer", "23 11:00 priority 1", targets=GRADED)
    assert clock.due_at == at("23 16:00")
    assert clock.met is True


# --- events ---


def test_events_may_come_in_any_order():
    """A4: the story is told by time."""
    lines = (
        "23 08:00 opened 3",
        "23 09:00 answer 1",
        "23 09:00 waiting",
        "23 10:00 customer-message",
        "23 10:00 priority 2",
    )
    expected = clocks(*lines, targets=GRADED)
    for order in permutations(lines):
        assert clocks(*order, targets=GRADED) == expected


def test_events_of_one_second_have_one_order():
    """E1, E5: what an engineer's message ends comes first, what the customer wrote last."""
    events = [Event(at("23 08:00"), kind) for kind in reversed(EventKind)]
    assert [each.kind for each in events_in_order(events)] == list(EventKind)


def test_a_ticket_that_never_opened_has_no_clocks():
    with pytest.raises(ValueError, match="opening"):
        read_clocks(told("23 08:00 answer"), ATTEND, CALENDAR, at("23 09:00"))


def test_the_earlier_start_counts_after_a_merge():
    """D7: the later opening is a message like others."""
    found = clocks("23 10:00 opened", "23 08:00 opened 2", "23 09:00 answer", targets=GRADED)
    assert found.response.started_at == at("23 08:00")
    assert [change.level for change in found.response.levels] == [2]
    assert [clock.started_at for clock in found.follow_ups] == [at("23 10:00")]


def test_what_came_before_the_opening_counts_nothing():
    clock = response("23 07:00 answer", "23 08:00 opened", now="23 09:00")
    assert clock.running


def test_an_instant_before_the_start_has_used_nothing():
    """A4: the machine's clock may be behind the mail server's."""
    clock = response("23 10:00 opened", now="23 08:00")
    assert clock.used == timedelta(0)
    assert clock.running


def test_the_clock_reads_the_breach_from_the_events_alone():
    """E4: the same instant, however late it is looked at."""
    found = {response("23 08:00 opened", now=now).breached_at for now in ("23 16:01", "30 09:00")}
    assert found == {at("23 16:00")}
    assert response("23 08:00 opened", now="23 16:00").breached_at is None


def test_a_running_clock_follows_the_calendar():
    """E8: and a result is what was stored when it ended."""
    events = told("23 08:00 opened")
    shorter = Calendar(OpeningHours(close=OpeningHours().close.replace(hour=12)))
    usual = read_clocks(events, ATTEND, CALENDAR, at("23 09:00")).response
    changed = read_clocks(events, ATTEND, shorter, at("23 09:00")).response
    assert (usual.due_at, changed.due_at) == (at("23 16:00"), at("24 12:00"))
