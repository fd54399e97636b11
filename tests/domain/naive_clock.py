"""A second clock, written to be plain: it walks a ticket's life in quarters of an hour (E1–E8).

It knows no intervals and no bisection. Every clock is a counter that a walk feeds; whether a
customer's message starts a follow-up is answered by walking the story up to that message as if
nothing had happened since. Events and targets must lie on whole quarters.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
# The order of events in one quarter, from the rules: an engineer's message, its tags (priority,
# closing, status), then what came from the customer's side.
ORDER = [
    "opened",
    "answer",
    "started",
    "answer-bounced",
    "priority",
    "solved",
    "closed",
    "reopened",
    "waiting",
    "auto-reply",
    "customer-message",
]


@cache
def is_open(t):
    """Monday–Friday 08–17 in Stockholm; the tests stay away from holidays."""
    wall = t.astimezone(ZoneInfo("Europe/Stockholm"))
    return wall.weekday() < 5 and 8 <= wall.hour < 17


@dataclass
class Counter:
    """One clock while it is walked."""

    kind: str
    start: datetime
    level: int
    targets: dict[int, int]  # quarters
    used: int = 0
    spent: bool = False  # running time has passed since the last quarter that was used
    paused: bool = False
    end: datetime | None = None
    ended_by: str | None = None
    breach: datetime | None = None
    steps: list[tuple[datetime, int, bool]] = field(default_factory=list)

    @property
    def target(self):
        return self.targets.get(self.level)

    def step(self, t):
        """Live from `t` to the next quarter."""
        if self.end is not None:
            return
        self.steps.append((t, self.used, not self.paused))
        if self.paused:
            return
        if self.breach is None and self.target is not None and self.used >= self.target:
            self.breach = t
        self.spent = True
        if is_open(t):
            self.used, self.spent = self.used + 1, False

    def prioritise(self, t, level):
        if self.end is not None:
            return
        self.level = level
        if self.target is None or self.breach is not None:
            return
        if self.used > self.target or (self.used == self.target and self.spent):
            self.breach = t

    def close(self, t, by):
        if self.end is None:
            self.end, self.ended_by = t, by

    def deadline(self, now):
        """The first running instant with all of the target used, walking on if need be."""
        if self.target is None:
            return None
        for t, used, running in self.steps:
            if running and used >= self.target:
                return t
        if self.end is None and self.paused:
            return None
        t, used = self.end or max(now, self.start), self.used
        while used < self.target:
            used += is_open(t)
            t += QUARTER
        return t

    @property
    def result(self):
        if self.end is None:
            return "running"
        if self.breach is not None:
            return "missed"
        good = {"resolution": {"solved"}}.get(self.kind, {"answer", "started"})
        return "met" if self.ended_by in good else "unanswered"


def walk(events, response_targets, resolution_targets, now):
    """The counters of a ticket, follow-ups in the order of their start; `now` on a quarter."""
    events = sorted(events, key=lambda e: (e.at, ORDER.index(e.kind), -(e.priority or 0)))
    bounced = {e.answer for e in events if e.kind == "answer-bounced"}
    opened = events[0]
    counters = [
        Counter("response", opened.at, opened.priority, response_targets),
        Counter("resolution", opened.at, opened.priority, resolution_targets),
    ]
    state = {"closed": False, "level": opened.priority}
    t, place = opened.at, 1
    while True:
        while place < len(events) and events[place].at == t:
            tell(events, place, bounced, counters, state)
            place += 1
        if t >= now and place == len(events):
            return counters
        for counter in counters:
            counter.step(t)
        t += QUARTER


def tell(events, place, bounced, counters, state):
    event = events[place]
    talks = [each for each in counters if each.kind != "resolution"]
    if event.kind == "answer" and event.answer not in bounced:
        for each in talks:
            each.close(event.at, "answer")
    elif event.kind == "started":
        counters[0].close(event.at, "started")
    elif event.kind == "priority":
        if event.priority != state["level"]:
            state["level"] = event.priority
            for each in counters:
                each.prioritise(event.at, event.priority)
    elif event.kind in {"solved", "closed"}:
        state["closed"] = True
        for each in counters:
            each.close(event.at, event.kind)
    elif event.kind == "waiting":
        for each in counters:
            each.paused = each.kind != "response"
    elif event.kind == "reopened":
        state["closed"] = False
        resume(counters)
    elif event.kind == "customer-message":
        resume(counters)
        if not state["closed"] and nothing_ran(tuple(events[:place])):
            counters.append(Counter("follow-up", event.at, state["level"], counters[0].targets))


def resume(counters):
    for each in counters:
        each.paused = False


@lru_cache(maxsize=1000)
def nothing_ran(past):
    """Whether, as anybody could know then, every response and follow-up clock had ended."""
    seen = walk(past, {}, {}, past[-1].at)
    return all(each.end is not None for each in seen if each.kind != "resolution")


def monday(quarters):
    """An instant so many quarters after Monday 2026-11-09 00:00 UTC."""
    return datetime(2026, 11, 9, tzinfo=UTC) + quarters * QUARTER
