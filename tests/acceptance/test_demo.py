"""The demonstration as a process: what its last lines name, what it exits with, how it stays up."""

import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 240  # seconds; a generous bound for a slow machine, and no measure of speed
NETS = {  # reckoned apart from the story: fee, and what the bank does not cover
    "AVT-bergsag-2026-11": "3756.50",
    "AVT-bluewater-2026-11": "500.00",
    "AVT-nordhamn-2026-11": "8000.00",
    "AVT-tallek-2026-11": "2450.00",
}
BROKEN = """
import sys
from daemon.cli import main
from daemon.demo import stage, story
stage._SETTINGS += '[plans.attend]\\nhourly_rate = "891.00"\\n'
story.NETS = {key: net for key, net in story.NETS.items() if key != "AVT-tallek-2026-11"}
sys.exit(main.run(["demo"]))
"""


def environment(folder):
    """Everything temporary in one folder, the code from this checkout, and no settings."""
    kept = {name: value for name, value in os.environ.items() if name != "AVTALD_CONFIG"}
    return kept | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def run(folder, *command):
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder),
        encoding="utf-8",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder that is no checkout."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def played(elsewhere):
    return run(elsewhere, "-m", "daemon", "demo", "--dir", "desk")


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A desk with another price, held against a story that lacks a draft."""
    return run(tmp_path_factory.mktemp("broken"), "-c", BROKEN)


def test_the_demo_ends_0_and_its_last_lines_name_the_drafts_and_their_nets(played):
    assert (played.returncode, played.stderr) == (0, "")
    heading, _, *lines, total = played.stdout.splitlines()[-7:]
    assert heading == "4 drafts in the books, neither booked nor sent:"
    named = {line.split()[1]: line.split()[-1] for line in lines}
    assert named == NETS
    assert total.split() == ["sum", "14706.50", "SEK"]


def test_the_readme_shows_what_the_demo_prints(played):
    """Issue 2: every line that the README shows, but for ports and how long it took."""

    def told(text):
        changing = re.compile(r"(?<=127\.0\.0\.1:)[0-9]+|(?<= in )[0-9.]+(?= s;)")
        return [changing.sub("…", line).strip() for line in text.splitlines() if line.strip()]

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("abridged:")[2].split("```")[1]
    missing = set(told(shown)) - set(told(played.stdout)) - {"⋮"}
    assert not missing


def test_the_bank_of_a_part_of_a_quarter_is_used_up_and_the_rest_billed_G3_G4(played):
    assert "bank 239 → 39 min" in played.stdout
    assert "bank 39 → 0 min, 51 min beyond it" in played.stdout
    assert re.search(r"0\.85 h +× +890\.00 +756\.50", played.stdout)


def test_a_friday_afternoon_mail_is_promised_for_monday_morning_A3_J1(played):
    scene = played.stdout.split("Fri 20 Nov 16:30")[1]
    assert "senast måndag 23 november kl. 08:30" in scene.split("Mon 23 Nov 08:00")[0]


def test_the_spoofed_engineer_is_held_and_only_the_registered_address_hears_of_it_D1(played):
    scene = played.stdout.split("Thu 12 Nov 10:15")[1].split("Thu 12 Nov 16:40")[0]
    assert "held: nothing proves who sent it" in scene
    assert re.findall(r"mail out +(.*)", scene) == [
        "proof request to anna@example.se: Är mejlet från dig?"
    ]


def test_the_same_mail_twice_has_one_effect_B3(played):
    scene = played.stdout.split("Mon 2 Nov 08:13")[1].split("Mon 2 Nov 08:41")[0]
    assert "known already" in scene
    assert "mail out" not in scene


def test_the_kept_desk_answers_the_commands(played, elsewhere):
    assert played.returncode == 0
    shown = run(
        elsewhere,
        "-m",
        "daemon",
        "statements",
        "--config",
        "desk/avtald.toml",
        "--month",
        "2026-11",
        "--json",
    )
    found = {each["reference"]: each["net"] for each in json.loads(shown.stdout)}
    assert found == NETS


def test_a_folder_with_something_in_it_is_refused(played, elsewhere):
    assert played.returncode == 0
    again = run(elsewhere, "-m", "daemon", "demo", "--dir", "desk")
    assert again.returncode == 2
    assert "not empty" in again.stderr


def test_a_draft_that_is_not_as_reckoned_exits_1_and_says_so(broken):
    assert broken.returncode == 1
    assert "AVT-bergsag-2026-11: 3757.35, not 3756.50" in broken.stdout
    assert "AVT-tallek-2026-11: 2450.00, not there at all" in broken.stdout
    assert "AVT-bluewater-2026-11:" not in broken.stdout


# --- staying up -------------------------------------------------------------------------------


@pytest.fixture
def staying(tmp_path):
    """A demo that stays up: its port, the file that it writes to, and how to end it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    out = tmp_path / "out.txt"
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "daemon", "demo", "--stay", "--port", str(port)]
    with out.open("wb") as target:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment(tmp_path / "temporary"),
            stdout=target,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(out, "Ctrl-C ends it.")
        yield port, out, process
    finally:
        process.kill()
        process.wait()


def wait_for(out, text):
    until = time.monotonic() + PATIENCE
    while text not in (said := out.read_text("utf-8")):
        assert time.monotonic() < until, said
        time.sleep(0.1)
    return said


def send(port, sender, subject, text):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "support@example.se", subject
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(mail)


def test_staying_up_it_takes_anybodys_mail_shows_the_answers_and_stops_cleanly(staying, tmp_path):
    port, out, process = staying
    send(port, "grace@bluewater.example", "Priority 4: Spelling", "It says Bluewatr.\n")
    said = wait_for(out, "→ grace@bluewater.example  confirmation: [#1009]")
    assert said.index("4 drafts in the books") < said.index("The desk stays up")
    send(port, "anna@example.se", "Re: [#1009]", "Put right.\n\n[time: 5 min] [done]\n")
    wait_for(out, "→ grace@bluewater.example  answer: [#1009]")
    wait_for(out, "→ anna@example.se  receipt: [#1009]")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    assert out.read_text("utf-8").endswith("stopped\n")
    assert not list((tmp_path / "temporary").iterdir())
