"""docs/install.md is followed to the letter, in a scratch folder: each command works as written.

What needs a machine of its own is told apart: apt-get, systemctl and sudo are not run here; users
and folders are made by systemd's own programs below the scratch folder.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.daemon_process import Place, environment
from tests.servers import free_port, program

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
NOT_HERE = ("apt-get ", "systemctl ")
MOST_COMMANDS = 10
REQUIREMENTS = "pip install --require-hashes -r requirements.lock"


def commands(heading: str) -> list[str]:
    """The commands under a heading of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).splitlines()


class Machine:
    """A scratch folder that stands for the machine: /etc, /opt and /var lie in it."""

    def __init__(self, root: Path, sources: Path):
        self.root, self.sources = root, sources
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
        command = re.sub(r"(?<![\w.])/(etc|opt|var)/", rf"{self.root}/\1/", command)
        command = command.replace("systemd-sysusers", f"systemd-sysusers --root={self.root}")
        command = command.replace("systemd-tmpfiles", f"systemd-tmpfiles --root={self.root}")
        command = command.replace("python3 ", f"{sys.executable} ")
        command = command.replace("sudo -u avtald ", "")
        command = command.replace("-o avtald", f"-o {os.geteuid()}")
        return command.replace("chgrp avtald", f"chgrp {os.getegid()}")

    def run(self, command: str, *, fine: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            ["sh", "-ec", self.here(command)], cwd=self.sources, capture_output=True, text=True,
            env=without_checkout(), check=False,
        )  # fmt: skip
        assert done.returncode in fine, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


def without_checkout() -> dict[str, str]:
    """The program must come from what was installed."""
    return {name: value for name, value in environment().items() if name != "PYTHONPATH"}


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> Path:
    """The unpacked sources, with the wheel beside them."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("alembic", "daemon", "parsers", "integrations", "systemd"):
        shutil.copytree(ROOT / name, folder / name,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    for name in ("pyproject.toml", "requirements.lock", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    wheel = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", ".", "."]
    subprocess.run([sys.executable, "-m", "pip", *wheel], cwd=folder, check=True,
                   capture_output=True)  # fmt: skip
    for name in ("alembic", "daemon", "parsers", "integrations"):
        shutil.rmtree(folder / name)
    return folder


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
            borrow_packages(machine)
            continue
        machine.run(command)


def set_up(machine: Machine) -> Place:
    """What the page says to set, and a door on loopback."""
    file = machine.root / "etc" / "avtald" / "avtald.toml"
    block = re.search(r"## Set up.*?```toml\n(.*?)```", PAGE, re.DOTALL)[1]
    text, port = file.read_text(encoding="utf-8"), free_port()
    for line in machine.here(block.replace("sqlite:////var", "sqlite:///VAR")).splitlines():
        key = line.partition(" = ")[0]
        if " = " in line:
            wanted = line.replace("sqlite:///VAR", f"sqlite:///{machine.root}/var")
            text, found = re.subn(rf"^#?{key} = .*$", wanted, text, count=1, flags=re.MULTILINE)
            assert found == 1, line
    text += f'\n[intake.smtp]\nlisten = "127.0.0.1:{port}"\n'
    file.write_text(text, encoding="utf-8")
    return Place(machine.root, port)


@pytest.fixture
def machine(tmp_path, sources) -> Machine:
    return Machine(tmp_path, sources)


def test_the_page_has_at_most_ten_commands_to_a_running_desk():
    assert len(commands("Install")) + len(commands("Start")) <= MOST_COMMANDS


def check_runs(machine: Machine) -> None:
    place = set_up(machine)
    check, start = commands("Start")
    told = json.loads(machine.run(f"{check} --json", fine=(0, 1)))
    assert {each["status"] for each in told} <= {"ok", "warning"}, told
    assert start.startswith(NOT_HERE)
    unit = (machine.root / "etc" / "systemd" / "system" / "avtald.service").read_text()
    command = machine.here(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1])
    config = machine.root / "etc" / "avtald" / "avtald.toml"
    machine.run(f"/opt/avtald/bin/avtald import /etc/avtald/register.toml --config {config}")
    from tests.acceptance.daemon_process import systemd

    with systemd(machine.root) as heard:
        process = subprocess.Popen(
            command.split(), cwd=machine.root / "var" / "lib" / "avtald",
            env=without_checkout() | {"NOTIFY_SOCKET": heard.path},
        )  # fmt: skip
        try:
            heard.wait_for("READY=1")
            assert place.port
        finally:
            process.terminate()
            assert process.wait(60) == 0


def test_each_step_of_the_page_works_as_written(machine):
    install(machine, download=False)
    assert machine.run("/opt/avtald/bin/avtald --version").startswith("avtald, version 0.1.0")
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
    for command in commands("Restore"):
        if not command.startswith(NOT_HERE):
            machine.run(command.replace("COPY", str(copy)))
    for command in commands("Upgrade, and the way back"):
        if not command.startswith(NOT_HERE) and REQUIREMENTS not in command:
            machine.run(command)
    machine.run("/opt/avtald/bin/avtald db check --config /etc/avtald/avtald.toml")


@pytest.mark.long
def test_each_step_of_the_page_works_with_its_download_too(machine):
    install(machine, download=True)
    check_runs(machine)
