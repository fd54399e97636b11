"""Alarms: operators or finance hear of a fault once, until it is gone (B4, I5, J2)."""

import datetime as dt

from daemon.desk.context import Desk
from daemon.desk.letters import phrases
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.outgoing import mailing
from daemon.desk.ports import PdfError
from daemon.domain.delivery import NEVER_REPEATED
from daemon.store import known_faults
from daemon.store.mail import outbox
from daemon.store.mail.outbox import Delivery
from daemon.store.session import Tx
from daemon.store.tickets import tickets
from parsers.message import read

_TELL_OF_FAULTS = frozenset({"alarm", "canary"})  # one told of would be told of for ever


def raise_alarm(
    tx: Tx,
    desk: Desk,
    key: str,
    letter: Alarm,
    now: dt.datetime,
    *,
    to: tuple[str, ...] | None = None,
) -> bool:
    """Tell of a fault, unless it has been told and has not cleared since."""
    serial = known_faults.raise_once(tx, key, letter.what, now)
    if serial is None:
        return False
    recipients = desk.settings.desk.operators if to is None else to
    mailing.post(
        tx,
        desk,
        letter,
        mailing.Post(
            key=f"alarm:{key}:{serial}",
            kind="alarm",
            to=tuple(("", address) for address in recipients),
            language=desk.language,
        ),
        now,
    )
    return True


def clear(tx: Tx, key: str, now: dt.datetime) -> None:
    """Note the end of a fault: the next one is told again."""
    known_faults.clear(tx, key, now)


def clear_all(tx: Tx, prefix: str, now: dt.datetime) -> None:
    """Note the end of every fault with this beginning of its key."""
    known_faults.clear_all(tx, prefix, now)


def note_printing(tx: Tx, desk: Desk, fault: PdfError | None, now: dt.datetime) -> None:
    """Raise the alarm about PDFs for a fault of the printer, or clear it after a success."""
    if fault is None:
        clear(tx, "pdf", now)
        return
    says = sentence("pdf_fault", desk.language)
    raise_alarm(tx, desk, "pdf", Alarm(f"{says}: {fault}", fault.remedy), now)


def shelved(tx: Tx, desk: Desk, inbox_id: int, reason: str, now: dt.datetime) -> None:
    """B4: operators hear once of a message that could not be processed."""
    language = desk.language
    remedy = sentence("shelved_remedy", language, inbox=inbox_id)
    why = phrases.SHELVED[language].get(reason, reason)
    details = (("Id", str(inbox_id)), (desk.say("Orsak", "Reason"), why))
    letter = Alarm(sentence("shelved", language), remedy, details)
    raise_alarm(tx, desk, f"shelved:{inbox_id}", letter, now)


def loose_end(tx: Tx, desk: Desk, delivery: Delivery, fault: str, now: dt.datetime) -> None:
    """Tell of a consequence of a delivery's end that failed (E1): nothing tries it again."""
    language = desk.language
    to, id_, why = desk.say("Till", "To"), "Id", desk.say("Orsak", "Reason")
    details = ((to, delivery.recipient), (id_, str(delivery.id)), (why, fault))
    about = delivery.ticket_id or 0
    number = tickets.numbers(tx, [about]).get(about, "")
    remedy = sentence("loose_end_remedy", language, number=number)
    letter = Alarm(sentence("loose_end", language), remedy, details)
    raise_alarm(tx, desk, f"loose-end:{delivery.id}", letter, now)


def unshelved(tx: Tx, inbox_id: int, now: dt.datetime) -> None:
    """Forget the alarm of a shelved message that somebody tries again: a new failure is told."""
    known_faults.clear(tx, f"shelved:{inbox_id}", now)


def undelivered(
    tx: Tx, desk: Desk, mail: tuple[int, str], now: dt.datetime, *, recipient: str, reply: str
) -> None:
    """Tell of a mail about no ticket that failed, or may have: nobody else would.

    `mail` is the outgoing mail's id and kind.
    """
    outgoing_id, kind = mail
    if kind in _TELL_OF_FAULTS:
        return
    language = desk.language
    what = "undelivered" if kind in NEVER_REPEATED else "undelivered_mail"
    raw = outbox.raws(tx, [outgoing_id]).get(outgoing_id, b"")
    details = ((desk.say("Ämne", "Subject"), read(raw).subject), ("", reply[:200]))
    says, remedy = sentence(what, language, address=recipient), sentence(f"{what}_remedy", language)
    letter = Alarm(says, remedy, details)
    raise_alarm(tx, desk, f"undelivered:{outgoing_id}:{recipient}", letter, now)


def own_mail_bounced(tx: Tx, desk: Desk, what: str, now: dt.datetime) -> None:
    """Once a day: mail to one of our own people came back."""
    letter = Alarm(what, sentence("own_bounce_remedy", desk.language))
    raise_alarm(tx, desk, f"own-bounce:{now:%Y-%m-%d}", letter, now)
