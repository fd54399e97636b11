"""`avtald fortnox login` and `avtald fortnox check`: consent once, and access tested."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import print_json
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.context import Desk
    from integrations.fortnox.access.consent import Asked
    from integrations.fortnox.client import CompanyInformation

_PATIENCE = 600.0  # seconds: as long as a code lives


@click.group()
def fortnox() -> None:
    """Consent to Fortnox once; test the access."""


@fortnox.command()
@click.option("--code", help="The code itself, where somebody else has consented.")
@click.option("--paste", is_flag=True, help="Ask for the address: for a server without a browser.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Of the call-back on this machine.")
@click.option("--redirect-uri", help="The call-back that the developer portal names.")
@click.option("--attachments", is_flag=True, help="Ask for the right to attach files as well.")
@now_option
@config_option
def login(
    config: Path | None,
    now: dt.datetime,
    code: str | None,
    port: int | None,
    redirect_uri: str | None,
    *,
    paste: bool,
    attachments: bool,
) -> None:
    """Let a system administrator of the company consent, in a browser, once."""
    from daemon.app import accounting
    from integrations.fortnox.access import consent
    from integrations.fortnox.login import is_lasting, log_in

    with opened(config) as desk:
        say = desk.say
        _must_be_fortnox(desk, say)
        port = consent.PORT if port is None else port
        asked = consent.Asked(
            accounting.fortnox_settings(desk.settings),
            redirect_uri or consent.redirect_uri(port),
            attachments,
        )
        answer = code or _answer(asked, port, say, paste=paste)
        pacer = accounting.pacer(desk.store)
        company = log_in(
            asked,
            asked.code_of(answer),
            accounting.token_store(desk),
            pacer,
            now,
        )
        lasting = is_lasting(asked.settings, company, pacer)
        _go_on(desk, now)
    _print_company(company, say)
    _advise(desk, company, say, lasting=lasting)


def _must_be_fortnox(desk: "Desk", say: Say) -> None:
    if desk.settings.accounting.fortnox is None:
        says = say(
            "avtald.toml saknar [accounting.fortnox]",
            "avtald.toml has no table [accounting.fortnox]",
        )
        raise click.UsageError(says)


def _answer(asked: "Asked", port: int, say: Say, *, paste: bool) -> str:
    """Where the administrator's browser came back to."""
    from integrations.fortnox.access.consent import Callback

    click.echo(say("Öppna och godkänn:", "Open and consent:"))
    click.echo(asked.url)
    if paste:
        asking = say(
            "Klistra in adressen som webbläsaren kom tillbaka till",
            "Paste the address that the browser came back to",
        )
        return str(click.prompt(asking))
    try:
        with Callback(port) as callback:
            return callback.wait(_PATIENCE)
    except OSError as error:
        says = say(f"port {port} är upptagen: {error.strerror}", f"port {port}: {error.strerror}")
        raise click.UsageError(f"{says} (--port, --paste)") from error


def _go_on(desk: "Desk", now: dt.datetime) -> None:
    """What waited for the consent is pushed in the next round."""
    from daemon.desk.month import pushing

    with desk.store.writing() as tx:
        pushing.access_is_back(tx, now)


def _print_company(company: "CompanyInformation", say: Say) -> None:
    says = say("Åtkomst till", "Access to")
    click.echo(f"{says} {company.name}, {company.organisation_number}, {company.tenant_id}")


def _advise(desk: "Desk", company: "CompanyInformation", say: Say, *, lasting: bool) -> None:
    """How to make the access last."""
    fortnox = desk.settings.accounting.fortnox
    if lasting and fortnox is not None and fortnox.tenant_id is None:
        line = f"tenant_id = {company.tenant_id}"
        click.echo(
            say(
                f"Skriv {line} under [accounting.fortnox]: då behövs inget nytt godkännande.",
                f"Write {line} under [accounting.fortnox]: then no new consent is needed.",
            )
        )
    if fortnox is not None and not fortnox.invoice_link:
        click.echo(
            say(
                "Skriv adressen till en faktura i Fortnox, med {number} i numrets ställe, som "
                "invoice_link: då länkar ekonomins mejl varje utkast.",
                "Write the address of an invoice in Fortnox, with {number} in the place of its "
                "number, as invoice_link: then finance's mail links each draft.",
            )
        )
    if not lasting:
        click.echo(
            say(
                "Klientuppgifter gäller inte för företaget: åtkomsten förnyas var 45:e dag minst, "
                "och går den förlorad behövs ett nytt godkännande.",
                "Client credentials do not work here: the access is renewed at least every 45 "
                "days, and if it is lost a new consent is needed.",
            )
        )


@fortnox.command()
@json_option
@config_option
def check(config: Path | None, *, as_json: bool) -> int:
    """Test access, rights, articles and units; creates nothing."""
    from daemon.app import accounting
    from daemon.domain.invoice import AccountingError
    from integrations.fortnox.client import FortnoxClient

    with opened(config) as desk:
        say = desk.say
        _must_be_fortnox(desk, say)
        client = accounting.fortnox_client(desk)
        assert isinstance(client, FortnoxClient)  # noqa: S101  the settings name it
        try:
            company = client.company_information()
            problems = [(p.message, p.remedy, p.warning) for p in client.preflight([])]
        except AccountingError as error:
            company, problems = None, [(str(error), error.remedy, False)]
        finally:
            client.close()
    if as_json:
        print_json(_as_json(company, problems))
    else:
        if company is not None:
            _print_company(company, say)
        for message, remedy, _ in problems:
            click.echo(f"! {message}\n  → {remedy}")
    return 1 if problems else 0


def _as_json(
    company: "CompanyInformation | None", problems: list[tuple[str, str, bool]]
) -> dict[str, object]:
    return {
        "company": company and company.name,
        "organisation_number": company and company.organisation_number,
        "tenant_id": company and company.tenant_id,
        "problems": [
            {"message": message, "remedy": remedy, "warning": warning}
            for message, remedy, warning in problems
        ],
    }
