"""When a mail is tried again: four-figure replies and lost connections, told apart."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.delivery import (
    GIVE_UP,
    LEAST_ATTEMPTS,
    counted_attempts,
    may_repeat,
    next_attempt,
)

T0 = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


def waits(count, **options):
    """How long each of the first attempts waits, in minutes, where each fails at once."""
    now, minutes = T0, []
    for attempts in range(1, count + 1):
        again = next_attempt(attempts, now, T0, **options)
        minutes.append((again - now).total_seconds() / 60)
        now = again
    return minutes


def test_the_pauses_grow_to_four_hours_and_no_further():
    for waited, longest in zip(waits(9), [1, 5, 15, 60, 120, 240, 240, 240, 240], strict=True):
        assert 0.9 * longest <= waited <= longest


def test_a_mail_is_tried_for_five_days_and_then_given_up():
    now, attempts = T0, 0
    while (again := next_attempt(attempts + 1, now, T0)) is not None:
        assert again > now
        now, attempts = again, attempts + 1
    assert now == T0 + GIVE_UP
    assert 30 < attempts < 45


def test_a_mail_that_lay_while_the_program_was_down_still_gets_its_attempts():
    late = T0 + dt.timedelta(days=9)
    assert [next_attempt(n, late, T0) is None for n in range(1, LEAST_ATTEMPTS + 1)] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_an_outgoing_server_that_is_down_is_looked_for_every_five_minutes_and_for_ever():
    assert max(waits(9, unreachable=True)) <= 5
    assert next_attempt(99, T0 + dt.timedelta(days=99), T0, unreachable=True) is not None


def test_attempts_on_a_server_that_was_away_leave_a_mail_its_own():
    attempts = 0
    for _ in range(2000):
        attempts = counted_attempts(attempts + 1, unreachable=True)
    assert next_attempt(attempts, T0, T0, unreachable=True) > T0 + dt.timedelta(minutes=4)
    refusals, late = 1, T0 + dt.timedelta(days=9)
    while next_attempt(attempts := counted_attempts(attempts + 1, unreachable=False), late, T0):
        refusals += 1
    assert refusals == 3


def test_what_was_refused_in_earnest_stays_counted_while_the_server_is_away():
    assert [counted_attempts(n, unreachable=False) for n in (1, 2, 3, 9)] == [1, 2, 3, 9]
    assert [counted_attempts(n, unreachable=True) for n in (1, 2, 3, 9)] == [1, 2, 2, 8]


def test_mails_that_failed_together_do_not_come_back_together():
    assert len({next_attempt(3, T0, T0, spread=number) for number in range(50)}) > 10


@given(
    attempts=st.integers(1, 60),
    minutes=st.integers(0, 5 * 24 * 60 - 1),
    spread=st.integers(0, 10**9),
)
def test_the_next_attempt_is_later_never_past_the_fifth_day_and_the_same_each_time(
    attempts, minutes, spread
):
    now = T0 + dt.timedelta(minutes=minutes)
    again = next_attempt(attempts, now, T0, spread=spread)
    assert now < again <= T0 + GIVE_UP
    assert again - now <= dt.timedelta(hours=4)
    assert again == next_attempt(attempts, now, T0, spread=spread)


@pytest.mark.parametrize("kind", ["confirmation", "relay", "receipt"])
def test_an_unclear_mail_is_repeated_once_and_no_more(kind):
    assert [may_repeat(kind, repeats) for repeats in range(4)] == [True, False, False, False]


@pytest.mark.parametrize("kind", ["report", "invitation"])
def test_an_unclear_report_or_invitation_is_never_repeated(kind):
    assert not may_repeat(kind, 0)
