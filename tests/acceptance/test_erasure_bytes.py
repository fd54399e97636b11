"""K2: after an erasure no byte of the person is left in any file; the files themselves are read."""

import base64
import datetime as dt
import json
import os
import quopri
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import text

from daemon.desk.register import erasing, erasure
from daemon.desk.upkeep import backups, verify
from daemon.domain.wording import speaker
from daemon.store import migrations, session
from daemon.store.session import open_store
from integrations.files.drafts import FileDrafts
from integrations.pdf import WeasyPrinter
from tests.builders import SETTINGS, ADesk, a_desk, a_mail, an_engineers_mail, instant

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
NOW = instant("2027-02-01 09:00")
FIRST = ["Åsa-Märta", "Jörgen", "Zoë", "Lars-Erik", "D'Arcy", "Élodie", "Gun", "Per Anders"]
LAST = ["Öberg", "O'Brien", "Ångström-Ek", "Müller", "af Trolle", "Næss", "Lundqvist"]
SYLLABLES = ["tra", "vel", "kön", "sim", "rud", "ås", "plin", "gö", "mek", "dro", "färs", "ut"]


@dataclass(frozen=True)
class Somebody:
    """A person who stands nowhere else, with words that nobody else uses."""

    name: str
    address: str
    words: tuple[str, ...]


def somebody(seed: int) -> Somebody:
    chance = random.Random(seed)
    first, last = chance.choice(FIRST), chance.choice(LAST)
    plain = unicodedata.normalize("NFD", f"{first}.{last}").encode("ascii", "ignore").decode()
    local = plain.replace(" ", "").lower() + chance.choice(["", "+support", "-2"])
    words = tuple("".join(chance.choices(SYLLABLES, k=5)) for _ in range(8))
    return Somebody(f"{first} {last}", f"{local}@acme.se", words)


def forms(said: str) -> Iterator[bytes]:
    """The bytes of a text in every encoding in which a file of ours could have it."""
    for word in {said, said.lower(), said.upper(), unicodedata.normalize("NFD", said)}:
        yield word.encode()
        yield word.encode("latin-1", "replace")
        yield word.encode("utf-16-le")
        yield word.encode("utf-16-be")
        yield json.dumps(word)[1:-1].encode()
        yield quopri.encodestring(word.encode(), quotetabs=False)
        yield quopri.encodestring(word.encode(), header=True)
        for shift in range(3):  # whatever stands before it in a run of base64
            whole = base64.b64encode(b"x" * shift + word.encode())
            yield whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]


def hits(folder: Path, person: Somebody, leave_out: str = "$.") -> dict[str, list[str]]:
    """The files that have the name, the address or a word, with what they have."""
    needles = {
        form: said
        for said in (person.name, person.address, *person.words)
        for form in forms(said)
        if len(form) > 5
    }
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not re.search(leave_out, str(path)):
            data = path.read_bytes()
            told = {said for form, said in needles.items() if form in data}
            if told:
                found[str(path.relative_to(folder))] = sorted(told)
    return found


def a_register(person: Somebody) -> str:
    return f"""
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"

[[customers]]
key = "acme"
name = "Acme AB"
accounting_number = "1001"
your_reference = "{person.name}"
domains = ["acme.se"]
contacts = [{{ name = "Bo Ek", email = "bo@acme.se" }},
  {{ name = "{person.name}", email = "{person.address}" }}]
reports_to = ["{person.address}", "vd@acme.se"]

[[customers.agreements]]
plan = "alert"
from = 2026-01-01
"""


def her_mail(person: Somebody, seed: int) -> bytes:
    """A mail of hers with her words as text, as HTML and in attachments of three kinds."""
    chance = random.Random(seed)
    mail = EmailMessage()
    mail["From"] = f'"{person.name}" <{person.address}>'
    mail["To"], mail["Subject"] = "support@example.se", f"Om {person.words[0]} igen"
    mail["Date"] = "Mon, 02 Nov 2026 10:00:00 +0100"
    mail["Message-ID"] = f"<{seed}.{person.address}>"
    said = " ".join(person.words)
    cte = chance.choice(["8bit", "quoted-printable", "base64"])
    mail.set_content(f"Hej, {said} står still.\nHälsningar\n{person.name}\n", cte=cte)
    mail.add_alternative(f"<p>Hej, <b>{said}</b> står still. {person.name}</p>", subtype="html")
    mail.add_attachment(
        f"{person.words[1]};{person.name}\n".encode(),
        maintype="text",
        subtype="csv",
        filename=f"{person.name}.csv",
    )
    mail.add_attachment(
        bytes(chance.randrange(256) for _ in range(3000)) + person.words[2].encode("utf-16-le"),
        maintype="application",
        subtype="octet-stream",
        filename=f"{person.words[3]}.bin",
    )
    return mail.as_bytes()


