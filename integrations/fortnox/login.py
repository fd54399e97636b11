"""The use of a consent: its code becomes a token, tried with a client before it is kept."""

import datetime as dt
from dataclasses import replace

import httpx

from daemon.domain.invoice import AccountingError
from integrations.fortnox.access.consent import Asked, LoginError, exchange_code
from integrations.fortnox.access.sealing import TokenStore, in_memory
from integrations.fortnox.client import CompanyInformation, FortnoxClient
from integrations.fortnox.pacing import EvenPacer
from integrations.fortnox.settings import FortnoxSettings

_SECONDS = 30.0


def log_in(
    asked: Asked, code: str, store: TokenStore, pacer: EvenPacer, now: dt.datetime
) -> CompanyInformation:
    """Turn the code into a token, read its company, and only then keep it.

    Raises LoginError for the books of another company than the settings name.
    """
    with httpx.Client(timeout=_SECONDS) as http:
        token = exchange_code(http, asked.settings, code, asked.redirect_uri, now)
    any_tenant = replace(asked.settings, tenant_id=None)  # the question is whose books
    client = FortnoxClient(any_tenant, in_memory(token), pacer, clock=lambda: now)
    try:
        company = client.company_information()
    finally:
        client.close()
    wanted = asked.settings.tenant_id
    if wanted is not None and wanted != company.tenant_id:
        raise LoginError(
            f"Fortnox: {company.name} har tenant_id {company.tenant_id}, inte {wanted}",
            "Logga in i rätt företag, eller rätta tenant_id i avtald.toml.",
        )
    with store.lock():
        store.save(replace(token, tenant=company.tenant_id))
    return company


def is_lasting(settings: FortnoxSettings, company: CompanyInformation, pacer: EvenPacer) -> bool:
    """True if client credentials give access: no lost answer can spend them (facts.md 2.3)."""
    client = FortnoxClient(replace(settings, tenant_id=company.tenant_id), None, pacer)
    try:
        return client.company_information().tenant_id == company.tenant_id
    except AccountingError:
        return False
    finally:
        client.close()
