"""Pushing invoices: intent before request, look up before repeat (I1–I5)."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.records import Alarm
from daemon.desk.letters.sentences import sentence
from daemon.desk.month import facts, finance_mail
from daemon.desk.outgoing import alarms
from daemon.desk.ports import Accounting, PdfError
from daemon.domain.billing import invoice_rows
from daemon.domain.document import Document
from daemon.domain.invoice import (
    CURRENCY,
    AccountingError,
    AccountingInvoice,
    Fault,
    InvoiceDraft,
    Problem,
)
from daemon.domain.periods import Period
from daemon.store.money import invoices, register, statements
from daemon.store.money.invoices import Waiting
from daemon.store.session import Tx
from daemon.store.tickets import events
from daemon.store.tickets.events import Event

log = structlog.get_logger("avtald.invoicing")

# I1: an unclear answer is looked up so long after the request, and after each look-up before.
LOOKUPS = (dt.timedelta(seconds=15), dt.timedelta(seconds=60), dt.timedelta(minutes=5))
AGAIN = dt.timedelta(minutes=5)  # after a fault that passes by itself
ACCESS_AGAIN = dt.timedelta(minutes=30)  # after a fault of access: I5
MENDED_AGAIN = dt.timedelta(hours=1)  # after a fault that somebody has to mend
_UNCLEAR_IN_A_ROW = 3  # so many, and nothing new is sent for a while
_NO_TIME = dt.timedelta(0)
_PASSING = (Fault.TEMPORARY, Fault.UNCLEAR)  # faults that nobody has to mend
_ACCESS = "accounting:"  # the alarms of faults that stop the run

# What is put beside the invoice of a statement (by its id); None where there is nothing to tell.
Specification = Callable[[int], Document | None]


def draft_of(tx: Tx, desk: Desk, statement_id: int) -> InvoiceDraft:
    """The invoice of a frozen statement: its fee and overage rows (H2, I1)."""
    frozen = statements.by_id(tx, statement_id)
    customer = register.customer(tx, frozen.customer_id)
    month = Period.parse(frozen.month)
    language = facts.invoice_language(desk, customer)
    printed = statements.printed_rows(tx, statement_id)
    return InvoiceDraft(
        reference=frozen.reference,
        customer_key=customer.key,
        customer_name=customer.name,
        accounting_number=customer.accounting_number,
        date=month.last_day,
        language=language,
        our_reference=desk.settings.desk.name,
        your_reference=customer.your_reference or "",
        order_number=customer.order_number or "",
        remarks=finance_mail.remarks(
            [text for row, text in printed if row.kind == "text"], month, language
        ),
        rows=tuple(
            replace(made, description=text)
            for row, text in printed
            for made in invoice_rows([row], language)
        ),
    )


def step(desk: Desk, accounting: Accounting, now: dt.datetime) -> bool:
    """Push, and look up, all that is due; one preflight for it. True where anything was due."""
    run = Push(desk, accounting)
    found = False
    while run.step(now):
        found = True
    return found


class Push:
    """A run over what is due, one invoice a step; it remembers what the preflight of it found.

    `specification` makes what is attached to each invoice. With `real_time` look-ups wait by the
    machine's clock as well: a played `now` proves nothing about a server that is still busy.
    """

    def __init__(
        self,
        desk: Desk,
        accounting: Accounting,
        *,
        specification: Specification | None = None,
        real_time: bool = False,
    ) -> None:
        """Look at nothing yet."""
        self._desk = desk
        self._accounting = accounting
        self._specification = specification
        self._real_time = real_time
        self._drafts: dict[int, InvoiceDraft] = {}  # that the preflight has seen
        self._problems: dict[str, list[Problem]] = {}  # by reference
        self._unclear = 0  # in a row
        self._attach_after: dt.datetime | None = None
        self.stopped: AccountingError | None = None  # what stopped the run last (I5)

    def step(self, now: dt.datetime) -> bool:
        """Bring one invoice that is due a step on; False where there is none."""
        with self._desk.store.writing() as tx:
            due = invoices.due(tx, now)
        if not due:
            return self._rest(now)
        fresh = [each for each, unclear in due if not unclear and each not in self._drafts]
        if fresh and not self._preflight(fresh, now):
            return True
        return self._push_next(now)

    def _rest(self, now: dt.datetime) -> bool:
        """Nothing is due: forget what the preflight found, attach one more, tell what is new."""
        self._drafts.clear()
        self._problems.clear()
        self._unclear = 0
        if self._specification is not None and self._attach_next(self._specification, now):
            return True
        _report_late(self._desk, now)
        return False

    # --- before ---------------------------------------------------------------------------

    def _preflight(self, statement_ids: Iterable[int], now: dt.datetime) -> bool:
        """One look for all that is due; False where a fault stops the run (I5)."""
        with self._desk.store.reading() as tx:
            drafts = {each: draft_of(tx, self._desk, each) for each in statement_ids}
        try:
            problems = self._accounting.preflight(list(drafts.values()))
        except AccountingError as error:
            self._stop(error, now)
            return False
        for problem in problems:
            if problem.customer_key is None and not problem.warning:
                fault = AccountingError(Fault.ACCESS, problem.message, remedy=problem.remedy)
                self._stop(fault, now)
                return False
        with self._desk.store.writing() as tx:
            for problem in problems:
                if problem.warning:
                    finance_mail.warn(tx, self._desk, problem, now)
        self._drafts |= drafts
        for draft in drafts.values():
            self._problems[draft.reference] = [p for p in problems if _concerns(p, draft)]
        return True

    def _stop(self, error: AccountingError, now: dt.datetime) -> None:
        """I5: nothing new is tried for a while; finance and operators hear of it once."""
        log.warning("accounting out of reach", fault=error.fault.value)
        self.stopped = error
        self._drafts.clear()
        with self._desk.store.writing() as tx:
            invoices.postpone(tx, now + (AGAIN if error.fault in _PASSING else ACCESS_AGAIN))
            tell_of_access(tx, self._desk, error, now)

    # --- one invoice ----------------------------------------------------------------------

    def _push_next(self, now: dt.datetime) -> bool:
        with self._desk.store.writing() as tx:
            waiting = invoices.claim(tx, now)
            if waiting is None:
                return False
            if waiting.state == "intent":
                # The program stopped between intent and outcome: nobody knows, so it is looked up.
                self._note_unclear(tx, waiting, waiting.intent_at or now, now)
                return True
            draft = self._drafts.get(waiting.statement_id) or draft_of(
                tx, self._desk, waiting.statement_id
            )
            problems = self._problems.get(draft.reference)
            if problems and not waiting.is_unclear:
                text, remedy = (
                    ". ".join(dict.fromkeys(parts))
                    for parts in zip(*((p.message, p.remedy) for p in problems), strict=True)
                )
                self._fault(tx, waiting, now, text=text, remedy=remedy)
                return True
        self._look_up(waiting, draft, now)
        return True

    def _look_up(self, waiting: Waiting, draft: InvoiceDraft, now: dt.datetime) -> None:
        """Look up by the key first, always; create only where that found nothing (I1)."""
        try:
            found = self._accounting.find(draft.reference)
        except AccountingError as error:
            self._not_looked_up(waiting, error, now)
            return
        if len(found) > 1:
            self._several(waiting, found, now)
        elif found:
            self._pushed(waiting, draft, found[0], now)
        elif waiting.is_unclear and waiting.lookups + 1 < len(LOOKUPS):
            self._look_later(waiting, now)
        else:
            self._create(waiting, draft, now)

    def _look_later(self, waiting: Waiting, now: dt.datetime) -> None:
        """I1: one more look-up that found nothing; the next comes later."""
        lookups = waiting.lookups + 1
        wait = LOOKUPS[lookups]
        with self._desk.store.writing() as tx:
            invoices.settle(
                tx,
                waiting,
                quiet=self._quiet(wait),
                state="unclear",
                lookups=lookups,
                next_at=now + wait,
            )

    def _several(
        self, waiting: Waiting, found: Sequence[AccountingInvoice], now: dt.datetime
    ) -> None:
        """I1: more than one has the key: a person must choose, and no further one is made."""
        numbers = ", ".join(each.number for each in found)
        text = sentence(
            "several",
            self._desk.language,
            reference=waiting.reference,
            numbers=numbers,
        )
        with self._desk.store.writing() as tx:
            self._fault(tx, waiting, now, text=text, alarm=True)

    def _not_looked_up(self, waiting: Waiting, error: AccountingError, now: dt.datetime) -> None:
        """A look-up that failed proves nothing: the invoice stays where it is (I1)."""
        log.warning("look-up failed", reference=waiting.reference, fault=error.fault.value)
        with self._desk.store.writing() as tx:
            if error.fault in (Fault.REFUSED, Fault.BUG):
                self._fault(tx, waiting, now, text=str(error), remedy=error.remedy, alarm=True)
                return
            invoices.settle(tx, waiting, next_at=now + AGAIN)
        self._stop(error, now)

    def _create(self, waiting: Waiting, draft: InvoiceDraft, now: dt.datetime) -> None:
        """Make the intent durable, then send one request (I1)."""
        with self._desk.store.writing() as tx:
            intended = invoices.intend(tx, waiting, now)
        if intended is None:
            return
        try:
            echo = self._accounting.create(draft)
        except AccountingError as error:
            self._not_created(intended, error, now)
        except Exception:
            with self._desk.store.writing() as tx:  # whatever it was: the request may be out
                self._note_unclear(tx, intended, now, now)
            raise
        else:
            self._pushed(intended, draft, echo, now, fresh=True)

    def _not_created(self, intended: Waiting, error: AccountingError, now: dt.datetime) -> None:
        """What a failed creation means for this invoice, and for the run (I1, I5)."""
        log.warning(
            "push failed", reference=intended.reference, fault=error.fault.value, error=str(error)
        )
        with self._desk.store.writing() as tx:
            if error.fault is Fault.UNCLEAR:
                self._note_unclear(tx, intended, now, now)
                self._unclear += 1
                if self._unclear >= _UNCLEAR_IN_A_ROW:
                    invoices.postpone(tx, now + AGAIN)
                return
            if error.fault in (Fault.REFUSED, Fault.BUG):
                bug = error.fault is Fault.BUG
                self._fault(
                    tx,
                    intended,
                    now,
                    text=str(error),
                    remedy=error.remedy,
                    alarm=bug,
                    refused=True,
                )
                return
            invoices.settle(tx, intended, state="waiting", intent_at=None, next_at=now + AGAIN)
        self._stop(error, now)

    def _pushed(
        self,
        waiting: Waiting,
        draft: InvoiceDraft,
        echo: AccountingInvoice,
        now: dt.datetime,
        *,
        fresh: bool = False,
    ) -> None:
        """Note the number; a difference between echo and statement is an alarm (I3).

        A `fresh` one, that nobody has seen yet, must be a draft as well (I2).
        """
        self._unclear = 0
        wrong = difference(draft, echo) or _not_theirs(draft, echo)
        if wrong is None and fresh and (echo.booked or echo.sent):
            wrong = sentence("no_draft", self._desk.language)
        with self._desk.store.writing() as tx:
            noted = invoices.settle(
                tx,
                waiting,
                state="pushed",
                number=echo.number,
                link=echo.link,
                pushed_at=now,
                next_at=None,
                fault=wrong,
                remedy=None,
                condition={"customer_number": echo.customer_number},
            )
            if not noted:
                return  # whoever has taken over looks it up and finds it
            alarms.clear_all(tx, _ACCESS, now)
            alarms.clear(tx, f"invoice:{draft.reference}", now)
            whose, data = waiting.customer_id, {"number": echo.number}
            pushed = Event("invoice-pushed", now, "avtald", draft.reference, whose, data=data)
            events.record(tx, pushed)
            if wrong is not None:
                language = self._desk.language
                text = sentence("differs", language, number=echo.number, what=wrong)
                _alarm(tx, self._desk, f"differs:{draft.reference}", Alarm(text, ""), now)

    def _note_unclear(self, tx: Tx, waiting: Waiting, since: dt.datetime, now: dt.datetime) -> None:
        """I1: look up 15 s after the request first; a look-up proves something only by then."""
        invoices.settle(
            tx,
            waiting,
            quiet=self._quiet(LOOKUPS[0]),
            state="unclear",
            lookups=0,
            next_at=max(now, since + LOOKUPS[0]),
        )

    def _quiet(self, wait: dt.timedelta) -> dt.timedelta:
        return wait if self._real_time else _NO_TIME

    def _fault(
        self,
        tx: Tx,
        waiting: Waiting,
        now: dt.datetime,
        *,
        text: str,
        remedy: str = "",
        alarm: bool = False,
        refused: bool = False,
    ) -> None:
        """I5: this customer's invoice waits for somebody to mend it; the others go on.

        It is tried again by itself. Unless our request was `refused`, one may still be out: then it
        is looked up as often as any other.
        """
        noted = invoices.settle(
            tx,
            waiting,
            state="fault",
            fault=text,
            remedy=remedy,
            lookups=0,
            next_at=now + MENDED_AGAIN,
            intent_at=None if refused else waiting.intent_at,
        )
        if noted and alarm:
            _alarm(tx, self._desk, f"invoice:{waiting.reference}", Alarm(text, remedy), now)

    # --- after ----------------------------------------------------------------------------

    def _attach_next(self, specification: Specification, now: dt.datetime) -> bool:
        """Put one specification beside its invoice, once; what cannot be goes with the mail."""
        if self._attach_after is not None and now < self._attach_after:
            return False
        self._attach_after = None
        with self._desk.store.writing() as tx:
            claimed = invoices.claim_attaching(tx)
        if claimed is None:
            return False
        statement_id, number = claimed
        attached: bool | None
        try:
            made = specification(statement_id)
            if made is None:
                return True
            attached = self._accounting.attach(number, made.name, made.content)
        except PdfError as error:
            log.warning("not printed", number=number, error=str(error))
            return True
        except AccountingError as error:
            log.warning("not attached", number=number, fault=error.fault.value)
            self._attach_after = now + AGAIN
            attached = None if error.fault in (Fault.TEMPORARY, Fault.ACCESS) else False
        with self._desk.store.writing() as tx:
            invoices.note_attached(tx, statement_id, attached=attached)
            if attached is False and self._attach_after is None:
                invoices.attach_none(tx)  # no right to: the next would be refused as well
        return True


def tell_of_access(tx: Tx, desk: Desk, error: AccountingError, now: dt.datetime) -> None:
    """I5: a fault that somebody has to mend is told once, until an invoice comes through."""
    if error.fault not in _PASSING:
        key = f"{_ACCESS}{desk.digest(error.remedy or str(error), length=12)}"
        _alarm(tx, desk, key, Alarm(str(error), error.remedy), now)


def access_is_back(tx: Tx, now: dt.datetime) -> None:
    """I5: the fault is gone: what waited is pushed in the next round, a new fault told again."""
    alarms.clear_all(tx, _ACCESS, now)
    invoices.hurry(tx)


def _concerns(problem: Problem, draft: InvoiceDraft) -> bool:
    """Whether a preflight's problem stops this draft."""
    if problem.warning or problem.customer_key != draft.customer_key:
        return False
    return problem.reference in (None, draft.reference)


