"""Customer reports: each on the first working day after its period, once; and at any time (J3)."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_customers import Report
from daemon.desk.letters.to_office import Alarm, ManagerPack, PlanCost, PromiseLine
from daemon.desk.outgoing import alarms
from daemon.desk.outgoing.compose import Attachment
from daemon.desk.outgoing.mailing import Post, post
from daemon.desk.ports import PdfError, PdfPrinter
from daemon.desk.reviews import facts as report_facts
from daemon.desk.reviews import page as report_page
from daemon.domain.agreement import Covered, timeline
from daemon.domain.money import ZERO
from daemon.domain.periods import Period
from daemon.domain.register import Agreement, Customer
from daemon.domain.report import Figures, figures
from daemon.domain.report_facts import Facts, promised, stood_still
from daemon.domain.simulation import Simulated
from daemon.store import leases
from daemon.store.mail import inbox
from daemon.store.money import register
from daemon.store.session import StoreError, Tx
from daemon.store.tickets import reports

log = structlog.get_logger("avtald.reports")

_AT_A_TIME = 20
_LATEST = dt.timedelta(days=45)  # an agreement imported late sends no heap of old reports


@dataclass(frozen=True, slots=True)
class Made:
    """A report, ready to be read, printed or sent."""

    customer: Customer
    period: Period
    language: str
    plan_name: str | None
    facts: Facts
    figures: Figures

    def page(self, desk: Desk) -> str:
        """The page to print."""
        sheet = report_page.Sheet(desk.settings.desk.name, self.customer.name, self.plan_name)
        return report_page.html(sheet, self.figures, self.language)

    @property
    def file_name(self) -> str:
        """What its PDF is called."""
        word = "supportrapport" if self.language == "sv" else "support-report"
        return f"{word}-{self.customer.key}-{self.period}.pdf"


def make(tx: Tx, desk: Desk, customer: Customer, period: Period, now: dt.datetime) -> Made:
    """The report of a customer and period, as the period's end knew it; of one that runs, so far.

    The same facts give the same report, whenever it is asked for.
    """
    facts = report_facts.gather(tx, desk, customer, period, now)
    version = report_facts.last_in_force(register.versions_of(tx, customer.id), period)
    language = customer.language or desk.language
    name = version.terms.plan_name if version else None
    return Made(customer, period, language, name, facts, figures(facts))


def has_begun(desk: Desk, period: Period, now: dt.datetime) -> bool:
    """Whether there is anything to report of a period yet."""
    return desk.calendar.midnight(period.start) <= now


def letter(desk: Desk, made: Made, *, pdf: bool = False) -> Report:
    """The mail that the customer gets."""
    return Report(
        desk.settings.desk.name,
        made.customer.name,
        made.plan_name,
        str(made.period),
        made.figures,
        pdf,
    )


def pack(tx: Tx, desk: Desk, made: Made, sent_to: tuple[str, ...]) -> ManagerPack:
    """What is for our eyes: margin, plans compared, standstills, promises."""
    mine = made.facts.windows[-1]
    plans = report_facts.every_plan(tx, desk, made.customer, mine)
    current = report_facts.last_in_force(register.versions_of(tx, made.customer.id), made.period)
    own = current.terms.plan if current else "none"
    return ManagerPack(
        customer=made.customer.name,
        plan_name=made.plan_name,
        period_key=str(made.period),
        figures=made.figures,
        margin=report_facts.margin(tx, desk, made.customer, mine, made.figures.minutes),
        months=len(plans[0].months) if plans else 0,
        plans=_compared(desk, plans, own),
        stood_still=stood_still(made.facts.tickets, mine),
        promises=tuple(
            PromiseLine(each.number, each.subject, each.day, each.by, each.text)
            for each in report_facts.promises(tx, desk, made.customer, mine)
        ),
        sent_to=sent_to,
    )


def _compared(desk: Desk, plans: Sequence[Simulated], own: str) -> tuple[PlanCost, ...]:
    """What each plan would have cost, cheapest first; the customer's own as it was agreed."""
    lines = [
        PlanCost(
            name=desk.settings.plans[each.plan].terms.plan_name,
            cost=each.current if each.plan == own else each.other,
            difference=ZERO if each.plan == own else each.difference,
            current=each.plan == own,
        )
        for each in plans
    ]
    return tuple(sorted(lines, key=lambda line: (line.cost, not line.current, line.name)))


# --- what is due ------------------------------------------------------------------------------


def due(
    tx: Tx, desk: Desk, now: dt.datetime, term: str, done: set[tuple[int, str]]
) -> list[tuple[Customer, Period]]:
    """Customers and periods for which something is promised by now, the oldest period first.

    Due when the desk opens for the first time after the period (J3, J4), and when all that was
    received in it has been acted on (H1). Nothing is due of periods that ended before the desk's
    go-live or first month, before it had anything to do, or long ago.
    """
    today = desk.calendar.day_of(now)
    since = max(_since(tx, desk), today - _LATEST)
    agreements = register.agreements(tx)
    found = [
        (customer, period)
        for customer in register.customers(tx)
        for period in promised(_spans(agreements.get(customer.id, ())), term, since, today)
        if (customer.id, str(period)) not in done
    ]
    ready = {period for period in {each for _, each in found} if _is_due(tx, desk, period, now)}
    found = [(customer, period) for customer, period in found if period in ready]
    return sorted(found, key=lambda each: (each[1].end, each[1].months, each[0].key))


def _spans(agreements: Iterable[Agreement]) -> tuple[Covered, ...]:
    return timeline([each.version for each in agreements])


