"""The tables of `avtald.toml` about supervision: a canary, and a port for health and metrics."""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from daemon.settings.checked import TableError
from daemon.settings.values import (
    Flag,
    Key,
    Line,
    ListenAt,
    Reads,
    SomeTime,
    is_loopback,
)


def _words(value: object) -> tuple[str, ...]:
    fits = isinstance(value, list) and all(isinstance(each, str) and each for each in value)
    if not isinstance(value, list) or not fits:
        raise ValueError('write a command and its arguments, as ["/usr/local/bin/page", "-q"]')
    return tuple(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """The desk mails itself through its real mailbox, and reports a mail that does not return."""

    on: Annotated[Flag, Key("")] = False
    every: Annotated[SomeTime, Key("time between two canaries")] = dt.timedelta(hours=1)
    within: Annotated[SomeTime, Key("a canary that takes longer is a fault")] = dt.timedelta(
        minutes=15
    )
    command: Annotated[
        Annotated[tuple[Line, ...], Reads(_words)],
        Key(
            "a second way to report: this command gets the fault on its standard input",
            '["/usr/local/bin/page"]',
        ),
    ] = ()

    def __post_init__(self) -> None:
        if self.within >= self.every:
            raise TableError(("within", "write less than `every`: one canary at a time"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`/health` and `/metrics` over HTTP, for monitoring on this machine."""

    listen: Annotated[ListenAt, Key("an address of this machine only", '"127.0.0.1:9464"')]
    polled_within: Annotated[SomeTime, Key("a fault if a mailbox's last good poll is older")] = (
        dt.timedelta(minutes=5)
    )
    processed_within: Annotated[SomeTime, Key("a fault if received mail waits longer")] = (
        dt.timedelta(minutes=5)
    )
    sent_within: Annotated[SomeTime, Key("a fault if mail that is due to go out waits longer")] = (
        dt.timedelta(minutes=30)
    )

    def __post_init__(self) -> None:
        if not is_loopback(self.listen.host):
            raise TableError(("listen", 'for this machine only: write "127.0.0.1:9464"'))
