"""All that the desk keeps of a person, handed out as a zip (K2)."""

import datetime as dt
import json
import zipfile
from pathlib import Path

from daemon.store.keeping import persons
from daemon.store.keeping.persons import Known
from daemon.store.session import Tx


class PersonError(Exception):
    """Nothing can be handed out or erased; the message has the reason and the remedy."""


def export(tx: Tx, address: str, target: Path) -> dict[str, int]:
    """Write everything about a person to a zip: `person.json`, and every mail as .eml.

    Gives the number of rows of each table, and of mails. Raises PersonError for an unknown
    address, or a file that exists.
    """
    who = known(tx, address)
    rows = persons.rows_about(tx, who)
    counts = {name: len(each) for name, each in rows.items() if each}
    text = json.dumps(rows, ensure_ascii=False, indent=2, default=_as_json)
    mails = 0
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("person.json", text)
            for kind, number, raw in persons.raw_mail(tx, who):
                archive.writestr(f"{kind}/{number}.eml", raw)
                mails += 1
        target.chmod(0o600)
    except FileExistsError:
        raise PersonError(f"{target} exists already: name another file") from None
    except OSError as error:
        raise PersonError(f"{target} cannot be written: {error.strerror}") from error
    return counts | {"mails": mails}


def _as_json(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return None  # bytes: the mails lie beside


def known(tx: Tx, address: str) -> Known:
    """Look a person up; PersonError for an address of nobody."""
    who = persons.known(tx, address)
    if who.is_nobody:
        raise PersonError(f"nothing is kept under {address}")
    return who
