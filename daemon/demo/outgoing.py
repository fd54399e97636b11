"""A mail sent by the desk, as the demonstration shows it: its kind, recipients and main words."""

import email
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from functools import partial

from daemon.demo.catcher import Caught
from daemon.desk.context import Desk
from daemon.store.mail import outbox
from daemon.store.tickets import tickets

_PROMISE = re.compile(
    r"senast|no later than|inte lova|cannot promise|har lagt upp|has opened|hör av sig|get back to"
)
_WARNING = re.compile(r"%|Tiden är ute|Time is up")
_REFUSED = re.compile(r"Du skrev|You wrote")
_SENTENCE_END = re.compile(r"(?<!\bkl)[.!?](?=\s|$)")
NAMES = {"relay": "answer", "proof": "proof request", "close": "month's close"}
_SHOWN = 80  # characters


@dataclass(frozen=True, slots=True)
class Out:
    """One mail with all its recipients."""

    message_id: str
    kind: str
    ticket: int | None
    recipients: tuple[str, ...]
    subject: str
    text: str
    return_path: str  # of its last recipient

    @property
    def name(self) -> str:
        """The kind in people's words."""
        return NAMES.get(self.kind, self.kind)

    @property
    def highlight(self) -> str:
        """The main sentence of the mail; empty for a kind without one."""
        chosen = _HIGHLIGHTS.get(self.kind)
        return "" if chosen is None else chosen(self.text)


def sent_mails(desk: Desk, mails: Sequence[Caught]) -> list[Out]:
    """The caught mails with their rows in the outbox: one record for all recipients of a mail."""
    recipients: dict[str, list[str]] = {}
    parsed: dict[str, EmailMessage] = {}
    return_paths: dict[str, str] = {}
    for mail in mails:
        message = email.message_from_bytes(mail.raw, policy=policy.default)
        message_id = str(message["Message-ID"]).strip()
        recipients.setdefault(message_id, []).append(mail.recipient)
        parsed[message_id] = message
        return_paths[message_id] = mail.return_path
    with desk.store.reading() as tx:
        sent = outbox.by_message_ids(tx, list(parsed))
        ids = {row.ticket_id for row in sent.values() if row.ticket_id is not None}
        numbers = tickets.numbers(tx, ids)
    return [
        Out(
            message_id,
            sent[message_id].kind,
            numbers.get(sent[message_id].ticket_id or 0),
            tuple(recipients[message_id]),
            str(message["Subject"]),
            _text(message),
            return_paths[message_id],
        )
        for message_id, message in parsed.items()
    ]


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return "" if body is None else str(body.get_content()).replace("\xa0", " ")


def _sentence(text: str, about: re.Pattern[str]) -> str:
    """The first sentence about it."""
    for paragraph in re.split(r"\n\s*\n", text):
        flat = " ".join(paragraph.replace("*", "").split())
        if place := about.search(flat):
            before = _SENTENCE_END.finditer(flat[: place.start()])
            begins = max((end.end() for end in before), default=0)
            ends = _SENTENCE_END.search(flat, place.end())
            return flat[begins : ends.end() if ends else None].lstrip("!–•- ")
    return ""


def _first_words(text: str) -> str:
    """The beginning of the answer to the customer."""
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN].rsplit(' ', 1)[0]} …"


def _refused(text: str) -> str:
    """The whole paragraph, with the reason and the right form."""
    told = next((p for p in re.split(r"\n\s*\n", text) if _REFUSED.search(p)), "")
    return " ".join(told.replace("*", "").split()).lstrip("–•- ")


_HIGHLIGHTS: Mapping[str, Callable[[str], str]] = {
    "confirmation": partial(_sentence, about=_PROMISE),
    "priority": partial(_sentence, about=_PROMISE),
    "warning": partial(_sentence, about=_WARNING),
    "relay": _first_words,
    "receipt": _refused,
}
