"""The end of the month: its statements and drafts, printed and compared with the story."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from daemon.demo import story
from daemon.demo.stage import Stage
from daemon.desk.shown.statements import MoneyRow, TextRow, listing


def statements(stage: Stage, now: dt.datetime) -> Iterator[str]:
    """Each statement with its rows (H2)."""
    for statement in listing(stage.desk, now, month=story.MONTH):
        yield ""
        yield f"  {statement.reference}"
        yield from (_row(row) for row in statement.rows)
        yield f"{statement.net!s:>32}  net"
        yield from (f"  ! {reason}" for reason in statement.held)


def _row(row: TextRow) -> str:
    if not isinstance(row, MoneyRow):
        return f"      {row.description}"
    times = f"{row.quantity} {row.unit:<2} × {row.price!s:>7}"
    return f"{times:>20} {row.amount!s:>11}  {row.description}"


def drafts(stage: Stage) -> Iterator[str]:
    """The drafts in the books, in Fortnox's own words."""
    invoices = stage.double.invoices
    yield f"{len(invoices)} drafts in the books, neither booked nor sent:"
    yield f"  {'no':>3}  {'reference':<23}{'customer':<27}{'net':>10}"
    for draft in invoices:
        number, reference = draft["DocumentNumber"], draft["ExternalInvoiceReference1"]
        yield f"  {number:>3}  {reference:<23}{draft['CustomerName']:<27}{_money(draft['Net']):>10}"
    total = sum((Decimal(str(draft["Net"])) for draft in invoices), Decimal(0))
    yield f"  {'':>3}  {'sum':<50}{_money(total):>10}  SEK"


def differences(stage: Stage) -> Iterator[str]:
    """The differences between the drafts and the story."""
    nets: dict[str, list[str]] = {}
    for draft in stage.double.invoices:
        nets.setdefault(draft["ExternalInvoiceReference1"], []).append(_money(draft["Net"]))
        if draft["Booked"] or draft["Sent"]:
            yield f"{draft['ExternalInvoiceReference1']} was booked or sent (I2)"
    for reference in sorted({*nets, *story.NETS}):
        made, wanted = nets.get(reference, []), story.NETS.get(reference, "there at all")
        if made != [wanted]:
            yield f"{reference}: {' and '.join(made) or 'no draft'}, not {wanted}"
    yield from (f"the books were asked for {each}" for each in stage.double.violations)


def _money(amount: object) -> str:
    return f"{Decimal(str(amount)):.2f}"
