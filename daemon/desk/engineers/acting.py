"""Decided acts are carried out in their order, and their results kept in a list (C14)."""

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
    """The result of one act, and its tag."""

    result: Result
    tag: Tag | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    """The effects of a message on one ticket: the source of its receipt and its news."""

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
        """The acts on the ticket, less those refused."""
        return [each.result for each in self.carried if isinstance(each.result, Done)]

    @property
    def booked(self) -> list[Booked]:
        """The time booked, corrected or held."""
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
    """The sentence about files too large to go along."""
    return (noted(ticket, "left_out", names=", ".join(names)),) if names else ()
