"""`avtald backup`, `restore-test` and `person`: what they say, and what they exit with."""

import json
import zipfile

import pytest

from tests.builders import REGISTER, a_mail

NOW = ("--now", "2026-11-20T09:00:00+01:00")


@pytest.fixture
def desk(english, avtald):
    """A desk with one ticket of Bo's."""
    (english / "register.toml").write_text(REGISTER, encoding="utf-8")
    (english / "mail.eml").write_bytes(a_mail())
    settings = english / "avtald.toml"
    settings.write_text(settings.read_text().replace("2026-01", "2026-11"))  # nothing to close
    avtald("import", "register.toml")
    avtald("receive", "mail.eml", *NOW)
    avtald("tick", *NOW)
    return english


def test_a_backup_is_proven_by_restore_test(avtald, desk):
    made = avtald("backup", "copy")
    assert made.code == 0
    assert made.out.startswith("copy: ")
    proof = avtald("restore-test", "copy")
    assert (proof.code, proof.err) == (0, "")
    assert "no faults" in proof.out


def test_both_tell_the_same_in_json(avtald, desk):
    made = json.loads(avtald("backup", "copy", "--json", *NOW).out)
    proof = json.loads(avtald("restore-test", "copy", "--json").out)
    assert made["counts"] == proof["counts"]
    assert made["counts"]["tickets"] == 1
    assert (proof["ok"], proof["faults"]) == (True, [])
    assert made["made_at"] == proof["made_at"] == "2026-11-20T08:00:00Z"


def test_a_copy_that_was_altered_exits_1(avtald, desk):
    avtald("backup", "copy")
    with (desk / "copy").open("ab") as copy:
        copy.write(b"x")
    ended = avtald("restore-test", "copy")
    assert ended.code == 1
    assert "SHA-256 differs" in ended.out
    assert "the copy cannot be used" in ended.out


def test_a_backup_overwrites_nothing_and_exits_1(avtald, desk):
    avtald("backup", "copy")
    ended = avtald("backup", "copy")
    assert ended.code == 1
    assert "copy exists already" in ended.err
    assert "Traceback" not in ended.err


def test_keep_needs_a_folder(avtald, desk):
    assert avtald("backup", "copy", "--keep", "3").code == 2
    (desk / "copies").mkdir()
    for hour in range(9, 13):
        now = f"2026-11-20T{hour:02}:00:00Z"
        assert avtald("backup", "copies", "--keep", "3", "--now", now).code == 0
    assert len(list((desk / "copies").glob("*.backup"))) == 3
    assert avtald("restore-test", "copies").out.startswith("copies/avtald-20261120T120000Z.backup")


def test_a_person_is_handed_out_as_a_zip(avtald, desk):
    ended = avtald("person", "export", "bo@acme.se", "bo.zip")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "bo.zip"
    with zipfile.ZipFile(desk / "bo.zip") as archive:
        assert "person.json" in archive.namelist()
    assert avtald("person", "export", "bo@acme.se", "bo.zip").code == 2


def test_an_erasure_asks_first_and_without_a_terminal_wants_yes(avtald, desk):
    ended = avtald("person", "erase", "bo@acme.se")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert "bo@acme.se" in avtald("export").out


def test_a_dry_run_shows_and_an_erasure_does(avtald, desk):
    shown = avtald("person", "erase", "bo@acme.se", "--dry-run", *NOW)
    assert shown.code == 0
    assert shown.out.startswith("would be replaced by person-1@erased.invalid\n  tickets: #1001\n")
    assert "bo@acme.se" in avtald("export").out
    done = avtald("person", "erase", "bo@acme.se", "--yes", *NOW)
    assert done.out.startswith("replaced by person-1@erased.invalid\n")
    assert "outside avtald: the register file" in done.out
    assert "bo@acme.se" not in avtald("export").out + avtald("ticket", "1001").out
    assert (desk / "var" / "erasures.jsonl").is_file()


def test_an_erasure_in_json(avtald, desk):
    told = json.loads(avtald("person", "erase", "bo@acme.se", "--yes", "--json", *NOW).out)
    assert (told["replaced_by"], told["dry_run"]) == ("person-1@erased.invalid", False)
    assert told["tickets"] == [1001]


@pytest.mark.parametrize(
    ("email", "says"),
    [
        ("nobody@nowhere.se", "nothing is kept under"),
        ("no address", "is no mail address"),
        ("anna@example.se", "works here"),
    ],
)
def test_whoever_cannot_be_erased_is_told_why(avtald, desk, email, says):
    ended = avtald("person", "erase", email, "--yes")
    assert ended.code == 2
    assert says in ended.err
