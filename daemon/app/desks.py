"""Opening a desk: its settings read, its database reached, its folders made."""

import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon import logs
from daemon.desk.context import Desk
from daemon.domain.opening_hours import Calendar, CalendarError
from daemon.settings import load
from daemon.settings.checked import MistakesError
from daemon.settings.load import Settings
from daemon.store import health, migrations, rows
from daemon.store.keeping.proofs import packing
from daemon.store.migrations import SchemaError
from daemon.store.session import Store, StoreError, open_store
from integrations.resolver import Resolver


class WrongUserError(Exception):
    """The files of this desk are another user's (exit code 2)."""


WRONG = (MistakesError, WrongUserError, SchemaError, CalendarError)  # its owner must mend it
AWAY = (StoreError,)  # it may pass by itself


@contextmanager
def opened(
    config: Path | None = None, *, upgraded: bool = True, at_rest: bool = False
) -> Iterator[Desk]:
    """Open the desk of a settings file for the length of a command.

    An empty database is set up. With `upgraded=False` the schema is left alone, whatever its
    version; such a desk has no key and can sign nothing. With `at_rest` the desk is left alone
    afterwards: its small SQLite file is packed, and `verify` can prove every byte of it.

    Raises one of WRONG: MistakesError for the file, SchemaError for a database of another version,
    WrongUserError for root in another user's desk; or one of AWAY for a database out of reach.
    """
    settings = load.load(load.find(config))
    logs.configure(settings=settings)  # from here on no line can show a secret
    _refuse_root(settings.desk.state_dir)
    store = open_store(settings.database.url, password=settings.database.password)
    try:
        _make_folders(settings)
        if upgraded:
            with health.legible():
                migrations.ensure(store)
        key = _key(store) if upgraded else b""
        dns = Resolver(settings.identity.dns)
        yield Desk(store, settings, Calendar(settings.calendar), key, dns)
    finally:
        store.close()
        if at_rest and settings.database.file is not None:
            packing.pack(settings.database.file)


def _key(store: Store) -> bytes:
    """The secret of this database, made when it was set up."""
    with store.reading() as tx:
        kept = rows.fact(tx, "desk-key")
    if kept is None:
        with store.writing() as tx:
            kept = rows.first_fact(tx, "desk-key", secrets.token_hex(32))
    return bytes.fromhex(kept)


def _refuse_root(state: Path) -> None:
    """Refuse root in another user's desk: the desk could not write to root's files."""
    owner = state.stat().st_uid if os.geteuid() == 0 and state.exists() else 0
    if owner == 0:
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    raise WrongUserError(
        f"{state} belongs to {name}: run the command as that user (runuser -u {name} -- avtald …)"
    )


def _make_folders(settings: Settings) -> None:
    """Make the desk's missing folders, for its user alone."""
    file = settings.database.file
    for folder in (settings.desk.state_dir, *([file.parent] if file else ())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be made: {error.strerror}") from error
