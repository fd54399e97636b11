"""Pushing invoices: an intent before each request, a look-up before each repeat (I1–I5)."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.month import finance
from daemon.desk.month.finance_mail import report_late
from daemon.desk.month.invoice_drafts import difference, draft_of, stops, wrong_customer
from daemon.desk.outgoing import alarms
from daemon.desk.ports import Accounting, PdfError
from daemon.domain.document import Document
from daemon.domain.invoice import AccountingError, AccountingInvoice, Fault, InvoiceDraft, Problem
from daemon.store.money import invoices
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
_OF_ONE = (Fault.REFUSED, Fault.BUG)  # faults of one invoice
_ACCESS = "accounting:"  # the alarms of faults that stop the run

# A statement's id → the document beside its invoice; None where there is nothing to tell.
Specification = Callable[[int], Document | None]


class Push:
    """A run over the invoices due, one a step; it remembers the result of their preflight.

    `specification` makes the attachment of each invoice. With `real_time` look-ups wait by the
    machine's clock as well: a played `now` proves nothing about a server still busy.
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
        self._drafts: dict[int, InvoiceDraft] = {}  # seen by the preflight
        self._problems: dict[str, list[Problem]] = {}  # by reference
        self._unclear = 0  # in a row
        self._attach_after: dt.datetime | None = None
        self.stopped: AccountingError | None = None  # the fault of the last stop (I5)

    def step(self, now: dt.datetime) -> bool:
        """Bring one invoice a step on; False where none is due."""
        with self._desk.store.writing() as tx:
            due = invoices.due(tx, now)
        if not due:
            return self._rest(now)
        fresh = [each for each, unclear in due if not unclear and each not in self._drafts]
        if fresh and not self._preflight(fresh, now):
            return True
        return self._push_next(now)

    def _rest(self, now: dt.datetime) -> bool:
        """With nothing due: forget the preflight, attach one specification, mail late news."""
        self._drafts.clear()
        self._problems.clear()
        self._unclear = 0
        if self._specification is not None and self._attach_next(self._specification, now):
            return True
        report_late(self._desk, now)
        return False

    # --- before ---------------------------------------------------------------------------

    def _preflight(self, statement_ids: Iterable[int], now: dt.datetime) -> bool:
        """Ask about all invoices due at once; False if a fault stops the run (I5)."""
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
                    self._warn(tx, problem, now)
        self._drafts |= drafts
        for draft in drafts.values():
            self._problems[draft.reference] = [each for each in problems if stops(each, draft)]
        return True

    def _warn(self, tx: Tx, problem: Problem, now: dt.datetime) -> None:
        to = tuple(address for _, address in finance.readers(tx, self._desk))
        key = f"preflight:{self._desk.digest(problem.message, length=16)}"
        letter = Alarm(problem.message, problem.remedy)
        alarms.raise_alarm(tx, self._desk, key, letter, now, to=to)

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
                # The program stopped between intent and outcome: only a look-up can tell.
                self._note_unclear(tx, waiting, waiting.intent_at or now, now)
                return True
            statement_id = waiting.statement_id
            draft = self._drafts.get(statement_id) or draft_of(tx, self._desk, statement_id)
            problems = self._problems.get(draft.reference)
            if problems and not waiting.is_unclear:
                texts = dict.fromkeys(each.message for each in problems)
                remedies = dict.fromkeys(each.remedy for each in problems)
                self._fault(tx, waiting, Alarm(". ".join(texts), ". ".join(remedies)), now)
                return True
        self._look_up(waiting, draft, now)
        return True

    def _look_up(self, waiting: Waiting, draft: InvoiceDraft, now: dt.datetime) -> None:
        """Look up by the key first, always; create only if there is no such invoice (I1)."""
        try:
            echoes = self._accounting.find(draft.reference)
        except AccountingError as error:
            self._not_looked_up(waiting, error, now)
            return
        if len(echoes) > 1:
            self._several(waiting, echoes, now)
        elif echoes:
            self._pushed(waiting, draft, echoes[0], now)
        elif waiting.is_unclear and waiting.lookups + 1 < len(LOOKUPS):
            self._look_later(waiting, now)
        else:
            self._create(waiting, draft, now)

    def _look_later(self, waiting: Waiting, now: dt.datetime) -> None:
        """I1: one more look-up without a result; the next comes later."""
        lookups = waiting.lookups + 1
        with self._desk.store.writing() as tx:
            self._note_lookups(tx, waiting, lookups, now + LOOKUPS[lookups])

    def _several(
        self, waiting: Waiting, echoes: Sequence[AccountingInvoice], now: dt.datetime
    ) -> None:
        """I1: more than one has the key: a person must choose, and no further one is made."""
        numbers, key = ", ".join(each.number for each in echoes), waiting.reference
        text = sentence("several", self._desk.language, reference=key, numbers=numbers)
        with self._desk.store.writing() as tx:
            self._fault(tx, waiting, Alarm(text, ""), now, alarm=True)

    def _not_looked_up(self, waiting: Waiting, error: AccountingError, now: dt.datetime) -> None:
        """A failed look-up proves nothing: the invoice stays where it is (I1)."""
        log.warning("look-up failed", reference=waiting.reference, fault=error.fault.value)
        with self._desk.store.writing() as tx:
            if error.fault in _OF_ONE:
                self._fault(tx, waiting, Alarm(str(error), error.remedy), now, alarm=True)
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
        """Note a failed creation: the fate of this invoice, and of the run (I1, I5)."""
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
            if error.fault in _OF_ONE:
                bug, letter = error.fault is Fault.BUG, Alarm(str(error), error.remedy)
                self._fault(tx, intended, letter, now, alarm=bug, refused=True)
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

        A `fresh` one must be a draft as well: nobody has seen it yet (I2).
        """
        self._unclear = 0
        wrong = difference(draft, echo) or wrong_customer(draft, echo)
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
                return  # another process has taken over: its look-up finds the invoice
            alarms.clear_all(tx, _ACCESS, now)
            alarms.clear(tx, f"invoice:{draft.reference}", now)
            whose, data = waiting.customer_id, {"number": echo.number}
            pushed = Event("invoice-pushed", now, "avtald", draft.reference, whose, data=data)
            events.record(tx, pushed)
            if wrong is not None:
                text = sentence("differs", self._desk.language, number=echo.number, what=wrong)
                _alarm(tx, self._desk, f"differs:{draft.reference}", Alarm(text, ""), now)

    def _note_unclear(self, tx: Tx, waiting: Waiting, since: dt.datetime, now: dt.datetime) -> None:
        """I1: the first look-up is 15 s after the request; an earlier one would prove nothing."""
        self._note_lookups(tx, waiting, 0, max(now, since + LOOKUPS[0]))

    def _note_lookups(self, tx: Tx, waiting: Waiting, lookups: int, next_at: dt.datetime) -> None:
        quiet = LOOKUPS[lookups] if self._real_time else _NO_TIME
        noted = {"state": "unclear", "lookups": lookups, "next_at": next_at}
        invoices.settle(tx, waiting, quiet=quiet, **noted)

    def _fault(
        self,
        tx: Tx,
        waiting: Waiting,
        letter: Alarm,
        now: dt.datetime,
        *,
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
            fault=letter.what,
            remedy=letter.remedy,
            lookups=0,
            next_at=now + MENDED_AGAIN,
            intent_at=None if refused else waiting.intent_at,
        )
        if noted and alarm:
            _alarm(tx, self._desk, f"invoice:{waiting.reference}", letter, now)

    # --- after ----------------------------------------------------------------------------

    def _attach_next(self, specification: Specification, now: dt.datetime) -> bool:
        """Put one specification beside its invoice, once; finance's mail carries it anyway."""
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
    """I5: a fault for people to mend is told once, until an invoice comes through."""
    if error.fault not in _PASSING:
        key = f"{_ACCESS}{desk.digest(error.remedy or str(error), length=12)}"
        _alarm(tx, desk, key, Alarm(str(error), error.remedy), now)


def access_is_back(tx: Tx, now: dt.datetime) -> None:
    """I5: the fault is gone: waiting invoices go in the next round, a new fault is told again."""
    alarms.clear_all(tx, _ACCESS, now)
    invoices.hurry(tx)


def _alarm(tx: Tx, desk: Desk, key: str, letter: Alarm, now: dt.datetime) -> None:
    to = tuple(dict.fromkeys((*finance.addresses(tx, desk), *desk.settings.desk.operators)))
    alarms.raise_alarm(tx, desk, key, letter, now, to=to)
