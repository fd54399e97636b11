"""Where invoice drafts go: the accounting system that the settings name, and its work's steps."""

import ipaddress
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from daemon.desk.context import Desk
from daemon.desk.month import drift, invoicing, specification, specified
from daemon.desk.ports import Accounting
from daemon.domain.document import Document
from daemon.loop import Step
from daemon.settings.load import Settings
from daemon.store.money import statements
from daemon.store.request_line import RequestLine
from daemon.store.session import Store
from daemon.store.token_records import TokenRecord

if TYPE_CHECKING:
    from integrations.fortnox.access.tokens import TokenStore
    from integrations.fortnox.client import FortnoxClient
    from integrations.fortnox.pacing import EvenPacer
    from integrations.fortnox.settings import FortnoxSettings

FORTNOX = "fortnox"  # the name of its token and its line in the database


def accounting_of(settings: Settings, store: Store | None = None) -> Accounting:
    """The accounting system that drafts go to.

    With the database token and pace are shared with every other process; without it they live as
    long as this one.
    """
    if settings.accounting.kind == "files":
        return _files(settings.desk.state_dir / "drafts")
    return fortnox_client(settings, store)


def fortnox_client(settings: Settings, store: Store | None = None) -> "FortnoxClient":
    """The client of the tenant that the settings name; the table must be there."""
    from integrations.fortnox.client import FortnoxClient
    from integrations.fortnox.pacing import Waits

    waits = Waits()
    return FortnoxClient(
        fortnox_settings(settings),
        token_store(settings, store, sleep=waits.sleep) if store else None,
        pacer(store, sleep=waits.sleep),
        sleep=waits.sleep,
        stop=waits.stop,
    )


def pacer(store: Store | None, *, sleep: Callable[[float], None] = time.sleep) -> "EvenPacer":
    """The line that everybody waits in; without a database only this process."""
    from integrations.fortnox.pacing import EvenPacer

    return EvenPacer(RequestLine(store, FORTNOX) if store else None, sleep=sleep)


def fortnox_settings(settings: Settings) -> "FortnoxSettings":
    """What the client must know of the tenant; the table must be there."""
    from integrations.fortnox.settings import FortnoxSettings

    fortnox = settings.accounting.fortnox
    assert fortnox is not None  # noqa: S101  the settings have checked it
    return FortnoxSettings(
        client_id=fortnox.client_id,
        client_secret=fortnox.client_secret,
        tenant_id=fortnox.tenant_id,
        fee_article=fortnox.fee_article,
        hour_article=fortnox.hour_article,
        api_url=fortnox.api_url,
        auth_url=fortnox.auth_url,
        token_url=fortnox.token_url,
        invoice_link=fortnox.invoice_link,
    )


def token_store(
    settings: Settings, store: Store, *, sleep: Callable[[float], None] = time.sleep
) -> "TokenStore":
    """Fortnox's token in the database, sealed with `token_key_file`, else the client's secret."""
    from integrations.fortnox.access.sealing import SealedTokenStore

    fortnox = settings.accounting.fortnox
    assert fortnox is not None  # noqa: S101  the settings have checked it
    return SealedTokenStore(TokenRecord(store, FORTNOX, sleep=sleep), fortnox.token_key)


def _files(folder: Path) -> Accounting:
    from integrations.files.drafts import FileDrafts
    from integrations.pdf import WeasyPrinter

    return FileDrafts(folder, WeasyPrinter())


def push_of(desk: Desk, accounting: Accounting) -> invoicing.Push:
    """A run that pushes; against a Fortnox elsewhere look-ups wait by the machine's clock too."""
    return invoicing.Push(
        desk,
        accounting,
        specification=partial(_specification, desk),
        real_time=_is_elsewhere(desk.settings),
    )


def _specification(desk: Desk, statement_id: int) -> Document | None:
    """The hours behind a statement as PDF; nothing is locked while it prints."""
    from integrations.pdf import WeasyPrinter

    with desk.store.reading() as tx:
        frozen = statements.by_id(tx, statement_id)
        made = [each for each in specified.gather(tx, desk, [frozen]) if each.has_hours]
    return specification.pdf(made[0], WeasyPrinter()) if made else None


def push_step(desk: Desk, accounting: Accounting) -> Step:
    """Push what waits, one invoice at a time."""
    return Step("push", push_of(desk, accounting).step)


def drift_step(desk: Desk, accounting: Accounting) -> Step:
    """Look daily at what became of the invoices (I4)."""
    return Step("drift", partial(drift.step, desk, accounting))


def _is_elsewhere(settings: Settings) -> bool:
    """Whether the service is not on this machine: a double may be told to play time with us."""
    fortnox = settings.accounting.fortnox
    if settings.accounting.kind != "fortnox" or fortnox is None:
        return False
    host = urlsplit(fortnox.api_url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
