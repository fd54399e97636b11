"""From a ticket's events to its clocks: deadlines, pauses, breaches and results (E1–E8)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.domain.opening_hours import Calendar
from daemon.domain.priority import DEFAULT

_NOTHING = timedelta(0)


class EventKind(StrEnum):
    """The kinds of events that move a ticket's clocks.

    Events of one second are read in this order. An engineer's answer ends a clock before its tags
    move the priority or the status. A customer's message comes last: nobody can have answered it
    within its own second.
    """

    OPENED = "opened"  # receipt of the first customer message (E1); carries the priority
    ANSWER = "answer"  # receipt of an engineer's message, once accepted for delivery (E1)
    STARTED = "started"  # [start] (E1)
    ANSWER_BOUNCED = "answer-bounced"  # for good, from all of the customer's side (E1)
    PRIORITY = "priority"  # a new level (E4)
    SOLVED = "solved"  # [klar] (E6)
    CLOSED = "closed"  # in another way, such as [skräp]
    REOPENED = "reopened"  # by a customer's reply (D5) or [öppna]
    WAITING = "waiting"  # [vänta] (E5)
    AUTO_REPLY = "auto-reply"  # ends no pause and starts no clock (E5)
    CUSTOMER_MESSAGE = "customer-message"  # an own message of the customer's side (E5)


_RANK = {kind: rank for rank, kind in enumerate(EventKind)}


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a ticket at an instant.

    OPENED and PRIORITY have a `priority`. ANSWER and its ANSWER_BOUNCED have the same `answer`, an
    id of the desk's own choosing.
    """

    at: datetime
    kind: EventKind
    priority: int | None = None
    answer: int | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """The promised opening time by priority, of the version in force at the opening (E2, E3, E6).

    None, and a priority missing from the mapping, promise nothing.
    """

    response: Mapping[int, timedelta] | None = None
    resolution: Mapping[int, timedelta] | None = None


class ClockKind(StrEnum):
    """The promise measured by a clock."""

    RESPONSE = "response"  # E1
    FOLLOW_UP = "follow-up"  # E5
    RESOLUTION = "resolution"  # E6


class Result(StrEnum):
    """The state of a clock (E1, E8)."""

    RUNNING = "running"
    MET = "met"
    MISSED = "missed"
    UNANSWERED = "unanswered"  # closed without a word, in time: neither met nor missed


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a clock's life, running or paused (E5); without `end` it goes on."""

    start: datetime
    end: datetime | None
    running: bool


@dataclass(frozen=True, slots=True)
class LevelChange:
    """The target in force from an instant on: from the clock's start, or a new priority (E4)."""

    at: datetime
    level: int
    target: timedelta | None


@dataclass(frozen=True, slots=True)
class Clock:
    """A promise as it stood at `read_at`.

    An ended clock never changes, unless its answer bounces (E1): stored then, it is frozen (E8).
    `due_at` is the deadline by the last priority (E4). It is None during an open pause (E5), and
    for a priority without a promise.
    """

    kind: ClockKind
    started_at: datetime
    target: timedelta | None
    due_at: datetime | None
    ended_at: datetime | None
    ended_by: EventKind | None
    used: timedelta  # opening time so far, or at the end, less pauses
    result: Result
    paused: bool
    breached_at: datetime | None  # the first breach; later changes never take it back (E4)
    levels: tuple[LevelChange, ...]
    stretches: tuple[Stretch, ...]
    read_at: datetime

    @property
    def met(self) -> bool | None:
        """True or False; None for a clock running or ended unanswered (E8)."""
        return {Result.MET: True, Result.MISSED: False}.get(self.result)

    @property
    def running(self) -> bool:
        """True until the clock ends, also while it is paused."""
        return self.result is Result.RUNNING


@dataclass(frozen=True, slots=True)
class Clocks:
    """All clocks of a ticket; None for a promise the agreement lacks (E2, E6)."""

    response: Clock | None
    follow_ups: tuple[Clock, ...]
    resolution: Clock | None

    def all(self) -> tuple[Clock, ...]:
        """The clocks of this ticket: response, follow-ups in order, resolution."""
        clocks = (self.response, *self.follow_ups, self.resolution)
        return tuple(clock for clock in clocks if clock is not None)


