"""A mail that went out, as the demonstration shows it: what it is, to whom, and what it says."""

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
NAMES = {
    "notice": "notice",
    "relay": "answer",
    "proof": "proof request",
    "close": "month's close",
}
_SHOWN = 80  # characters


@dataclass(frozen=True, slots=True)
class Out:
    """One mail, whoever got it."""

    message_id: str
    kind: str
    ticket: int | None
    recipients: tuple[str, ...]
    subject: str
    text: str

    @property
    def name(self) -> str:
        """What people call this kind."""
        return NAMES.get(self.kind, self.kind)

    @property
    def highlight(self) -> str:
        """The sentence that a reader looks for; empty where other lines say it all."""
        chosen = _HIGHLIGHTS.get(self.kind)
        return "" if chosen is None else chosen(self.text)


def read(desk: Desk, mails: Sequence[Caught]) -> list[Out]:
    """What was caught, with what the outbox knows of it; one for all recipients of a mail."""
    recipients: dict[str, list[str]] = {}
    parsed: dict[str, EmailMessage] = {}
    for mail in mails:
        message = email.message_from_bytes(mail.raw, policy=policy.default)
        message_id = str(message["Message-ID"]).strip()
        recipients.setdefault(message_id, []).append(mail.recipient)
        parsed[message_id] = message
    with desk.store.reading() as tx:
        sent = outbox.by_message_ids(tx, list(parsed))
        ids = {each.ticket_id for each in sent.values() if each.ticket_id is not None}
        numbers = tickets.numbers(tx, ids)
    return [
        Out(
            message_id,
            sent[message_id].kind,
            numbers.get(sent[message_id].ticket_id or 0),
            tuple(recipients[message_id]),
            str(message["Subject"]),
            _text(message),
        )
        for message_id, message in parsed.items()
    ]


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return "" if body is None else str(body.get_content()).replace("\xa0", " ")


def _sentence(text: str, about: re.Pattern[str]) -> str:
    """The first sentence in which that stands."""
    for paragraph in re.split(r"\n\s*\n", text):
        flat = " ".join(paragraph.replace("*", "").split())
        found = about.search(flat)
        if found:
            begins = max(
                (end.end() for end in _SENTENCE_END.finditer(flat[: found.start()])), default=0
            )
            ends = _SENTENCE_END.search(flat, found.end())
            return flat[begins : ends.end() if ends else None].lstrip("!–•- ")
    return ""


def _first_words(text: str) -> str:
    """How the answer begins as it reaches the customer."""
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN].rsplit(' ', 1)[0]} …"


def _refused(text: str) -> str:
    """The whole paragraph: why, and the right form."""
    found = next((p for p in re.split(r"\n\s*\n", text) if _REFUSED.search(p)), "")
    return " ".join(found.replace("*", "").split()).lstrip("–•- ")


_HIGHLIGHTS: Mapping[str, Callable[[str], str]] = {
    "confirmation": partial(_sentence, about=_PROMISE),
    "priority": partial(_sentence, about=_PROMISE),
    "warning": partial(_sentence, about=_WARNING),
    "relay": _first_words,
    "receipt": _refused,
}
