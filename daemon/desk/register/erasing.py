"""A person erased from all of the desk's keeping, also after a kill in the middle (K2).

The intent is durable first, then the papers, the rows, the log outside of the database and the
database's own files follow. Each of these can be done again, and the next start goes on with them.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from daemon.desk.context import Desk
from daemon.desk.register import erasure
from daemon.desk.register.erasure import Copy, Kept, Other, Report
from daemon.desk.register.persons import PersonError, known
from daemon.domain.invoice import AccountingError
from daemon.domain.keeping import kept_until
from daemon.domain.periods import Period
from daemon.domain.wording import speaker
from daemon.store import leases
from daemon.store.keeping import backup, erasures, persons, raws, replacing, traces
from daemon.store.keeping.erasures import UnderWay
from daemon.store.keeping.persons import Known
from daemon.store.keeping.replacing import Pseudonym
from daemon.store.session import StoreError, Tx
from daemon.store.tickets import events, tickets
from parsers import mentions
from parsers.mentions import Person
from parsers.message import read


class Papers(Protocol):
    """The invoice drafts on disk; AccountingError for a folder out of reach."""

    def redact(
        self, rewrite: Callable[[str], str], customers: Collection[str], *, dry_run: bool = False
    ) -> Sequence[str]:
        """Rewrite the texts of drafts, and remove the specifications of these customers.

        Gives the names of the changed files.
        """


def erase(desk: Desk, address: str, now: dt.datetime, papers: Papers) -> Report:
    """Erase a person completely.

    Raises PersonError for somebody unknown, for an active colleague, and for mail of hers still to
    be processed; StoreError after a long wait for others: the rows are done then, and the next
    start finishes the rest.
    """
    with desk.store.acting() as tx:
        if not leases.take(tx, _LEASE, _LONG):
            raise PersonError("another erasure is under way: try again when it is done")
        who = _erasable(tx, address)
        hers = digest(desk, who.address)
        cause = "command person erase"
        begun = UnderWay(hers, erasures.next_number(tx), now, cause, who.address)
        erasures.begin(tx, begun)
    return _carried_out(desk, [begun], papers)[0]


def look(desk: Desk, address: str, papers: Papers) -> Report:
    """The report of an erasure in advance; nothing is changed."""
    with desk.store.reading() as tx:
        who = _erasable(tx, address)
    traces = _scan(desk, who)
    with desk.store.reading() as tx:
        number = erasures.next_number(tx)
        drafts = _papers(tx, who, number, papers, dry_run=True)
        return replace(_rows(tx, desk, who, number, traces), drafts=tuple(drafts))


def finish(desk: Desk, papers: Papers) -> bool:
    """Go on with each unfinished erasure; False if there was none to do.

    An erasure waits for the next time while mail of the person is to be processed.
    """
    with desk.store.reading() as tx:
        if not erasures.under_way(tx):
            return False
    with desk.store.writing() as tx:
        if not leases.take(tx, _LEASE, _LONG):
            return False  # another process is at it
        left = erasures.under_way(tx)
        done = [begun for begun in left if not _waits(tx, begun)]
    _carried_out(desk, done, papers)
    return bool(done)


def _waits(tx: Tx, begun: UnderWay) -> bool:
    return begun.address is not None and bool(
        persons.unprocessed(tx, persons.known(tx, begun.address))
    )


def _erasable(tx: Tx, address: str) -> Known:
    who = known(tx, address)
    if who.is_active_person:
        raise PersonError(
            f"{address} works here: end them in the register first (active = false, avtald import)"
        )
    waiting = persons.unprocessed(tx, who)
    if waiting:
        raise PersonError(f"{waiting} messages of theirs wait to be processed: run avtald tick")
    return who


def _carried_out(desk: Desk, begun: Sequence[UnderWay], papers: Papers) -> list[Report]:
    """Do the rest of erasures, and give the lease back."""
    try:
        reports = [_replaced(desk, each, papers) for each in begun]
        keep_log(desk)
        left = traces.wipe(desk.store)
        with desk.store.writing() as tx:
            for erasure in begun:
                erasures.finish(tx, erasure.subject_hash)
        return [replace(each, places=(*each.places, *left)) for each in reports]
    finally:
        with desk.store.writing() as tx:
            leases.give_back(tx, _LEASE)


def _replaced(desk: Desk, begun: UnderWay, papers: Papers) -> Report:
    """Redact the papers, then replace every row in one transaction."""
    if begun.address is None:
        return _NOTHING
    with desk.store.reading() as tx:
        who = persons.known(tx, begun.address)
        drafts = _papers(tx, who, begun.number, papers)
    traces = _scan(desk, who)
    with desk.store.acting() as tx:
        who = persons.known(tx, begun.address)
        report = replace(_rows(tx, desk, who, begun.number, traces), drafts=tuple(drafts))
        _note(tx, desk, begun, who, report)
    return report


_LEASE = "erasing"
_LONG = dt.timedelta(hours=2)  # a dead process's lease is free at once
_NOTHING = Report("", 0, (), 0, 0, 0, ())


# --- rows ---------------------------------------------------------------------------------------


def _note(tx: Tx, desk: Desk, begun: UnderWay, who: Known, report: Report) -> None:
    """Note the erasure of each address, with the event (K1), and forget the address."""
    noted = {(each.subject_hash, each.replaced_by) for each in erasures.listing(tx)}
    for address in who.addresses:
        new = (digest(desk, address), report.replaced_by)
        if new not in noted:
            erasures.note(tx, *new, begun.at, report.to_json())
    data = {name: getattr(report, name) for name in ("replaced_by", "messages", "mails")}
    event = events.Event("person-erased", begun.at, "command", begun.cause, data=data)
    events.record(tx, event)
    erasures.begin(tx, replace(begun, address=None))


def _rows(tx: Tx, desk: Desk, who: Known, number: int, traces: "_Found") -> Report:
    say = speaker(desk.settings.desk.language)
    removed = say("[raderat]", "[erased]")
    pseudonym = Pseudonym(f"person-{number}@erased.invalid", _name(number), removed)
    namesakes = persons.namesakes(tx, who)
    person = Person(who.addresses, who.names)
    elsewhere = Person(who.addresses, tuple(set(who.names) - set(namesakes)))
    kept, numbers = _kept(tx, desk, who), tickets.numbers(tx, who.tickets)
    doomed = traces.rest(tx).keys | raws.of(tx, who)
    others = _others(tx, desk, who, doomed, traces.said)
    mails, waiting = raws.delete(tx, doomed)
    emptied = replacing.end(tx, who, pseudonym)
    _rewrite(tx, who, person, elsewhere, pseudonym)
    replacing.papers_again(tx, who.customers)
    replacing.seal_again(tx)
    return Report(
        replaced_by=pseudonym.address,
        contacts=len(who.contacts),
        tickets=sorted(numbers.values()),
        messages=emptied,
        mails=mails,
        waiting=waiting,
        kept=kept,
        others=others,
        copies=_copies(tx),
        places=_places(tx, desk, who),
        namesakes=bool(namesakes),
    )


def _name(number: int) -> str:
    return f"Person {number}"


def _rewrite(tx: Tx, who: Known, person: Person, elsewhere: Person, pseudonym: Pseudonym) -> None:
    """Replace names and addresses in every text; a namesake's name on the person's tickets only."""
    address, name = pseudonym.address, pseudonym.name
    if person.full_names != elsewhere.full_names:
        replacing.on_tickets(
            tx, who, person.full_names, lambda text: person.replaced(text, address, name)
        )
    replacing.everywhere(
        tx,
        (*elsewhere.addresses, *elsewhere.full_names),
        lambda text: elsewhere.replaced(text, address, name),
    )


# --- whole mails --------------------------------------------------------------------------------


class _Found:
    """The mails about a person, found while others go on working, and the last ones looked at."""

    def __init__(self, who: Known, said: frozenset[tuple[str, ...]], opened: Sequence[int]) -> None:
        self.person = Person(who.addresses, who.names)
        self.said = said
        self.marks = tuple(f"#{number}" for number in opened)
        self.keys: set[raws.Key] = set()
        self.seen = {raws.RECEIVED: 0, raws.SENT: 0}

    def take(self, some: Sequence[raws.Whole]) -> bool:
        """Look into some mails; False for none."""
        for whole in some:
            kind, number = whole.key
            self.seen[kind] = number
            if self._is_about(whole):
                self.keys.add(whole.key)
        return bool(some)

    def rest(self, tx: Tx) -> "_Found":
        """Look into the newest mails, in the transaction of their deletion."""
        for kind in self.seen:
            while self.take(raws.after(tx, kind, self.seen[kind])):
                pass
        return self

    def _is_about(self, whole: raws.Whole) -> bool:
        """True for a mail with a mention of the person, and for one of ours with her words."""
        if self.person.is_in_mail(whole.raw):
            return True
        if whole.key[0] == raws.RECEIVED:
            return False
        texts = [view.decode("utf-8", "replace") for view in mentions.views(whole.raw)]
        return any(
            mentions.quotes(text, self.said) or any(mark in text for mark in self.marks)
            for text in texts
        )


def _scan(desk: Desk, who: Known) -> _Found:
    """Look through every whole mail, some at a time: nobody waits for it."""
    with desk.store.reading() as tx:
        said = frozenset(
            phrase
            for each in raws.said_on(tx, who.tickets)
            if each.address in who.addresses
            for phrase in mentions.phrases(each.text)
        )
        opened = tickets.numbers(tx, replacing.opened_by(tx, who))
        traces = _Found(who, said, sorted(opened.values()))
    for kind in traces.seen:
        while True:
            with desk.store.reading() as tx:
                some = raws.after(tx, kind, traces.seen[kind])
            if not traces.take(some):
                break
    return traces


# --- what stays ---------------------------------------------------------------------------------


def _others(
    tx: Tx, desk: Desk, who: Known, doomed: Collection[raws.Key], said: frozenset[tuple[str, ...]]
) -> tuple[Other, ...]:
    """The messages of others with words about her, on the person's tickets."""
    first_name = Person(who.addresses, who.names).first_name
    others = []
    for each in raws.said_on(tx, who.tickets):
        if each.address in who.addresses:
            continue
        whole = None
        if each.inbox_id is not None and (raws.RECEIVED, each.inbox_id) not in doomed:
            whole = raws.raw_of(tx, each.inbox_id)
        why = [
            code
            for code, is_so in (
                (erasure.NAME, bool(first_name.search(each.text))),
                (erasure.QUOTE, _quotes(each.text, whole, said)),
                (erasure.ATTACHMENT, whole is not None and bool(read(whole).attachments)),
            )
            if is_so
        ]
        if why:
            until = _removed_on(desk, each.closed_at)
            others.append(Other(each.ticket, each.id, each.at, why, until))
    return tuple(others)


