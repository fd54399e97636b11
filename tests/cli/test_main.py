"""The command itself: help without cost, options, and one sentence and a code for every fault."""

import importlib
import json
import subprocess
import sys

import click
import pytest

from daemon.cli import main
from daemon.cli.main import COMMANDS, run
from daemon.domain.invoice import AccountingError, Fault
from daemon.domain.opening_hours import CalendarError
from daemon.settings.checked import Mistake, MistakesError
from daemon.store.migrations import SchemaError
from daemon.store.session import StoreError

COSTLY = ("sqlalchemy", "alembic", "pydantic", "httpx", "weasyprint", "holidays", "jinja2")
ASK = f"""
import sys
from daemon.cli.main import run
run(["--help"])
print([name for name in {COSTLY} if name in sys.modules])
"""


def test_help_imports_no_costly_library():
    """Start-up: `avtald --help` in a third of a second rests on this."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, timeout=60, check=True
    )
    assert asked.stdout.splitlines()[-1] == "[]"
    assert all(f"  {name} " in asked.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there_and_takes_config_and_debug(name):
    """Contract 3: every command takes `--config`."""
    command = main.avtald.get_command(click.Context(main.avtald), name)
    assert command is not None
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in commands:
        options = {option for param in each.params for option in param.opts}
        assert "--debug" in options
        assert "--config" in options


SHOWS_NOTHING_THAT_A_SCRIPT_READS = {"run", "demo", "receive", "login"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_shows_something_takes_json(name):
    """Contract 3."""
    command = main.avtald.get_command(click.Context(main.avtald), name)
    assert command is not None
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in commands:
        options = {option for param in each.params for option in param.opts}
        assert "--json" in options or each.name in SHOWS_NOTHING_THAT_A_SCRIPT_READS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(avtald, name):
    ended = avtald(name, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: avtald {name}")


def test_a_command_stands_in_the_module_that_the_table_names():
    for name, (module, says) in COMMANDS.items():
        assert importlib.import_module(f"daemon.cli.{module}").__doc__
        assert says.endswith("."), name


@pytest.mark.parametrize("arguments", [["nosuch"], ["export", "--nosuch"], ["import"], []])
def test_wrong_usage_exits_2(avtald, arguments):
    assert avtald(*arguments).code == 2


@pytest.mark.parametrize("year", ["0001", "1970", "2199", "9999"])
def test_a_time_that_no_calendar_has_is_wrong_usage(avtald, folder, year):
    """A1, A4."""
    ended = avtald("tick", "--now", f"{year}-06-01T00:00:00+00:00")
    assert ended.code == 2
    assert "lies outside the years 1971-2198" in ended.err


TOO_LARGE = "9" * 24  # no database holds such a number


@pytest.mark.parametrize("number", ["0", TOO_LARGE])
@pytest.mark.parametrize("command", [["ticket"], ["explain"], ["mail", "replay"], ["mail", "show"]])
def test_a_number_that_nothing_can_have_is_wrong_usage(avtald, folder, command, number):
    ended = avtald(*command, number)
    assert (ended.code, "fault of avtald" in ended.err) == (2, False)


def test_version_is_the_distributions(avtald):
    assert avtald("--version").out.startswith("avtald, version ")


# --- which configuration -------------------------------------------------------------------------


def test_without_a_configuration_it_is_said_how_to_get_one(avtald, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AVTALD_CONFIG", raising=False)
    ended = avtald("export", "--config", "nowhere.toml")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "nowhere.toml" in ended.err


def test_config_may_stand_before_or_after_the_command(avtald, folder, monkeypatch):
    monkeypatch.chdir("/")
    file = folder / "avtald.toml"
    for arguments in (["--config", file, "export"], ["export", "--config", file]):
        assert avtald(*arguments).code == 0
    monkeypatch.setenv("AVTALD_CONFIG", str(file))
    assert avtald("export").code == 0


def test_a_broken_configuration_tells_all_three_mistakes_and_exits_2(avtald, folder):
    """Issue 2, Shows."""
    broken = '[desk]\nname = "E"\nadress = "x"\naddress = "no"\nreopen_within = 14\n'
    (folder / "avtald.toml").write_text(broken, encoding="utf-8")
    ended = avtald("check")
    assert ended.code == 2
    assert ended.out == ""
    lines = ended.err.splitlines()
    assert [line.split(": ")[:3] for line in lines] == [
        ["avtald", "avtald.toml", "desk.address"],
        ["avtald", "avtald.toml", "desk.reopen_within"],
        ["avtald", "avtald.toml", "desk.adress"],
    ]
    assert not (folder / "var").exists()


def test_an_instant_without_offset_is_wrong_usage(avtald, folder):
    """A1"""
    ended = avtald("agreements", "--now", "2026-11-30T08:30:00")
    assert ended.code == 2
    assert "offset" in ended.err


# --- faults --------------------------------------------------------------------------------------

FAULTS = [
    (MistakesError([Mistake("a.toml", "b", "write c")]), 2, "avtald: a.toml: b: write c\n"),
    (SchemaError("run avtald db upgrade"), 2, "avtald: run avtald db upgrade\n"),
    (CalendarError("no opening"), 2, "avtald: no opening\n"),
    (StoreError("locked"), 75, "avtald: locked\n"),
    (AccountingError(Fault.TEMPORARY, "busy"), 75, "avtald: busy\n"),
    (AccountingError(Fault.ACCESS, "no", remedy="Logga in."), 1, "avtald: no. Logga in.\n"),
    (click.Abort(), 1, "avtald: interrupted\n"),
    (KeyError("x"), 1, "avtald: a fault of avtald itself: KeyError: 'x' (--debug shows where)\n"),
]


@pytest.fixture
def failing(monkeypatch):
    """A command `fail` that ends as it is told."""

    def fails_with(error: BaseException) -> None:
        @click.command()
        @click.option("--debug", is_flag=True)
        def fail(debug):
            raise error

        monkeypatch.setattr(main.Commands, "get_command", lambda *_: fail)

    return fails_with


@pytest.mark.parametrize(
    ("error", "code", "says"), FAULTS, ids=[type(f[0]).__name__ for f in FAULTS]
)
def test_a_fault_is_one_sentence_and_a_code_without_traceback(avtald, failing, error, code, says):
    """Contract 3 and issue 10."""
    failing(error)
    ended = avtald("fail")
    assert (ended.code, ended.err) == (code, says)


def test_debug_shows_the_traceback(avtald, failing):
    failing(KeyError("x"))
    ended = avtald("fail", "--debug")
    assert ended.code == 1
    assert "Traceback" in ended.err
    assert "KeyError" in ended.err


def test_what_a_command_returns_is_what_it_exits_with(monkeypatch):
    @click.command()
    def attention():
        return 1

    monkeypatch.setattr(main.Commands, "get_command", lambda *_: attention)
    assert run(["attention"]) == 1


def test_a_database_out_of_reach_exits_75(avtald, folder):
    unreachable = '\n[database]\nurl = "postgresql+psycopg://avtald@127.0.0.1:1/avtald"\n'
    with (folder / "avtald.toml").open("a", encoding="utf-8") as file:
        file.write(unreachable)
    ended = avtald("export")
    assert (ended.code, ended.err.count("\n")) == (75, 1)


def test_a_reader_that_goes_away_is_no_fault():
    script = "from daemon.cli.main import run; import sys; sys.exit(run(['--help']))"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        started.stdout.close()
        said = started.stderr.read()
    assert "Traceback" not in said


# --- output --------------------------------------------------------------------------------------


def test_what_json_cannot_hold_is_refused_not_guessed(capsys):
    from daemon.cli.output import print_json

    with pytest.raises(TypeError, match="contract"):
        print_json({"x": object()})


def test_json_has_the_shapes_of_the_contract(capsys):
    import datetime as dt

    from daemon.cli.output import print_json
    from daemon.domain.money import Money
    from daemon.domain.periods import Period

    stockholm = dt.timezone(dt.timedelta(hours=1))
    print_json(
        {
            "instant": dt.datetime(2026, 11, 30, 9, 30, tzinfo=stockholm),
            "date": dt.date(2026, 11, 30),
            "month": Period.parse("2026-11"),
            "money": Money(8722_50),
            "roles": frozenset({"b", "a"}),
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "instant": "2026-11-30T08:30:00Z",
        "date": "2026-11-30",
        "month": "2026-11",
        "money": "8722.50",
        "roles": ["a", "b"],
    }


def test_a_table_lines_up_and_cannot_move_the_cursor():
    from daemon.cli.output import table

    lines = table(["kund", "kr"], [["å\u0308sa\x1b[2J\n", "1.00"], ["漢字", "12.00"]], right=[1])
    assert lines == ["kund         kr", "å\u0308sa [2J    1.00", "漢字      12.00"]
    assert table(["a"], []) == ["a"]
    assert "\u202e" not in table(["a"], [["\u202eevil"]])[1]