def a_colleagues_list(person: Somebody) -> bytes:
    """A colleague's mail that names her in an attachment alone."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Bo Ek <bo@acme.se>", "support@example.se"
    mail["Subject"], mail["Message-ID"] = "Nya telefoner", "<lista@acme.se>"
    mail["Date"] = "Mon, 02 Nov 2026 11:00:00 +0100"
    mail.set_content("Listan ligger med.\n")
    mail.add_attachment(
        f"nr;namn;adress\n1;{person.name};{person.address}\n".encode("utf-16"),
        maintype="application",
        subtype="octet-stream",
        filename="telefoner.csv",
    )
    return mail.as_bytes()


def live(desk: ADesk, person: Somebody, seed: int) -> None:
    """A month in which she writes, others write of her, and finance gets a draft."""
    desk.get(her_mail(person, seed), "2026-11-02 09:00")
    notice = desk.mailer.to("anna@example.se")[-1]
    answer = f"Hej {person.name},\nklart nu.\n[tid: 2h; samtal med {person.name}] [klar]\n"
    desk.get(an_engineers_mail(answer, reply_to=notice), "2026-11-02 10:30")
    desk.get(a_colleagues_list(person), "2026-11-03 09:00")
    upper = person.name.upper()
    desk.get(
        a_mail(
            "Bo Ek <bo@acme.se>",
            f"Till {person.name}",
            f"{upper}s skärm är trasig.\n",
            cc=f"{person.address}",
        ),
        "2026-11-04 09:00",
    )
    for n in range(12):  # others' rows move hers about in the file
        desk.get(a_mail("Bo Ek <bo@acme.se>", f"Sak {n}", f"Nummer {n}.\n" * n), "2026-11-05 09:00")
    desk.close("2026-12-01 06:00", papers(desk))


def papers(desk: ADesk) -> FileDrafts:
    return FileDrafts(desk.desk.settings.desk.state_dir / "drafts", WeasyPrinter())


def erased(desk: ADesk, person: Somebody):
    return erasing.erase(desk.desk, person.address, NOW, papers(desk))


def a_lived_desk(folder: Path, url: str, seed: int) -> tuple[ADesk, Somebody]:
    person = somebody(seed)
    (folder / "var").mkdir(exist_ok=True)
    store = open_store(url)
    migrations.ensure(store)
    desk = a_desk(store, folder, register=a_register(person))
    (folder / "register.toml").unlink()
    live(desk, person, seed)
    return desk, person


def proven(desk: ADesk) -> list:
    with desk.desk.store.reading() as tx:
        return list(verify.prove(tx).faults)


LONG = [pytest.param(seed, marks=pytest.mark.long) for seed in range(100, 140)]


@pytest.mark.parametrize("mode", ["PERSIST", "WAL"])
@pytest.mark.parametrize("seed", [1, 2, 3, *LONG])
def test_on_sqlite_no_byte_of_her_is_left_in_any_file_K2(tmp_path, monkeypatch, mode, seed):
    monkeypatch.setattr(session, "wal_is_safe", lambda _: mode == "WAL")
    desk, person = a_lived_desk(tmp_path, f"sqlite:///{tmp_path}/var/avtald.db", seed)
    with desk.desk.store.reading() as tx:
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar_one() == mode.lower()
    before = hits(tmp_path, person)
    assert {"var/avtald.db", "var/avtald.db-wal"} & set(before)
    assert "var/drafts/1-AVT-acme-2026-11.json" in before
    report = erased(desk, person)
    assert hits(tmp_path, person) == {}
    assert proven(desk) == []
    assert report.drafts == ("1-AVT-acme-2026-11.json",)
    desk.desk.store.close()
    assert hits(tmp_path, person) == {}


def test_on_postgresql_no_byte_of_her_is_left_in_the_data_files_K2(tmp_path, pg_url):
    desk, person = a_lived_desk(tmp_path, pg_url, 4)
    with desk.desk.store.reading() as tx:
        tx.execute(text("SELECT 1"))
        place = Path(tx.exec_driver_sql("SHOW data_directory").scalar_one())
    with desk.desk.store.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
        connection.exec_driver_sql("CHECKPOINT")
    assert hits(place, person, "/pg_wal/")
    report = erased(desk, person)
    assert hits(place, person, "/pg_wal/") == {}
    assert hits(tmp_path, person) == {}
    assert proven(desk) == []
    assert "wal" in report.places
    desk.desk.store.close()


def test_a_drafts_amounts_and_number_are_as_before_K2(tmp_path):
    desk, person = a_lived_desk(tmp_path, f"sqlite:///{tmp_path}/var/avtald.db", 5)
    (before,) = papers(desk).changed_since(None)
    erased(desk, person)
    (after,) = papers(desk).changed_since(None)
    assert after == before
    draft = json.loads((tmp_path / "var/drafts/1-AVT-acme-2026-11.json").read_text())
    assert (draft["your_reference"], draft["customer_name"]) == ("", "Acme AB")
    assert (tmp_path / "var/drafts/1-AVT-acme-2026-11.pdf").exists()
    desk.desk.store.close()


# --- killed, and finished -----------------------------------------------------------------------

DIES = """
import importlib, os, signal, sys
module, name, when = sys.argv[1:4]
module = importlib.import_module(module)
whole = getattr(module, name)
def dying(*given, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = whole(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, dying)
from daemon.cli.main import run
sys.exit(run(sys.argv[4:]))
"""
MOMENTS = [
    ("daemon.desk.register.erasing", "_papers", "before"),
    ("daemon.desk.register.erasing", "_papers", "after"),
    ("daemon.desk.register.erasing", "_rows", "after"),
    ("daemon.desk.register.erasing", "_note", "after"),
    ("daemon.desk.register.erasing", "keep_log", "before"),
    ("daemon.desk.register.erasing", "keep_log", "after"),
    ("daemon.store.keeping.traces", "_settle_search", "after"),
    ("daemon.store.keeping.traces", "_is_wal", "before"),
    ("daemon.store.keeping.traces", "wipe", "after"),
]


def a_desk_of_files(folder: Path, seed: int) -> Somebody:
    """A lived desk at rest, as the command finds it."""
    desk, person = a_lived_desk(folder, f"sqlite:///{folder}/var/avtald.db", seed)
    desk.desk.store.close()
    return person


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A lived desk, to be copied."""
    folder = tmp_path_factory.mktemp("lived")
    return folder, a_desk_of_files(folder, 6)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: "-".join(moment[1:]))
