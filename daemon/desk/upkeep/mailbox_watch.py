"""Unread mailboxes: the operators are told once of each.

Logins and certificates run out, and mail then piles up unseen.
"""

import datetime as dt

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.outgoing import alarms
from daemon.store.known_faults import standing
from daemon.store.mail import mailboxes
from daemon.store.mail.mailboxes import Polled

_KEY = "mailbox:"
_PATIENCE = dt.timedelta(minutes=15)  # a server that is started anew is not worth a mail


def step(desk: Desk, now: dt.datetime) -> bool:
    """Tell of newly unreadable mailboxes, and note the readable ones; False: no news."""
    ours = {each.name for each in desk.settings.intake.imap}
    with desk.store.reading() as tx:
        told = {key for key, _ in standing(tx) if key.startswith(_KEY)}
        polled = [each for each in mailboxes.overview(tx) if each.name in ours]
    lost = [each for each in polled if _is_lost(each, now) and _key(each) not in told]
    back = told - {_key(each) for each in polled if each.error}
    if not lost and not back:
        return False
    with desk.store.acting() as tx:
        for mailbox in lost:
            alarms.raise_alarm(tx, desk, _key(mailbox), _letter(desk, mailbox), now)
        for key in sorted(back):  # or no mailbox of ours any more
            alarms.clear(tx, key, now)
    return True


def _is_lost(mailbox: Polled, now: dt.datetime) -> bool:
    """True for a fault of some time now, or from the beginning."""
    if not mailbox.error:
        return False
    return mailbox.polled_at is None or abs(now - mailbox.polled_at) > _PATIENCE


def _key(mailbox: Polled) -> str:
    return _KEY + mailbox.name


def _letter(desk: Desk, mailbox: Polled) -> Alarm:
    return Alarm(
        sentence("mailbox", desk.language, name=mailbox.name),
        sentence("mailbox_remedy", desk.language),
        ((desk.say("Fel", "Fault"), mailbox.error or ""),),
    )
