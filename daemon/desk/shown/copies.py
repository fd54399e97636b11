"""Copies of the database, and the proof of its content."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.upkeep import backups, verify
from daemon.desk.upkeep.backups import Proof
from daemon.store.keeping.backup import BackupError, Manifest, forget
from daemon.store.session import Store

__all__ = ["BackupError", "back_up", "proven", "tried"]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the database, and the older copies removed for it."""

    file: Path
    removed: Sequence[Path]
    manifest: Manifest

    def to_json(self) -> dict[str, Any]:
        """The copy with the whole of its manifest."""
        return {"file": self.file, "removed": self.removed} | asdict(self.manifest)


@dataclass(frozen=True, slots=True)
class Tried:
    """A copy read back."""

    proof: Proof

    def to_json(self) -> dict[str, Any]:
        """The proof, and whether the copy can be used."""
        return asdict(self.proof) | {"ok": not self.proof.faults}


def back_up(store: Store, target: Path, now: dt.datetime, keep: int | None) -> Copy:
    """Copy the database to a file, or into a folder; there keep some copies only, the newest."""
    file, manifest = backups.make(store, target, now, keep)
    return Copy(file, forget(target, keep) if keep is not None else [], manifest)


def tried(store: Store, file: Path) -> Tried:
    """Read a copy back, or the newest copy in a folder, and prove it."""
    return Tried(backups.prove(store, backups.newest(file)))


@dataclass(frozen=True, slots=True)
class Fault:
    """A row at odds with its hash."""

    kind: str
    id: int
    fault: str
    text: str


@dataclass(frozen=True, slots=True)
class Proven:
    """The database held against its hashes, seals and second copies."""

    whole: bool
    counts: Mapping[str, int]
    links: int
    head: str
    seals: str  # the head of the seals' chain
    faults: Sequence[Fault]


def proven(desk: Desk) -> Proven:
    """Prove the file, every sealed row and every whole mail."""
    with desk.store.reading() as tx:
        proof = verify.prove(tx)
    faults = [
        Fault(fault.kind, fault.row_id, fault.code, verify.told(fault, desk.say))
        for fault in proof.faults
    ]
    return Proven(not faults, proof.counted, proof.links, proof.head, proof.seals, faults)
