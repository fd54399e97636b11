"""The IMAP door: fetch new mail from a folder, make it durable, then move it away (B1).

The folder is the work list. The database knows a handled message by mailbox, UIDVALIDITY and UID;
the seen flag is left to people. A failure at any point leaves the mail for the next poll, and the
identity of a message (B3) lets it take effect only once.
"""

import contextlib
import datetime as dt
import errno
import imaplib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from daemon.intake import mailbox
from daemon.intake.accept import Arrival, accept
from daemon.intake.mailbox import AccessError, Listed, Mailbox
from daemon.intake.oauth import AccessToken, OAuthError
from daemon.settings.mail import Imap
from daemon.store import leases
from daemon.store.fault import fault_point
from daemon.store.mail import mailboxes
from daemon.store.schema.types import storable
from daemon.store.session import Store, StoreError

log = structlog.get_logger("avtald.imap")

TOGETHER = 100
TOGETHER_BYTES = 8 * 1024**2
SESSION_SECONDS = 50 * 60.0  # a token lasts an hour, and ends the session with it
PAUSES = (1.0, 5.0, 15.0, 30.0, 60.0)  # after the first, second, … fault in a row
ACCESS_PAUSE = 300.0  # a server that refuses the login locks the account if we go on asking
REFUSALS = 3  # B4: then the shelf
_RENEW_SECONDS = 30.0

_FAULTS = (*mailbox.FAULTS, AccessError, OAuthError)


@dataclass(slots=True)
class Trouble:
    """Messages with trouble in fetching or keeping them, by UID, from one poll to the next.

    `lost` counts the polls that broke on a message: it then comes last and alone, and blocks no
    other. `refused` counts the server's own refusals: after three the message is shelved.
    """

    lost: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    uidvalidity: int = 0

    def is_about(self, uidvalidity: int, uids: Sequence[int]) -> None:
        """Forget the messages that are gone; with another UIDVALIDITY all of them are."""
        there = set(uids) if uidvalidity == self.uidvalidity else set()
        for count in (self.lost, self.refused):
            for uid in count.keys() - there:
                del count[uid]
        self.uidvalidity = uidvalidity

    def of(self, uid: int) -> int:
        """The number of times a message made trouble."""
        return self.lost[uid] + self.refused[uid]


