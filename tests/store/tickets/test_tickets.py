"""Ticket numbers: unique and growing, and nobody waits for another's commit to get one."""

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from daemon.domain.ticket import Status
from daemon.store import migrations, rows
from daemon.store.tickets import tickets
from tests.builders import instant


def a_ticket(tx, subject="Något"):
    return tickets.open_ticket(
        tx,
        subject=subject,
        requester="bo@acme.se",
        language="sv",
        priority=3,
        status=Status.OPEN,
        opened_at=instant("2026-11-02 10:00"),
        spam=False,
    )


def opened(store):
    with store.writing() as tx:
        return a_ticket(tx).number


def rolled_back(store):
    with store.writing() as tx:
        number = a_ticket(tx).number
        tx.rollback()
    return number


def test_numbers_begin_at_1001_and_grow(any_store):
    with any_store.writing() as tx:
        assert [a_ticket(tx).number for _ in range(3)] == [1001, 1002, 1003]
    assert opened(any_store) == 1004


def test_numbers_taken_together_are_given_out_in_order_and_then_further_ones(any_store):
    with any_store.writing() as tx:
        tickets.foresee(tx, 2)
        made = [a_ticket(tx) for _ in range(3)]
        assert [tickets.by_id(tx, each.id).number for each in made] == [1001, 1002, 1003]
        assert [tickets.by_number(tx, each.number) for each in made] == made


def test_numbers_that_nobody_needed_are_never_given_twice(any_store):
    with any_store.writing() as tx:
        tickets.foresee(tx, 5)
        assert a_ticket(tx).number == 1001
    numbers = [opened(any_store), opened(any_store)]
    assert numbers[0] > 1001
    assert numbers[1] > numbers[0]


def test_numbers_foreseen_again_while_some_are_free_are_given_once(any_store):
    with any_store.writing() as tx:
        tickets.foresee(tx, 3)
        made = [a_ticket(tx)]
        tickets.foresee(tx, 2)
        made += [a_ticket(tx) for _ in range(5)]
    assert len({each.number for each in made}) == len({each.id for each in made}) == 6
    with any_store.reading() as tx:
        assert tickets.listing(tx) == sorted(made, key=lambda each: each.number)


def test_what_names_a_ticket_is_written_after_it(any_store):
    with any_store.writing() as tx:
        ticket = a_ticket(tx)
        tickets.begin_with(tx, ticket.id, "Bo", "bo@acme.se", instant("2026-11-02 10:00"))
    with any_store.reading() as tx:
        assert [each.address for each in tickets.participants_of(tx, ticket.id)] == ["bo@acme.se"]


def test_after_a_roll_back_numbers_go_on_growing(any_store):
    first = opened(any_store)
    lost = rolled_back(any_store)
    assert lost > first
    assert opened(any_store) > first


def test_on_postgresql_two_open_transactions_number_tickets_side_by_side(pg_store):
    with pg_store.writing() as one, pg_store.writing() as two:
        for tx in (one, two):
            tx.execute(text("SET LOCAL lock_timeout = '5s'"))
        numbers = [a_ticket(tx).number for tx in (one, two, one, two)]
    assert numbers == [1001, 1002, 1003, 1004]


def test_a_migration_takes_the_numbers_up_where_they_were_and_back(any_store):
    def move(revision):
        config = Config()
        config.set_main_option("script_location", str(migrations.scripts()))
        config.set_main_option("path_separator", "os")
        with any_store.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, revision)
            connection.commit()

    assert [opened(any_store), opened(any_store)] == [1001, 1002]
    move("0002")
    with any_store.writing() as tx:
        assert rows.count_up(tx, "ticket_number") == 1003  # as the program before did
    migrations.upgrade(any_store)
    assert opened(any_store) == 1003


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 7))
def test_ids_come_in_pieces_that_a_statement_can_name(ids, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_MOST_IDS", most)
        pieces = list(rows.pieces(ids))
    assert [each for piece in pieces for each in piece] == sorted(set(ids))
    assert all(1 <= len(piece) <= most for piece in pieces)


def test_clocks_and_time_of_more_tickets_than_a_statement_can_name(any_store):
    """SQLite takes 32,766 values in a statement, PostgreSQL 65,535."""
    with any_store.reading() as tx:
        assert tickets.clock_rows(tx, range(1, 70_000)) == []
        assert tickets.time_on(tx, range(1, 70_000)) == {}
