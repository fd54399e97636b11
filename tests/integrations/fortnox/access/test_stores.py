"""What every token store must do, and how a token is sealed (facts.md 2, reliability.md 5)."""

import datetime as dt
import threading

import pytest

from daemon.store import leases
from daemon.store.session import StoreError
from daemon.store.token_records import TokenRecord
from integrations.fortnox.access.sealing import MemoryRecord, TokenStore, in_memory
from integrations.fortnox.access.token import NoAccessError, Token

NOW = dt.datetime(2026, 12, 1, 6, tzinfo=dt.UTC)


PLACES = ("memory", "SQLite", "PostgreSQL")


@pytest.fixture(params=PLACES)
def token_store(request):
    def database(name):
        return TokenStore(TokenRecord(request.getfixturevalue(name), "fortnox"), "key")

    made = {
        "SQLite": lambda: database("store"),
        "PostgreSQL": lambda: database("pg_store"),
        "memory": in_memory,
    }
    return made[request.param]()


def a_token(name="one", refresh="refresh-one"):
    return Token(f"access-{name}", NOW, 3600, refresh, 123456)


def test_a_store_begins_empty(token_store):
    assert token_store.load() is None
    assert token_store.pending_since() is None


def test_what_is_saved_is_loaded_whole_and_replaced_whole(token_store):
    token_store.save(a_token())
    assert token_store.load() == a_token()
    token_store.save(a_token("two", None))
    assert token_store.load() == a_token("two", None)


def test_a_pending_use_is_remembered_until_a_token_is_saved(token_store):
    """reliability.md 5."""
    token_store.save(a_token())
    token_store.mark_pending(NOW)
    assert token_store.pending_since() == NOW
    assert token_store.load() == a_token()
    token_store.save(a_token("two"))
    assert token_store.pending_since() is None


def test_a_dropped_token_is_gone(token_store):
    token_store.save(a_token())
    token_store.drop()
    assert token_store.load() is None


def test_one_renewer_at_a_time_holds_the_lock(token_store):
    inside, most = [], []

    def work():
        with token_store.lock():
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_the_lock_is_free_again_after_a_failure(token_store):
    def failing():
        with token_store.lock():
            raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            failing()


def test_a_database_that_goes_away_while_we_renew_hides_nothing_and_undoes_nothing(
    store, monkeypatch
):
    """The lease runs out by itself: what was renewed meanwhile counts."""

    def gone(*_):
        raise StoreError("the database cannot be used now")

    monkeypatch.setattr(leases, "give_back", gone)
    with pytest.raises(RuntimeError, match="refused"), TokenRecord(store, "x").lock():
        raise RuntimeError("refused")
    with TokenRecord(store, "x").lock():
        pass


def test_a_token_never_shows_its_secrets():
    """S27."""
    assert "access-one" not in repr(a_token())
    assert "refresh-one" not in repr(a_token())


def test_a_token_is_fresh_for_three_quarters_of_its_life():
    """facts.md 2: 45 minutes of 60."""
    edges = [NOW + dt.timedelta(minutes=45, seconds=seconds) for seconds in (-1, 0)]
    assert [a_token().is_fresh(edge) for edge in edges] == [True, False]


def test_a_sealed_token_is_kept_from_whoever_lacks_the_key():
    """Issue 8: encrypted at rest with a key from a credential."""
    record = MemoryRecord()
    TokenStore(record, "key").save(a_token())
    assert [
        word for word in (b"access-one", b"refresh-one", b"token") if word in record.sealed
    ] == []
    other = TokenStore(record, "another key")
    with pytest.raises(NoAccessError, match="nyckeln") as caught:
        other.load()
    assert "avtald fortnox login" in caught.value.remedy
    assert TokenStore(record, "key").load() == a_token()


@pytest.mark.parametrize("place", [0, 11, 12, 40, -1])
def test_a_sealed_token_that_was_changed_is_not_believed(place):
    record = MemoryRecord()
    store = TokenStore(record, "key")
    store.save(a_token())
    changed = bytearray(record.sealed)
    changed[place] ^= 1
    record.sealed = bytes(changed)
    with pytest.raises(NoAccessError):
        store.load()
    record.sealed = b"short"
    with pytest.raises(NoAccessError):
        store.load()


def test_the_same_token_is_never_sealed_to_the_same_bytes():
    record = MemoryRecord()
    store = TokenStore(record, "key")
    sealed = set()
    for _ in range(5):
        store.save(a_token())
        sealed.add(record.sealed)
    assert len(sealed) == 5


def test_a_client_goes_on_with_the_token_that_another_process_sealed(a_client, double, store):
    for _ in range(2):
        a_client(store=TokenStore(TokenRecord(store, "fortnox"), "key")).read("1")
    assert double.tokens.issued == 1


def test_a_changed_key_costs_nothing_where_client_credentials_let_us_in(a_client, double):
    """facts.md 2.3: what is stored is then no more than a token kept for an hour."""
    record = MemoryRecord()
    TokenStore(record, "old key").save(a_token())
    a_client(store=TokenStore(record, "new key")).read("1")
    with pytest.raises(NoAccessError, match="nyckeln"):
        a_client(store=TokenStore(record, "third key"), tenant_id=None).read("1")
    double.tokens.consented = False
    with pytest.raises(NoAccessError):
        a_client(store=TokenStore(record, "third key")).read("1")


def test_a_dropped_token_is_known_from_outside_without_the_key():
    """I5: the state says that consent is needed."""
    record = MemoryRecord()
    store = TokenStore(record, "key")
    store.save(a_token())
    assert record.usable
    store.drop()
    assert not record.usable
