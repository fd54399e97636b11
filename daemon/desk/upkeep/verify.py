"""Proving what is kept: ledger, statements and raw mail against their hashes (G1, H5, B1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from daemon.domain.wording import Say
from daemon.store.keeping import proof
from daemon.store.keeping.proof import Counted, Fault
from daemon.store.money import chain
from daemon.store.session import Tx

_KINDS: Final = {
    "ledger": ("liggarens rad", "ledger row"),
    "statement": ("avräkning", "statement"),
    "row": ("avräkningsrad", "statement row"),
    "link": ("kedjans länk", "chain link"),
    "mail": ("mejl", "message"),
    "erasure": ("radering", "erasure"),
}
_WHY: Final = {
    "altered": ("är inte som den skrevs {}", "is not as it was written {}"),
    "altered_link": ("är ändrad", "has been changed"),
    "unreadable": ("kan inte läsas: {}", "cannot be read: {}"),
    "gap": ("saknas; nästa är {}", "is missing; the next is {}"),
    "no_row": ("förseglar en rad som saknas ({})", "seals a row that is gone ({})"),
    "unlinked": ("är inte förseglad av någon länk", "is sealed by no link"),
    "below_zero": ("har mindre än noll minuter kvar", "has less than no minutes left"),
    "increment": ("har ett intervall som inte finns", "has an increment that does not exist"),
    "rounding": (
        "har annan debiterbar tid än kvarvarande tid avrundad uppåt",
        "has other billable time than what is left, rounded up",
    ),
    "reference": ("hör inte ihop med {}", "does not belong to what it names {}"),
    "no_invoice": ("har ingen faktura med referensen {}", "has no invoice with the reference {}"),
    "columns": ("säger inte samma sak i alla kolumner", "does not say the same in all columns"),
    "entry": ("hör inte till kundens tid {}", "is of no time of the customer {}"),
    "hash": ("har rader som inte ger dess hash", "has rows that do not give its hash"),
    "net": ("har rader som ger {} öre", "has rows that come to {} öre"),
    "credited": ("krediterar mer än vad som debiterats", "credits more than was billed"),
    "unfinished": (
        "är inte klar: kör avtald tick",
        "is not finished: run avtald tick",
    ),
    "no_raw": ("har ingen råtext", "has no raw text"),
}


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof came to: how many rows of each kind, the head of the chain, what is wrong."""

    counted: Mapping[str, int]
    links: int
    head: str  # kept elsewhere, it shows later that nothing has been cut off
    faults: Sequence[Fault]


def prove(tx: Tx, *, mail: bool = True) -> Proven:
    """Prove everything, or all but the raw mail; a fault is named once for each way it shows."""
    counted = Counted({"link": 0, "ledger": 0, "statement": 0, "row": 0})
    faults = [
        *proof.chain_faults(tx, counted),
        *proof.ledger_faults(tx),
        *proof.statement_faults(tx),
        *proof.erasure_faults(tx),
    ]
    if mail:
        counted.add("mail", 0)
        faults += proof.mail_faults(tx, counted)
    links, head = chain.head(tx)
    return Proven(counted.rows, links, head, faults)


def told(fault: Fault, say: Say) -> str:
    """A fault as a sentence."""
    why = say(*_WHY[fault.code]).format(fault.detail).rstrip()
    kind = say(*_KINDS[fault.kind]) if fault.kind in _KINDS else fault.kind
    return f"{kind} {fault.row_id} {why}"
