"""The desk's ports to the outside world; `daemon.app` puts a vendor behind each."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from daemon.domain.delivery import SendError
from daemon.domain.document import Document, PdfError
from daemon.domain.invoice import AccountingInvoice, InvoiceDraft, Problem

__all__ = ["Accounting", "Dns", "Document", "Mailer", "PdfError", "PdfPrinter", "SendError"]


class Accounting(Protocol):
    """An accounting system for drafts (I1–I5); every method may raise AccountingError."""

    def preflight(self, drafts: Sequence[InvoiceDraft]) -> Sequence[Problem]:
        """Look once per run for problems of these drafts; creates nothing.

        Without drafts: for problems of access, and of every draft to come.
        """

    def find(self, reference: str) -> Sequence[AccountingInvoice]:
        """Every live invoice with exactly this reference: no cancelled one, no credit note."""

    def create(self, draft: InvoiceDraft) -> AccountingInvoice:
        """Create one draft, neither booked nor sent (I2), with one attempt; the echo comes back."""

    def attach(self, number: str, name: str, pdf: bytes) -> bool:
        """Attach the specification to the draft; False if the system or its licence cannot."""

    def read(self, number: str) -> AccountingInvoice | None:
        """One invoice as it is now, with its rows; None: it is gone (I4)."""

    def changed_since(self, instant: dt.datetime | None) -> Sequence[AccountingInvoice]:
        """The invoices changed since an instant, with a reference of our form; None: all of them.

        Cancelled ones and credit notes too; rows and net may be missing.
        """

    def stop(self) -> None:
        """End its waits, from another thread; later calls fail as TEMPORARY."""

    def close(self) -> None:
        """End its connections; nothing is asked of it after."""


class Questions(Protocol):
    """The time for which a group of mails may wait for the DNS (D1a)."""

    def of_a_mail(self) -> Callable[..., bytes | None]:
        """Give the function that asks for one mail, in the form of dkimpy's.

        It takes a name and gives its text record, or None; a TimeoutError means: ask again later.
        """


class Dns(Protocol):
    """Asks the DNS, and remembers; from any thread."""

    def questions(self, *, patient: bool = False) -> Questions:
        """Begin a group of mails; a `patient` group holds up no other mail."""


@dataclass(frozen=True, slots=True)
class NoDns:
    """Asks nobody: no question has an answer now."""

    def questions(self, *, patient: bool = False) -> "NoDns":
        """Begin a group of mails."""
        del patient
        return self

    def of_a_mail(self) -> Callable[..., bytes | None]:
        """Give a function without answers."""
        return _unasked


def _unasked(name: bytes, timeout: float = 0.0) -> bytes | None:
    del timeout
    raise TimeoutError(f"nobody was asked for {name!r}")


NO_DNS = NoDns()


class Mailer(Protocol):
    """Hands one message for one recipient to the outgoing server, over a reused connection."""

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> str:
        """Give the server's reply; raise SendError with its meaning. `raw` has CRLF line ends."""

    def close(self) -> None:
        """End the connection politely; a later send opens a new one."""

    def abort(self) -> None:
        """Cut the connection, from another thread: a send in hand raises SendError."""


class PdfPrinter(Protocol):
    """Prints HTML as PDF without network or file access; raises PdfError."""

    def print(self, html: str) -> bytes:
        """Give the PDF; the same HTML gives the same bytes."""
