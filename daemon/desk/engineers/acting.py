"""Carrying decided acts out, one after the other, and the list of their results (C14)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from daemon.desk.context import By, Refusal
from daemon.desk.engineers.deciding import Result, Step
from daemon.desk.letters.to_engineers import Booked
from daemon.desk.tickets import news
from daemon.desk.tickets.acts import Done
from daemon.domain.ticket import Ticket
from parsers.tags import Tag


@dataclass(frozen=True, slots=True)
class Carried:
    """The result of one act, and the tag that asked for it."""

    result: Result
    tag: Tag | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    """All that a message did on one ticket: its receipt and its news are made of this."""

    ticket: Ticket | None = None
    carried: tuple[Carried, ...] = ()
    why: str | None = None  # the reason the text did not go to the customer
    to: tuple[str, ...] = ()  # the text went to these addresses
    opened: bool = False  # D6: the confirmation carries the text
    asks_for_customer: bool = False

    def then(self, ticket: Ticket | None, *carried: Carried, **changed: Any) -> "Acted":
        """The same with the ticket as it is now, and with more results."""
        return replace(self, ticket=ticket, carried=(*self.carried, *carried), **changed)

    @property
    def answered(self) -> bool:
        """Tell if the customer has the text."""
        return bool(self.to) or self.why == "direct"

    @property
    def did_anything(self) -> bool:
        """Tell if an act was not refused."""
        return any(not isinstance(each.result, Refusal) for each in self.carried)

    @property
    def done(self) -> list[Done]:
        """The acts on the ticket that were carried out."""
        return [each.result for each in self.carried if isinstance(each.result, Done)]

    @property
    def booked(self) -> list[Booked]:
        """The time that was booked, corrected or held."""
        return [each.result for each in self.carried if isinstance(each.result, Booked)]


def carry_out(by: By, ticket: Ticket, steps: Iterable[Step]) -> tuple[Ticket, tuple[Carried, ...]]:
    """Carry out acts in their order, each on the ticket as the one before it left it."""
    carried = []
    for step in steps:
        result = step.act(by, ticket, *step.given)
        carried.append(Carried(result, step.tag))
        if isinstance(result, Done):
            ticket = result.ticket
            news.at_once(by, result)
    return ticket, tuple(carried)


def noted(ticket: Ticket, code: str, **facts: object) -> Carried:
    """A sentence of the receipt about an act without a tag."""
    return Carried(Done(ticket, ticket, ((code, facts),)))


def left_behind(ticket: Ticket, names: Sequence[str]) -> tuple[Carried, ...]:
    """The files that were too large to go along."""
    return (noted(ticket, "left_out", names=", ".join(names)),) if names else ()
