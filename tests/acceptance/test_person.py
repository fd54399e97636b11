"""K2: what is kept of a person is handed out whole, and erased but for what the law keeps."""

import datetime as dt
import json
import zipfile
from dataclasses import replace

import pytest
from sqlalchemy import JSON, LargeBinary, Text, cast, select

from daemon.desk.register import erasing
from daemon.desk.register import persons as handing_out
from daemon.desk.upkeep import backups, retention, verify
from daemon.domain.keeping import kept_until
from daemon.store.keeping import backup
from daemon.store.money import statements
from daemon.store.schema.tables import events, metadata
from daemon.store.session import open_store
from integrations.files.drafts import FileDrafts
from parsers.mentions import Person
from tests.builders import (
    REGISTER,
    SETTINGS,
    a_desk,
    a_mail,
    an_engineers_mail,
    dated,
    instant,
    text_of,
)

NOW = instant("2027-02-01 09:00")
EVA = "eva.lund@acme.se"
NAMES = ("Eva Lund", EVA)
WITH_EVA = REGISTER.replace(
    '{ name = "Bo Ek", email = "bo@acme.se" }',
    '{ name = "Bo Ek", email = "bo@acme.se" }, { name = "Eva Lund", email = "eva.lund@acme.se" }',
).replace('domains = ["acme.se"]', f'domains = ["acme.se"]\nreports_to = ["{EVA}", "vd@acme.se"]')


def a_story(store, tmp_path, files):
    """A desk where Eva wrote, Bo wrote of her, time was booked, and November was closed."""
    made = a_desk(store, tmp_path, register=WITH_EVA)
    (made.desk.settings.desk.state_dir).mkdir(exist_ok=True)
    made.get(
        a_mail(f"Eva Lund <{EVA}>", "Eva Lund behöver hjälp", "Ring Eva Lund, 070-1234567.\n"),
        "2026-11-02 09:00",
    )
    notice = made.mailer.to("anna@example.se")[0]
    made.get(
        an_engineers_mail(
            f"Hej Eva Lund,\nklart nu ({EVA}).\n[tid: 2h; samtal med Eva Lund] [klar]\n",
            reply_to=notice,
        ),
        "2026-11-02 09:30",
    )
    made.get(
        a_mail(
            "Bo Ek <bo@acme.se>",
            "Ny skärm",
            f"Åt Eva Lund, {EVA}. Låt jumbo-{EVA} vara.\n",
            cc=f"Eva Lund <{EVA}>",
        ),
        "2026-11-03 09:00",
    )
    made.close("2026-12-01 06:00", files)
    return made


@pytest.fixture
def desk(store, tmp_path, files):
    return a_story(store, tmp_path, files)


@pytest.fixture
def any_desk(any_store, tmp_path, files):
    """The same on each engine in turn."""
    return a_story(any_store, tmp_path, files)


@pytest.fixture
def files(tmp_path):
    return FileDrafts(tmp_path / "drafts")


def everything(store) -> str:
    """Every text, every JSON and every mail of the database, but what the law keeps."""
    said = []
    with store.reading() as tx:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Text | JSON):
                    said += tx.scalars(select(cast(column, Text)))
                elif isinstance(column.type, LargeBinary):
                    raws = [bytes(raw) for raw in tx.scalars(select(column)) if raw is not None]
                    said += [raw.decode("utf-8", "replace") + text_of(raw) for raw in raws]
    return "\n".join(each for each in said if each)


def papers(desk) -> FileDrafts:
    return FileDrafts(desk.settings.desk.state_dir / "drafts")


def erase(desk, address: str = EVA, now: dt.datetime = NOW):
    return erasing.erase(desk.desk, address, now, papers(desk.desk))


def accounting(store):
    """What the law keeps, and the chain over it."""
    with store.reading() as tx:
        rows = {
            name: [tuple(row) for row in tx.execute(select(metadata.tables[name]))]
            for name in ("statements", "statement_rows", "chain")
        }
        ledger = metadata.tables["ledger"]
        sealed = [column for column in ledger.c if column.name != "note"]
        rows["ledger"] = [tuple(row) for row in tx.execute(select(*sealed))]
    return rows


# --- erasing ------------------------------------------------------------------------------------


def test_S29_neither_name_nor_address_is_left_in_any_table(any_desk):
    before = everything(any_desk.desk.store)
    assert all(name in before for name in NAMES)
    erase(any_desk)
    after = everything(any_desk.desk.store).replace(f"jumbo-{EVA}", "")
    assert [name for name in NAMES if name.casefold() in after.casefold()] == []
    assert "070-1234567" not in after
    assert "person-1@erased.invalid" in after


def test_an_address_that_merely_ends_alike_is_somebody_elses():
    eva = Person((EVA,), ())
    assert eva.address.findall(f"x{EVA} {EVA}x {EVA}.org +{EVA} jumbo-{EVA}") == []
    assert len(eva.address.findall(f"<{EVA}>, {EVA.upper()}. ({EVA})")) == 3