@dataclass(frozen=True, slots=True)
class Poll:
    """One look through a folder; every message new there is taken out.

    `now` is the receipt time of mail whose server tells none; `renew` is called before each fetch.
    """

    box: Mailbox
    store: Store
    settings: Imap
    now: dt.datetime
    go_live: dt.datetime | None = None
    trouble: Trouble = field(default_factory=Trouble)
    renew: Callable[[], None] = lambda: None

    def run(self) -> int:
        """Take every new message; gives the number of messages new to the desk.

        Raises one of `mailbox.FAULTS`, or StoreError: unacknowledged mail is there next time.
        """
        self.box.select(self.settings.folder)
        uids = self.box.search()
        self.trouble.is_about(self.box.uidvalidity, uids)
        kept = self._kept(uids)
        count = 0
        for messages in self._batches([uid for uid in uids if uid not in kept]):
            self.renew()
            count += self._take(messages)
        # Last: if the server breaks off over it, the new mail is here already.
        self._file([uid for uid in uids if uid in kept and (self._moves or not kept[uid])])
        return count

    def _kept(self, uids: Sequence[int]) -> dict[int, bool]:
        """The messages known to the inbox already, with True for the filed ones.

        Without UIDVALIDITY a UID may have become another mail's: then only the text can tell (B3).
        """
        if not self.box.uidvalidity:
            return {}
        with self.store.reading() as tx:
            return mailboxes.kept(tx, self.settings.name, self.box.uidvalidity, uids)

    @property
    def _moves(self) -> bool:
        """True if filing takes a message to another folder; else it is marked, and stays."""
        return bool(self.settings.done_folder) and self.box.can_move

    def _batches(self, uids: Sequence[int]) -> Iterator[list[Listed]]:
        """The messages of each fetch, bounded in number and bytes; suspects come last and alone."""
        listed = sorted(self.box.sizes(uids), key=lambda message: message.uid)
        fit = [message for message in listed if not self.trouble.of(message.uid)]
        suspects = [message for message in listed if self.trouble.of(message.uid)]
        together: list[Listed] = []
        size = 0
        for message in fit:
            if together and (len(together) == TOGETHER or size + message.size > TOGETHER_BYTES):
                yield together
                together, size = [], 0
            together.append(message)
            size += min(message.size, self.settings.max_size)
        if together:
            yield together
        for message in sorted(suspects, key=lambda message: self.trouble.of(message.uid)):
            yield [message]

    def _take(self, messages: Sequence[Listed]) -> int:
        arrivals = self._fetch(messages)
        if not arrivals:
            return 0
        fault_point("imap.fetched")
        try:
            numbers = accept(self.store, arrivals, go_live=self.go_live)
        except StoreError:
            raise
        except Exception:
            self.trouble.lost.update(message.uid for message in messages)
            raise
        # Durable from here on: only now may the server's copy be touched.
        self._file([arrival.uid for arrival in arrivals if arrival.uid is not None])
        return sum(number is not None for number in numbers)

    def _fetch(self, messages: Sequence[Listed]) -> list[Arrival]:
        try:
            return self._arrivals(messages)
        except (OSError, imaplib.IMAP4.abort):
            self.trouble.lost.update(message.uid for message in messages)
            raise
        except imaplib.IMAP4.error as refusal:
            if len(messages) == 1:
                self.trouble.refused[messages[0].uid] += 1
                log.warning("mail not fetched", uid=messages[0].uid, error=str(refusal))
                return []
        return [arrival for message in messages for arrival in self._fetch([message])]

    def _arrivals(self, messages: Sequence[Listed]) -> list[Arrival]:
        unfit = {message.uid: reason for message in messages if (reason := self._unfit(message))}
        fit = [message for message in messages if message.uid not in unfit]
        texts = self._texts(fit) if fit else {}
        for uid in unfit:
            texts[uid] = self._headers(uid)
        return [
            self._arrival(message, texts[message.uid], unfit.get(message.uid))
            for message in messages
            if message.uid in texts
        ]

    def _texts(self, messages: Sequence[Listed]) -> dict[int, bytes]:
        """The messages' texts as the server gives them; a message taken away meanwhile has none.

        A listed message is left out, too, if the server gives no text for it, or an empty one (NIL)
        despite a size: to keep the empty text would lose the mail.
        """
        given = self.box.bodies([message.uid for message in messages])
        texts = {
            message.uid: given[message.uid]
            for message in messages
            if message.uid in given and (given[message.uid] or not message.size)
        }
        for message in messages:
            if message.uid not in texts:
                self.trouble.refused[message.uid] += 1
                log.warning("mail not given", uid=message.uid, size=message.size)
        return texts

    def _unfit(self, message: Listed) -> str | None:
        """The reason to shelve a message by its headers alone (B4); None for a message to fetch."""
        where = self.settings.done_folder or self.settings.folder
        rest = f"only its headers are here, the mail is in {where} of {self.settings.username}"
        if message.size > self.settings.max_size:
            size, limit = message.size / 1024**2, self.settings.max_size / 1024**2
            return f"{size:.1f} MB is more than the {limit:.1f} MB that are taken: {rest}"
        if self.trouble.refused[message.uid] >= REFUSALS:
            return f"the mail server refused {REFUSALS} times to give it: {rest}"
        return None

    def _headers(self, uid: int) -> bytes:
        try:
            return self.box.headers(uid)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            return b""  # shelved all the same

    def _arrival(self, message: Listed, raw: bytes, shelve: str | None) -> Arrival:
        name, uidvalidity = self.settings.name, self.box.uidvalidity
        return Arrival(
            raw=raw,
            received_at=message.received_at or self.now,
            source="imap",
            delivery=f"{name} {uidvalidity} {message.uid}",
            mailbox=name,
            uidvalidity=uidvalidity,
            uid=message.uid,
            shelve=shelve,
        )

    def _file(self, uids: Sequence[int]) -> None:
        """Move or mark durable messages; a refusal is harmless, for the next poll tries again.

        A message marked as deleted by somebody else stays in its place: it is theirs to remove.
        """
        if not uids:
            return
        try:
            theirs = set(self.box.search("DELETED"))
            ours = [uid for uid in uids if uid not in theirs]
            if ours and self._move_or_mark(ours):
                fault_point("imap.moved")
                with self.store.writing() as tx:
                    mailboxes.filed(tx, self.settings.name, self.box.uidvalidity, ours)
                fault_point("imap.noted")
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as refusal:
            log.warning("mail kept, but not moved", mailbox=self.settings.name, error=str(refusal))

    def _move_or_mark(self, uids: Sequence[int]) -> bool:
        if self.settings.done_folder and self.box.can_move:
            self.box.move(uids, self.settings.done_folder)
            return True
        return self.box.mark(uids)


