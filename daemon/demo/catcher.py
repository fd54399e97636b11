"""A mail server on loopback: it keeps all mail, as a Maildir and in memory."""

import mailbox
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Caught:
    """A mail as handed over, for one recipient."""

    recipient: str
    raw: bytes
    return_path: str = ""  # a bounce of it goes there (E1)


class Catcher:
    """The stand-in for all mail servers of the world; `folder` is for `mutt -f`."""

    def __init__(self, folder: Path, port: int) -> None:
        """Open the folder; `start` listens."""
        self.folder = folder
        self.port = port
        self.on_mail: Callable[[Caught], None] = lambda _caught: None
        self._mails: list[Caught] = []
        self._lock = threading.Lock()
        self._box = mailbox.Maildir(folder, create=True)
        self._controller = Controller(self, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)

    def start(self) -> None:
        """Listen in a thread of its own."""
        self._controller.start()

    def stop(self) -> None:
        """Listen no more."""
        self._controller.stop()

    def take_mails(self) -> list[Caught]:
        """The mails since the last call."""
        with self._lock:
            mails, self._mails = self._mails, []
        return mails

    async def handle_DATA(  # noqa: N802  aiosmtpd finds it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, once for each recipient."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        for recipient in envelope.rcpt_tos:
            caught = Caught(recipient, raw, envelope.mail_from or "")
            self._box.add(raw)
            with self._lock:
                self._mails.append(caught)
            self.on_mail(caught)
        return "250 2.0.0 caught"