def read_clocks(
    events: Iterable[Event], targets: Targets, calendar: Calendar, now: datetime
) -> Clocks:
    """Make the ticket's clocks from its events, in whatever order they come (E1–E6, E8).

    Events before OPENED count nothing. Events after `now` count like all others: they are facts,
    and `now` only says how far a running clock has come. Without OPENED it is a ValueError.
    """
    story = _Story.told(events_in_order(events))

    def read(course: "_Course") -> Clock | None:
        promised = targets.resolution if course.kind is ClockKind.RESOLUTION else targets.response
        return _read(course, promised, calendar, now) if promised else None

    follow_ups = (read(course) for course in story.follow_ups)
    return Clocks(
        read(story.response),
        tuple(clock for clock in follow_ups if clock is not None),
        read(story.resolution),
    )


def events_in_order(events: Iterable[Event]) -> list[Event]:
    """Events by time, and within a second by `EventKind`: always the same order.

    Of several new priorities in one second the most severe comes last, and stays (C6).
    """
    return sorted(events, key=lambda e: (e.at, _RANK[e.kind], -(e.priority or 0), e.answer or 0))


def urgency(due_at: datetime | None, priority: int) -> tuple[bool, float, int]:
    """A sort key of tickets: by deadline, then by priority; without a deadline last (E2)."""
    return due_at is None, due_at.timestamp() if due_at else 0.0, priority


# --- From events to courses: the starts, pauses and ends of the clocks. No calendar is needed. ---


@dataclass(slots=True)
class _Course:
    """One clock's life as far as the ticket's events are read."""

    kind: ClockKind
    started_at: datetime
    levels: list[tuple[datetime, int]]
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    ended_at: datetime | None = None
    ended_by: EventKind | None = None
    believed: set[int] = field(default_factory=set)  # answers with a bounce still to read

    @property
    def over(self) -> bool:
        """True for a clock that had ended, as anybody knew at this point of the story."""
        return self.ended_at is not None or bool(self.believed)

    def end(self, event: Event) -> None:
        if self.ended_at is None:
            self.ended_at, self.ended_by = event.at, event.kind

    def change(self, event: Event, level: int) -> None:
        if self.ended_at is None:
            self.levels.append((event.at, level))

    def pause(self, at: datetime) -> None:
        if self.ended_at is None and self.kind is not ClockKind.RESPONSE and not self.paused:
            self.pauses.append((at, None))

    def resume(self, at: datetime) -> None:
        if self.ended_at is None and self.paused:
            self.pauses[-1] = (self.pauses[-1][0], at)

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None


class _Story:
    """A ticket's events read in order, and the clocks they start, as `courses`.

    An answer with a later bounce ends nothing (E1). A follow-up clock stays all the same, if the
    customer wrote between answer and bounce: a recorded clock, and its breach, never vanishes.
    """

    def __init__(self, opened: Event, bounced: frozenset[int]) -> None:
        self.level = opened.priority or DEFAULT
        self.bounced = bounced  # in the whole story
        self.bounces_read: set[int] = set()
        self.closed = False
        self.response = self._course(ClockKind.RESPONSE, opened.at)
        self.resolution = self._course(ClockKind.RESOLUTION, opened.at)
        self.follow_ups: list[_Course] = []

    @classmethod
    def told(cls, events: Sequence[Event]) -> "_Story":
        first = next((n for n, e in enumerate(events) if e.kind is EventKind.OPENED), None)
        if first is None:
            raise ValueError("a ticket's events begin with its opening (E1)")
        bounces = (e.answer for e in events if e.kind is EventKind.ANSWER_BOUNCED)
        story = cls(events[first], frozenset(answer for answer in bounces if answer is not None))
        for event in events[first + 1 :]:
            story.tell(event)
        return story

    def _course(self, kind: ClockKind, at: datetime) -> _Course:
        return _Course(kind, at, [(at, self.level)])

    @property
    def _answerable(self) -> tuple[_Course, ...]:
        return (self.response, *self.follow_ups)

    @property
    def courses(self) -> tuple[_Course, ...]:
        return (*self._answerable, self.resolution)

    def tell(self, event: Event) -> None:
        match event.kind:
            case EventKind.ANSWER:
                self._answered(event)
            case EventKind.STARTED:
                self.response.end(event)
            case EventKind.ANSWER_BOUNCED:
                self._bounced(event)
            case EventKind.PRIORITY:
                self._prioritised(event)
            case EventKind.SOLVED | EventKind.CLOSED:
                self._closed(event)
            case EventKind.REOPENED:
                self.closed = False
                self._resumed(event.at)
            case EventKind.WAITING:
                self._paused(event.at)
            # The opening of a merged ticket (D7) is a message like others.
            case EventKind.CUSTOMER_MESSAGE | EventKind.OPENED:
                self._customer_wrote(event)

    def _answered(self, event: Event) -> None:
        for course in self._answerable:
            if event.answer is None or event.answer not in self.bounced:
                course.end(event)
            elif course.ended_at is None:
                course.believed |= {event.answer} - self.bounces_read

    def _bounced(self, event: Event) -> None:
        if event.answer is not None:
            self.bounces_read.add(event.answer)
            for course in self._answerable:
                course.believed.discard(event.answer)

    def _prioritised(self, event: Event) -> None:
        if event.priority is None or event.priority == self.level:
            return
        self.level = event.priority
        for course in self.courses:
            course.change(event, self.level)

    def _closed(self, event: Event) -> None:
        self.closed = True
        for course in self.courses:
            course.end(event)

    def _paused(self, at: datetime) -> None:
        for course in self.courses:
            course.pause(at)

    def _resumed(self, at: datetime) -> None:
        for course in self.courses:
            course.resume(at)

    def _customer_wrote(self, event: Event) -> None:
        self._resumed(event.at)
        # A thank-you on a closed ticket asks for nothing (D5).
        if all(course.over for course in self._answerable) and not self.closed:
            self.follow_ups.append(self._course(ClockKind.FOLLOW_UP, event.at))


