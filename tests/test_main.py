"""The entry: another distribution that owns one of our package names ends it with 78."""

import subprocess
import sys

import pytest

from daemon.__main__ import foreign_owner


def install(place, name: str, *files: str) -> None:
    """Leave the list of files that an installer leaves."""
    folder = place / f"{name}.dist-info"
    folder.mkdir()
    lines = "".join(f"{file},sha256=x,1\n" for file in files)
    (folder / "RECORD").write_text(lines, encoding="utf-8")


@pytest.mark.parametrize("package", ["daemon", "parsers", "integrations"])
def test_another_owner_of_our_names_is_found(tmp_path, package):
    install(tmp_path, "python_thing-3.0", "thing.py", f"{package}/__init__.py")
    assert foreign_owner([str(tmp_path)]) == f"python_thing ({package})"


def test_an_old_style_owner_is_found_too(tmp_path):
    (tmp_path / "python_daemon-2.0.egg-info").mkdir()
    (tmp_path / "python_daemon-2.0.egg-info" / "top_level.txt").write_text("daemon\n")
    assert foreign_owner([str(tmp_path)]) == "python_daemon (daemon)"


def test_our_own_distribution_and_similar_names_are_no_strangers(tmp_path):
    install(tmp_path, "avtald-0.1.0", "daemon/__init__.py", "parsers/__init__.py")
    install(tmp_path, "other-1", "daemonology/__init__.py", "other/daemon/x.py", "mydaemon/x.py")
    assert foreign_owner([str(tmp_path), str(tmp_path / "nowhere"), ""]) is None


@pytest.mark.parametrize(("word", "code"), [("--help", 78), ("receive", 75)])
def test_the_command_exits_78_with_what_to_do_but_bounces_no_mail(tmp_path, word, code):
    install(tmp_path, "python_daemon-3.1", "daemon/__init__.py", "daemon/daemon.py")
    script = (
        f"import sys; sys.path.append({str(tmp_path)!r}); sys.argv = ['avtald', {word!r}];"
        "from daemon.__main__ import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (code, "")
    assert "python_daemon (daemon)" in ended.stderr
    assert "environment of its own" in ended.stderr


def test_python_m_daemon_is_the_command():
    ended = subprocess.run(
        [sys.executable, "-m", "daemon", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.startswith("avtald, version ")
