"""An adjustment of the register is booked once, whoever imports the file at the same time (G1)."""

import threading

import pytest

from daemon.desk.register import file as register_file
from daemon.desk.register import importing as registering
from daemon.desk.upkeep import verify
from daemon.settings.checked import MistakesError
from daemon.store.money import ledger, register
from tests.builders import REGISTER, a_desk, instant

LINE = """
[[customers.adjustments]]
id = "2026-11-driftstopp"
minutes = 90
date = 2026-11-20
reason = "Driftstoppet"
"""
ACME = REGISTER.partition('\n[[customers]]\nkey = "beta"')[0]
FILE = f"{ACME}\n{LINE}"


def imported(desk, file):
    """Import as the command does; gives how many changes there were."""
    read, now = register_file.read(file), instant("2026-11-21 09:00")
    return len(registering.import_tables(desk.desk, str(file), read, now, dry_run=False).changes)


@pytest.fixture
def desk(any_store, tmp_path):
    made = a_desk(any_store, tmp_path)
    (tmp_path / "more.toml").write_text(FILE, encoding="utf-8")
    return made


def test_two_imports_at_once_book_it_once_on_both_engines_G1(desk, tmp_path):
    found = []
    both = [
        threading.Thread(target=lambda: found.append(imported(desk, tmp_path / "more.toml")))
        for _ in range(2)
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(found) == [0, 1]
    with desk.desk.store.reading() as tx:
        acme = register.customer_by_key(tx, "acme").id
        (made,) = ledger.histories(tx, [acme])[acme][1]
        assert (made.minutes, made.reason) == (90, "Driftstoppet")
        assert verify.prove(tx).faults == []


def test_another_file_with_the_same_id_is_refused_whole_on_both_engines_G1(desk, tmp_path):
    imported(desk, tmp_path / "more.toml")
    other = tmp_path / "other.toml"
    other.write_text(FILE.replace("90", "91").replace("Acme AB", "Nya AB"), encoding="utf-8")
    with pytest.raises(MistakesError, match="is booked as minutes = 90"):
        imported(desk, other)
    with desk.desk.store.reading() as tx:
        assert register.customer_by_key(tx, "acme").name == "Acme AB"
