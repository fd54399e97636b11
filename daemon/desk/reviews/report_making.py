"""Making a customer's report of a period, at any time: its page and its letter (J3)."""

import datetime as dt
from dataclasses import dataclass

from daemon.desk.context import Desk
from daemon.desk.letters.to_customers import Report
from daemon.desk.reviews.gathering import gather_facts
from daemon.desk.reviews.plan_costs import last_in_force
from daemon.desk.reviews.report_page import Sheet, report_html
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.domain.report import Figures, figures
from daemon.domain.report_facts import Facts
from daemon.domain.wording import speaker
from daemon.store.money import register
from daemon.store.session import Tx


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
        sheet = Sheet(desk.settings.desk.name, self.customer.name, self.plan_name)
        return report_html(sheet, self.figures, self.language)

    def letter(self, desk: Desk, *, pdf: bool = False) -> Report:
        """The mail to the customer."""
        return Report(
            desk.settings.desk.name,
            self.customer.name,
            self.plan_name,
            str(self.period),
            self.figures,
            pdf,
        )

    @property
    def file_name(self) -> str:
        """The name of its PDF."""
        word = speaker(self.language)("supportrapport", "support-report")
        return f"{word}-{self.customer.key}-{self.period}.pdf"


def make_report(tx: Tx, desk: Desk, customer: Customer, period: Period, now: dt.datetime) -> Made:
    """The report of a period, as known at its end; of a running period, so far.

    The same facts give the same report at any later time.
    """
    facts = gather_facts(tx, desk, customer, period, now)
    version = last_in_force(register.versions_of(tx, customer.id), period)
    language = customer.language or desk.language
    name = version.terms.plan_name if version else None
    return Made(customer, period, language, name, facts, figures(facts))


def has_begun(desk: Desk, period: Period, now: dt.datetime) -> bool:
    """True where there is anything to report of a period yet."""
    return desk.calendar.midnight(period.start) <= now
