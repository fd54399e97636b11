"""The end of the month: its statements and drafts, printed and held against the story."""

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from daemon.demo import story
from daemon.demo.stage import Stage
from daemon.desk.shown import statements as statements_shown
from daemon.domain.periods import Period


def statements(stage: Stage, now: dt.datetime) -> Iterator[str]:
    """Each statement with its rows (H2)."""
    with stage.desk.store.reading() as tx:
        found = statements_shown.listing(
            tx, stage.desk, now, month=Period.parse(story.MONTH), customer=None, needs_number=True
        )
    for each in found:
        yield ""
        yield f"  {each['reference']}"
        for row in each["rows"]:
            yield _row(row)
        yield f"{each['net']!s:>32}  net"
        yield from (f"  ! {reason}" for reason in each["held"])


def _row(row: Mapping[str, Any]) -> str:
    if row["kind"] == "text":
        return f"      {row['description']}"
    times = f"{row['quantity']} {row['unit']:<2} × {row['price']!s:>7}"
    return f"{times:>20} {row['amount']!s:>11}  {row['description']}"


def drafts(stage: Stage) -> Iterator[str]:
    """What stands in the books, as Fortnox itself has it."""
    found = stage.double.invoices
    yield f"{len(found)} drafts in the books, neither booked nor sent:"
    yield f"  {'no':>3}  {'reference':<23}{'customer':<27}{'net':>10}"
    for each in found:
        yield (
            f"  {each['DocumentNumber']:>3}  {each['ExternalInvoiceReference1']:<23}"
            f"{each['CustomerName']:<27}{_money(each['Net']):>10}"
        )
    total = sum((Decimal(str(each["Net"])) for each in found), Decimal(0))
    yield f"  {'':>3}  {'sum':<50}{_money(total):>10}  SEK"


def differences(stage: Stage) -> Iterator[str]:
    """What of the drafts is not as the story reckons it."""
    nets: dict[str, list[str]] = {}
    for each in stage.double.invoices:
        nets.setdefault(each["ExternalInvoiceReference1"], []).append(_money(each["Net"]))
        if each["Booked"] or each["Sent"]:
            yield f"{each['ExternalInvoiceReference1']} was booked or sent (I2)"
    for reference in sorted({*nets, *story.NETS}):
        found, wanted = nets.get(reference, []), story.NETS.get(reference, "there at all")
        if found != [wanted]:
            yield f"{reference}: {' and '.join(found) or 'no draft'}, not {wanted}"
    yield from (f"the books were asked for {each}" for each in stage.double.violations)


def _money(amount: object) -> str:
    return f"{Decimal(str(amount)):.2f}"
