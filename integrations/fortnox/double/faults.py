"""Faults on demand for the Fortnox double: those of a network and of a busy service."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class Trouble(StrEnum):
    """The kinds of faults; "before" and "after" mean before and after the request is done."""

    TOO_MANY = "429"
    ERROR_BEFORE = "500-before"
    ERROR_AFTER = "500-after"
    SYSTEM_EXCEPTION = "1000003-after"  # code 1000003 under another status than 500
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    SLOW = "slow"  # waits `seconds`, then answers as usual
    SLOW_AFTER = "slow-after"  # carries out, waits `seconds`, then answers
    GARBLED_AFTER = "garbled-after"  # carries out, and answers 2xx with half a body
    GATEWAY = "gateway"  # 502 in HTML, before
    INVALID_TOKEN = "invalid-token"  # noqa: S105 - a fault's name
    MISSING_SCOPE = "missing-scope"
    MISSING_LICENCE = "missing-licence"
    RENAMED_FIELD = "renamed-field"  # the answer calls `field` by the name `renamed`
    REFUSED = "refused"  # 400 with `code`


BEFORE = frozenset(
    {
        Trouble.TOO_MANY,
        Trouble.ERROR_BEFORE,
        Trouble.DROP_BEFORE,
        Trouble.GATEWAY,
        Trouble.INVALID_TOKEN,
        Trouble.MISSING_SCOPE,
        Trouble.MISSING_LICENCE,
        Trouble.REFUSED,
    }
)


@dataclass(slots=True)
class PlannedFault:
    """A fault that strikes so many matching requests; `times` None: until it is taken away."""

    trouble: Trouble
    on: str = "*"  # "POST /3/invoices", "GET /3/invoices/*", "*"
    times: int | None = 1
    seconds: float = 0.0
    code: int | None = None
    renamed: tuple[str, str] = ("", "")

    def strikes(self, method: str, path: str) -> bool:
        """True if it concerns this request, and is not spent."""
        return self.times != 0 and fnmatchcase(f"{method} {path}", self.on)


@dataclass(slots=True)
class FaultPlan:
    """The faults to come: the first planned strikes first, one fault a request."""

    planned: list[PlannedFault] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, trouble: Trouble | str, on: str = "*", **how: object) -> PlannedFault:
        """Plan one fault: `times`, `seconds`, `code`, `renamed` as in PlannedFault."""
        fault = PlannedFault(Trouble(trouble), on, **how)  # type: ignore[arg-type]
        with self._lock:
            self.planned.append(fault)
        return fault

    def sequence(self, on: str, *troubles: Trouble | str | None) -> None:
        """Plan one fault for each of the next matching requests; None lets one pass."""
        for trouble in troubles:
            if trouble is None:
                self.add(Trouble.SLOW, on, seconds=0.0)
            else:
                self.add(trouble, on)

    def clear(self) -> None:
        """Let everything go well from now on."""
        with self._lock:
            self.planned.clear()

    def strike(self, method: str, path: str) -> PlannedFault | None:
        """The fault for this request, if any; it is then used up."""
        with self._lock:
            fault = next((fault for fault in self.planned if fault.strikes(method, path)), None)
            if fault is None:
                return None
            self.struck.append(f"{fault.trouble} {method} {path}")
            if fault.times is not None:
                fault.times -= 1
            return fault
