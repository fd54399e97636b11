"""`avtald db`: an empty database is set up, an older schema is refused with what upgrades it."""

import json
import re
import sqlite3

import pytest

from daemon.store import migrations


@pytest.fixture
def older(avtald, folder):
    """A database whose schema is older than this program's."""
    assert avtald("export").code == 0
    with sqlite3.connect(folder / "var" / "avtald.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    return folder


def test_the_first_command_sets_an_empty_database_up_for_us_alone(avtald, folder):
    assert avtald("export").code == 0
    assert (folder / "var").stat().st_mode & 0o777 == 0o700
    ended = avtald("db", "check")
    assert ended.code == 0
    assert f"schema {migrations.newest()}" in ended.out


def test_an_older_schema_is_refused_with_the_command_that_upgrades_it(avtald, older):
    ended = avtald("export")
    assert ended.code == 2
    assert "avtald db upgrade" in ended.err


def test_a_newer_schema_is_refused_with_what_to_install(avtald, folder):
    assert avtald("export").code == 0
    with sqlite3.connect(folder / "var" / "avtald.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert avtald("export").code == 2
    ended = avtald("db", "check")
    assert ended.code == 1
    assert "newer" in ended.out


def test_upgrade_of_an_empty_database_then_says_there_is_nothing_to_do(avtald, folder):
    newest = migrations.newest()
    assert avtald("db", "upgrade").out == f"schema: tom → {newest}\n"
    shown = json.loads(avtald("db", "upgrade", "--json").out)
    assert shown == {"before": newest, "after": newest}
    assert avtald("db", "upgrade").out == f"schemat är redan {newest}\n"


def test_db_check_tells_what_is_wrong_in_json_too(avtald, older):
    ended = avtald("db", "check", "--json")
    found = json.loads(ended.out)
    assert ended.code == 1
    assert (found["schema"], found["needed"]) == ("0000", migrations.newest())
    assert "avtald db upgrade" in found["faults"][0]


def test_db_check_sees_a_row_that_lost_its_parent(avtald, folder):
    avtald("export")
    with sqlite3.connect(folder / "var" / "avtald.db") as database:
        database.execute("INSERT INTO customer_domains VALUES ('acme.se', 77)")
    database.close()
    ended = avtald("db", "check")
    assert ended.code == 1
    assert "customer_domains" in ended.out


def test_db_check_sees_a_missing_table(avtald, folder):
    avtald("export")
    with sqlite3.connect(folder / "var" / "avtald.db") as database:
        database.execute("DROP TABLE meetings")
    database.close()
    assert "meetings" in avtald("db", "check").out


@pytest.mark.parametrize("arguments", [["db", "check"], ["db", "upgrade"], ["export"]])
def test_a_file_that_is_no_database_is_told_with_what_to_do(avtald, folder, arguments):
    (folder / "var").mkdir()
    (folder / "var" / "avtald.db").write_bytes(b"not a database, certainly not" * 100)
    ended = avtald(*arguments)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "restore a backup" in ended.err


def test_check_tells_the_same_as_a_finding(avtald, folder):
    (folder / "var").mkdir()
    (folder / "var" / "avtald.db").write_bytes(b"not a database, certainly not" * 100)
    ended = avtald("check")
    assert ended.code == 1
    assert re.search(r"(?m)^databas +fel ", ended.out)
