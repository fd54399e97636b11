"""Whose command it is: the settings are found by who may read them, and root spoils no desk."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.settings import load
from tests import servers

NOBODY = pwd.getpwnam("nobody").pw_uid
OURS = os.geteuid()


@contextmanager
def unprivileged() -> Iterator[None]:
    """Somebody whom folders can be shut to."""
    os.seteuid(OURS or NOBODY)
    try:
        yield
    finally:
        os.seteuid(OURS)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody can enter; we stand in one of it that is shut, as root's home is."""
    before = Path.cwd()
    with servers.folder("users") as open_to_all:
        open_to_all.chmod(0o755)
        shut = open_to_all / "shut"
        shut.mkdir()
        os.chdir(shut)
        shut.chmod(0)
        yield open_to_all
        shut.chmod(0o700)
        os.chdir(before)


def test_from_a_folder_that_is_shut_the_settings_of_the_system_are_found(place, monkeypatch):
    monkeypatch.setattr(load, "SYSTEM_FILE", place / "avtald.toml")
    with unprivileged(), pytest.raises(load.MistakesError, match="not found here"):
        load.find(None, {})
    (place / "avtald.toml").touch()
    with unprivileged():
        assert load.find(None, {}) == place / "avtald.toml"


def test_settings_that_we_may_not_read_are_told_with_who_may(place, monkeypatch):
    monkeypatch.setattr(load, "SYSTEM_FILE", place / "shut" / "avtald.toml")
    with unprivileged(), pytest.raises(load.MistakesError) as caught:
        load.load(load.find(None, {}), {})
    assert "run the command as the desk's own user" in str(caught.value)


def test_root_is_sent_to_the_desks_own_user_and_nothing_is_made(avtald, folder, monkeypatch):
    state = folder / "var"
    state.mkdir()
    os.chown(state, OURS or NOBODY, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    ended = avtald("tickets")
    assert ended.code == 2
    name = pwd.getpwuid(OURS or NOBODY).pw_name
    assert ended.err == (
        f"avtald: {state} belongs to {name}: run the command as that user "
        f"(runuser -u {name} -- avtald …)\n"
    )
    assert list(state.iterdir()) == []


def test_root_in_a_desk_of_roots_own_is_let_in(avtald, folder, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert avtald("tickets").code == (0 if OURS == 0 else 2)
