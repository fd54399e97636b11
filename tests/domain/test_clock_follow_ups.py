"""Follow-up and resolution clocks, and what pauses them, rule by rule (E5, E6)."""

import pytest

from daemon.domain.clock import ClockKind, Result, Targets
from tests.domain.ticket_stories import GRADED, HOUR, RESOLVING, at, clocks, response

# --- E5: follow-up clocks ---


def follow_ups(*lines, **settings):
    return clocks("23 08:00 opened 3", "23 09:00 answer 1", *lines, **settings).follow_ups


def test_a_follow_up_clock_runs_from_the_next_message_to_the_next_answer():
    """E5."""
    (clock,) = follow_ups("23 10:00 customer-message", "23 14:00 answer 2")
    assert clock.kind is ClockKind.FOLLOW_UP
    assert (clock.started_at, clock.ended_at) == (at("23 10:00"), at("23 14:00"))
    assert clock.due_at == at("24 09:00")
    assert clock.used == 4 * HOUR
    assert clock.met is True


def test_every_round_has_its_own_follow_up_clock():
    """E5: messages in between start none."""
    found = follow_ups(
        "23 10:00 customer-message",
        "23 11:00 customer-message",
        "23 12:00 answer 2",
        "23 13:00 answer 3",
        "24 09:00 customer-message",
    )
    assert [clock.started_at for clock in found] == [at("23 10:00"), at("24 09:00")]
    assert [clock.met for clock in found] == [True, None]


def test_a_message_before_the_first_answer_starts_no_follow_up():
    """E5: only after the response clock ended."""
    found = clocks("23 08:00 opened", "23 08:30 customer-message", "23 09:00 answer")
    assert found.follow_ups == ()


def test_a_message_in_the_second_of_the_answer_came_after_it():
    """E5: nobody can have answered it yet."""
    found = follow_ups("23 09:00 customer-message")
    assert [clock.started_at for clock in found] == [at("23 09:00")]


def test_an_auto_reply_starts_no_follow_up_clock():
    """E5."""
    assert follow_ups("23 10:00 auto-reply") == ()


def test_a_start_ends_no_follow_up_clock():
    """E5: it ends at the next answer."""
    (clock,) = follow_ups("23 10:00 customer-message", "23 11:00 started", now="23 12:00")
    assert clock.running


def test_a_follow_up_clock_follows_the_priority_from_its_own_start():
    """E5: of the same length; E4."""
    (clock,) = follow_ups("23 10:00 customer-message", "23 11:00 priority 2", targets=GRADED)
    assert clock.due_at == at("23 14:00")


def test_closing_ends_a_follow_up_clock_as_it_ends_the_response_clock():
    """E5, E1."""
    (in_time,) = follow_ups("23 10:00 customer-message", "23 11:00 closed")
    (late,) = follow_ups("23 10:00 customer-message", "24 09:01 solved")
    assert in_time.result is Result.UNANSWERED
    assert late.result is Result.MISSED


def test_a_thank_you_on_a_closed_ticket_starts_no_clock():
    """D5, E5: it does not reopen the ticket."""
    assert follow_ups("23 10:00 solved", "23 11:00 customer-message") == ()


def test_a_reply_that_reopens_the_ticket_starts_a_follow_up_clock():
    """D5, E5."""
    (clock,) = follow_ups("23 10:00 solved", "23 11:00 customer-message", "23 11:00 reopened")
    assert clock.started_at == at("23 11:00")


def test_reopening_by_an_engineer_starts_no_clock():
    """E5: only the customer's own message does."""
    assert follow_ups("23 10:00 solved", "23 11:00 reopened") == ()


def test_a_bounce_withdraws_the_stop_of_a_follow_up_clock():
    """E1, E5."""
    (clock,) = follow_ups(
        "23 10:00 customer-message",
        "23 11:00 answer 2",
        "23 12:00 answer-bounced 2",
        now="23 13:00",
    )
    assert clock.running


def test_a_follow_up_clock_that_ran_when_the_first_answer_bounced_stays():
    """E1, E5: no clock that was recorded vanishes, and the next answer ends both."""
    found = clocks(
        "23 08:00 opened",
        "23 09:00 answer 1",
        "23 10:00 customer-message",
        "23 11:00 answer-bounced 1",
        "23 12:00 customer-message",
        "23 13:00 answer 2",
    )
    assert found.response.ended_at == at("23 13:00")
    assert [clock.started_at for clock in found.follow_ups] == [at("23 10:00")]
    assert found.follow_ups[0].ended_at == at("23 13:00")


def test_an_answer_that_was_known_to_bounce_stops_nothing():
    """E1, E5: the bounce's instant may be before the answer's receipt."""
    found = clocks(
        "23 08:00 opened",
        "23 09:00 answer-bounced 1",
        "23 10:00 answer 1",
        "23 11:00 customer-message",
    )
    assert found.response.running
    assert found.follow_ups == ()


def test_a_message_after_the_bounce_starts_no_follow_up():
    """E1, E5: the response clock runs again by then."""
    found = clocks(
        "23 08:00 opened",
        "23 09:00 answer 1",
        "23 10:00 answer-bounced 1",
        "23 11:00 customer-message",
    )
    assert found.follow_ups == ()


# --- E5: waiting ---