class ImapDoor:
    """Polls one mailbox as long as this process holds its lease; one thread uses it at a time."""

    def __init__(
        self,
        settings: Imap,
        store: Store,
        *,
        token: AccessToken | None = None,
        go_live: dt.datetime | None = None,
        context: ssl.SSLContext | None = None,
        timeout: float = mailbox.TIMEOUT_SECONDS,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Connect nothing yet: the first step does.

        `timeout` bounds each answer of the server, in seconds. A `token` replaces the settings'
        password. While `has_room` says no, the disk is below its reserve and mail stays on the
        server.
        """
        self.settings = settings
        self.fault: str | None = None
        self._store = store
        self._go_live = go_live
        self._context = context
        self._timeout = timeout
        self._has_room = has_room
        self._token = token
        self._box: Mailbox | None = None
        self._faults_in_a_row = 0
        self._lost_waits = 0  # in a row, whatever the polls between them were like
        self._refused = False
        self._trouble = Trouble()
        self._renewed = 0.0

    def step(self, now: dt.datetime) -> bool:
        """Poll once; True if there was new mail, and the loop should look again at once.

        A fault, the mailbox's or ours, is noted (`fault`, and the table of mailboxes) and ends the
        connection; `wait` then pauses longer with every fault in a row. Raises StoreError.
        """
        if not self._is_ours():
            self._leave()
            return False
        try:
            box = self._connected()
            look = Poll(
                box, self._store, self.settings, now, self._go_live, self._trouble, self._go_on
            )
            count = look.run()
        except StoreError:
            raise
        except Exception as fault:  # noqa: BLE001  whoever's it is, mail lies there unread
            self._failed(fault)
            return False
        self.fault, self._faults_in_a_row, self._refused = None, 0, False
        with self._store.writing() as tx:
            mailboxes.note(tx, self.settings.name, polled_at=now, uidvalidity=box.uidvalidity)
        return count > 0

    def wait(self, stop: threading.Event) -> None:
        """Wait for a hint from the server or for `poll`; after faults, for a growing pause."""
        seconds = self.settings.poll.total_seconds()
        if self._refused:
            stop.wait(ACCESS_PAUSE)
        elif self._faults_in_a_row:
            _pause(stop, self._faults_in_a_row)
        elif self._box is None:
            stop.wait(seconds)
        else:
            try:
                self._box.idle(stop, seconds)
            except Exception as fault:  # noqa: BLE001  as in `step`
                self._failed(fault)
                self._lost_waits += 1
                _pause(stop, self._lost_waits)  # the next poll may go well, and the next wait not
            else:
                self._lost_waits = 0

    def close(self) -> None:
        """Log out, and let another process take the mailbox."""
        self._leave()
        with contextlib.suppress(StoreError), self._store.writing() as tx:  # it runs out anyway
            leases.give_back(tx, self._lease)

    @property
    def _lease(self) -> str:
        return f"imap:{self.settings.name}"

    def _is_ours(self) -> bool:
        with self._store.writing() as tx:
            self._renewed = time.monotonic()
            return leases.take(tx, self._lease)

    def _go_on(self) -> None:
        """Renew the lease during a long poll; if it were lost, two processes would poll, a mere
        waste.

        Raises OSError where the disk has no room for more mail.
        """
        if not self._has_room():
            raise OSError(errno.ENOSPC, "below intake.disk_reserve: mail stays on the server")
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            self._is_ours()

    def _connected(self) -> Mailbox:
        if self._box is not None and time.monotonic() - self._box.opened > SESSION_SECONDS:
            self._leave()
        if self._box is None:
            try:
                self._box = mailbox.open_mailbox(
                    self.settings, token=self._token, context=self._context, timeout=self._timeout
                )
            except AccessError:
                if self._token is not None:
                    self._token.forget()
                raise
        return self._box

    def _leave(self) -> None:
        if self._box is not None:
            self._box.close()
            self._box = None

    def _failed(self, fault: Exception) -> None:
        self.fault = storable(f"{type(fault).__name__}: {mailbox.reply(fault)}")
        self._faults_in_a_row += 1
        self._refused = isinstance(fault, AccessError) or (
            isinstance(fault, OAuthError) and fault.permanent
        )
        ours = None if isinstance(fault, _FAULTS) else fault
        log.warning(
            "mailbox out of reach", mailbox=self.settings.name, error=self.fault, exc_info=ours
        )
        if self._box is not None:
            self._box.hang_up()
            self._box = None
        with contextlib.suppress(StoreError), self._store.writing() as tx:
            mailboxes.note(tx, self.settings.name, error=self.fault)


def _pause(stop: threading.Event, faults: int) -> None:
    stop.wait(PAUSES[min(faults, len(PAUSES)) - 1])