def _alarm(tx: Tx, desk: Desk, key: str, letter: Alarm, now: dt.datetime) -> None:
    to = tuple(dict.fromkeys((*finance_mail.finance(tx, desk), *desk.settings.desk.operators)))
    alarms.raise_alarm(tx, desk, key, letter, now, to=to)


def difference(draft: InvoiceDraft, echo: AccountingInvoice) -> str | None:
    """I3: what of the fee and overage rows, the net, or what bears on it is not as it should be."""
    if echo.reference != draft.reference:
        return f"{echo.reference or '–'} ≠ {draft.reference}"
    if echo.net is not None and echo.net != draft.net:
        return f"{echo.net} ≠ {draft.net}"
    if echo.fees:
        return f"{draft.net} + {echo.fees} ≠ {draft.net}"
    for told, meant in ((echo.currency, CURRENCY), (echo.date, draft.date)):
        if told not in (None, meant):
            return f"{told} ≠ {meant}"
    # Descriptions are cleaned to the system's own characters: they are not compared.
    ours = [f"{row.kind} {row.quantity:.2f} {row.unit} à {row.price}" for row in draft.rows]
    theirs = [f"{row.kind} {row.quantity:.2f} {row.unit} à {row.price}" for row in echo.rows]
    return None if ours == theirs else f"{'; '.join(theirs)} ≠ {'; '.join(ours)}"


def _not_theirs(draft: InvoiceDraft, echo: AccountingInvoice) -> str | None:
    """I3: the number of another customer than the draft was made for."""
    if echo.customer_number in (None, draft.accounting_number):
        return None
    return f"{echo.customer_number} ≠ {draft.accounting_number}"


def _report_late(desk: Desk, now: dt.datetime) -> None:
    """H7: what was pushed, or failed, after finance had its mail is told in one more, once."""
    with desk.store.reading() as tx:
        fresh = [
            (month, mailed_at, told)
            for month, (mailed_at, told) in invoices.news(tx).items()
            if finance_mail.is_news(tx, desk, month, told)
        ]
    for month, mailed_at, told in fresh:
        with desk.store.writing() as tx:
            finance_mail.pushed_late(tx, desk, Period.parse(month), mailed_at, now)
            finance_mail.note_news(tx, desk, month, told)
