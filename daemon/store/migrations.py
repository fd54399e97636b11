"""The schema: set up and brought up to date, without an alembic.ini."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from daemon.store.session import Store, StoreError

_REVISION = text("SELECT version_num FROM alembic_version")


class SchemaError(Exception):
    """The database's schema does not fit this program."""


def scripts() -> Path:
    """The folder of migrations: the package's, else the checkout's; it must hold env.py."""
    package = Path(str(files("daemon")))
    for folder in (package / "migrations", package.parent / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise SchemaError("the migrations are missing from this installation: install avtald again")


class NewerSchemaError(StoreError):
    """Another program has brought the schema further: this one must not write (exit code 75)."""


@cache
def newest() -> str:
    """The revision needed by this program: revisions are numbered, `0001_…` first."""
    return max(path.name.partition("_")[0] for path in (scripts() / "versions").glob("0*.py"))


def current(connection: Connection) -> str | None:
    """The database's revision; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(_REVISION)
    return revision


def refuse_newer(connection: Connection) -> None:
    """Raise NewerSchemaError beside a later release's schema: a running daemon may meet one."""
    revision = connection.scalar(_REVISION)
    if revision is not None and revision > newest():
        raise NewerSchemaError(
            f"the database has schema {revision}, newer than this program's {newest()}: "
            "restart avtald with the newer release"
        )


def ensure(store: Store) -> None:
    """Set up an empty database; refuse an older or a newer schema with the remedy."""
    with store.reading() as connection:
        revision = current(connection)
    if revision is None:
        upgrade(store)
    elif revision < newest():
        raise SchemaError(
            f"the database has schema {revision}, this program needs {newest()}: "
            "take a backup (avtald backup FILE), then run avtald db upgrade"
        )
    elif revision > newest():
        raise SchemaError(
            f"the database has schema {revision}, newer than this program's {newest()}: "
            "install the newer avtald"
        )


def upgrade(store: Store, revision: str = "head") -> str:
    """Bring the schema up in one transaction; on SQLite foreign keys are checked at the end."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with store.engine.connect() as connection:
        if store.is_sqlite:
            # Outside a transaction, or it does nothing: batch mode would delete child rows.
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys = OFF")
        else:
            # Two first commands at once on one empty database: one sets up, the other waits.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7233)")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        _check_references(store, connection)
        connection.commit()
        reached = current(connection) or ""
        connection.rollback()
    store.engine.dispose()  # the next connection has its foreign keys on again
    return reached


def _check_references(store: Store, connection: Connection) -> None:
    if store.is_sqlite:
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise SchemaError(f"the migration left rows without their parents: {broken[:3]}")
