"""The retention job: mail goes at the end of its time in the settings (K2)."""

import datetime as dt

import structlog

from daemon.desk.context import Desk
from daemon.domain.wording import speaker
from daemon.store import rows
from daemon.store.keeping import retention
from daemon.store.tickets import events

log = structlog.get_logger("avtald.retention")

_DONE_ON = "retention-day"


def step(desk: Desk, now: dt.datetime) -> bool:
    """Empty old mail, some at a time, once a day; True if there may be more."""
    length = desk.settings.keeping.mail_for
    if not length:
        return False
    today = desk.calendar.day_of(now).isoformat()
    with desk.store.reading() as tx:
        if rows.fact(tx, _DONE_ON) == today:
            return False
    removed = speaker(desk.settings.desk.language)("[gallrat]", "[removed]")
    with desk.store.writing() as tx:
        emptied = retention.empty(tx, now - length, removed)
        if not emptied:
            rows.keep_fact(tx, _DONE_ON, today)
            return False
        data = {"emptied": emptied}
        events.record(tx, events.Event("mail-removed", now, cause="retention", data=data))
    log.info("mail removed", emptied=emptied)
    return True
