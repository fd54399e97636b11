"""A desk with a register, for the tests of what it does."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.desk.context import Desk
from daemon.store.mail import inbox
from daemon.store.session import Store, open_store
from tests.builders import ADesk, a_desk
from tests.servers import memory


@pytest.fixture
def desk(store, tmp_path):
    """Alert! (acme), Attend! from November (beta), none and English (delta); two engineers."""
    made = a_desk(store, tmp_path)
    yield made
    with store.reading() as tx:  # what was done in the end after a fault would look like success
        assert not [row.id for row in inbox.listing(tx) if row.attempts > 1]


@pytest.fixture
def make_desk(sqlite_template, tmp_path) -> Iterator[Callable[[], ADesk]]:
    """Makes the same desk anew each time it is called, from a copy: for what tries many stories."""
    stores: list[Store] = []
    with tempfile.TemporaryDirectory(prefix="avtald-", dir=memory() or tmp_path) as home:
        first = Path(home) / "first.db"
        shutil.copyfile(sqlite_template, first)
        stores.append(open_store(f"sqlite:///{first}"))
        model = a_desk(stores[0], tmp_path).desk
        stores.pop().close()

        def made() -> ADesk:
            if stores:
                stores.pop().close()
            shutil.copyfile(first, Path(home) / "desk.db")
            stores.append(open_store(f"sqlite:///{home}/desk.db"))
            return ADesk(Desk(stores[-1], model.settings, model.calendar, model.key))

        yield made
        for each in stores:
            each.close()