def test_an_erasure_that_is_killed_is_finished_by_the_next_tick_K2(tmp_path, lived, moment):
    folder, person = lived
    shutil.copytree(folder, tmp_path / "desk")
    place = tmp_path / "desk"
    killed = command(place, "-c", DIES, *moment, "person", "erase", person.address, "--yes")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert command(place, "-m", "daemon", "verify").returncode == 1
    ended = command(place, "-m", "daemon", "tick", "--now", "2027-02-01T10:00:00+01:00")
    assert ended.returncode in {0, 75}, ended.stderr  # 75: no outgoing server is named
    assert hits(place, person) == {}
    proof = command(place, "-m", "daemon", "verify")
    assert proof.returncode == 0, proof.stdout
    again = command(place, "-m", "daemon", "person", "erase", person.address, "--yes")
    assert again.returncode == 2
    assert len((place / "var/erasures.jsonl").read_text().splitlines()) == 1


@pytest.mark.long
@pytest.mark.parametrize("seed", range(40))
def test_an_erasure_that_is_killed_at_any_instant_is_finished_K2(tmp_path, lived, seed):
    folder, person = lived
    shutil.copytree(folder, tmp_path / "desk")
    place = tmp_path / "desk"
    words = [sys.executable, "-m", "daemon", "person", "erase", person.address, "--yes"]
    with subprocess.Popen(words, cwd=place, env=ENVIRONMENT) as process:
        time.sleep(random.Random(seed).uniform(0.5, 6))
        process.kill()
    command(place, "-m", "daemon", "tick", "--now", "2027-02-01T10:00:00+01:00")
    if "erasures.jsonl" in {path.name for path in (place / "var").iterdir()}:
        assert hits(place, person) == {}
    assert command(place, "-m", "daemon", "verify").returncode == 0


