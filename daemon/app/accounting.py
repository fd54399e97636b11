"""The accounting system that the settings name, and the steps of its work."""

import ipaddress
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from daemon.desk.context import Desk
from daemon.desk.month import specifications
from daemon.desk.month.drift import look_for_drift
from daemon.desk.month.enclosures import as_pdf
from daemon.desk.month.pushing import Push
from daemon.desk.ports import Accounting
from daemon.domain.document import Document
from daemon.loop import Step
from daemon.settings.load import Settings
from daemon.store.money import statements
from daemon.store.request_line import RequestLine
from daemon.store.session import Store
from daemon.store.token_records import TokenRecord

if TYPE_CHECKING:
    from integrations.files.drafts import FileDrafts
    from integrations.fortnox.access.sealing import TokenStore
    from integrations.fortnox.client import FortnoxClient
    from integrations.fortnox.pacing import EvenPacer
    from integrations.fortnox.settings import FortnoxSettings

FORTNOX = "fortnox"  # the name of its token and its line in the database


def accounting_of(desk: Desk) -> Accounting:
    """The accounting system of the desk's drafts."""
    if desk.settings.accounting.kind == "files":
        return papers_of(desk)
    return fortnox_client(desk)


def fortnox_client(desk: Desk) -> "FortnoxClient":
    """The client of the settings' tenant; every process of the desk shares its token and pace."""
    from integrations.fortnox.client import FortnoxClient
    from integrations.fortnox.pacing import Waits

    waits = Waits()
    return FortnoxClient(
        fortnox_settings(desk.settings),
        token_store(desk, sleep=waits.sleep),
        pacer(desk.store, sleep=waits.sleep),
        sleep=waits.sleep,
        stop=waits.stop,
    )


def pacer(store: Store, *, sleep: Callable[[float], None] = time.sleep) -> "EvenPacer":
    """The one line in which every process waits for its turn."""
    from integrations.fortnox.pacing import EvenPacer

    return EvenPacer(RequestLine(store, FORTNOX), sleep=sleep)


def fortnox_settings(settings: Settings) -> "FortnoxSettings":
    """The client's settings, from the table [accounting.fortnox]; it must be there."""
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


def token_store(desk: Desk, *, sleep: Callable[[float], None] = time.sleep) -> "TokenStore":
    """Fortnox's token in the database, sealed with `token_key_file`, else the client's secret."""
    from integrations.fortnox.access.sealing import TokenStore

    fortnox = desk.settings.accounting.fortnox
    assert fortnox is not None  # noqa: S101  the settings have checked it
    return TokenStore(TokenRecord(desk.store, FORTNOX, sleep=sleep), fortnox.token_key)


def papers_of(desk: Desk) -> "FileDrafts":
    """The drafts that lie as files, also those of a time before another system."""
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
    """True where the service is on another machine; a double on this one may play with time."""
    fortnox = settings.accounting.fortnox
    if settings.accounting.kind != "fortnox" or fortnox is None:
        return False
    host = urlsplit(fortnox.api_url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
