"""A sender of mail on a bare database, for tests that need no register."""

import tempfile
from functools import cache
from pathlib import Path

from daemon.desk.context import Desk
from daemon.desk.outgoing.sending import Sending
from daemon.domain.opening_hours import Calendar
from daemon.settings.load import Settings
from tests.builders import SETTINGS, settings_in

SERVER = '[outgoing]\nhost = "smtp.example.se"\n'


class Notes:
    """The consequences that the desk was asked for, in the settling transaction."""

    def __init__(self):
        self.told = []

    def accepted(self, _tx, _desk, delivery, _now):
        self.told.append(("sent", delivery.recipient))

    def failed(self, _tx, _desk, delivery, _now, *, reply):
        self.told.append(("failed", delivery.recipient, reply))


@cache
def _settings(outgoing: str) -> Settings:
    with tempfile.TemporaryDirectory() as folder:
        return settings_in(Path(folder), SETTINGS + outgoing)


def a_sender(store, post, notes=None, *, outgoing="") -> Sending:
    """A sender over that mailer; `outgoing` are lines of its table in the settings."""
    settings = _settings(f"{SERVER}{outgoing}\n")
    desk = Desk(store, settings, Calendar(settings.calendar), b"key")
    return Sending(desk, lambda: post, notes or Notes())
