"""Fixtures that every room's tests share."""

import os
from pathlib import Path

import pytest

from tests.mail_servers import imap_server  # noqa: F401  a fixture
from tests.servers import (  # noqa: F401  fixtures
    any_store,
    any_url,
    certificate,
    pg_store,
    pg_url,
    postgresql,
    sqlite_template,
    sqlite_url,
    store,
)

SHARED = Path(__file__).resolve().parents[2] / "shared"
_NOT_RUN: list[str] = []


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of facts and mail beside the project; where it is missing its users don't run."""
    return SHARED


@pytest.fixture(scope="session")
def shared_mail(shared) -> Path:
    return shared / "mail"


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the long forms (make long)")


def pytest_collection_modifyitems(config, items):
    """Deselect long forms unless asked for, and what needs `../shared` where a clone has none."""
    kept, dropped = [], []
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "shared" in fixtures and not SHARED.exists():
            _NOT_RUN.append(item.nodeid)
            dropped.append(item)
        elif "long" in item.keywords and not config.getoption("--long"):
            dropped.append(item)
        else:
            kept.append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Beside each other (`-n 2`) the children collect, and all of them the same."""
    _NOT_RUN[:] = getattr(node, "workeroutput", {}).get("not_run", _NOT_RUN)


def pytest_terminal_summary(terminalreporter):
    if _NOT_RUN:
        terminalreporter.section("not run: ../shared is not beside this clone")
        for nodeid in _NOT_RUN:
            terminalreporter.write_line(nodeid)
        terminalreporter.write_line(f"{len(_NOT_RUN)} tests were not run")


def pytest_sessionfinish(session, exitstatus):
    """With CI=true a missing `../shared` is a failure, not a footnote."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_run"] = _NOT_RUN
    elif _NOT_RUN and os.environ.get("CI") == "true" and exitstatus == 0:
        session.exitstatus = 1
