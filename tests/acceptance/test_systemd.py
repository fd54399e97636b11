"""The units: systemd finds no fault in them, they are shut tight, and folders and user are made."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import program

UNITS = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = ("avtald.service", "avtald-backup.service")
MOST_EXPOSED = 1.5


def run(*command: object) -> str:
    ended = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture
def units(tmp_path) -> Path:
    """The units with a program that is there, and the drop-ins beside the service."""
    for unit in UNITS.glob("avtald*.*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/avtald/bin/avtald", sys.executable)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    drop_ins = tmp_path / "avtald.service.d"
    drop_ins.mkdir()
    for example in (UNITS / "examples" / "avtald.service.d").glob("*.conf"):
        (drop_ins / example.name).write_bytes(example.read_bytes())
    return tmp_path


@pytest.fixture(scope="session")
def analyze() -> str:
    return program("systemd-analyze", "systemd")


@pytest.mark.parametrize("unit", [*SERVICES, "avtald-backup.timer"])
def test_systemd_finds_no_fault_in_a_unit(analyze, units, unit):
    assert run(analyze, "verify", "--man=no", units / unit).strip() == ""


def test_a_fault_in_a_unit_would_be_found(analyze, units):
    service = units / "avtald.service"
    service.write_text(service.read_text() + "\n[Service]\nWatchdogSecs=1\n", encoding="utf-8")
    assert "WatchdogSecs" in run(analyze, "verify", "--man=no", service)


@pytest.mark.parametrize("unit", SERVICES)
def test_S28_a_service_is_hardly_exposed(analyze, units, unit):
    told = run(analyze, "security", "--offline=yes", "--no-pager", units / unit)
    exposure = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", told)
    assert exposure is not None
    assert float(exposure[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_its_own_user_and_keeps_to_itself(unit):
    lines = (UNITS / unit).read_text(encoding="utf-8").splitlines()
    assert {"User=avtald", "UMask=0077", "StateDirectoryMode=0700"} <= set(lines)


@pytest.mark.parametrize("unit", SERVICES)
def test_a_lease_of_a_command_in_a_shell_can_be_seen_to_live(unit):
    """store/leases.py looks into /proc: what it cannot see there, it takes for dead."""
    assert "ProtectProc=default" in (UNITS / unit).read_text(encoding="utf-8").splitlines()


def test_the_daemon_is_supervised_by_notification():
    lines = set((UNITS / "avtald.service").read_text(encoding="utf-8").splitlines())
    assert {"Type=notify", "WatchdogSec=120", "Restart=on-failure"} <= lines
    assert "RestartPreventExitStatus=2 78" in lines


def test_every_secret_of_the_sample_is_taken_from_the_credentials_store():
    from daemon.settings.sample import sample

    named = set(re.findall(r'_file = "([a-z0-9-]+)"', sample()))
    for unit in SERVICES:
        text = (UNITS / unit).read_text(encoding="utf-8")
        taken = dict(re.findall(r"^LoadCredential=(\S+?):(\S+)$", text, re.MULTILINE))
        assert named <= set(taken)
        assert all(source == f"avtald.{name}" for name, source in taken.items())


def test_the_user_is_made(tmp_path):
    program("systemd-sysusers", "systemd")
    (tmp_path / "etc").mkdir()
    run("systemd-sysusers", f"--root={tmp_path}", "--inline", *_lines("avtald.sysusers"))
    assert "avtald:" in (tmp_path / "etc" / "passwd").read_text(encoding="utf-8")
    assert ":/var/lib/avtald:" in (tmp_path / "etc" / "passwd").read_text(encoding="utf-8")


def test_the_folders_are_for_the_desk_alone(tmp_path):
    program("systemd-tmpfiles", "systemd")
    (tmp_path / "etc").mkdir()
    user, group = os.geteuid(), os.getegid()
    (tmp_path / "etc" / "passwd").write_text(f"avtald:x:{user}:{group}::/:/bin/false\n")
    (tmp_path / "etc" / "group").write_text(f"avtald:x:{group}:\n")
    conf = tmp_path / "avtald.conf"
    conf.write_text("\n".join(_lines("avtald.tmpfiles")).replace("root ", "avtald "))
    run("systemd-tmpfiles", f"--root={tmp_path}", "--create", conf)
    modes = {
        folder: stat.S_IMODE((tmp_path / folder).stat().st_mode)
        for folder in ("etc/avtald", "var/lib/avtald", "var/backups/avtald")
    }
    assert modes == {"etc/avtald": 0o750, "var/lib/avtald": 0o700, "var/backups/avtald": 0o700}


def _lines(name: str) -> list[str]:
    text = (UNITS / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
