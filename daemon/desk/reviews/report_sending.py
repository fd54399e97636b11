"""Sending each report once, on the first working day after its period (J3)."""

import datetime as dt
from functools import partial

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm, ManagerPack
from daemon.desk.outgoing import alarms
from daemon.desk.outgoing.compose import Attachment
from daemon.desk.outgoing.mailing import Post, people, post
from daemon.desk.ports import PdfError, PdfPrinter
from daemon.desk.reviews.due_periods import act_on_due
from daemon.desk.reviews.manager_pack import managers, pack_of
from daemon.desk.reviews.report_making import Made, make_report
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import reports

Pdf = tuple[Attachment, ...]  # one file; empty where it could not be printed


def send_due_reports(desk: Desk, printer: PdfPrinter, now: dt.datetime) -> bool:
    """Send the reports due, some at a time; True where there were any."""
    return act_on_due(desk, now, "reports", reports.sent, partial(_send, desk, printer, now))


def _send(
    desk: Desk, printer: PdfPrinter, now: dt.datetime, customer: Customer, period: Period
) -> bool:
    with desk.store.reading() as tx:
        made = make_report(tx, desk, customer, period, now)
    pdf = print_report(desk, printer, made, now)
    with desk.store.writing() as tx:
        if not reports.claim(tx, customer.id, str(period), now):
            return False
        sent_to = _to_customer(tx, desk, made, pdf, now)
        _to_manager(tx, desk, made, pack_of(tx, desk, made, sent_to), pdf=pdf, now=now)
    return True


def print_report(desk: Desk, printer: PdfPrinter, made: Made, now: dt.datetime) -> Pdf:
    """The PDF of a report; without a working printer the mail goes as it is, with an alarm."""
    try:
        content = printer.print(made.page(desk))
    except PdfError as error:
        with desk.store.writing() as tx:
            alarms.note_printing(tx, desk, error, now)
        return ()
    with desk.store.writing() as tx:
        alarms.note_printing(tx, desk, None, now)
    return (Attachment(made.file_name, "application/pdf", content),)


def _to_customer(tx: Tx, desk: Desk, made: Made, pdf: Pdf, now: dt.datetime) -> tuple[str, ...]:
    """Mail `reports_to`, with the account manager in copy; gives the addresses."""
    customer, key = made.customer, f"report:{made.customer.id}:{made.period}"
    names = {each.email: each.name for each in register.contacts_of(tx, customer.id)}
    to = tuple((names.get(address, ""), address) for address in customer.reports_to)
    if not to:
        return ()
    cc = people(each for each in customer.managers if each.email not in customer.reports_to)
    letter = made.letter(desk, pdf=bool(pdf))
    mail = Post(key, "report", to, made.language, cc, about=key, attachments=pdf)
    reports.note_mail(tx, customer.id, str(made.period), post(tx, desk, letter, mail, now))
    return customer.reports_to


def _to_manager(
    tx: Tx, desk: Desk, made: Made, letter: ManagerPack, *, pdf: Pdf, now: dt.datetime
) -> None:
    """Mail the manager's pack; an alarm tells of a report without any reader."""
    readers = managers(tx, made.customer)
    if not letter.sent_to and not readers:
        says = sentence("report_nobody", desk.language, customer=made.customer.key)
        alarm = Alarm(says, sentence("report_nobody_remedy", desk.language))
        alarms.raise_alarm(tx, desk, f"reports_to:{made.customer.key}", alarm, now)
    key = f"pack:{made.customer.id}:{made.period}"
    post(tx, desk, letter, Post(key, "report", readers, attachments=pdf), now)
