"""Proving the database: file, chain, ledger, statements and whole mails (G1, H5, B1, K2)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from daemon.domain.wording import Say
from daemon.store import seals
from daemon.store.keeping.proofs.chain import chain_faults
from daemon.store.keeping.proofs.faults import UNREADABLE, Counted, Fault
from daemon.store.keeping.proofs.file import file_proof
from daemon.store.keeping.proofs.mail import erasure_faults, mail_faults
from daemon.store.keeping.proofs.money import ledger_faults, statement_faults
from daemon.store.keeping.proofs.seals import seal_faults
from daemon.store.money import chain
from daemon.store.session import Tx

_KINDS: Final = {
    "ledger": ("liggarens rad", "ledger row"),
    "statement": ("avräkning", "statement"),
    "row": ("avräkningsrad", "statement row"),
    "link": ("kedjans länk", "chain link"),
    "seal": ("sigill", "seal"),
    "person": ("medarbetare", "colleague"),
    "customer": ("kund", "customer"),
    "contact": ("kontakt", "contact"),
    "agreement": ("avtalsversion", "agreement version"),
    "hold": ("väntande", "hold"),
    "invoice": ("fakturautkast", "invoice draft"),
    "mail": ("mejl", "message"),
    "sent": ("skickat mejl", "sent message"),
    "file": ("databasfilen", "the database file"),
    "page": ("databasfilens sida", "page of the database file"),
    "cells": ("rad", "row"),
    "erasure": ("radering", "erasure"),
}
_COUNTED: Final = ("link", "ledger", "statement", "row", "seal", "mail", "sent")
_WHY: Final = {
    "altered": ("är inte som den skrevs {}", "is not as it was written {}"),
    "altered_link": ("är ändrad", "has been changed"),
    "unreadable": ("kan inte läsas: {}", "cannot be read: {}"),
    "gap": ("saknas; nästa är {}", "is missing; the next is {}"),
    "no_row": ("förseglar en rad som saknas ({})", "seals a row that is gone ({})"),
    "unlinked": ("är inte förseglad av någon länk", "is sealed by no link"),
    "unsealed": ("är inte förseglad", "is not sealed"),
    "not_sealed_so": (
        "är inte som programmet skrev den senast",
        "is not as the program last wrote it",
    ),
    "gone": ("är borta, men förseglad", "is gone, and was sealed"),
    "below_zero": ("har mindre än noll minuter kvar", "has less than no minutes left"),
    "increment": ("har ett intervall som inte finns", "has an increment that does not exist"),
    "rounding": (
        "har annan debiterbar tid än kvarvarande tid avrundad uppåt",
        "has other billable time than what is left, rounded up",
    ),
    "reference": ("hör inte ihop med {}", "does not belong to what it names {}"),
    "no_invoice": ("har ingen faktura med referensen {}", "has no invoice with the reference {}"),
    "columns": ("säger inte samma sak i alla kolumner", "does not say the same in all columns"),
    "not_hers": ("hör inte till kundens tid {}", "is of no time of the customer {}"),
    "hash": ("har rader som inte ger dess hash", "has rows that do not give its hash"),
    "net": ("har rader som ger {} öre", "has rows that come to {} öre"),
    "credited": ("krediterar mer än vad som debiterats", "credits more than was billed"),
    "unfinished": (
        "är inte klar: kör avtald tick",
        "is not finished: run avtald tick",
    ),
    "copy": ("i {} är inte lik sin andra kopia", "of {} is not equal to its second copy"),
    "damaged": ("är skadad: {}", "is damaged: {}"),
    "bytes": ("har andra byte än dess rader ger", "has other bytes than its rows give"),
    "schema": ("har ett annat schema än avtald gjorde", "has another schema than avtald made"),
    "stopped": ("kunde inte bevisas till slut: {}", "could not be proven to the end: {}"),
    "no_raw": ("har ingen råtext", "has no raw text"),
}


@dataclass(frozen=True, slots=True)
class Proven:
    """The result of a proof: the number of rows of each kind, the head of the chain, the faults."""

    counted: Mapping[str, int]
    links: int
    head: str  # kept elsewhere, it shows later that nothing has been cut off
    faults: Sequence[Fault]
    seals: str = ""  # the head of the seals' own chain


def prove(tx: Tx, *, file: bool = True) -> Proven:
    """Prove everything; `file=False` leaves the pages of the database's file out.

    A fault is named once for each of its signs. An unfinished proof is a fault as well: damage may
    stop SQLite in the middle of a table.
    """
    counted = Counted(
        dict.fromkeys(("link", "ledger", "statement", "row", "seal", "mail", "sent"), 0)
    )
    proofs = {
        "link": chain_faults(tx, counted),
        "ledger": ledger_faults(tx),
        "statement": statement_faults(tx),
        "seal": seal_faults(tx, counted),
        "erasure": erasure_faults(tx),
        "mail": mail_faults(tx, counted),
    }
    with file_proof(tx, wanted=file) as file_faults:
        faults = [each for kind, found in proofs.items() for each in _readable(kind, found)]
        faults = [*_readable("file", file_faults()), *faults]
    try:
        (links, head), (_, last_seal) = chain.head(tx), seals.head(tx)
    except UNREADABLE:
        links, head, last_seal = 0, "", ""
    return Proven(counted.rows, links, head, faults, last_seal)


def _readable(kind: str, faults: Iterator[Fault]) -> Iterator[Fault]:
    """The faults as long as the database can be read."""
    try:
        yield from faults
    except UNREADABLE as error:
        yield Fault(kind, 0, "stopped", " ".join(str(error).split())[:200])


def told(fault: Fault, say: Say) -> str:
    """A fault as a sentence."""
    kind = say(*_KINDS[fault.kind]) if fault.kind in _KINDS else fault.kind
    which = f"{kind} {fault.row_id}" if fault.row_id else kind
    return f"{which} {say(*_WHY[fault.code]).format(fault.detail).rstrip()}"