def test_waiting_pauses_a_follow_up_clock_until_the_customer_writes():
    """E5: measured in opening time."""
    lines = ("23 10:00 customer-message", "23 15:00 waiting")
    (paused,) = follow_ups(*lines, now="24 12:00")
    assert (paused.paused, paused.due_at, paused.used) == (True, None, 5 * HOUR)
    assert paused.breached_at is None
    (resumed,) = follow_ups(*lines, "26 16:00 customer-message", now="26 16:30")
    assert (resumed.paused, resumed.used) == (False, 5 * HOUR + HOUR / 2)
    assert resumed.due_at == at("27 10:00")


def test_waiting_never_pauses_the_response_clock():
    """E5."""
    clock = response("23 08:00 opened 3", "23 09:00 waiting", now="24 12:00")
    assert not clock.paused
    assert clock.breached_at == at("23 16:00")


def test_an_auto_reply_does_not_end_the_pause():
    """E5."""
    (clock,) = follow_ups("23 10:00 customer-message", "23 11:00 waiting", "23 12:00 auto-reply")
    assert clock.paused


@pytest.mark.parametrize("kind", ["answer-bounced 1", "priority 1", "started", "waiting"])
def test_what_the_customer_did_not_write_does_not_end_the_pause(kind):
    """E5."""
    (clock,) = follow_ups("23 10:00 customer-message", "23 11:00 waiting", f"23 12:00 {kind}")
    assert clock.paused
    assert clock.used == HOUR


def test_an_answer_ends_a_paused_follow_up_clock():
    """E5: paused time does not count, and the deadline is where it would have gone on."""
    (clock,) = follow_ups("23 10:00 customer-message", "23 11:00 waiting", "25 11:00 answer 2")
    assert clock.met is True
    assert clock.used == HOUR
    assert clock.due_at == at("26 09:00")


def test_a_deadline_passed_before_the_pause_stays_missed():
    """E5, E4."""
    (clock,) = follow_ups(
        "23 10:00 customer-message", "24 10:00 waiting", "24 12:00 customer-message"
    )
    assert clock.due_at == clock.breached_at == at("24 09:00")


def test_a_pause_outside_opening_hours_moves_no_deadline():
    """E5: measured in opening time."""
    (clock,) = follow_ups(
        "23 10:00 customer-message", "23 18:00 waiting", "24 07:00 customer-message"
    )
    assert clock.due_at == at("24 09:00")


def test_a_pause_from_the_second_of_the_deadline_leaves_nothing_to_use():
    """E5, E8: at its deadline the clock was in time, and so it is when it goes on."""
    lines = ("23 08:00 opened", "23 08:30 answer 1", "23 09:00 customer-message")
    (paused,) = clocks(*lines, "23 17:00 waiting", now="24 12:00").follow_ups
    assert (paused.breached_at, paused.due_at) == (None, None)
    (resumed,) = clocks(*lines, "23 17:00 waiting", "24 10:00 customer-message").follow_ups
    assert resumed.due_at == resumed.breached_at == at("24 10:00")


def test_reopening_ends_the_pause():
    """E5: the ticket is open again, not waiting."""
    clock = clocks(
        "23 08:00 opened",
        "23 09:00 waiting",
        "23 10:00 reopened",
        targets=RESOLVING,
        now="23 11:00",
    ).resolution
    assert not clock.paused
    assert clock.used == 2 * HOUR


# --- E6: the resolution clock ---


def test_the_resolution_clock_runs_to_the_solution_less_pauses():
    """E6: an answer does not end it."""
    clock = clocks(
        "23 08:00 opened",
        "23 09:00 answer",
        "23 10:00 waiting",
        "24 10:00 customer-message",
        "24 15:00 solved",
        targets=RESOLVING,
    ).resolution
    assert clock.kind is ClockKind.RESOLUTION
    assert clock.used == 7 * HOUR
    assert clock.met is True
    assert clock.due_at == at("25 15:00")


def test_a_plan_has_no_resolution_clock_by_default():
    """E6."""
    assert clocks("23 08:00 opened", "23 09:00 solved").resolution is None


def test_closing_without_a_solution_is_neither_met_nor_missed():
    """E6, E1."""
    lines = ("23 08:00 opened", "23 09:00 answer")
    in_time = clocks(*lines, "23 10:00 closed", targets=RESOLVING).resolution
    late = clocks(*lines, "25 10:00 closed", targets=RESOLVING).resolution
    assert in_time.result is Result.UNANSWERED
    assert late.result is Result.MISSED


def test_the_first_solution_stands_when_the_ticket_is_reopened():
    """E6, E8: the result is frozen when the clock ends."""
    clock = clocks(
        "23 08:00 opened",
        "23 09:00 solved",
        "24 09:00 reopened",
        "27 09:00 solved",
        targets=RESOLVING,
    ).resolution
    assert clock.ended_at == at("23 09:00")
    assert clock.met is True


def test_a_new_priority_moves_the_resolution_deadline():
    """E4, E6: by the opening time used so far, less pauses."""
    graded = Targets(resolution={1: 4 * HOUR, 3: 16 * HOUR})
    lines = ("23 08:00 opened 3", "23 10:00 waiting", "24 10:00 customer-message")
    clock = clocks(*lines, "24 11:00 priority 1", targets=graded, now="24 11:30").resolution
    assert clock.due_at == at("24 12:00")
    late = clocks(*lines, "24 12:30 priority 1", targets=graded, now="24 12:30").resolution
    assert (late.due_at, late.breached_at) == (at("24 12:00"), at("24 12:30"))
