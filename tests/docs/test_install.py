"""README.md and docs/install.md are followed to the letter: each command works as written.

Only the wheel is there: units, dependencies and pages come out of it. /etc, /opt, /usr and /var lie
in a scratch folder.

What needs a machine of its own is told apart: apt-get and systemctl are not run here, and nobody
changes the user; users and folders are made by systemd's own programs below the scratch folder.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.app import first_files
from tests.acceptance.daemon_process import Place, environment, systemd
from tests.servers import free_port, program

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/install.md")
}
NOT_HERE = ("apt-get ", "systemctl ")
MOST_COMMANDS = 10
REQUIREMENTS = "pip install --require-hashes -r "


def commands(heading: str, page: str = "README.md") -> list[str]:
    """The commands under a heading of a page."""
    section = PAGES[page].partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).splitlines()


class Machine:
    """A scratch folder that stands for the machine: /etc, /opt, /usr and /var lie in it."""

    def __init__(self, root: Path, wheel: Path):
        self.root, self.wheel = root, wheel
        for folder in ("etc/systemd/system", "opt", "var", "usr/local/bin"):
            (root / folder).mkdir(parents=True)
        group = os.getegid()
        (root / "etc" / "group").write_text(f"root:x:{group}:\navtald:x:{group}:\n")
        users = "".join(
            f"{name}:x:{os.geteuid()}:{group}::/:/bin/sh\n" for name in ("root", "avtald")
        )
        (root / "etc" / "passwd").write_text(users)

    def here(self, command: str) -> str:
        """The same command for this machine."""
        command = re.sub(r"(?<![\w.])/(etc|opt|usr|var)/", rf"{self.root}/\1/", command)
        command = command.replace("systemd-sysusers", f"systemd-sysusers --root={self.root}")
        command = command.replace("systemd-tmpfiles", f"systemd-tmpfiles --root={self.root}")
        command = command.replace("python3 ", f"{sys.executable} ")
        command = command.replace("runuser -u avtald -- ", "")
        command = command.replace("-o avtald", f"-o {os.geteuid()}")
        return command.replace("chgrp avtald", f"chgrp {os.getegid()}")

    def run(self, command: str, *, fine: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            ["sh", "-ec", self.here(command)],
            cwd=self.wheel.parent,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(),
        )
        assert done.returncode in fine, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """The program comes from what was installed, and its settings from the machine's /etc."""
        kept = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
        return kept | {
            "PATH": f"{self.root}/usr/local/bin:{kept['PATH']}",
            "AVTALD_CONFIG": f"{self.root}/etc/avtald/avtald.toml",
        }


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, alone in its folder."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("alembic", "daemon", "parsers", "integrations", "systemd", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.lock", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    alone = tmp_path_factory.mktemp("wheel")
    command = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(alone), "."]
    subprocess.run(
        [sys.executable, "-m", "pip", *command], cwd=folder, check=True, capture_output=True
    )
    (made,) = alone.iterdir()
    return made


def borrow_packages(machine: Machine) -> None:
    """In place of a download: what the tests' own environment has."""
    site = next((machine.root / "opt" / "avtald" / "lib").glob("python3*")) / "site-packages"
    (site / "borrowed.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")


def install(machine: Machine, *, download: bool) -> None:
    program("systemd-sysusers", "systemd")
    for command in commands("Install"):
        if command.startswith(NOT_HERE):
            continue
        if REQUIREMENTS in command and not download:
            assert Path(machine.here(command).rpartition(" ")[2]).is_file()
            borrow_packages(machine)
            continue
        machine.run(command)


def set_up(machine: Machine) -> Place:
    """What `avtald init` would have written in the real /etc, and a door on loopback."""
    file, port = machine.root / "etc" / "avtald" / "avtald.toml", free_port()
    text = file.read_text(encoding="utf-8")
    for line, instead in first_files._OF_THE_SYSTEM:
        assert line in text
        text = text.replace(line, instead.replace("/var", f"{machine.root}/var"))
    text += f'\n[intake.smtp]\nlisten = "127.0.0.1:{port}"\n'
    file.write_text(text, encoding="utf-8")
    return Place(machine.root, port)


@pytest.fixture
def machine(tmp_path, wheel) -> Machine:
    return Machine(tmp_path, wheel)


def test_the_README_has_at_most_ten_commands_to_a_running_desk():
    assert 2 < len(commands("Install")) + len(commands("Run")) <= MOST_COMMANDS


def check_runs(machine: Machine) -> None:
    place = set_up(machine)
    check, start = commands("Run")
    told = json.loads(machine.run(f"{check} --json", fine=(0, 1)))
    assert {each["status"] for each in told} <= {"ok", "warning"}, told
    assert start.startswith(NOT_HERE)
    unit = (machine.root / "etc" / "systemd" / "system" / "avtald.service").read_text()
    command = machine.here(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1])
    machine.run("runuser -u avtald -- avtald import /etc/avtald/register.toml")
    with systemd(machine.root) as heard:
        process = subprocess.Popen(
            command.split(),
            cwd=machine.root / "var" / "lib" / "avtald",
            env=machine.environment() | {"NOTIFY_SOCKET": heard.path},
        )
        try:
            heard.wait_for("READY=1")
            assert place.port
        finally:
            process.terminate()
            assert process.wait(60) == 0
    assert (machine.root / "var" / "lib" / "avtald" / "avtald.db").is_file()


def test_each_step_of_the_page_works_as_written(machine):
    install(machine, download=False)
    assert machine.run("avtald --version").startswith("avtald, version 0.1.0")
    for name in ("avtald.service", "avtald-backup.service", "avtald-backup.timer"):
        assert (machine.root / "etc" / "systemd" / "system" / name).is_file()
    check_runs(machine)
    backup_restore_and_upgrade(machine)


def backup_restore_and_upgrade(machine: Machine) -> None:
    """The nightly unit's commands, then the page's restore and upgrade."""
    unit = (machine.root / "etc" / "systemd" / "system" / "avtald-backup.service").read_text()
    for command in re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE):
        machine.run(command)
    (copy,) = (machine.root / "var" / "backups" / "avtald").glob("*.backup")
    (machine.root / "var" / "lib" / "avtald" / "avtald.db-journal").write_bytes(b"of a crash")
    for command in commands("Restore", "docs/install.md"):
        if not command.startswith(NOT_HERE):
            machine.run(command.replace("COPY", str(copy)))
    assert not (machine.root / "var" / "lib" / "avtald" / "avtald.db-journal").exists()
    for command in commands("Upgrade, and the way back", "docs/install.md"):
        if not command.startswith(NOT_HERE) and REQUIREMENTS not in command:
            machine.run(command)
    machine.run("avtald db check")


@pytest.mark.long
def test_each_step_of_the_page_works_with_its_download_too(machine):
    install(machine, download=True)
    check_runs(machine)
