"""What has been read already is asked once, until it has changed."""

import pytest

from daemon.store import memo


class Cleared(dict):
    """What another thread clears at every look."""

    def __contains__(self, key):
        found = super().__contains__(key)
        self.clear()
        return found


def test_what_another_thread_clears_is_no_fault_of_the_one_that_asks(store):
    memo._KEPT[store.engine] = Cleared()
    for _ in range(2):
        with store.reading() as tx:
            assert memo.of_register(tx, "key", lambda: "value") == "value"


def test_a_look_is_taken_again_by_everybody_once_the_register_has_changed(any_store):
    looks = []

    def asked():
        with any_store.writing() as tx:
            memo.of_register(tx, "key", lambda: looks.append(1))
        return len(looks)

    assert [asked(), asked()] == [1, 1]
    with any_store.writing() as tx:
        memo.register_changed(tx)
        memo.of_register(tx, "key", lambda: looks.append(1))
        memo.of_register(tx, "key", lambda: looks.append(1))
    assert [asked(), asked()] == [3, 3]


def test_a_change_that_is_rolled_back_leaves_no_look_of_it(any_store):
    with any_store.writing() as tx:
        assert memo.of_register(tx, "key", lambda: "before") == "before"

    def change_and_fail():
        with any_store.writing() as tx:
            memo.register_changed(tx)
            assert memo.of_register(tx, "key", lambda: "never was") == "never was"
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    with any_store.writing() as tx:
        assert memo.of_register(tx, "key", lambda: "read again") == "before"
        memo.register_changed(tx)
    with any_store.writing() as tx:
        assert memo.of_register(tx, "key", lambda: "after") == "after"
