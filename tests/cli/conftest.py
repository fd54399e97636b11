"""The command in this process: what it printed, and what it exited with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.cli.main import run

SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
operators = ["drift@example.se"]
language = "{language}"

[intake.lmtp]
listen = "127.0.0.1:2424"

[identity]
trusted_authserv_ids = ["mx.example.se"]

[accounting]
finance = ["ekonomi@example.se"]
first_month = "2026-01"
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def avtald(capsys) -> Callable[..., Ended]:
    """Runs the command with these arguments."""

    def command(*arguments: object) -> Ended:
        code = run([str(each) for each in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return command


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder of a Swedish desk, which the command stands in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AVTALD_CONFIG", raising=False)
    (tmp_path / "avtald.toml").write_text(SETTINGS.format(language="sv"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def english(folder) -> Path:
    """The same of an English desk."""
    (folder / "avtald.toml").write_text(SETTINGS.format(language="en"), encoding="utf-8")
    return folder