def _since(tx: Tx, desk: Desk) -> dt.date:
    first, go_live = desk.settings.accounting.first_month, desk.settings.desk.go_live
    began = reports.first_event(tx)
    days = [first.start if first else None]
    days += [desk.calendar.day_of(each) for each in (go_live, began) if each is not None]
    return max((day for day in days if day is not None), default=dt.date.max - 2 * _LATEST)


def _is_due(tx: Tx, desk: Desk, period: Period, now: dt.datetime) -> bool:
    cut = desk.calendar.midnight(period.end)
    return now >= desk.calendar.next_opening(cut) and not inbox.unprocessed_before(tx, cut)


def step(desk: Desk, printer: PdfPrinter, now: dt.datetime) -> bool:
    """Send reports that are due, some at a time; True where one was sent."""
    return each_due(desk, now, "reports", reports.sent, partial(_send, desk, printer, now))


def each_due(
    desk: Desk,
    now: dt.datetime,
    term: str,
    done: Callable[[Tx], set[tuple[int, str]]],
    act: Callable[[Customer, Period], bool],
) -> bool:
    """Act on what is due of a term; a fault of one customer is told once and stops no other."""
    with desk.store.reading() as tx:
        found = due(tx, desk, now, term, done(tx))
    acted = 0
    for customer, period in found:
        with desk.store.writing() as tx:
            if not leases.take(tx, f"due {term}"):
                break  # another process is at it
        acted += _attempt(desk, now, term, (customer, period), act)
        if acted >= _AT_A_TIME:
            break
    if found:
        with desk.store.writing() as tx:
            leases.give_back(tx, f"due {term}")
    return acted > 0


def _attempt(
    desk: Desk,
    now: dt.datetime,
    term: str,
    wanted: tuple[Customer, Period],
    act: Callable[[Customer, Period], bool],
) -> bool:
    customer, period = wanted
    try:
        return act(customer, period)
    except StoreError:
        raise
    except Exception as error:
        log.exception("failed", term=term, customer=customer.key, period=str(period))
        language = desk.language
        says = sentence("report_fault", language, customer=customer.key, period=period)
        remedy = sentence("report_fault_remedy", language)
        details = (("", f"{type(error).__name__}: {error}"[:300]),)
        with desk.store.writing() as tx:
            key = f"{term}:{customer.key}:{period}"
            alarms.raise_alarm(tx, desk, key, Alarm(says, remedy, details), now)
        return False


# --- sending ----------------------------------------------------------------------------------


def _send(
    desk: Desk, printer: PdfPrinter, now: dt.datetime, customer: Customer, period: Period
) -> bool:
    with desk.store.reading() as tx:
        made = make(tx, desk, customer, period, now)
    pdf = printed(desk, printer, made, now)
    with desk.store.writing() as tx:
        if not reports.claim(tx, customer.id, str(period), now):
            return False
        sent_to = _to_customer(tx, desk, made, pdf, now)
        _to_manager(tx, desk, made, pack(tx, desk, made, sent_to), pdf=pdf, now=now)
    return True


def printed(
    desk: Desk, printer: PdfPrinter, made: Made, now: dt.datetime
) -> tuple[Attachment, ...]:
    """The PDF; without one the mail goes as it is, and operators are told once."""
    try:
        content = printer.print(made.page(desk))
    except PdfError as error:
        with desk.store.writing() as tx:
            says = sentence("pdf_fault", desk.language)
            alarms.raise_alarm(tx, desk, "pdf", Alarm(f"{says}: {error}", error.remedy), now)
        return ()
    with desk.store.writing() as tx:
        alarms.clear(tx, "pdf", now)
    return (Attachment(made.file_name, "application/pdf", content),)


def _to_customer(
    tx: Tx, desk: Desk, made: Made, pdf: tuple[Attachment, ...], now: dt.datetime
) -> tuple[str, ...]:
    """To `reports_to`, with the account manager in copy; gives who got it."""
    customer = made.customer
    names = {each.email: each.name for each in register.contacts_of(tx, customer.id)}
    to = tuple((names.get(address, ""), address) for address in customer.reports_to)
    if not to:
        return ()
    manager = customer.manager
    copied = manager is not None and manager.active and manager.email not in customer.reports_to
    key = f"report:{customer.id}:{made.period}"
    mail = post(
        tx,
        desk,
        letter(desk, made, pdf=bool(pdf)),
        Post(
            key=key,
            kind="report",
            about=key,
            to=to,
            language=made.language,
            attachments=pdf,
            cc=((manager.name, manager.email),) if manager is not None and copied else (),
        ),
        now,
    )
    reports.note_mail(tx, customer.id, str(made.period), mail)
    return customer.reports_to


def _to_manager(
    tx: Tx,
    desk: Desk,
    made: Made,
    letter: ManagerPack,
    *,
    pdf: tuple[Attachment, ...],
    now: dt.datetime,
) -> None:
    """The same report and what is for our eyes; where nobody is named, to all with the role."""
    readers = managers(tx, desk, made.customer)
    if not letter.sent_to and not readers:
        language = desk.language
        says = sentence("report_nobody", language, customer=made.customer.key)
        remedy = sentence("report_nobody_remedy", language)
        key = f"reports_to:{made.customer.key}"
        alarms.raise_alarm(tx, desk, key, Alarm(says, remedy), now)
    post(
        tx,
        desk,
        letter,
        Post(
            key=f"pack:{made.customer.id}:{made.period}",
            kind="report",
            to=readers,
            language=desk.language,
            attachments=pdf,
        ),
        now,
    )


def managers(tx: Tx, desk: Desk, customer: Customer) -> tuple[tuple[str, str], ...]:
    """Who looks after a customer: the account manager, else everybody with the role."""
    del desk
    own = (customer.manager,) if customer.manager and customer.manager.active else ()
    found = own or register.people_with_role(tx, "manager")
    return tuple((each.name, each.email) for each in found)
