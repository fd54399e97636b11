"""A desk with rows in every table, and its dump: what an upgrade from a release has to carry over.

`python -m tests.store.released_desk` writes released/NNNN.{sqlite,postgresql}.sql.gz for the schema
of this checkout. Run it when a schema is released, and never again for that schema.
"""

import datetime as dt
import gzip
import re
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from daemon.desk.register import erasing
from daemon.desk.reviews.report_sending import send_due_reports
from daemon.desk.reviews.review_meetings import propose_due_meetings
from daemon.store import known_faults, migrations, request_line, rows, token_records
from daemon.store.mail import mailboxes
from daemon.store.schema import tables
from daemon.store.session import Store, open_store
from integrations.files.drafts import FileDrafts
from tests.builders import ADesk, a_desk, a_mail, an_engineers_mail, dated, header_of, instant
from tests.desk.month.billing_stories import Books
from tests.desk.reviews.test_reports import Paper
from tests.servers import Postgres, postgres, program

FOLDER = Path(__file__).with_name("released")
KEY = b"test key for the desk"  # a_desk's

REGISTER = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"
aliases = ["anna.svensson@example.se"]
roles = ["engineer", "manager"]

[[engineers]]
name = "Erik Lind"
email = "erik@example.se"

[[customers]]
key = "acme"
name = "Acme AB"
organisation_number = "556000-0000"
accounting_number = "1001"
your_reference = "Eva Ek"
domains = ["acme.se", "acme.example"]
contacts = [{ name = "Bo Ek", email = "bo@acme.se" }, { name = "Eva Ek", email = "eva@acme.se" }]
reports_to = ["vd@acme.se"]
manager = "anna@example.se"
[[customers.agreements]]
plan = "alert"
from = 2026-01-01
[[customers.agreements]]
plan = "alert"
from = 2027-01-01
monthly_fee = "8400.00"

[[customers]]
key = "beta"
name = "Beta AB"
accounting_number = "1002"
domains = ["beta.se"]
contacts = [{ name = "Cia By", email = "cia@beta.se" }]
reports_to = ["cia@beta.se"]
manager = "anna@example.se"
[[customers.agreements]]
plan = "attend"
from = 2026-11-01

