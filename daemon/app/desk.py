"""The composition root: settings in, running parts out; the only place that knows which vendor."""

import datetime as dt
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from daemon import logs
from daemon.domain.opening_hours import Calendar
from daemon.domain.wording import Say
from daemon.settings import load as config
from daemon.settings.load import Settings
from daemon.store import health, migrations
from daemon.store.session import Store, StoreError, open_store

if TYPE_CHECKING:
    from daemon.desk.upkeep import check


class WrongUserError(Exception):
    """The files of this desk are another user's (exit code 2)."""


class App:
    """A desk put together from its settings; parts are made when they are first asked for."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Take what is there; nothing is connected yet."""
        self.settings = settings
        self.store = store

    @cached_property
    def calendar(self) -> Calendar:
        """The opening hours, made to be asked (A2)."""
        return Calendar(self.settings.calendar)

    def close(self) -> None:
        """Close what is open."""
        self.store.close()


def load(config_path: Path | None = None, *, upgraded: bool = True) -> App:
    """Put the desk together from its file; an empty database is set up.

    Raises MistakesError for the file, SchemaError for a database of another version (unless
    `upgraded` is False: then the schema is left alone), StoreError where it is out of reach,
    WrongUserError for root where the desk is another user's.
    """
    settings = config.load(config.find(config_path))
    logs.configure(settings=settings)  # from here on no line can show a secret
    _refuse_root(settings.desk.state_dir)
    store = open_store(settings.database.url, password=settings.database.password)
    _make_folders(settings)
    if upgraded:
        try:
            with health.legible():
                migrations.ensure(store)
        except BaseException:
            store.close()
            raise
    return App(settings, store)


@contextmanager
def opened(config_path: Path | None = None, *, upgraded: bool = True) -> Iterator[App]:
    """The same desk for the length of a command."""
    desk = load(config_path, upgraded=upgraded)
    try:
        yield desk
    finally:
        desk.close()


def _refuse_root(state: Path) -> None:
    """Root may write anywhere: what it made here, the desk could not write afterwards."""
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
    """Make our own folders where they are missing, for us alone."""
    file = settings.database.file
    for folder in (settings.desk.state_dir, *([file.parent] if file else ())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be made: {error.strerror}") from error


def upgrade_schema(desk: App) -> tuple[str | None, str]:
    """Bring the schema up; gives the revision before and after."""
    before = health.schema(desk.store)
    with health.legible():
        return before, migrations.upgrade(desk.store)


def database_health(desk: App) -> health.Health:
    """How the database is."""
    return health.look(desk.store)


def findings(
    desk: App, now: dt.datetime, say: Say, probes: "check.Probes"
) -> "list[check.Finding]":
    """What `avtald check` found."""
    from daemon.desk.upkeep import check

    subject = check.Subject(
        settings=desk.settings,
        store=desk.store,
        calendar=desk.calendar,
        probes=probes,
        free_disk=shutil.disk_usage(desk.settings.desk.state_dir).free,
    )
    return list(check.examine(subject, now, say))