# --- From a course to a clock: opening time, deadline, breach, result. ---


def _read(
    course: _Course, promised: Mapping[int, timedelta], calendar: Calendar, now: datetime
) -> Clock | None:
    levels = tuple(LevelChange(at, level, promised.get(level)) for at, level in course.levels)
    stretches = _stretches(course)
    until = course.ended_at or now
    breached_at = _first_breach(levels, stretches, calendar, until)
    target = levels[-1].target
    if target is None and breached_at is None:
        return None
    due_at = reached_at(stretches, target, calendar)
    return Clock(
        kind=course.kind,
        started_at=course.started_at,
        target=target,
        due_at=due_at,
        ended_at=course.ended_at,
        ended_by=course.ended_by,
        used=used_until(stretches, calendar, until),
        result=_result(course, breached_at),
        paused=course.ended_at is None and course.paused,
        breached_at=breached_at,
        levels=levels,
        stretches=stretches,
        read_at=now,
    )


def _stretches(course: _Course) -> tuple[Stretch, ...]:
    """The course cut at its pauses; a stretch may have no length."""
    stretches: list[Stretch] = []
    since = course.started_at
    for paused_at, resumed_at in course.pauses:
        stretches.append(Stretch(since, paused_at, running=True))
        until = resumed_at or course.ended_at
        stretches.append(Stretch(paused_at, until, running=False))
        if resumed_at is None:
            break
        since = resumed_at
    else:
        stretches.append(Stretch(since, course.ended_at, running=True))
    return tuple(stretches)


def _result(course: _Course, breached_at: datetime | None) -> Result:
    if course.ended_at is None:
        return Result.RUNNING
    if breached_at is not None:
        return Result.MISSED
    if course.kind is ClockKind.RESOLUTION:
        return Result.MET if course.ended_by is EventKind.SOLVED else Result.UNANSWERED
    closed = course.ended_by in {EventKind.SOLVED, EventKind.CLOSED}
    return Result.UNANSWERED if closed else Result.MET


def _first_breach(
    levels: Sequence[LevelChange], stretches: Sequence[Stretch], calendar: Calendar, until: datetime
) -> datetime | None:
    """The first instant past the deadline, by the priority of that time (E4).

    An end or a change in the second of the deadline is in time (E8).
    """
    ends = [*(change.at for change in levels[1:]), until]
    for change, end in zip(levels, ends, strict=True):
        due = reached_at(stretches, change.target, calendar)
        if due is not None and due < change.at:
            return change.at
        if due is not None and due < end:
            return due
    return None


def reached_at(
    stretches: Sequence[Stretch], amount: timedelta | None, calendar: Calendar
) -> datetime | None:
    """The instant of `amount` opening time in the running stretches (E5, E7).

    None while an open pause holds it off. An ended clock is counted as if it went on.
    """
    if amount is None:
        return None
    left = amount
    for stretch in stretches:
        if not stretch.running:
            continue
        due = calendar.add(stretch.start, left)
        if stretch.end is None or due < stretch.end:
            return due
        left -= calendar.between(stretch.start, stretch.end)
    ended_at = stretches[-1].end
    return None if ended_at is None else calendar.add(ended_at, left)


def used_until(stretches: Iterable[Stretch], calendar: Calendar, until: datetime) -> timedelta:
    """The opening time of the running stretches before `until` (A3, E5)."""
    running = ((part.start, part.end or until) for part in stretches if part.running)
    return sum((calendar.between(start, min(end, until)) for start, end in running), _NOTHING)
