"""`python -m parsers FILE.eml`: what was understood, as a table or JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("options", "passed", "reason"),
    [
        (["--trust", "MX.example.se"], True, "dmarc_pass"),
        (["--trust", "other.example"], False, "topmost_results_not_trusted"),
        ([], False, "no_way_to_prove"),
    ],
)
def test_it_is_told_whether_the_sender_is_proven_and_why_not(
    capsys, tmp_path, options, passed, reason
):
    """D1: the question of most support cases is why a mail was held."""
    file = tmp_path / "mail.eml"
    results = b"Authentication-Results: mx.example.se; dmarc=pass header.from=example.se\r\n"
    file.write_bytes(results + b"From: anna@example.se\r\n\r\nHej")
    assert main([str(file), "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["proof"]["passed"], found["proof"]["reason"]) == (passed, reason)
    assert found["authentication"][0]["server"] == "mx.example.se"
    assert found["authentication"][0]["methods"][0][:2] == ["dmarc", "pass"]


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