def _quotes(text: str, whole: bytes | None, said: frozenset[tuple[str, ...]]) -> bool:
    if mentions.quotes(text, said):
        return True
    views = mentions.views(whole) if whole is not None else ()
    return any(mentions.quotes(view.decode("utf-8", "replace"), said) for view in views)


def _removed_on(desk: Desk, closed_at: dt.datetime | None) -> dt.date | None:
    length = desk.settings.keeping.mail_for
    if not length or closed_at is None:
        return None
    return desk.calendar.day_of(closed_at + length)


def _kept(tx: Tx, desk: Desk, who: Known) -> tuple[Kept, ...]:
    """The kept accounting, by the last day of its keeping."""
    ends = desk.settings.keeping.financial_year_ends
    rows: Counter[dt.date] = Counter()
    billed: Counter[dt.date] = Counter()
    for row in persons.booked_days(tx, who):
        rows[kept_until(row.worked_on, ends)] += row.rows
    for month in persons.billed_months(tx, who):
        billed[kept_until(Period.parse(month).last_day, ends)] += 1
    return tuple(Kept(day, rows[day], billed[day]) for day in sorted({*rows, *billed}))


def _copies(tx: Tx) -> tuple[Copy, ...]:
    """The backups on this machine, each with the day on which the job will have removed it."""
    known = backup.known_copies(tx)
    return tuple(
        Copy(str(each.file), each.made_at, each.keep, backup.removed_on(each, known))
        for each in known
    )


