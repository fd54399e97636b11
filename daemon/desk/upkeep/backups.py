"""Copies of the desk's database: making one while it runs, and proving that one can be used."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.desk.upkeep import verify
from daemon.domain.wording import speaker
from daemon.store import health, migrations
from daemon.store.keeping import backup
from daemon.store.keeping.backup import BackupError, Manifest
from daemon.store.session import Store


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of reading a copy back; a copy without faults can be used."""

    file: Path
    engine: str
    schema: str
    made_at: str | None  # None: no manifest lies beside it
    counts: Mapping[str, int]
    chain_length: int
    chain_head: str
    faults: Sequence[str]


def make(
    store: Store, target: Path, now: dt.datetime, keep: int | None = None
) -> tuple[Path, Manifest]:
    """Copy the database into a file, or into a folder under the instant's name.

    The copy is noted: an erasure names it, and with `keep` the time of its removal (K2).
    """
    if health.schema(store) is None:
        migrations.ensure(store)  # an empty database is set up by the first command
    if target.is_dir():
        target /= f"avtald-{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}.backup"
    made = backup.make(store, target, now)
    backup.note(store, target, now, keep)
    return target, made


def newest(target: Path) -> Path:
    """A file as it is, or the newest copy in a folder; BackupError where it holds none."""
    if not target.is_dir():
        return target
    copies = backup.copies(target)
    if not copies:
        raise BackupError(f"{target} holds no copy: run avtald backup {target}")
    return copies[-1]


def prove(store: Store, file: Path) -> Proof:
    """Read a copy back beside the running database, and prove its contents.

    Its file against its manifest, its integrity, its schema, the number of rows of each table, the
    chain of money rows and the raw mail against their hashes, and its history against ours.
    """
    manifest = Manifest.beside(file)
    altered = backup.file_faults(file, manifest)
    if altered:
        return _proof(file, manifest, None, altered)
    with backup.opened(store, file) as copy:
        faults = backup.faults(copy, manifest)
        if faults:
            return _proof(file, manifest, None, faults)
        with copy.reading() as tx:
            contents = backup.contents(tx)
        faults = _schema_faults(contents.schema) or [
            *_altered(copy),
            *backup.foreign(store, contents),
        ]
    return _proof(file, manifest, contents, faults)


def _proof(
    file: Path, manifest: Manifest | None, contents: backup.Contents | None, faults: Sequence[str]
) -> Proof:
    shown = contents or backup.Contents("", {}, 0, "")
    return Proof(
        file=file,
        engine=manifest.engine if manifest else "",
        schema=shown.schema,
        made_at=manifest.made_at if manifest else None,
        counts=shown.counts,
        chain_length=shown.chain_length,
        chain_head=shown.chain_head,
        faults=tuple(faults),
    )


def _schema_faults(schema: str) -> list[str]:
    """An older copy is brought up by `avtald db upgrade` once it is in place."""
    if not schema:
        return ["the copy is empty"]
    if schema > migrations.newest():
        return [f"the copy has schema {schema}, newer than this program's {migrations.newest()}"]
    return []


def _altered(copy: Store) -> list[str]:
    """Ledger, statements and raw mail against their hashes, where the copy has our schema."""
    with copy.reading() as tx:
        if migrations.current(tx) != migrations.newest():
            return []
        return [verify.told(fault, speaker("en")) for fault in verify.prove(tx, file=False).faults]
