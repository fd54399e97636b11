"""The report of an erasure: changes, remains, their places and their end (K2)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from daemon.domain.wording import Say

LAW = "Bokföringslagen (1999:1078) 7 kap. 2 §"
NAME, QUOTE, ATTACHMENT = "name", "quote", "attachment"

# Places outside of the desk's reach, by their code.
_PLACES = {
    "register-file": (
        "registerfilen: import skapar personen igen, så ändra den också",
        "the register file: import makes the person again, so change it as well",
    ),
    "customer-name": (
        "kundens namn, som innehåller personens: tills ni ändrar det i registret",
        "the customer's name, which has the person's: until you change it in the register",
    ),
    "mailbox": (
        "postlådan och dess klarmapp: tills ni raderar mejlen där",
        "the mailbox and its done folder: until you delete the mail there",
    ),
    "accounting": (
        "ekonomisystemets kundkort och utkast: tills ni ändrar dem där",
        "the accounting system's customer card and drafts: until you change them there",
    ),
    "copies": (
        "säkerhetskopior på andra maskiner: tills de gallras där",
        "backups on other machines: until they are removed there",
    ),
    "wal": (
        (
            "PostgreSQL:s logg (pg_wal, arkiv, repliker): tills servern har skrivit över den "
            "(max_wal_size) och arkivet har gallrats"
        ),
        (
            "PostgreSQL's log (pg_wal, archives, replicas): until the server has overwritten it "
            "(max_wal_size) and the archive has been removed"
        ),
    ),
    "checkpoint": (
        (
            "PostgreSQL:s gamla datafiler och statistik: till serverns nästa checkpoint (normalt "
            "inom 5 minuter) och VACUUM FULL pg_statistic av databasens ägare"
        ),
        (
            "PostgreSQL's old data files and statistics: until the server's next checkpoint "
            "(normally within 5 minutes) and VACUUM FULL pg_statistic by the database's owner"
        ),
    ),
}
_WHY = {
    NAME: ("nämner ett namn", "mentions a name"),
    QUOTE: ("citerar personen", "quotes the person"),
    ATTACHMENT: ("har bilagor som inte kan läsas", "has attachments that cannot be read"),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The kept accounting, and the last day of its keeping."""

    until: dt.date
    ledger_rows: int
    statements: int


@dataclass(frozen=True, slots=True)
class Other:
    """A kept message in another person's words."""

    ticket: int
    message: int
    at: dt.datetime
    why: Sequence[str]
    until: dt.date | None  # None: no setting removes mail


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup with the person in it."""

    file: str
    made_at: dt.datetime
    keep: int | None  # newer copies after which it is removed
    until: dt.date | None  # about when that is; None: until somebody removes it


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an erasure; it holds no name and no address."""

    replaced_by: str
    contacts: int
    tickets: Sequence[int]  # their numbers
    messages: int  # whose text was emptied
    mails: int  # deleted whole
    waiting: int  # mails that also go to others, and have not left yet: erase again
    kept: Sequence[Kept]
    drafts: Sequence[str] = ()  # files that were written anew or removed
    others: Sequence[Other] = ()
    copies: Sequence[Copy] = ()
    places: Sequence[str] = ()
    namesakes: bool = False  # somebody else has the same name: only her own tickets were searched
    law: str = LAW

    def to_json(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure, done or (`dry_run`) only looked at."""

    report: Report
    dry_run: bool

    def to_json(self) -> dict[str, Any]:
        """The report as `avtald person erase --json` prints it."""
        return self.report.to_json() | {"dry_run": self.dry_run}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


# --- as text ------------------------------------------------------------------------------------


def lines(report: Report, say: Say, *, dry_run: bool) -> list[str]:
    """The report as a person reads it."""
    numbers = ", ".join(f"#{number}" for number in report.tickets) or "–"
    head = (
        say("skulle ersättas av", "would be replaced by")
        if dry_run
        else say("ersatt av", "replaced by")
    )
    told = [
        f"{head} {report.replaced_by}",
        say(f"  ärenden: {numbers}", f"  tickets: {numbers}"),
        say(
            f"  tömda meddelanden: {report.messages}, raderade mejl: {report.mails}",
            f"  messages emptied: {report.messages}, mails deleted: {report.mails}",
        ),
    ]
    if report.drafts:
        files = ", ".join(report.drafts)
        told.append(
            say(
                f"  omskrivna eller borttagna filer: {files}",
                f"  files rewritten or removed: {files}",
            )
        )
    if report.waiting:
        told.append(
            say(
                f"  {report.waiting} mejl väntar på att skickas till andra: radera igen sedan",
                f"  {report.waiting} mails wait to be sent to others: erase again afterwards",
            )
        )
    return [*told, *_left(report, say)]


def _left(report: Report, say: Say) -> list[str]:
    """The remains, with their places and their end."""
    told = [
        say(
            f"  kvar till {each.until} ({report.law}): {each.ledger_rows} tidsrader, "
            f"{each.statements} avräkningar",
            f"  kept until {each.until} ({report.law}): {each.ledger_rows} rows of time, "
            f"{each.statements} statements",
        )
        for each in report.kept
    ]
    if report.namesakes:
        told.append(
            say(
                "  någon annan har samma namn: namnet är bara ersatt i personens egna ärenden",
                "  somebody else has the same name: it was replaced on the person's tickets only",
            )
        )
    told += _others(report.others, say)
    told += [f"  {say('säkerhetskopia', 'backup')} {_copy(each, say)}" for each in report.copies]
    return told + [
        f"  {say('utanför avtald', 'outside avtald')}: {say(*_PLACES[each])}"
        for each in report.places
    ]


def _others(others: Sequence[Other], say: Say) -> list[str]:
    """Other people's words, one line a message."""
    told = []
    for other in others:
        why, day = ", ".join(say(*_WHY[code]) for code in other.why), f"{other.at:%Y-%m-%d}"
        until = (
            say(f"till {other.until}", f"until {other.until}")
            if other.until
            else say("tills vidare (keeping.mail_for)", "for now (keeping.mail_for)")
        )
        told.append(
            say(
                f"  andras ord kvar i ärende #{other.ticket}, {day}: {why}; {until}",
                f"  other people's words on ticket #{other.ticket}, {day}: {why}; {until}",
            )
        )
    return told


def _copy(copy: Copy, say: Say) -> str:
    if copy.until is not None:
        until = say(
            f"till omkring {copy.until}: de {copy.keep} nyaste sparas",
            f"until about {copy.until}: the newest {copy.keep} are kept",
        )
    elif copy.keep is not None:
        until = say(f"tills {copy.keep} nyare finns", f"until there are {copy.keep} newer ones")
    else:
        until = say("tills någon tar bort den", "until somebody removes it")
    return f"{copy.file}: {until}"
