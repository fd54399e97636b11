"""Playing the month: every mail over SMTP at its instant, and all that falls due between."""

import datetime as dt
import re
import smtplib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.utils import parseaddr
from zoneinfo import ZoneInfo

import click

from daemon.app import steps
from daemon.demo import lines, outgoing, seen, story
from daemon.demo.outgoing import Out
from daemon.demo.stage import SAMPLES, Stage
from daemon.demo.story import Scene
from daemon.intake.smtp import Door, Policy, Recipients
from daemon.loop import until_nothing
from daemon.store.mail import inbox, outbox
from daemon.store.tickets import tickets
from parsers.body import read_body
from parsers.message import Message
from parsers.message import read as read_message
from parsers.priority import read_priority
from parsers.tags import read_tags

Print = Callable[[str], None]
_PLACEHOLDER = re.compile(rb"\{(return path of )?([a-z]+)(?: #([0-9]+))?\}")
_STATED = {
    "subject_label": ": the subject says so",
    "text_label": ": a line of its own says so",
    "word": ": a word in the subject says so",
    None: ": nothing was stated",
}
_KINDS = {
    "auto_reply": "an automatic reply: shown to the engineers, answered by nobody",
    "bounce": "a delivery report: a mail of ours did not arrive",
}
_OUTCOMES = {
    "held": "held: nothing proves who sent it ({reason})",
    "released": "lets the held mail through",
    "thanks": "a thank-you, and nothing more",
    "joined": "joins #{ticket}",
}


@dataclass(slots=True)
class PlayedTime:
    """The time of the play; it stands still until it is moved."""

    now: dt.datetime

    def __call__(self) -> dt.datetime:
        """The instant of the play."""
        return self.now


def instant(wall: str, zone: ZoneInfo) -> dt.datetime:
    """An instant written in the desk's wall time."""
    return dt.datetime.fromisoformat(wall).replace(tzinfo=zone).astimezone(dt.UTC)


