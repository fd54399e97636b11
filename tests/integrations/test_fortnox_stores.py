"""What every token store must do; a store on the database joins by one more parameter here."""

import datetime as dt
import threading

import pytest

from integrations.fortnox.tokens import MemoryTokenStore, Token

NOW = dt.datetime(2026, 12, 1, 6, tzinfo=dt.UTC)


@pytest.fixture(params=["memory"])
def store(request):
    return {"memory": MemoryTokenStore}[request.param]()


def a_token(name="one", refresh="refresh-one"):
    return Token(f"access-{name}", NOW, 3600, refresh)


def test_a_store_begins_empty(store):
    assert store.load() is None
    assert store.pending_since() is None


def test_what_is_saved_is_loaded_whole_and_replaced_whole(store):
    store.save(a_token())
    assert store.load() == a_token()
    store.save(a_token("two", None))
    assert store.load() == a_token("two", None)


def test_a_pending_use_is_remembered_until_a_token_is_saved(store):
    """reliability.md 5."""
    store.save(a_token())
    store.mark_pending(NOW)
    assert store.pending_since() == NOW
    assert store.load() == a_token()
    store.save(a_token("two"))
    assert store.pending_since() is None


def test_a_dropped_token_is_gone(store):
    store.save(a_token())
    store.drop()
    assert store.load() is None


def test_one_renewer_at_a_time_holds_the_lock(store):
    inside, most = [], []

    def work():
        with store.lock():
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_the_lock_is_free_again_after_a_failure(store):
    def failing():
        with store.lock():
            raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            failing()


def test_a_token_never_shows_its_secrets():
    """S27."""
    assert "access-one" not in repr(a_token())
    assert "refresh-one" not in repr(a_token())


def test_a_token_is_fresh_for_three_quarters_of_its_life():
    """facts.md 2: 45 minutes of 60."""
    edges = [NOW + dt.timedelta(minutes=45, seconds=seconds) for seconds in (-1, 0)]
    assert [a_token().is_fresh(edge) for edge in edges] == [True, False]