def test_ledger_statements_and_chain_stay_as_they_were(any_desk):
    kept = accounting(any_desk.desk.store)
    assert all(kept.values())
    erase(any_desk)
    assert accounting(any_desk.desk.store) == kept
    with any_desk.desk.store.reading() as tx:
        assert verify.prove(tx).faults == []


def test_others_keep_their_tickets_and_what_they_said(any_desk):
    erase(any_desk)
    after = everything(any_desk.desk.store)
    assert "Bo Ek" in after
    assert "klart nu (person-1@erased.invalid)" in after
    assert "Åt Person 1, person-1@erased.invalid" in after


def test_the_report_tells_what_the_law_keeps_and_until_when(desk):
    report = erase(desk)
    assert report.replaced_by == "person-1@erased.invalid"
    assert (report.contacts, list(report.tickets)) == (1, [1001, 1002])
    assert report.messages == 1
    assert report.mails >= 4
    (kept,) = report.kept
    assert kept.until == dt.date(2033, 12, 31)
    assert (kept.ledger_rows, kept.statements) == (1, 1)
    assert not [name for name in NAMES if name in json.dumps(report.to_json())]


def test_a_dry_run_tells_the_same_and_changes_nothing(any_desk):
    store = any_desk.desk.store
    before = everything(store)
    told = erasing.look(any_desk.desk, EVA, papers(any_desk.desk))
    assert everything(store) == before
    assert erase(any_desk) == told


def test_nothing_more_is_sent_to_an_erased_person(desk):
    erase(desk)
    sent = len(desk.mailer.sent)
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("En sak till.\n", reply_to=notice), "2027-02-01 10:00")
    new = [address for address, _ in desk.mailer.sent[sent:]]
    assert "anna@example.se" in new  # the receipt: nobody was told
    assert not [address for address in new if address.endswith(".invalid") or address == EVA]


def test_the_same_mail_once_more_has_no_second_effect_B3(desk):
    erase(desk)
    raw = a_mail(f"Eva Lund <{EVA}>", "Eva Lund behöver hjälp", "Ring Eva Lund, 070-1234567.\n")
    desk.get(dated(raw, "2026-11-02 09:00"), "2027-02-01 10:00")
    assert EVA not in everything(desk.desk.store).replace(f"jumbo-{EVA}", "")


def test_somebody_who_comes_back_is_another_number(desk):
    erase(desk)
    desk.get(a_mail(f"Eva Lund <{EVA}>", "Hej igen"), "2027-02-02 10:00")
    assert erase(desk, now=instant("2027-02-03 10:00")).replaced_by == "person-2@erased.invalid"


def test_whoever_works_here_is_not_erased_before_the_register_ends_them(desk):
    with pytest.raises(handing_out.PersonError, match="active = false"):
        erase(desk, "anna@example.se")


def test_nobody_is_erased_while_their_mail_waits(desk):
    desk.receive(a_mail(f"Eva Lund <{EVA}>", "Sist"), "2027-01-31 10:00")
    with desk.desk.store.writing() as tx:
        tx.execute(
            metadata.tables["inbox"]
            .update()
            .values(sender=EVA)
            .where(metadata.tables["inbox"].c.state == "new")
        )
    with pytest.raises(handing_out.PersonError, match="avtald tick"):
        erase(desk)


def test_an_address_that_nobody_knows_is_said(desk):
    with pytest.raises(handing_out.PersonError, match="nothing is kept under"):
        erase(desk, "nobody@nowhere.se")


def test_K1_an_erasure_is_an_event_without_a_name(desk):
    erase(desk)
    with desk.desk.store.reading() as tx:
        (event,) = tx.execute(select(events).where(events.c.kind == "person-erased"))
    assert event.data["replaced_by"] == "person-1@erased.invalid"


# --- after a restore ----------------------------------------------------------------------------


def test_a_restored_copy_is_erased_again(desk, tmp_path):
    copy, _ = backups.make(desk.desk.store, tmp_path / "copy", NOW)
    erase(desk)
    restored = open_store(f"sqlite:///{copy}")
    again = a_desk_on(desk, restored)
    assert EVA in everything(restored)
    assert erasing.replay(again, NOW, papers(again)) == 1
    after = everything(restored).replace(f"jumbo-{EVA}", "")
    assert not [name for name in NAMES if name in after]
    assert "person-1@erased.invalid" in after
    assert erasing.replay(again, NOW, papers(again)) == 0
    restored.close()


def a_desk_on(desk, store):
    return replace(desk.desk, store=store)


def test_the_log_names_nobody_and_a_torn_last_line_is_no_line(desk):
    erase(desk)
    log = erasing.log_file(desk.desk)
    whole = log.read_text()
    assert not [name for name in NAMES if name in whole]
    log.write_text(whole + whole[:20])
    assert erasing.replay(desk.desk, NOW, papers(desk.desk)) == 0
    assert log.stat().st_mode & 0o077 == 0