@dataclass(slots=True)
class Player:
    """Sends the samples, moves the time, and prints the effects."""

    stage: Stage
    say: Print
    clock: PlayedTime
    sent: list[Out] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # the differences from the story
    _passing: bool = False

    def play(self) -> None:
        """Play the whole month, up to its end."""
        door = self._door()
        door.start()
        try:
            for scene in story.SCENES:
                self._until(instant(scene.at, self.stage.desk.zone))
                self._scene(scene)
            self._until(instant(story.CLOSES, self.stage.desk.zone))
        finally:
            door.stop()

    def close(self) -> None:
        """Play the end of the month, and all that falls due then."""
        outs = self._work()
        self._heading("▪", "November is over: statements freeze, drafts are made, finance is told")
        self._tell(_mails(outs))

    def _door(self) -> Door:
        """The SMTP door, with the played time for its clock."""
        settings = self.stage.desk.settings
        assert settings.intake.smtp is not None  # noqa: S101  the stage has written it
        own = settings.desk
        recipients = Recipients.of(own.address, own.aliases, own.reply_address, own.return_address)
        return Door(
            settings.intake.smtp, self.stage.desk.store, Policy(recipients, clock=self.clock)
        )

    # --- time ---------------------------------------------------------------------------------

    def _until(self, then: dt.datetime) -> None:
        """Let time pass, with a stop at everything that falls due on the way."""
        while (due := self._next_due()) is not None and due < then:
            self.clock.now = max(due, self.clock.now)
            for out in self._work():
                self._heading("▪", _in_passing(out), scene=False)
        self.clock.now = then

    def _next_due(self) -> dt.datetime | None:
        """The next instant with work: a warning to tell, a mail to send, or the desk's opening."""
        far = self.clock.now + dt.timedelta(days=60)
        opens = self.stage.desk.calendar.openings(self.clock.now, far)
        with self.stage.desk.store.reading() as tx:
            told = [row.tell_at for row in tickets.clocks_to_tell(tx, far)]
            waits = outbox.waits_until(tx)
        mornings = [start for start, _ in opens if start > self.clock.now]
        return min([*told, *([waits] if waits else []), *mornings[:1]], default=None)

    def _work(self) -> list[Out]:
        """Do all that is due now, as `avtald tick` does; give the mails sent."""
        stage = self.stage
        until_nothing(steps.all_steps(stage.desk, stage.sending, stage.accounting), self.clock.now)
        outs = outgoing.sent_mails(stage.desk, stage.catcher.take_mails())
        self.sent += outs
        self.wrong += [f"an alarm went out: {out.subject}" for out in outs if out.kind == "alarm"]
        return outs

    # --- a mail -------------------------------------------------------------------------------

    def _scene(self, scene: Scene) -> None:
        raw = self._filled((SAMPLES / scene.sample).read_bytes())
        message = read_message(raw)
        before, newest = seen.look(self.stage.desk, self.clock.now), self._newest()
        self._hand_over(message, raw)
        outs = self._work()
        after = seen.look(self.stage.desk, self.clock.now)
        told = [
            *self._understood(message, newest),
            *seen.changes(self.stage.desk, before, after, self._stated(message)),
            *_mails(outs),
        ]
        self._heading("▶", f"{message.header('From')}: {message.subject}")
        self._tell([("", scene.about)], dim=True)
        self._tell(told)
        self._check(scene, told, outs)

    def _filled(self, sample: bytes) -> bytes:
        """The sample with the Message-IDs and return paths that it names, and CRLF line ends."""

        def value(place: re.Match[bytes]) -> bytes:
            kind, number = place[2].decode(), int(place[3] or 0)
            fits = [out for out in self.sent if (out.kind, out.ticket or 0) == (kind, number)]
            if not fits:
                raise LookupError(f"no mail that went out is {place[0].decode()}")
            return (fits[-1].return_path if place[1] else fits[-1].message_id).encode()

        return _PLACEHOLDER.sub(value, sample).replace(b"\n", b"\r\n")

    def _hand_over(self, message: Message, raw: bytes) -> None:
        """Send a mail as the border does: by SMTP, with the sample's envelope."""
        sender = parseaddr(message.header("Return-Path") or "")[1]
        smtp = smtplib.SMTP("127.0.0.1", self.stage.door_port, timeout=30)
        try:
            smtp.sendmail(sender, [message.to[0].address], raw, mail_options=["BODY=8BITMIME"])
            smtp.quit()
        finally:
            smtp.close()  # without QUIT, for Ctrl-C may have come amid a command

    def _newest(self) -> int:
        with self.stage.desk.store.reading() as tx:
            rows = inbox.listing(tx, limit=1)
        return rows[0].id if rows else 0

    def _understood(self, message: Message, newest: int) -> Iterator[seen.Line]:
        """The lines on the mail's kind, outcome and tags."""
        with self.stage.desk.store.reading() as tx:
            row = inbox.listing(tx, limit=1)[0]
        if row.id == newest:
            yield "read as", "known already: nothing happens"
            return
        says = _KINDS.get(row.kind) or _OUTCOMES.get(row.outcome)
        if says:
            reason = (row.reason or "").replace("_", " ")
            yield "read as", says.format(reason=reason, ticket=row.ticket_number)
        if row.outcome in {"opened", "answered"} and self._is_ours(message):
            yield "tags", " ".join(f"[{_inside(t.raw)}]" for t in read_tags(read_body(message).new))

    def _is_ours(self, message: Message) -> bool:
        """True for a mail of an engineer."""
        return message.sender is not None and message.sender.address.endswith(
            f"@{self.stage.desk.domain}"
        )

    def _stated(self, message: Message) -> str:
        """The source of the level in a customer's mail, in words (C5)."""
        if self._is_ours(message):
            return ""
        words = self.stage.desk.settings.priority.words
        return _STATED[read_priority(message.subject, read_body(message).new, words).source]

    def _check(self, scene: Scene, told: Iterable[seen.Line], outs: Iterable[Out]) -> None:
        """Note the story's texts missing in the lines and mails."""
        everything = " ".join([*(text for _, text in told), *(out.text for out in outs)])
        flat = " ".join(everything.replace("*", "").split())
        self.wrong += [f"{scene.sample}: nothing says “{s}”" for s in scene.says if s not in flat]

    # --- printing -----------------------------------------------------------------------------

    def _heading(self, mark: str, text: str, *, scene: bool = True) -> None:
        """Print a line with the time; a passing event follows without an empty line."""
        when = lines.moment(self.stage.desk.calendar.local(self.clock.now))
        if scene or not self._passing:
            self.say("")
        self._passing = not scene
        for line in lines.heading(f"{when:<16} {mark} ", text):
            self.say(click.style(line, bold=scene))

    def _tell(self, told: Iterable[seen.Line], *, dim: bool = False) -> None:
        for label, text in told:
            for line in lines.beside(label, text):
                self.say(click.style(line, dim=True) if dim else line)


def _mails(outs: Iterable[Out]) -> Iterator[seen.Line]:
    """The mails sent, each with its main sentence."""
    for out in outs:
        subject = f": {out.subject}" if out.ticket is None else ""
        yield "mail out", f"{out.name} to {', '.join(out.recipients)}{subject}"
        if out.highlight:
            yield "", f"“{out.highlight}”"


def _in_passing(out: Out) -> str:
    """The line on a mail sent by the clock alone."""
    about = f" (#{out.ticket})" if out.ticket else ""
    return f"{out.name} to {', '.join(out.recipients)}{about}: {out.highlight or out.subject}"


def _inside(raw: str) -> str:
    """A tag on one line, without its brackets."""
    return " ".join(raw.split()).strip("[]")