def _places(tx: Tx, desk: Desk, who: Known) -> tuple[str, ...]:
    """The places outside of our reach, as codes."""
    settings = desk.settings
    told = {
        "register-file": True,
        "customer-name": persons.names_a_customer(tx, who),
        "mailbox": bool(settings.intake.imap),
        "accounting": settings.accounting.kind != "files",
        "copies": True,
        "wal": not desk.store.is_sqlite,
    }
    return tuple(code for code, is_so in told.items() if is_so)


# --- papers -------------------------------------------------------------------------------------


def _papers(
    tx: Tx, who: Known, number: int, papers: Papers, *, dry_run: bool = False
) -> Sequence[str]:
    """Write the drafts anew; a namesake's name stays."""
    names = set(who.names) - set(persons.namesakes(tx, who))
    person, single = Person(who.addresses, tuple(names)), {name.casefold() for name in names}

    def rewrite(text: str) -> str:
        if text.strip().casefold() in single:
            return ""  # the whole field: a reference
        return person.replaced(text, _name(number), _name(number))

    return papers.redact(rewrite, persons.keys_of(tx, who.customers), dry_run=dry_run)


# --- the log, and after a restore ---------------------------------------------------------------


def digest(desk: Desk, address: str) -> str:
    """A keyed hash of an address: a reader of the log learns nobody's."""
    return desk.digest("erased", address)


