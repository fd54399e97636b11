"""Fortnox for one desk: its client, its token and its turn, and the consent of its company."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daemon.desk.context import Desk
from daemon.desk.month.pushing import access_is_back
from daemon.domain.invoice import AccountingError
from daemon.domain.refusal import RefusedError
from daemon.settings.tables import Fortnox
from daemon.store.request_line import RequestLine
from daemon.store.session import Store
from daemon.store.token_records import TokenRecord

if TYPE_CHECKING:
    from integrations.fortnox.access.consent import Asked
    from integrations.fortnox.access.sealing import TokenStore
    from integrations.fortnox.client import CompanyInformation, FortnoxClient
    from integrations.fortnox.pacing import EvenPacer
    from integrations.fortnox.settings import FortnoxSettings

NAME = "fortnox"  # of its token and its line in the database


def table_of(desk: Desk) -> Fortnox:
    """The table [accounting.fortnox]; refuses a desk without it."""
    table = desk.settings.accounting.fortnox
    if table is None:
        says = "avtald.toml saknar", "avtald.toml has no table"
        raise RefusedError(f"{desk.say(*says)} [accounting.fortnox]")
    return table


def client_of(desk: Desk) -> "FortnoxClient":
    """The client of the settings' tenant; every process of the desk shares its token and turn."""
    from integrations.fortnox.client import FortnoxClient
    from integrations.fortnox.pacing import Waits

    waits = Waits()
    return FortnoxClient(
        settings_of(desk),
        _token_store(desk, sleep=waits.sleep),
        _pacer(desk.store, sleep=waits.sleep),
        sleep=waits.sleep,
        stop=waits.stop,
    )


def settings_of(desk: Desk) -> "FortnoxSettings":
    """The client's settings, from the table [accounting.fortnox]."""
    from integrations.fortnox.settings import FortnoxSettings

    table = table_of(desk)
    return FortnoxSettings(
        client_id=table.client_id,
        client_secret=table.client_secret,
        tenant_id=table.tenant_id,
        fee_article=table.fee_article,
        hour_article=table.hour_article,
        api_url=table.api_url,
        auth_url=table.auth_url,
        token_url=table.token_url,
        invoice_link=table.invoice_link,
    )


def _token_store(desk: Desk, *, sleep: Callable[[float], None] = time.sleep) -> "TokenStore":
    """The token in the database, sealed with `token_key_file`, else the client's secret."""
    from integrations.fortnox.access.sealing import TokenStore

    return TokenStore(TokenRecord(desk.store, NAME, sleep=sleep), table_of(desk).token_key)


def _pacer(store: Store, *, sleep: Callable[[float], None] = time.sleep) -> "EvenPacer":
    """The one line of all processes for their turns."""
    from integrations.fortnox.pacing import EvenPacer

    return EvenPacer(RequestLine(store, NAME), sleep=sleep)


@dataclass(frozen=True, slots=True)
class Consent:
    """A company's consent; `lasting` access needs no new one."""

    company: "CompanyInformation"
    lasting: bool


def log_in(desk: Desk, asked: "Asked", answer: str, now: dt.datetime) -> Consent:
    """Keep the consent in an administrator's answer, and let waiting invoices go on."""
    from integrations.fortnox import login

    pacer = _pacer(desk.store)
    company = login.log_in(asked, asked.code_of(answer), _token_store(desk), pacer, now)
    lasting = login.is_lasting(asked.settings, company, pacer)
    with desk.store.writing() as tx:
        access_is_back(tx, now)
    return Consent(company, lasting)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A hindrance to drafts in Fortnox."""

    message: str
    remedy: str
    warning: bool


@dataclass(frozen=True, slots=True)
class Access:
    """The company of the books, None out of reach, and everything in the way of drafts."""

    company: str | None
    organisation_number: str | None
    tenant_id: int | None
    problems: Sequence[Complaint]


def try_access(desk: Desk) -> Access:
    """Test access, rights, articles and units; creates nothing."""
    client = client_of(desk)
    try:
        company = client.company_information()
        problems = [Complaint(p.message, p.remedy, p.warning) for p in client.preflight([])]
    except AccountingError as error:
        return Access(None, None, None, [Complaint(str(error), error.remedy, warning=False)])
    finally:
        client.close()
    return Access(company.name, company.organisation_number, company.tenant_id, problems)
