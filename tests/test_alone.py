"""A clone without `../shared` beside it runs all other tests, and says which were not run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEST = """
def test_with_facts(shared):
    assert False


def test_without(tmp_path):
    assert tmp_path
"""


@pytest.fixture
def clone(tmp_path) -> Path:
    """The tests' own conftest, and two tests, where nothing lies beside them."""
    home = tmp_path / "main"
    (home / "tests").mkdir(parents=True)
    for name in ("conftest.py", "servers.py", "mail_servers.py"):
        (home / "tests" / name).write_bytes((ROOT / "tests" / name).read_bytes())
    (home / "tests" / "test_two.py").write_text(TEST, encoding="utf-8")
    (home / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return home


@pytest.mark.parametrize(("beside", "ci", "code"), [([], "", 0), (["-n", "2"], "true", 1)])
def test_what_needs_shared_is_named_and_fails_where_CI_asks(clone, beside, ci, code):
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *beside],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CI": ci, "PYTHONPATH": f"{clone}:{ROOT}"},
    )
    assert "tests/test_two.py::test_with_facts" in ended.stdout
    assert "1 tests were not run" in ended.stdout
    assert "1 passed" in ended.stdout
    assert ended.returncode == code
