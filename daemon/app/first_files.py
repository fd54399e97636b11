"""A desk's first files: a commented `avtald.toml` and a `register.toml` to start from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.domain.refusal import RefusedError
from daemon.settings.sample import sample

# Below here a desk's own files lie elsewhere: in the folder that systemd keeps for the service.
_SYSTEM = Path("/etc")
_OF_THE_SYSTEM = (
    ('#state_dir = "var"', 'state_dir = "/var/lib/avtald"'),
    ('#url = "sqlite:///var/avtald.db"', 'url = "sqlite:////var/lib/avtald/avtald.db"'),
)

REGISTER = """\
# The register of avtald: the desk's own people, and its customers. Change it and run
#     avtald import register.toml
# as often as you like: it shows what changes, and says so when nothing does. What stands in the
# file is set as it says, lists whole; what does not stand here is left alone. `active = false` ends
# an engineer, a contact or a customer, and keeps the history.

[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"
#aliases = ["anna.svensson@example.se"]
roles = ["engineer", "manager"]  # engineer, finance, manager
#absent_until = 2026-08-02  # away: new mail goes to all engineers

[[customers]]
key = "acme"  # stable, ours; a-z, 0-9, "-", at most 40 characters
name = "Acme AB"
#organisation_number = "556000-0000"
#language = "sv"  # sv or en; else the desk's
#accounting_number = "1001"  # the customer's number in Fortnox
#your_reference = "Eva Ek"  # on the invoice
#order_number = "4711"  # on the invoice
#invoice_language = "sv"
domains = ["acme.example"]  # mail from here is this customer's; never a public mail domain
contacts = [{ name = "Bo Ek", email = "bo@acme.example" }]
reports_to = ["vd@acme.example"]  # who gets the customer reports
manager = "anna@example.se"  # the account manager

[[customers.agreements]]
plan = "alert"  # alert, attend, access, none, or a plan of avtald.toml
from = 2026-01-01
#until = 2026-12-31  # the last day covered; without it the term renews
#renew = false  # the agreement ends with its term
#monthly_fee = "8000.00"  # any term of the plan, for this agreement

# A second agreement with a later `from` is a new version from that date on:
#[[customers.agreements]]
#plan = "attend"
#from = 2027-01-01

# Finance gives to the time bank, or takes from it. Booked once; what is booked stays as it is.
#[[customers.adjustments]]
#id = "2026-11-driftstopp"  # yours, once a customer
#minutes = 90  # below 0 takes
#date = 2026-11-20  # a day in the bank period that is meant
#reason = "Kompensation för driftstoppet"  # kept for as long as the ledger is: name nobody
"""


@dataclass(frozen=True, slots=True)
class FirstFiles:
    """The written files."""

    files: Sequence[Path]


def write_first_files(folder: Path) -> FirstFiles:
    """Write both files into a folder; refuses to overwrite one."""
    texts = {folder / "avtald.toml": _settings(folder), folder / "register.toml": REGISTER}
    there = [str(file) for file in texts if file.exists()]
    if there:
        raise RefusedError(f"{' and '.join(there)} exist already: move them away, or name DIR")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RefusedError(f"{folder} cannot be written: {error.strerror}") from error
    return FirstFiles(tuple(texts))


def _settings(folder: Path) -> str:
    """The sample; in /etc with the places of the systemd units."""
    text = sample()
    if folder.absolute().is_relative_to(_SYSTEM):
        for line, instead in _OF_THE_SYSTEM:
            text = text.replace(line, instead, 1)
    return text
