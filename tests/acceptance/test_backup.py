"""A copy made while the desk works is whole, can be proven, and an altered one is found out."""

import datetime as dt
import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from daemon.desk.upkeep import backups
from daemon.store.keeping import backup
from daemon.store.keeping.backup import BackupError
from daemon.store.session import open_store
from tests.builders import a_desk, a_mail, an_engineers_mail

NOW = dt.datetime(2026, 11, 20, 3, 15, tzinfo=dt.UTC)
# Written together, in one transaction: a copy that was torn would have more of one than the other.
PAIRS = (("inbox", "inbox_raw"), ("inbox", "inbox_deliveries"), ("outgoing", "outgoing"))


@pytest.fixture
def desk(any_store, tmp_path):
    """A desk with a ticket and time booked on it."""
    made = a_desk(any_store, tmp_path)
    made.get(a_mail(), "2026-11-02 09:00")
    notice = made.mailer.to("anna@example.se")[0]
    made.get(an_engineers_mail("Klart.\n[tid: 1,5h] [klar]\n", reply_to=notice), "2026-11-02 09:30")
    return made


def a_customers_mail(number: int) -> bytes:
    return a_mail(subject=f"Fel {number}", message_id=f"<load-{number}@test>")


@contextmanager
def write_load(desk):
    """Somebody else writes and works all the time; gives how many mails were taken in."""
    stop, taken = threading.Event(), []

    def work():
        while not stop.is_set():
            number = len(taken)
            minute = dt.timedelta(minutes=number)
            at = dt.datetime(2026, 11, 3, 9, tzinfo=dt.UTC) + minute
            desk.get(a_customers_mail(number), at)
            notice = desk.mailer.to("anna@example.se")[-1]
            said = an_engineers_mail(f"Tittar. [tid: 5m]\n{number}\n", reply_to=notice)
            desk.get(said, at)
            taken.append(number)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


def test_a_copy_holds_what_the_database_holds(desk, tmp_path):
    store = desk.desk.store
    with store.reading() as tx:
        here = backup.contents(tx)
    _, manifest = backups.make(store, tmp_path / "copy", NOW)
    proof = backups.prove(store, tmp_path / "copy")
    assert proof.faults == ()
    assert proof.counts == here.counts == manifest.counts
    assert (proof.chain_length, proof.chain_head) == (here.chain_length, here.chain_head)
    assert proof.chain_length > 0
    assert proof.counts["ledger"] == 1


def rounds_under_load(desk, folder: Path, rounds: int) -> None:
    store = desk.desk.store
    seen = set()
    with write_load(desk) as taken:
        for number in range(rounds):
            before = len(taken)
            copy, manifest = backups.make(store, folder / f"copy-{number}", NOW)
            proof = backups.prove(store, copy)
            assert proof.faults == ()
            assert proof.counts == manifest.counts
            assert proof.chain_head == manifest.chain_head
            assert proof.chain_length == proof.counts["chain"] == proof.counts["ledger"]
            assert all(proof.counts[one] == proof.counts[other] for one, other in PAIRS)
            assert proof.counts["inbox"] >= 2 + 2 * before
            seen.add(proof.counts["inbox"])
            wait_for_more(taken, before)
    assert len(seen) > 1


def wait_for_more(taken: list[int], before: int) -> None:
    pause = threading.Event()
    for _ in range(600):
        if len(taken) > before:
            return
        pause.wait(0.05)
    pytest.fail("nobody writes any more")


def test_R25_under_write_load_every_copy_restores_with_equal_counts_and_chain(desk, tmp_path):
    rounds_under_load(desk, tmp_path, 3)


@pytest.mark.long
def test_R25_under_write_load_twenty_times(desk, tmp_path):
    rounds_under_load(desk, tmp_path, 20)


def test_a_file_that_is_there_is_never_overwritten(desk, tmp_path):
    (tmp_path / "copy").write_text("something else")
    with pytest.raises(BackupError, match="exists already"):
        backups.make(desk.desk.store, tmp_path / "copy", NOW)
    assert (tmp_path / "copy").read_text() == "something else"


