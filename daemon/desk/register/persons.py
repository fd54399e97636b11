"""All that the desk keeps of a person, handed out as a zip (K2)."""

import datetime as dt
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.desk.context import Desk
from daemon.domain.refusal import RefusedError
from daemon.store.keeping import persons
from daemon.store.keeping.persons import Known
from daemon.store.session import Tx


class PersonError(RefusedError):
    """Nothing can be handed out or erased; the message has the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A zip with a person's data: the number of rows of each table, and of mails."""

    file: Path
    counts: Mapping[str, int]


def export(desk: Desk, address: str, target: Path) -> Exported:
    """Write everything about a person to a zip: `person.json`, and every mail as .eml.

    Raises PersonError for an unknown address, or a file that exists.
    """
    with desk.store.reading() as tx:
        who = known(tx, address)
        rows = persons.rows_about(tx, who)
        text = json.dumps(rows, ensure_ascii=False, indent=2, default=_as_json)
        mails = _pack(target, text, persons.raw_mail(tx, who))
    counts = {name: len(each) for name, each in rows.items() if each}
    return Exported(target, counts | {"mails": mails})


def _pack(target: Path, text: str, raws: Iterable[tuple[str, int, bytes]]) -> int:
    """Write a zip for its owner alone; gives the number of mails in it."""
    mails = 0
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("person.json", text)
            for kind, number, raw in raws:
                archive.writestr(f"{kind}/{number}.eml", raw)
                mails += 1
        target.chmod(0o600)
    except FileExistsError:
        raise PersonError(f"{target} exists already: name another file") from None
    except OSError as error:
        raise PersonError(f"{target} cannot be written: {error.strerror}") from error
    return mails


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
