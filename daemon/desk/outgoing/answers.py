"""An outside address gets a limited number of automatic answers, with one alarm (J2)."""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from daemon.desk.context import By, Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.outgoing import alarms
from daemon.desk.outgoing.mailing import Post, post_later
from daemon.store.mail import outbox
from daemon.store.session import Tx


def post(by: By, letter: Any, mail: Post) -> None:
    """Put a letter in the outbox, in the transaction of its cause, unless J2 forbids it."""
    outside = [address for _, address in (*mail.to, *mail.cc)] if mail.answer else ()
    if may_answer(by.tx, by.desk, outside, by.now):
        post_later(by.tx, by.desk, letter, mail, by.now)


def may_answer(tx: Tx, desk: Desk, recipients: Iterable[str], now: dt.datetime) -> bool:
    """J2: a limited number of automatic answers per outside address, with one alarm."""
    for address in recipients:
        if outbox.answers_since(tx, address, _since(desk, now)) >= desk.settings.desk.answers:
            _alarm(tx, desk, address, now)
            return False
    return True


def foresee_answers(tx: Tx, desk: Desk, addresses: Collection[str], now: dt.datetime) -> None:
    """Count at once what answers to these addresses will be held against."""
    outbox.foresee_answers(tx, addresses, _since(desk, now))


def _since(desk: Desk, now: dt.datetime) -> dt.datetime:
    return now - desk.settings.desk.answers_within


def _alarm(tx: Tx, desk: Desk, address: str, now: dt.datetime) -> None:
    """J2: one alarm when an address has had its share of automatic answers."""
    language = desk.language
    letter = Alarm(
        sentence("answers", language, address=address), sentence("answers_remedy", language)
    )
    alarms.raise_alarm(tx, desk, f"answers:{address}:{now:%Y-%m-%d}", letter, now)
