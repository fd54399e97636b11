"""Random lives of tickets against a clock written twice, and what no history may break (E1–E9)."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.domain.clock import Event, EventKind, Result, Targets, events_in_order, read_clocks
from daemon.domain.clock_explain import explain_clock
from daemon.domain.opening_hours import Calendar, OpeningHours, minutes_up
from tests.domain.naive_clock import QUARTER, monday, walk

K = EventKind
CASES = settings(max_examples=200, deadline=None)
MANY_CASES = settings(max_examples=5000, deadline=None)
CALENDAR = Calendar(OpeningHours())
DAY = 96  # quarters

# Quarters of an hour per level; some levels promise nothing, and a graver one may have longer.
targets = st.dictionaries(st.integers(1, 4), st.sampled_from([1, 2, 4, 9, 16, 32, 36, 64]))
levels = st.integers(1, 4)
# Mostly around office hours, often the same quarter, over a week with its weekend.
quarters = st.builds(
    lambda day, quarter: day * DAY + quarter,
    st.integers(0, 7),
    st.sampled_from([0, 12, 27, 28, 29, 32, 40, 48, 56, 63, 64, 65, 80]),
)
happenings = st.one_of(
    st.tuples(quarters, st.just(K.ANSWER), st.integers(1, 3)),
    st.tuples(quarters, st.just(K.ANSWER_BOUNCED), st.integers(1, 3)),
    st.tuples(quarters, st.just(K.PRIORITY), levels),
    st.tuples(quarters, st.just(K.CUSTOMER_MESSAGE), st.none()),
    st.tuples(
        quarters,
        st.sampled_from([K.WAITING, K.STARTED, K.SOLVED, K.CLOSED, K.REOPENED, K.AUTO_REPLY]),
        st.none(),
    ),
)


@st.composite
def histories(draw):
    """A ticket's events in a drawn order, and an instant after them all."""
    opened, level = draw(quarters), draw(levels)
    found = [Event(monday(opened), K.OPENED, level)]
    answers = set()
    for after, kind, number in draw(st.lists(happenings, max_size=9)):
        if kind is K.ANSWER and number in answers:
            continue
        answers |= {number} if kind is K.ANSWER else set()
        at = monday(opened + after)
        if kind is K.PRIORITY:
            found.append(Event(at, kind, priority=number))
        else:
            found.append(Event(at, kind, answer=number))
    now = max(event.at for event in found) + draw(st.integers(0, 3 * DAY)) * QUARTER
    return draw(st.permutations(found)), now


lives = st.tuples(histories(), targets, targets)


def promised(quarters_per_level):
    return {level: count * QUARTER for level, count in quarters_per_level.items()}


def read(life, events=None, now=None):
    (all_events, end), response, resolution = life
    return read_clocks(
        all_events if events is None else events,
        Targets(promised(response), promised(resolution)),
        CALENDAR,
        now or end,
    )


def check_against_the_model(life):
    (events, now), response, resolution = life
    expected = [
        (
            each.kind,
            each.start,
            each.end,
            each.used * QUARTER,
            each.deadline(now),
            each.breach,
            each.result,
            each.paused and each.end is None,
        )
        for each in walk(events, response, resolution, now)
        if each.target is not None or each.breach is not None
    ]
    found = [
        (
            clock.kind.value,
            clock.started_at,
            clock.ended_at,
            clock.used,
            clock.due_at,
            clock.breached_at,
            clock.result.value,
            clock.paused,
        )
        for clock in read(life).all()
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def check_no_breach_vanishes(life):
    """Whatever was recorded when only the first events had happened stands in the end."""
    events, now = events_in_order(life[0][0]), life[0][1]
    first = next(place for place, event in enumerate(events) if event.kind is K.OPENED)
    recorded = {}
    for place in range(first + 1, len(events) + 1):
        looked = events[place].at if place < len(events) else now
        seen = {
            (clock.kind, clock.started_at): clock.breached_at
            for clock in read(life, events[:place], looked).all()
        }
        for clock, breached_at in recorded.items():
            assert seen[clock] == breached_at
        recorded = {clock: at for clock, at in seen.items() if at is not None}


def check_the_explanation(life):
    for clock in read(life).all():
        segments = explain_clock(clock, CALENDAR)
        assert sum((each.used for each in segments), timedelta(0)) == clock.used
        assert sum(each.minutes for each in segments) == minutes_up(clock.used)
        assert all(a.end == b.start for a, b in pairwise(segments))
        assert all(bool(each.used) is each.running for each in segments)
        assert all(each.start < (each.end or clock.read_at) for each in segments)
        if segments:
            assert segments[0].start == clock.started_at
            assert segments[-1].end == clock.ended_at


def check_results_stay(life):
    (events, now), _, _ = life
    later = read(life, now=now + timedelta(days=9)).all()
    for before, after in zip(read(life).all(), later, strict=False):
        if not before.running:
            assert after.result is before.result
            assert (after.due_at, after.used, after.met) == (before.due_at, before.used, before.met)
        elif before.breached_at is None and after.breached_at is not None:
            assert after.breached_at >= now
    assert read(life, events=list(reversed(events))) == read(life)


def check_the_result(life):
    for clock in read(life).all():
        assert (clock.result is Result.RUNNING) is (clock.ended_at is None)
        late = clock.ended_at and clock.due_at and clock.ended_at > clock.due_at
        if late:
            assert clock.met is False  # E8
        if clock.met is False:
            assert clock.breached_at < clock.ended_at or clock.breached_at == clock.levels[-1].at
        if clock.met:
            assert clock.due_at is None or clock.ended_at <= clock.due_at


CHECKS = [
    check_against_the_model,
    check_no_breach_vanishes,
    check_the_explanation,
    check_results_stay,
    check_the_result,
]


@CASES
@given(lives)
def test_the_clocks_equal_a_walk_quarter_by_quarter(life):
    """E1–E6, E8: open, answer, wait, reply, auto-reply, priority, close, reopen, bounce."""
    check_against_the_model(life)


@CASES
@given(lives)
def test_a_breach_that_was_recorded_never_vanishes(life):
    """E4: no later event takes it back."""
    check_no_breach_vanishes(life)


@CASES
@given(lives)
def test_an_explanation_adds_up_to_its_clock(life):
    """E9."""
    check_the_explanation(life)


@CASES
@given(lives)
def test_a_result_stays_and_the_order_of_events_is_no_matter(life):
    """E8, A4."""
    check_results_stay(life)


@CASES
@given(lives)
def test_a_result_says_what_deadline_and_end_say(life):
    """E8."""
    check_the_result(life)


@pytest.mark.long
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@MANY_CASES
@given(life=lives)
def test_the_clocks_keep_every_law_in_5000_cases(check, life):
    """E1–E9."""
    check(life)