def test_a_log_line_that_a_crash_kept_back_is_written_by_the_next(desk):
    erase(desk)
    erasing.log_file(desk.desk).unlink()
    erasing.keep_log(desk.desk)
    erasing.keep_log(desk.desk)
    assert len(erasing.log_file(desk.desk).read_text().splitlines()) == 1


# --- handing out --------------------------------------------------------------------------------


def test_an_export_has_the_rows_and_the_mails(any_desk, tmp_path):
    counts = handing_out.export(any_desk.desk, EVA, tmp_path / "eva.zip").counts
    with zipfile.ZipFile(tmp_path / "eva.zip") as archive:
        told = json.loads(archive.read("person.json"))
        mails = [archive.read(name) for name in archive.namelist() if name.endswith(".eml")]
    assert told["contacts"][0]["name"] == "Eva Lund"
    assert {each["number"] for each in told["tickets"]} == {1001, 1002}
    assert any("070-1234567" in text_of(mail) for mail in mails)
    assert counts["mails"] == len(mails) > 1
    assert (tmp_path / "eva.zip").stat().st_mode & 0o077 == 0


def test_an_export_holds_no_other_persons_messages(desk, tmp_path):
    handing_out.export(desk.desk, "bo@acme.se", tmp_path / "bo.zip")
    with zipfile.ZipFile(tmp_path / "bo.zip") as archive:
        assert "070-1234567" not in archive.read("person.json").decode()


def test_an_export_overwrites_nothing(desk, tmp_path):
    (tmp_path / "there").write_text("x")
    with pytest.raises(handing_out.PersonError, match="exists already"):
        handing_out.export(desk.desk, EVA, tmp_path / "there")
    with pytest.raises(handing_out.PersonError, match="nothing is kept"):
        handing_out.export(desk.desk, "nobody@nowhere.se", tmp_path / "nobody.zip")


# --- the law's years ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "last_month", "until"),
    [
        ("2026-11-30", 12, "2033-12-31"),
        ("2026-12-31", 12, "2033-12-31"),
        ("2027-01-01", 12, "2034-12-31"),
        ("2026-06-30", 6, "2033-12-31"),
        ("2026-07-01", 6, "2034-12-31"),
        ("2026-04-30", 4, "2033-12-31"),
    ],
)
def test_kept_to_the_end_of_the_seventh_year_after_the_financial_year(day, last_month, until):
    assert kept_until(dt.date.fromisoformat(day), last_month) == dt.date.fromisoformat(until)


# --- retention ----------------------------------------------------------------------------------


@pytest.fixture
def short(any_store, tmp_path):
    """A desk that keeps mail for 30 days."""
    settings = SETTINGS + '\n[keeping]\nmail_for = "30d"\n'
    made = a_desk(any_store, tmp_path, settings=settings)
    made.get(a_mail(text="Det gamla felet.\n"), "2026-11-02 09:00")
    notice = made.mailer.to("anna@example.se")[0]
    made.get(an_engineers_mail("Lagat. [tid: 1h] [klar]\n", reply_to=notice), "2026-11-02 09:30")
    made.get(a_mail(subject="Öppet", text="Det öppna felet.\n"), "2026-11-02 10:00")
    return made


def retain(desk, at: str) -> int:
    rounds = 0
    while retention.step(desk.desk, instant(at)):
        rounds += 1
    return rounds


def test_mail_goes_when_its_time_is_out_and_an_open_tickets_stays(short):
    assert retain(short, "2026-11-30 09:00") == 0
    assert "Det gamla felet" in everything(short.desk.store)
    assert retain(short, "2026-12-03 09:00") == 1
    left = everything(short.desk.store)
    assert "Det gamla felet" not in left
    assert "Det öppna felet" in left


def test_retention_leaves_time_and_chain(short):
    kept = accounting(short.desk.store)
    retain(short, "2027-12-03 09:00")
    assert accounting(short.desk.store) == kept


def test_retention_looks_once_a_day(short):
    retain(short, "2026-12-03 09:00")
    short.get(a_mail("Eva <eva@beta.se>", "Ny", "Nytt fel.\n"), "2026-12-03 10:00")
    assert retain(short, "2026-12-03 23:00") == 0
    assert retain(short, "2026-12-04 09:00") == 0


def test_without_the_setting_mail_is_kept_for_ever(desk):
    assert retain(desk, "2040-01-01 09:00") == 0
    assert "070-1234567" in everything(desk.desk.store)


def test_an_erased_desk_still_prints_its_statements(desk):
    with desk.desk.store.reading() as tx:
        before = [statements.printed_rows(tx, each.id) for each in statements.listing(tx)]
    erase(desk)
    with desk.desk.store.reading() as tx:
        assert [statements.printed_rows(tx, each.id) for each in statements.listing(tx)] == before
        assert backup.contents(tx).chain_length > 0
