"""The log: one line an event, one number follows a mail, nobody's address and no secret in it."""

import contextlib
import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest
import structlog

from daemon import logs
from daemon.intake.accept import Arrival, accept
from daemon.settings import load
from tests.builders import REGISTER, a_desk, a_mail, an_engineers_mail, instant

CANARY = "canary-4711-äpple"
SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
operators = ["drift@example.se"]
[intake.imap]
host = "imap.example.se"
username = "support@example.se"
password_file = "imap-password"
[outgoing]
host = "smtp.example.se"
username = "support@example.se"
password_file = "smtp-password"
[identity]
trusted_authserv_ids = ["mx.example.se"]
"""


@pytest.fixture
def settings(tmp_path) -> load.Settings:
    for name in ("imap-password", "smtp-password"):
        (tmp_path / name).write_text(CANARY, encoding="utf-8")
    (tmp_path / "avtald.toml").write_text(SETTINGS, encoding="utf-8")
    return load.load(tmp_path / "avtald.toml", {})


@pytest.fixture
def said(capsys, settings):
    """What the log says from here on, line by line."""
    kept = []
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    logs.configure(logging.INFO, settings)

    def text() -> str:
        kept.append(capsys.readouterr().err)
        return "".join(kept)

    def lines() -> list[dict]:
        read = [line.partition(">") for line in text().splitlines()]
        assert all(first in {"<3", "<4", "<6", "<2"} for first, _, _ in read)
        return [json.loads(rest) for _, _, rest in read]

    lines.text = text
    yield lines
    structlog.configure(**before)
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)


def test_an_event_is_one_line_with_its_level_and_instant(said):
    structlog.get_logger("avtald.x").info("kept", size=1, text="två\nrader")
    structlog.get_logger("avtald.x").error("gone")
    assert len(said.text().splitlines()) == 2
    first, second = said()
    assert (first["event"], first["level"], first["size"]) == ("kept", "info", 1)
    assert first["timestamp"].endswith("Z")
    assert said.text().splitlines()[1].startswith("<3>")
    assert second["level"] == "error"


def test_debug_is_not_told_at_info(said):
    structlog.get_logger("avtald.x").debug("small talk")
    assert said() == []


def nobody_reads():
    reads, writes = os.pipe()
    os.close(reads)
    return os.fdopen(writes, "w", buffering=1)


def closed():
    file = io.StringIO()
    file.close()
    return file


OUTPUTS = {
    "a full disk": lambda: Path("/dev/full").open("w", buffering=1),  # noqa: SIM115  closed below
    "a reader that has gone": nobody_reads,
    "a closed file": closed,
    "none": lambda: None,
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_line_that_cannot_be_written_stops_nothing(said, monkeypatch, output):
    """Else every loop ends, and each mail is refused after it has become durable (B1)."""
    monkeypatch.setattr(sys, "stderr", OUTPUTS[output]())
    structlog.get_logger("avtald.x").info("lost")
    logging.getLogger("library").warning("lost as well")
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.close()  # what it still holds goes with it
    monkeypatch.undo()
    structlog.get_logger("avtald.x").info("goes on")
    assert [line["event"] for line in said()] == ["goes on"]


def test_one_number_follows_a_mail_from_the_door_to_the_last_delivery(said, store, tmp_path):
    desk = a_desk(store, tmp_path, settings=SETTINGS)
    arrival = Arrival(a_mail(), instant("2026-11-02 09:00"), "smtp", delivery="one")
    (number,) = accept(store, [arrival], go_live=None)
    desk.work("2026-11-02 09:00")
    way = [line for line in said() if line.get("inbox") == number]
    assert [line["event"] for line in way][:2] == ["kept", "processed"]
    assert {line["kind"] for line in way if line["event"] == "sent"} >= {"confirmation"}
    assert len([line for line in way if line["event"] == "sent"]) == 3  # customer, two engineers


def test_no_personal_data_is_told_at_info(said, store, tmp_path):
    desk = a_desk(store, tmp_path, settings=SETTINGS)
    desk.get(a_mail(), "2026-11-02 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Klart. [tid: 1h]\n", reply_to=notice), "2026-11-02 09:30")
    desk.get(a_mail("Okänd Person <okand@privat.se>", "Hemligt ärende"), "2026-11-02 10:00")
    told = said.text()
    assert len(said()) > 8
    private = ("acme.se", "anna@", "privat", "Bo Ek", "Skrivaren", "Hemligt", "Okänd", "plan 2")
    assert [each for each in private if each in told] == []


def test_an_address_that_slips_in_is_masked_and_the_desks_own_is_not(said):
    structlog.get_logger("avtald.x").warning(
        "refused", reply="550 <bo.ek@kund.se>: no", mailbox="support@example.se", who=["a@b.se"]
    )
    (line,) = said()
    assert line["reply"] == "550 <<address>>: no"
    assert line["mailbox"] == "support@example.se"
    assert line["who"] == ["<address>"]


def test_S27_a_secret_is_masked_wherever_it_stands(said):
    log = structlog.get_logger("avtald.x")
    log.warning("no login", said=f"with {CANARY}", detail={"deep": [f"x{CANARY}x"]})
    log.warning("headers", Authorization="Bearer abc.def", refresh_token="r-123", token="t-1")
    log.warning("said", text="Authorization: Bearer eyJhbGciOi; password=hej123 client_secret: q9")
    logging.getLogger("some.library").warning("PASS %s", CANARY)
    told = said.text()
    hidden = (CANARY, "abc.def", "r-123", "t-1", "eyJhbGciOi", "hej123", "q9")
    assert [each for each in hidden if each in told] == []
    assert len(said()) == 4


def test_S27_a_fault_tells_where_and_not_what_variables_held(said):
    def login(password: str):
        raise ConnectionError(f"no login as bo@acme.se with {password}")

    try:
        login(CANARY)
    except ConnectionError:
        structlog.get_logger("avtald.x").exception("failed")
    (line,) = said()
    assert line["fault"] == "ConnectionError: no login as <address> with ***"
    assert any("test_logs.py" in call and "login" in call for call in line["where"])


def test_a_librarys_warning_is_such_a_line_too(said):
    logging.getLogger("weasyprint").warning("Ignored `x` of %s", "bo@acme.se")
    logging.getLogger("weasyprint").info("Step 1")
    (line,) = said()
    assert (line["logger"], line["event"]) == ("weasyprint", "Ignored `x` of <address>")


def test_a_message_that_fails_is_told_with_its_number_and_without_its_text(
    said, store, tmp_path, monkeypatch
):
    from daemon.desk.incoming import receive

    def broken(*_words, **_options):
        raise ValueError("cannot read Skrivaren from bo@acme.se")

    desk = a_desk(store, tmp_path, settings=SETTINGS)
    desk.receive(a_mail(), "2026-11-02 09:00")
    monkeypatch.setattr(receive, "read", broken)
    receive.step(desk.desk, instant("2026-11-02 09:01"))
    (line,) = [line for line in said() if line["event"] == "failed"]
    assert (line["inbox"], line["level"]) == (1, "error")
    assert "bo@acme.se" not in said.text()
    assert structlog.contextvars.get_contextvars() == {}


def test_S27_an_sql_fault_says_nothing_of_the_row(store, tmp_path):
    desk = a_desk(store, tmp_path, register=REGISTER)
    with pytest.raises(Exception, match="UNIQUE") as caught, desk.desk.store.writing() as tx:
        tx.exec_driver_sql(
            "INSERT INTO contacts (customer_id, name, email, active) VALUES (1, ?, ?, 1)",
            (CANARY, "bo@acme.se"),
        )
    assert CANARY not in str(caught.value)
