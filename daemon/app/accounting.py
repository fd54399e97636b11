"""The desk's accounting system, and the steps of its work."""

import datetime as dt
import ipaddress
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from daemon.app.fortnox import client_of
from daemon.desk.context import Desk
from daemon.desk.month import specifications
from daemon.desk.month.drift import look_for_drift
from daemon.desk.month.enclosures import as_pdf
from daemon.desk.month.pushing import Push
from daemon.desk.ports import Accounting
from daemon.domain.document import Document
from daemon.domain.invoice import AccountingError
from daemon.loop import Step
from daemon.settings.load import Settings
from daemon.store.money import invoices, statements

if TYPE_CHECKING:
    from integrations.files.drafts import FileDrafts


def accounting_of(desk: Desk) -> Accounting:
    """The accounting system of the desk's drafts."""
    if desk.settings.accounting.kind == "files":
        return papers_of(desk)
    return client_of(desk)


def papers_of(desk: Desk) -> "FileDrafts":
    """The drafts as files; also those from a time before another system."""
    from integrations.files.drafts import FileDrafts
    from integrations.pdf import WeasyPrinter

    return FileDrafts(desk.settings.desk.state_dir / "drafts", WeasyPrinter())


def push_of(desk: Desk, accounting: Accounting) -> Push:
    """A run of pushing; for a Fortnox elsewhere, look-ups also wait by the machine's clock."""
    return Push(
        desk,
        accounting,
        specification=partial(_specification, desk),
        real_time=_is_elsewhere(desk.settings),
    )


def push_waiting(desk: Desk, now: dt.datetime) -> AccountingError | None:
    """Push every waiting invoice, failed ones too; gives the fault at which the run stopped."""
    with desk.store.writing() as tx:
        invoices.hurry(tx)
    with closing(accounting_of(desk)) as books:
        run = push_of(desk, books)
        while run.step(now):
            pass
    return run.stopped


def _specification(desk: Desk, statement_id: int) -> Document | None:
    """The hours behind a statement as PDF; the database is free while it prints."""
    from integrations.pdf import WeasyPrinter

    with desk.store.reading() as tx:
        frozen = statements.by_id(tx, statement_id)
        made = [each for each in specifications.gather(tx, desk, [frozen]) if each.has_hours]
    return as_pdf(made[0], WeasyPrinter()) if made else None


def push_step(desk: Desk, accounting: Accounting) -> Step:
    """Push what waits, one invoice at a time."""
    return Step("push", push_of(desk, accounting).step)


def drift_step(desk: Desk, accounting: Accounting) -> Step:
    """Look daily at every earlier invoice (I4)."""
    return Step("drift", partial(look_for_drift, desk, accounting))


def _is_elsewhere(settings: Settings) -> bool:
    """True for a service on another machine; a double on this one may play with time."""
    fortnox = settings.accounting.fortnox
    if settings.accounting.kind != "fortnox" or fortnox is None:
        return False
    host = urlsplit(fortnox.api_url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
