"""The tables of `avtald.toml` about being watched: a canary, and a port that tells how we are."""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from daemon.settings.checked import TableError
from daemon.settings.values import (
    STRICT,
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
    """The desk mails itself through the real mailbox, and tells where that does not come back."""

    __pydantic_config__ = STRICT

    on: Annotated[Flag, Key("")] = False
    every: Annotated[SomeTime, Key("")] = dt.timedelta(hours=1)
    within: Annotated[SomeTime, Key("so long may it be on its way")] = dt.timedelta(minutes=15)
    command: Annotated[
        Annotated[tuple[Line, ...], Reads(_words)],
        Key(
            "another route than mail: run with the fault on its standard input",
            '["/usr/local/bin/page"]',
        ),
    ] = ()

    def __post_init__(self) -> None:
        if self.within >= self.every:
            raise TableError(("within", "write less than `every`: one canary at a time"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`/health` and `/metrics` over HTTP, for what watches this machine."""

    __pydantic_config__ = STRICT

    listen: Annotated[ListenAt, Key("this machine's own programs only", '"127.0.0.1:9464"')]
    polled_within: Annotated[
        SomeTime, Key("a mailbox whose last good poll is older is a fault")
    ] = dt.timedelta(minutes=5)
    processed_within: Annotated[
        SomeTime, Key("mail that waits longer to be acted on is a fault")
    ] = dt.timedelta(minutes=5)
    sent_within: Annotated[
        SomeTime, Key("mail that is due and waits longer to go out is a fault")
    ] = dt.timedelta(minutes=30)

    def __post_init__(self) -> None:
        if not is_loopback(self.listen.host):
            raise TableError(("listen", 'for this machine only: write "127.0.0.1:9464"'))
