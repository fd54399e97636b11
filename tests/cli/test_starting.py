"""`avtald init`: a desk to start from, which works as it stands."""

import json
from pathlib import Path

from daemon.app import first_files
from daemon.settings import load


def test_init_writes_files_that_work_as_they_stand(avtald, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = avtald("init", "desk")
    assert ended.code == 0
    assert [line.rpartition("/")[2] for line in ended.out.splitlines()[:2]] == [
        "avtald.toml",
        "register.toml",
    ]
    monkeypatch.chdir(tmp_path / "desk")
    assert load.load(tmp_path / "desk" / "avtald.toml", {}).desk.name == "Exempel Support"
    assert avtald("import", "register.toml").code == 0
    assert avtald("import", "register.toml").out == "inget att ändra\n"
    assert avtald("check").code == 1  # no door, no outgoing server: to be filled in


def test_init_here_is_init_in_this_folder(avtald, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert avtald("init").code == 0
    assert (tmp_path / "avtald.toml").is_file()


def test_init_overwrites_nothing(avtald, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "register.toml").write_text("mine", encoding="utf-8")
    ended = avtald("init")
    assert ended.code == 2
    assert "register.toml exist" in ended.err
    assert (tmp_path / "register.toml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "avtald.toml").exists()


def test_init_where_nothing_can_be_written_says_so(avtald, tmp_path):
    (tmp_path / "file").touch()
    ended = avtald("init", tmp_path / "file" / "desk")
    assert ended.code == 2
    assert "cannot be written" in ended.err


def test_init_tells_a_script_what_it_wrote(avtald, tmp_path):
    """Contract 3: `--json`."""
    ended = avtald("init", tmp_path / "desk", "--json")
    files = [str(tmp_path / "desk" / name) for name in ("avtald.toml", "register.toml")]
    assert json.loads(ended.out) == {"files": files}


def test_init_below_etc_names_the_folders_that_the_units_keep(avtald, tmp_path, monkeypatch):
    monkeypatch.setattr(first_files, "_SYSTEM", tmp_path / "etc")
    assert avtald("init", tmp_path / "etc" / "avtald").code == 0
    settings = load.load(tmp_path / "etc" / "avtald" / "avtald.toml", {})
    assert settings.desk.state_dir == Path("/var/lib/avtald")
    assert settings.database.url == "sqlite:////var/lib/avtald/avtald.db"