def log_file(desk: Desk) -> Path:
    """The log of erasures outside of the database: it outlives a restore."""
    return desk.settings.desk.state_dir / "erasures.jsonl"


def keep_log(desk: Desk) -> None:
    """Write down, durably, every erasure missing in the log."""
    logged = {(each.subject_hash, each.replaced_by) for each in erasures.read_log(log_file(desk))}
    with desk.store.reading() as tx:
        new = [
            each
            for each in erasures.listing(tx)
            if (each.subject_hash, each.replaced_by) not in logged
        ]
    erasures.add_to_log(log_file(desk), new)


def replay(desk: Desk, now: dt.datetime, papers: Papers) -> int:
    """Finish the unfinished, and erase again each person brought back by a restored copy.

    Gives the number of missing erasures.
    """
    logged = erasures.read_log(log_file(desk))
    missing: list[erasures.Erasure] = []
    if logged:
        with desk.store.acting() as tx:
            noted = {(each.subject_hash, each.replaced_by) for each in erasures.listing(tx)}
            missing = [e for e in logged if (e.subject_hash, e.replaced_by) not in noted]
            _begin_again(tx, desk, missing, now)
    with suppress(StoreError, AccountingError):  # the daemon's own step tries again, and tells
        finish(desk, papers)
    return len(missing)


def _begin_again(tx: Tx, desk: Desk, missing: Sequence[erasures.Erasure], now: dt.datetime) -> None:
    """Begin the erasure of each person here again; note the others."""
    by_hash = {digest(desk, each): each for each in erasures.addresses(tx)} if missing else {}
    report: dict[str, Any] = {"replayed": True}
    for lost in missing:
        erasures.keep_number(tx, lost.number)
        address = by_hash.get(lost.subject_hash)
        if address is None:
            erasures.note(tx, lost.subject_hash, lost.replaced_by, lost.at, report)
        else:
            begun = UnderWay(lost.subject_hash, lost.number, now, "restore", address)
            erasures.begin(tx, begun)
