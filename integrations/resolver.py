"""The DNS, asked within bounds: no mail waits for an answer longer than it may (D1a).

Each question runs in a thread of its own. The mail goes on without an answer when its time is over;
the answer may still come, and serves the next mail. Answers and failures are remembered for five
minutes.
"""

import contextlib
import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dns.name
    import dns.resolver

MAIL_SECONDS = 5.0
GROUP_SECONDS = 10.0
QUIET_SECONDS = 60.0  # after a group that used its time up, no group waits
MOMENT_SECONDS = 0.2  # but for this: a resolver in good health answers meanwhile
REMEMBERED_SECONDS = 300.0
TRY_SECONDS = (2.0, 4.0, 8.0)  # for each server, in one round after another
_MOST_RUNNING = 16
_MOST_REMEMBERED = 2000

Ask = Callable[..., bytes | None]


@dataclass(slots=True)
class Resolver:
    """Asks the machine's DNS servers, or the one at `nameserver`, for text records; thread-safe.

    A domain that has left a question open gets no other for five minutes, or until it answers: the
    writer of a mail chooses the names below a domain, and could choose many. A name with a key was
    chosen by the domain's owner, and is always asked.
    """

    nameserver: tuple[str, int] | None = None
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Future[bytes | None]]] = field(default_factory=dict)
    _silent: dict[str, float] = field(default_factory=dict)  # domains, and since when
    _keys: set[str] = field(default_factory=set)  # names that once had a record
    _quiet_until: float = float("-inf")
    _running: int = 0
    _line: threading.Lock = field(default_factory=threading.Lock)

    def questions(self, *, patient: bool = False) -> "Questions":
        """Begin a group of mails; a `patient` group holds up nothing, and asks every domain."""
        quiet = self.clock() < self._quiet_until and not patient
        return Questions(self, MOMENT_SECONDS if quiet else GROUP_SECONDS, patient)

    def ask(self, name: str, seconds: float, *, patient: bool = False) -> bytes | None:
        """Give the first text record of a name, or None; raises TimeoutError without an answer."""
        domain = name.partition("._domainkey.")[2] or name
        with self._line:
            self._forget()
            silent = domain in self._silent and name not in self._keys and not patient
            _, answer = self._known.get(name, (0.0, None))
            if answer is None and not silent and self._running < _MOST_RUNNING:
                answer = self._begin(name, domain)
        if answer is None or (silent and not answer.done()):
            raise TimeoutError(f"{domain} does not answer")
        try:
            return answer.result(max(0.0, seconds))
        except TimeoutError:
            self._left_open(domain)
            raise

    def used_up(self) -> None:
        """Note that a group has waited for all of its time."""
        self._quiet_until = self.clock() + QUIET_SECONDS

    def _begin(self, name: str, domain: str) -> Future[bytes | None]:
        answer: Future[bytes | None] = Future()
        self._known[name] = self.clock(), answer
        self._running += 1
        find = threading.Thread(target=self._find, args=(name, domain, answer), daemon=True)
        find.start()
        return answer

    def _find(self, name: str, domain: str, answer: Future[bytes | None]) -> None:
        try:
            text = self._text(name)
        except Exception as fault:  # noqa: BLE001  whatever a server on the network can do
            self._left_open(domain)
            answer.set_exception(TimeoutError(f"{name}: {fault}"))
        else:
            with self._line:
                self._silent.pop(domain, None)
                if text is not None and len(self._keys) < _MOST_REMEMBERED:
                    self._keys.add(name)
            answer.set_result(text)
        finally:
            with self._line:
                self._running -= 1

    def _left_open(self, domain: str) -> None:
        with self._line:
            self._silent.setdefault(domain, self.clock())

    def _text(self, name: str) -> bytes | None:
        import dns.name
        import dns.resolver

        try:
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return None  # no such name can be
        servers = copy.copy(server(self.nameserver))
        for seconds in TRY_SECONDS:
            servers.timeout = seconds
            with contextlib.suppress(dns.resolver.LifetimeTimeout):
                return _first_text(servers, asked, seconds * len(servers.nameservers))
        raise TimeoutError("no server answers")

    def _forget(self) -> None:
        """Drop what is older than five minutes, and the oldest of too many answers."""
        last = self.clock() - REMEMBERED_SECONDS
        while self._known:
            name, (asked, _) = next(iter(self._known.items()))
            if asked > last and len(self._known) < _MOST_REMEMBERED:
                break
            del self._known[name]
        for domain in [each for each, since in self._silent.items() if since <= last]:
            del self._silent[domain]


def _first_text(
    servers: "dns.resolver.Resolver", name: "dns.name.Name", seconds: float
) -> bytes | None:
    import dns.resolver

    try:
        answer = servers.resolve(name, "TXT", lifetime=seconds)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN):
        return None
    return b"".join(next(iter(answer)).strings)


def server(address: tuple[str, int] | None) -> "dns.resolver.Resolver":
    """The resolver library's view of a DNS server, or of those of the machine."""
    import dns.resolver

    if address is None:
        return dns.resolver.get_default_resolver()
    asked = dns.resolver.Resolver(configure=False)
    host, asked.port = address
    asked.nameservers = [host]
    return asked


@dataclass(slots=True)
class Questions:
    """The time for which a group of mails may wait."""

    resolver: Resolver
    left: float
    patient: bool

    def of_a_mail(self) -> Ask:
        """Give the function that asks for one mail: a name in bytes, as dkimpy asks."""
        allowed = min(MAIL_SECONDS, self.left)

        def ask(name: bytes, timeout: float = 0.0) -> bytes | None:
            nonlocal allowed
            del timeout
            started = self.resolver.clock()
            try:
                return self.resolver.ask(
                    name.decode("utf-8", "replace"), allowed, patient=self.patient
                )
            finally:
                waited = self.resolver.clock() - started
                allowed -= waited
                self._wait(waited)

        return ask

    def _wait(self, seconds: float) -> None:
        had, self.left = self.left, self.left - seconds
        if self.left <= 0 < had and not self.patient:
            self.resolver.used_up()
