"""Finance: its addresses, and the statements as it reads them (H7)."""

from collections.abc import Sequence

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import StatementSummary
from daemon.desk.outgoing.mailing import People
from daemon.domain.wording import hours
from daemon.store.money import register, statements
from daemon.store.money.statements import Frozen
from daemon.store.session import Tx


def addresses(tx: Tx, desk: Desk) -> tuple[str, ...]:
    """The addresses of the settings, and those of the people with that role."""
    people = (person.email for person in register.people_with_role(tx, "finance"))
    return tuple(dict.fromkeys((*desk.settings.accounting.finance, *people)))


def is_finance(tx: Tx, desk: Desk, address: str) -> bool:
    """True for an address whose word counts as finance's (H7)."""
    person = register.person_by_address(tx, address)
    held = person is not None and "finance" in person.roles
    return held or address in desk.settings.accounting.finance


def readers(tx: Tx, desk: Desk) -> People:
    """Finance, else the operators."""
    return tuple(("", each) for each in addresses(tx, desk) or desk.settings.desk.operators)


def summaries(tx: Tx, desk: Desk, frozen: Sequence[Frozen]) -> tuple[StatementSummary, ...]:
    """The statements of a mail, in their order."""
    names = {each.id: each.name for each in register.customers(tx, ended=True)}
    printed = statements.printed(tx, [each.id for each in frozen], ("fee", "overage"))
    months = {each.month for each in frozen}
    before = statements.told_before(tx, min(months)) if months else {}
    return tuple(
        StatementSummary(
            customer=names[each.customer_id],
            customer_key=each.customer_key,
            reference=each.reference,
            net=each.net,
            rows=tuple(
                (text, str(row.quantity), row.unit, str(row.price), str(row.amount))
                for row, text in printed.get(each.id, ())
            ),
            left_out=each.left_out or None,
            state=each.state,
            number=each.number,
            link=each.link,
            remarks=_remarks(desk, each, before.get(each.customer_id, (0, 0))),
        )
        for each in frozen
    )


def _remarks(desk: Desk, frozen: Frozen, before: tuple[int, int]) -> tuple[str, ...]:
    """Minutes billed to nobody: told once, and again when they have changed."""
    minutes = (frozen.before_first, frozen.stray)
    return tuple(
        sentence(code, desk.language, time=hours(now))
        for code, now, told in zip(("before_first", "stray"), minutes, before, strict=True)
        if now and now != told
    )
