"""What is kept of a person, handed out or erased; the ledger and the statements stay (K2)."""

import datetime as dt
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daemon.desk.context import Desk
from daemon.domain.keeping import kept_until
from daemon.domain.periods import Period
from daemon.domain.wording import speaker
from daemon.store.keeping import erasures, persons
from daemon.store.keeping.persons import Known
from daemon.store.session import Tx
from daemon.store.tickets import events, tickets
from parsers.message import read

LAW = "Bokföringslagen (1999:1078) 7 kap. 2 §"


class PersonError(Exception):
    """Nothing can be handed out or erased; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the law keeps, and the last day that it must be kept."""

    until: dt.date
    ledger_rows: int
    statements: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an erasure changed, and what it left; it holds no name and no address."""

    replaced_by: str
    contacts: int
    tickets: Sequence[int]  # their numbers
    messages: int  # whose text was emptied
    mails: int  # deleted whole
    waiting: int  # mails that also go to others, and have not left yet: erase again
    kept: Sequence[Kept]
    law: str = LAW

    def to_json(self) -> dict[str, Any]:
        """The report as JSON has it."""
        told = asdict(self)
        told["kept"] = [asdict(each) | {"until": each.until.isoformat()} for each in self.kept]
        return told


# --- handing out --------------------------------------------------------------------------------


def export(tx: Tx, address: str, target: Path) -> dict[str, int]:
    """Write all that is kept of a person to a zip: `person.json`, and every mail as .eml.

    Gives how many rows of each table, and mails, it holds. Raises PersonError where nothing is
    known of them, or the file is there already.
    """
    who = _known(tx, address)
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


def _known(tx: Tx, address: str) -> Known:
    who = persons.known(tx, address)
    if who.is_nobody:
        raise PersonError(f"nothing is kept under {address}")
    return who


# --- erasing ------------------------------------------------------------------------------------


def erase(tx: Tx, desk: Desk, address: str, now: dt.datetime) -> Report:
    """Replace a person by a number, delete their mail, and note it, all in this transaction.

    Raises PersonError for somebody unknown, who still works here, or whose mail waits to be
    processed. `keep_log` makes the note outlive a restore, once this is committed.
    """
    who = _known(tx, address)
    if who.is_active_person:
        raise PersonError(
            f"{address} works here: end them in the register first (active = false, avtald import)"
        )
    waiting = persons.unprocessed(tx, who)
    if waiting:
        raise PersonError(f"{waiting} messages of theirs wait to be processed: run avtald tick")
    report = _erased(tx, desk, who, erasures.next_number(tx))
    erasures.note(tx, _hash(desk, address), report.replaced_by, now, report.to_json())
    _record(tx, report, now, "command person erase")
    return report


def _record(tx: Tx, report: Report, now: dt.datetime, cause: str) -> None:
    data = {
        "replaced_by": report.replaced_by,
        "messages": report.messages,
        "mails": report.mails,
    }
    events.record(tx, events.Event("person-erased", now, "command", cause, data=data))


def _erased(tx: Tx, desk: Desk, who: Known, number: int) -> Report:
    say = speaker(desk.settings.desk.language)
    pseudonym = f"person-{number}@erased.invalid"
    kept = _kept(tx, desk, who)
    mails, waiting = _delete_mail(tx, who)
    emptied = persons.end(
        tx, who, pseudonym, f"Person {number}", removed=say("[raderat]", "[erased]")
    )
    numbers = tickets.numbers(tx, who.tickets)
    return Report(
        replaced_by=pseudonym,
        contacts=len(who.contacts),
        tickets=sorted(numbers.values()),
        messages=emptied,
        mails=mails,
        waiting=waiting,
        kept=kept,
    )


def _delete_mail(tx: Tx, who: Known) -> tuple[int, int]:
    """Delete the mails that the person sent or was sent, and every other that names them."""
    theirs = {("inbox_raw", each) for each in who.received}
    theirs |= {("outgoing", each) for each in who.sent}
    deleted = waiting = 0
    for table, number, raw in persons.all_raw(tx):
        if (table.name, number) in theirs or _names(raw, who):
            if persons.delete_raw(tx, table, number):
                deleted += 1
            else:
                waiting += 1
    return deleted, waiting


def _names(raw: bytes, who: Known) -> bool:
    """Whether a mail says the address or the full name, however it is encoded."""
    needles = [who.address, *(name.casefold() for name in who.names if " " in name)]
    if any(needle.encode() in raw.lower() for needle in needles if needle.isascii()):
        return True
    message = read(raw)
    headers = (value for _, value in message.headers)
    texts = (message.text or "", message.html or "")
    said = "\n".join((*headers, *texts)).casefold().replace("\xa0", " ")
    return any(needle in said for needle in needles)


def _kept(tx: Tx, desk: Desk, who: Known) -> tuple[Kept, ...]:
    """What of the accounting stays, by the day until which it must."""
    ends = desk.settings.keeping.financial_year_ends
    rows: Counter[dt.date] = Counter()
    billed: Counter[dt.date] = Counter()
    for row in persons.booked_days(tx, who):
        rows[kept_until(row.worked_on, ends)] += row.rows
    for month in persons.billed_months(tx, who):
        billed[kept_until(Period.parse(month).last_day, ends)] += 1
    return tuple(Kept(day, rows[day], billed[day]) for day in sorted({*rows, *billed}))


def _hash(desk: Desk, address: str) -> str:
    """Known again by us alone: whoever reads the log learns nobody's address."""
    return desk.digest("erased", address)


# --- after a restore ----------------------------------------------------------------------------


def log_file(desk: Desk) -> Path:
    """Where erasures are noted outside of the database: a copy that is restored knows no later."""
    return desk.settings.desk.state_dir / "erasures.jsonl"


def keep_log(desk: Desk) -> None:
    """Write down, durably, every erasure that the log does not have yet."""
    logged = {(each.subject_hash, each.replaced_by) for each in erasures.read_log(log_file(desk))}
    with desk.store.reading() as tx:
        new = [
            each
            for each in erasures.listing(tx)
            if (each.subject_hash, each.replaced_by) not in logged
        ]
    erasures.add_to_log(log_file(desk), new)


def replay(desk: Desk, now: dt.datetime) -> int:
    """Erase again whom a restored copy has brought back; gives how many erasures were missing."""
    logged = erasures.read_log(log_file(desk))
    if not logged:
        return 0
    with desk.store.acting() as tx:
        noted = {(each.subject_hash, each.replaced_by) for each in erasures.listing(tx)}
        missing = [each for each in logged if (each.subject_hash, each.replaced_by) not in noted]
        if missing:
            _replay(tx, desk, missing, now)
    return len(missing)


def _replay(tx: Tx, desk: Desk, missing: Sequence[erasures.Erasure], now: dt.datetime) -> None:
    by_hash = {_hash(desk, address): address for address in erasures.addresses(tx)}
    for each in missing:
        report: dict[str, Any] = {"replayed": True}
        address = by_hash.get(each.subject_hash)
        if address is not None:
            found = _erased(tx, desk, persons.known(tx, address), each.number)
            _record(tx, found, now, "restore")
            report |= found.to_json()
        erasures.keep_number(tx, each.number)
        erasures.note(tx, each.subject_hash, each.replaced_by, each.at, report)
