"""`avtald fortnox login` and `avtald fortnox check`: consent once, and access tested."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import config_option, json_config, now_option
from daemon.cli.output import print_json
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.app.fortnox import Consent
    from daemon.settings.tables import Fortnox
    from integrations.fortnox.access.consent import Asked

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
    from daemon.app import fortnox as app
    from integrations.fortnox.access import consent

    with opened(config) as desk:
        settings = app.settings_of(desk)
        port = consent.PORT if port is None else port
        asked = consent.Asked(settings, redirect_uri or consent.redirect_uri(port), attachments)
        answer = code or _answer(asked, port, desk.say, paste=paste)
        given = app.log_in(desk, asked, answer, now)
        company = given.company
        _print_company(company.name, company.organisation_number, company.tenant_id, desk.say)
        _advise(app.table_of(desk), given, desk.say)


def _answer(asked: "Asked", port: int, say: Say, *, paste: bool) -> str:
    """Get the address of the administrator's browser after the consent."""
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


def _print_company(
    name: str, organisation_number: str | None, tenant_id: int | None, say: Say
) -> None:
    click.echo(f"{say('Åtkomst till', 'Access to')} {name}, {organisation_number}, {tenant_id}")


def _advise(table: "Fortnox", given: "Consent", say: Say) -> None:
    """Tell how to make the access last."""
    if given.lasting and table.tenant_id is None:
        line = f"tenant_id = {given.company.tenant_id}"
        click.echo(
            say(
                f"Skriv {line} under [accounting.fortnox]: då behövs inget nytt godkännande.",
                f"Write {line} under [accounting.fortnox]: then no new consent is needed.",
            )
        )
    if not table.invoice_link:
        click.echo(
            say(
                "Skriv adressen till en faktura i Fortnox, med {number} i numrets ställe, som "
                "invoice_link: då länkar ekonomins mejl varje utkast.",
                "Write the address of an invoice in Fortnox, with {number} in the place of its "
                "number, as invoice_link: then finance's mail links each draft.",
            )
        )
    if not given.lasting:
        click.echo(
            say(
                "Klientuppgifter gäller inte för företaget: åtkomsten förnyas var 45:e dag minst, "
                "och går den förlorad behövs ett nytt godkännande.",
                "Client credentials do not work here: the access is renewed at least every 45 "
                "days, and if it is lost a new consent is needed.",
            )
        )


@fortnox.command()
@json_config
def check(config: Path | None, *, as_json: bool) -> int:
    """Test access, rights, articles and units; creates nothing."""
    from daemon.app.fortnox import try_access

    with opened(config) as desk:
        access = try_access(desk)
    if as_json:
        print_json(access)
    else:
        if access.company is not None:
            facts = access.company, access.organisation_number, access.tenant_id
            _print_company(*facts, desk.say)
        for problem in access.problems:
            click.echo(f"! {problem.message}\n  → {problem.remedy}")
    return 1 if access.problems else 0