# --- what stays is told -------------------------------------------------------------------------


def test_what_stays_is_listed_with_where_and_until_when_K2(tmp_path):
    settings = SETTINGS + '\n[keeping]\nmail_for = "365d"\n'
    desk = a_desk(open_fresh(tmp_path), tmp_path, settings=settings, register=a_register(EVA))
    said = "Brevlådan på plan sju har varit tom sedan i måndags eftermiddag."
    desk.get(a_mail(f"{EVA.name} <{EVA.address}>", "Brevlådan", said), "2026-11-02 09:00")
    notice = desk.mailer.to("anna@example.se")[-1]
    with desk.desk.store.reading() as tx:
        number = tx.scalar(text("SELECT max(number) FROM tickets"))
    about = EmailMessage()
    about["From"], about["To"] = "Bo Ek <bo@acme.se>", "support@example.se"
    about["Subject"], about["Message-ID"] = f"Bild [#{number}]", "<bild@acme.se>"
    about.set_content("Se bilden.\n")
    about.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="bild.png")
    desk.get(about.as_bytes(), "2026-11-02 09:30")
    reply = f"Hej Eva, klart.\n[klar]\n\n> {said}\n"
    desk.get(an_engineers_mail(reply, reply_to=notice), "2026-11-02 10:00")
    first, _ = backups.make(desk.desk.store, tmp_path / "en.backup", instant("2027-01-01 02:00"), 3)
    second, _ = backups.make(
        desk.desk.store, tmp_path / "två.backup", instant("2027-01-08 02:00"), 3
    )
    told = erasing.look(desk.desk, EVA.address, papers(desk))
    report = erased(desk, EVA)
    assert told == report
    assert {(each.ticket, *each.why) for each in report.others} == {
        (number, "name", "quote"),
        (number, "attachment"),
    }
    assert {each.until for each in report.others} == {dt.date(2027, 11, 2)}
    assert [(each.file, str(each.until)) for each in report.copies] == [
        (str(first), "2027-01-22"),
        (str(second), "2027-01-29"),
    ]
    for language in ("sv", "en"):
        lines = "\n".join(erasure.lines(report, speaker(language), dry_run=False))
        assert all(
            each in lines for each in ("en.backup", "2027-01-22", f"#{number}", "2027-11-02")
        )
    assert report.to_json()["copies"][0]["until"] == "2027-01-22"
    assert EVA.name not in json.dumps(report.to_json(), ensure_ascii=False)
    desk.desk.store.close()


def test_a_namesake_keeps_her_name_K2(tmp_path):
    register = a_register(EVA) + (
        '[[customers]]\nkey = "beta"\nname = "Beta AB"\ndomains = ["beta.se"]\n'
        f'contacts = [{{ name = "{EVA.name}", email = "eva@beta.se" }}]\n'
    )
    desk = a_desk(open_fresh(tmp_path), tmp_path, register=register)
    desk.get(a_mail(f"{EVA.name} <eva@beta.se>", "Ett", f"Hälsar {EVA.name}"), "2026-11-02 09:00")
    desk.get(a_mail(f"{EVA.name} <{EVA.address}>", "Två", f"Hälsar {EVA.name}"), "2026-11-02 09:00")
    report = erased(desk, EVA)
    assert report.namesakes
    with desk.desk.store.reading() as tx:
        names = set(tx.scalars(text("SELECT name FROM contacts")))
        said = list(tx.scalars(text("SELECT text FROM ticket_messages ORDER BY id")))
    assert names == {"Bo Ek", "Person 1", EVA.name}
    assert said == [f"Hälsar {EVA.name}", "[raderat]"]
    desk.desk.store.close()


EVA = Somebody("Eva Lund", "eva.lund@acme.se", ())


def open_fresh(folder: Path):
    (folder / "var").mkdir()
    store = open_store(f"sqlite:///{folder}/var/avtald.db")
    migrations.ensure(store)
    return store