def test_a_copy_that_cannot_be_written_leaves_nothing(desk, tmp_path):
    with pytest.raises(BackupError, match=r"cannot be written|pg_dump failed"):
        backups.make(desk.desk.store, tmp_path / "nowhere" / "copy", NOW)
    assert list(tmp_path.glob("**/*copy*")) == []


def test_a_copy_is_for_its_owner_alone(desk, tmp_path):
    backups.make(desk.desk.store, tmp_path / "copy", NOW)
    for file in (tmp_path / "copy", tmp_path / "copy.json"):
        assert file.stat().st_mode & 0o077 == 0


def test_every_flipped_byte_of_the_file_is_found(desk, tmp_path):
    copy, _ = backups.make(desk.desk.store, tmp_path / "copy", NOW)
    whole = copy.read_bytes()
    for at in range(100, len(whole), len(whole) // 7):
        copy.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        (fault,) = backups.prove(desk.desk.store, copy).faults
        assert "SHA-256" in fault


def test_a_truncated_copy_is_found_without_its_manifest_too(desk, tmp_path):
    copy, _ = backups.make(desk.desk.store, tmp_path / "copy", NOW)
    (tmp_path / "copy.json").unlink()
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    try:
        assert backups.prove(desk.desk.store, copy).faults
    except BackupError as error:
        assert "pg_restore failed" in str(error)  # noqa: PT017  either engine's way to say so


def test_rows_that_went_missing_are_named(store, tmp_path):
    desk = a_desk(store, tmp_path)
    desk.get(a_mail(), "2026-11-02 09:00")
    copy, manifest = backups.make(store, tmp_path / "copy", NOW)
    with sqlite3.connect(copy) as connection:
        connection.execute("DELETE FROM participants")
    connection.close()
    changed = replace(manifest, sha256=backup.digest(copy))
    with backup.opened(store, copy) as opened:
        (fault,) = backup.faults(opened, changed)
    assert fault == "participants: 0 rows, 1 when the copy was made"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE inbox_raw SET raw = CAST(raw || 'x' AS BLOB) WHERE inbox_id = 1", "message 1"),
        ("UPDATE ledger SET actual = actual - 1", "ledger row 1"),
    ],
)
def test_R26_a_row_that_is_not_as_it_was_written_is_named(store, tmp_path, statement, named):
    desk = a_desk(store, tmp_path)
    desk.get(a_mail(), "2026-11-02 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("[tid: 2h]\n", reply_to=notice), "2026-11-02 09:30")
    copy, _ = backups.make(store, tmp_path / "copy", NOW)
    (tmp_path / "copy.json").unlink()
    with sqlite3.connect(copy) as connection:
        connection.execute("DROP TRIGGER ledger_no_update")
        connection.execute(statement)
    connection.close()
    assert any(named in fault for fault in backups.prove(store, copy).faults)


def test_another_desks_copy_is_found(desk, store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    url = store.engine.url.set(database=str(folder / "other.db"))
    backups.make(open_store(str(url)), folder / "empty", NOW)
    other = a_desk(open_store(str(url)), folder)
    other.get(a_mail("Eva <eva@beta.se>"), "2026-11-04 09:00")
    notice = other.mailer.to("anna@example.se")[0]
    other.get(an_engineers_mail("[tid: 2h]\n", reply_to=notice), "2026-11-04 09:30")
    copy, _ = backups.make(other.desk.store, folder / "copy", NOW)
    (fault,) = backups.prove(desk.desk.store, copy).faults
    assert "chain" in fault


def test_a_copy_can_be_proven_where_the_database_is_gone(store, tmp_path):
    desk = a_desk(store, tmp_path)
    desk.get(a_mail(), "2026-11-02 09:00")
    copy, _ = backups.make(store, tmp_path / "copy", NOW)
    gone = open_store(f"sqlite:///{tmp_path}/gone/avtald.db")
    assert backups.prove(gone, copy).faults == ()


def test_what_is_no_copy_is_refused(desk, tmp_path):
    (tmp_path / "text").write_text("no database")
    with pytest.raises(BackupError, match="no copy that avtald backup made"):
        backups.prove(desk.desk.store, tmp_path / "text")
    with pytest.raises(BackupError, match="cannot be read"):
        backups.prove(desk.desk.store, tmp_path / "nothing")


def test_in_a_folder_the_newest_are_kept_and_the_newest_is_proven(store, tmp_path):
    a_desk(store, tmp_path)
    folder = tmp_path / "copies"
    folder.mkdir()
    with pytest.raises(BackupError, match="holds no copy"):
        backups.newest(folder)
    made = [backups.make(store, folder, NOW + dt.timedelta(days=day))[0] for day in range(4)]
    assert made[0].name == "avtald-20261120T031500Z.backup"
    assert backups.newest(folder) == made[-1]
    assert backup.forget(folder, 2) == made[:2]
    left = sorted(each.name for each in folder.iterdir())
    assert left == sorted(name for each in made[2:] for name in (each.name, f"{each.name}.json"))


def test_a_copy_in_the_databases_place_is_the_database(store, tmp_path):
    """The restore as docs/install.md has it: the file is put back."""
    desk = a_desk(store, tmp_path)
    desk.get(a_mail(), "2026-11-02 09:00")
    copy, manifest = backups.make(store, tmp_path / "copy", NOW)
    desk.get(a_customers_mail(1), "2026-11-02 10:00")
    store.close()
    database = Path(store.engine.url.database)
    database.write_bytes(copy.read_bytes())
    again = open_store(f"sqlite:///{database}")
    with again.reading() as tx:
        assert backup.contents(tx).counts == manifest.counts
    desk = a_desk(again, tmp_path)
    desk.get(a_customers_mail(2), "2026-11-02 11:00")
    assert desk.mailer.to("bo@acme.se")
    again.close()


def test_a_dump_read_back_by_hand_is_the_database(pg_store, pg_url, postgresql, tmp_path):
    """The restore as docs/install.md has it for PostgreSQL: a new database, then pg_restore."""
    desk = a_desk(pg_store, tmp_path)
    desk.get(a_mail(), "2026-11-02 09:00")
    copy, manifest = backups.make(pg_store, tmp_path / "copy", NOW)
    name = f"restored_{make_url(pg_url).database}"
    postgresql.run(f"CREATE DATABASE {name} TEMPLATE template0")
    url: URL = make_url(pg_url).set(database=name)
    backup._client(url, "pg_restore", "--no-owner", f"--dbname={name}", str(copy))
    restored = open_store(str(url))
    with restored.reading() as tx:
        assert backup.contents(tx).counts == manifest.counts
    a_desk(restored, tmp_path).get(a_customers_mail(3), "2026-11-02 11:00")
    restored.close()
    postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_no_trace_of_a_restore_test_stays_in_the_server(pg_store, postgresql, tmp_path):
    a_desk(pg_store, tmp_path)
    copy, _ = backups.make(pg_store, tmp_path / "copy", NOW)
    assert backups.prove(pg_store, copy).faults == ()
    with pg_store.reading() as tx:
        names = tx.exec_driver_sql("SELECT datname FROM pg_database").scalars().all()
    assert [name for name in names if name.startswith("avtald_restore_test")] == []


def test_the_password_of_a_dump_is_in_no_argument(pg_store, monkeypatch, tmp_path):
    """S27: other users of the machine read command lines."""
    seen = {}

    def run(command, **options):
        seen.update(command=command, **options)
        raise OSError(0, "stop here")

    store = open_store(str(pg_store.engine.url), password="canary-4711")
    monkeypatch.setattr(backup.subprocess, "run", run)
    with pytest.raises(BackupError):
        backup.make(store, tmp_path / "copy", NOW)
    store.close()
    assert "canary-4711" not in " ".join(seen["command"])
    assert seen["env"]["PGPASSWORD"] == "canary-4711"


def test_the_manifest_is_plain_json_without_a_word_of_anybodys(desk, tmp_path):
    backups.make(desk.desk.store, tmp_path / "copy", NOW)
    text = (tmp_path / "copy.json").read_text(encoding="utf-8")
    assert json.loads(text)["counts"]["tickets"] == 1
    assert "@" not in text