[[customers]]
key = "delta"
name = "Delta AB"
accounting_number = "1004"
domains = ["delta.se"]
contacts = [{ name = "Eve Dahl", email = "eve@delta.se" }]
language = "en"
"""


# --- the story ----------------------------------------------------------------------------------


def live(store: Store, folder: Path) -> ADesk:
    """Two months of a desk, both closed, with a third begun."""
    (folder / "var").mkdir(exist_ok=True)  # the log of erasures lies there (K2)
    desk = a_desk(store, folder, register=REGISTER)
    first = _november(desk)
    desk.close("2026-12-01 06:00", Books())
    _december(desk, first)
    desk.close("2027-01-01 06:00", Books())
    _january(desk)
    _machinery(store)
    return desk


def _november(desk: ADesk) -> bytes:
    """Every kind of mail and tag; gives the notice of the first ticket."""
    desk.get(a_mail(subject="Prio 2: Skrivaren står still", cc="eva@acme.se"), "2026-11-02 09:00")
    first = _notice(desk)
    _answer(desk, first, "Tittar på det.\n[start] [tid: 1h30; felsökning]", "2026-11-02 09:30")
    _answer(desk, first, "[intern] Kabeln igen.\n[tid: 20m ej deb]", "2026-11-02 09:40")
    _answer(desk, first, "Väntar på er.\n[vänta]", "2026-11-02 10:00")
    _reply(desk, "bo@acme.se", "Den står fortfarande still.", "2026-11-03 08:10")
    _answer(desk, first, "Nu går den.\n[tid: 2h] [tid: -30m] [klar]", "2026-11-03 11:00")
    _ask(desk, "Cia By <cia@beta.se>", "Rapporten är tom", "2026-11-05 13:00")
    _answer(
        desk, _notice(desk), "[tid: 7h 2026-11-04] [prio: 1]\nKlart. [klar]", "2026-11-05 15:00"
    )
    _ask(desk, "Eve Dahl <eve@delta.se>", "The printer prints twice", "2026-11-09 10:00")
    _answer(desk, _notice(desk), "Done.\n[time: 45 min]", "2026-11-09 11:00")
    _answer(desk, desk.mailer.to("anna@example.se")[-1], "[ångra]", "2026-11-09 11:05")
    _answer(desk, _notice(desk), "Done now.\n[time: 50 min] [assign: erik]", "2026-11-09 11:10")
    _ask(desk, "Okänd Person <okand@privat.se>", "Hjälp", "2026-11-10 10:00")
    _answer(desk, _notice(desk), "[kund: beta] [tid: 15m]", "2026-11-10 10:30")
    desk.get(a_mail("Anna Svensson <anna@example.se>", "[#1001] x"), "2026-11-11 10:00")  # held
    spoken = "[för: bo@acme.se] Han ringde om lagret.\n[tid: 14h 2026-11-11]"
    desk.get(an_engineers_mail(spoken, subject="Lagret"), "2026-11-12 08:00")
    desk.get(a_mail(subject="saldo", text="saldo"), "2026-11-13 08:00")
    _ask(desk, "Bo Ek <bo@acme.se>", "Samma skrivare", "2026-11-16 08:00")
    _answer(desk, _notice(desk), "[slå ihop: 1001]", "2026-11-16 08:20")
    away = a_mail(subject="Frånvaro", headers=[("Auto-Submitted", "auto-replied")])
    desk.get(away, "2026-11-17 08:00")
    once = dated(a_mail(subject="En enda gång"), "2026-11-18 08:00")
    desk.get(once, "2026-11-18 08:00")
    desk.get(once, "2026-11-18 08:01")  # B3: one message, two deliveries
    return first


def _december(desk: ADesk, first: bytes) -> None:
    """Late and corrected time, an overdrawn bank, a person who leaves."""
    _answer(desk, first, "[tid: 16h 2026-11-26]", "2026-12-02 09:00")
    _answer(desk, desk.mailer.to("anna@example.se")[-1], "OK", "2026-12-02 09:05")
    _answer(desk, first, "[tid: -1h 2026-11-03]", "2026-12-03 09:00")
    _ask(desk, "Gun Lo <gun@beta.se>", "Var är min faktura?", "2026-12-07 09:00")
    _answer(desk, _notice(desk), "Här.\n[tid: 3h] [klar]", "2026-12-07 10:00")
    papers = FileDrafts(desk.desk.settings.desk.state_dir / "drafts")
    erasing.erase(desk.desk, "gun@beta.se", instant("2026-12-15 09:00"), papers)


def _january(desk: ADesk) -> None:
    """Reports and meetings of what has ended, and a ticket that is open."""
    for step in (send_due_reports, propose_due_meetings):
        while step(desk.desk, Paper(), instant("2027-01-04 08:00")):
            pass
    desk.work("2027-01-04 08:00")
    _ask(desk, "Bo Ek <bo@acme.se>", "Prio 3: Ny dator", "2027-01-04 09:00")


def _machinery(store: Store) -> None:
    """What mailboxes, accounting and several processes leave behind."""
    at = instant("2027-01-04 09:05")
    record = token_records.TokenRecord(store, "fortnox")
    record.write(b"sealed \x00\xff bytes")
    request_line.RequestLine(store, "fortnox").take(at.timestamp(), 0.25)
    with store.writing() as tx:
        rows.keep_fact(tx, "desk-key", KEY.hex())
        mailboxes.note(tx, "support@imap.example.se", polled_at=at, uidvalidity=4711)
        known_faults.raise_once(tx, "mailbox:support", "no login", at)
        known_faults.raise_once(tx, "disk", "no room", at)
        known_faults.clear(tx, "disk", at + dt.timedelta(hours=1))
        tx.execute(tables.leases.insert().values(name="close", owner="helpdesk:7:1", until=at))
        tx.execute(tables.due.insert().values(kind="look-up", key="1", run_at=at, data={"n": 1}))


def _ask(desk: ADesk, sender: str, subject: str, at: str) -> None:
    desk.get(a_mail(sender, subject, f"Hej!\n\n{subject}.\n", message_id=f"<{at[5:13]}@x>"), at)


def _reply(desk: ADesk, sender: str, said: str, at: str) -> None:
    answered = desk.mailer.to(sender)[-1]
    desk.get(a_mail(sender, "SV: ärende", said, reply_to=answered), at)


def _answer(desk: ADesk, to: bytes, said: str, at: str) -> None:
    desk.get(an_engineers_mail(f"{said}\n", reply_to=to), at)


def _notice(desk: ADesk) -> bytes:
    """The newest mail to Anna that tells of a ticket."""
    told = desk.mailer.to("anna@example.se")
    return next(raw for raw in reversed(told) if "[#" in header_of(raw, "Subject"))


# --- the dump -----------------------------------------------------------------------------------


def dump_sqlite(store: Store, file: Path) -> None:
    """The statements that make the database again."""
    with closing(store.engine.raw_connection()) as connection:
        lines = list(connection.driver_connection.iterdump())
    _keep(file, "\n".join(lines))


def dump_postgresql(cluster: Postgres, name: str, file: Path) -> None:
    """The same of PostgreSQL, without what only one version of its server knows."""
    command = program("pg_dump", "postgresql-client", "usr/lib/postgresql/*/bin")
    options = ["--inserts", "--no-owner", "--no-privileges", "--no-comments"]
    where = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", "avtald", name]
    made = subprocess.run([command, *options, *where], capture_output=True, text=True, check=True)
    kept = re.sub(
        r"^(--.*|SET .*|\\.*|SELECT pg_catalog\.set_config.*|)\n",
        "",
        made.stdout,
        flags=re.MULTILINE,
    )
    _keep(file, kept)


def _keep(file: Path, statements: str) -> None:
    file.write_bytes(gzip.compress(statements.encode(), mtime=0))


def read(file: Path) -> str:
    """The statements of a dump."""
    return gzip.decompress(file.read_bytes()).decode()


def write() -> None:
    """Write both dumps."""
    newest = migrations.newest()
    with tempfile.TemporaryDirectory() as home, postgres() as cluster:
        store = open_store(f"sqlite:///{home}/avtald.db")
        migrations.upgrade(store)
        live(store, Path(home))
        dump_sqlite(store, FOLDER / f"{newest}.sqlite.sql.gz")
        store.close()
        cluster.run("CREATE DATABASE released")
        store = open_store(cluster.url("released"))
        migrations.upgrade(store)
        live(store, Path(home))
        store.close()
        dump_postgresql(cluster, "released", FOLDER / f"{newest}.postgresql.sql.gz")


if __name__ == "__main__":
    write()
