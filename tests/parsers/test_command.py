"""`python -m parsers FILE.eml`: what was understood, as a table or JSON."""

import json
import subprocess
import sys
from pathlib import Path

from parsers.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
MAIL = ROOT / "tests" / "mail" / "reply-gmail-plain.eml"


def test_json_holds_everything_that_was_understood(capsys):
    assert main([str(MAIL), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["from"] == {"name": "Anna Svensson", "address": "anna@example.se"}
    assert found["ticket"] == 1042
    assert found["tags"][0]["time"]["minutes"] == 90
    assert found["body"]["new"].endswith("[tid: 1,5h]")
    assert found["verdict"]["kind"] == "person"
    assert found["priority"]["level"] is None


def test_the_table_names_every_field(capsys):
    assert main([str(MAIL), "--own", "ANNA@example.se"]) == 0
    shown = capsys.readouterr().out
    assert "anna@example.se" in shown
    assert "from_own_address" in shown
    assert "[tid: 1,5h]" in shown


def test_a_file_that_is_not_there_is_told(capsys, tmp_path):
    assert main([str(tmp_path / "none.eml")]) == 2
    assert "none.eml" in capsys.readouterr().err


def test_the_module_runs_and_reads_standard_input():
    done = subprocess.run(
        [sys.executable, "-m", "parsers", "-", "--json"],
        input=b"From: bo@kund.se\r\nSubject: \xff\r\n\r\nHej",
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    assert json.loads(done.stdout)["body"]["new"] == "Hej"
