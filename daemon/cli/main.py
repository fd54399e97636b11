"""The command `avtald`: its sub-commands, loaded when asked for, and its exit codes."""

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from daemon.cli.options import debug_option

# A command, the module of daemon.cli that holds the function of that name ("-" as "_", and "_"
# after a word that Python keeps), and its line in the help: nothing is imported to print it.
COMMANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "run": ("working", "Run the desk, until SIGTERM."),
        "tick": ("working", "Do everything that is due, once."),
        "demo": ("demo", "Play a month through a complete desk on this machine."),
        "init": ("starting", "Write a commented avtald.toml and register.toml to start from."),
        "check": ("checking", "Test the desk's parts, and say how to mend each."),
        "import": ("register", "Change the register as a file says."),
        "export": ("register", "Write the register in the form that import reads."),
        "receive": ("mail", "Take raw messages into the inbox, as a pipe from an MTA."),
        "mail": ("mail", "List the inbox and its shelf; try again."),
        "tickets": ("tickets", "List tickets by deadline."),
        "ticket": ("tickets", "Show one ticket whole."),
        "explain": ("tickets", "Explain a ticket's clocks."),
        "bank": ("money", "Show or adjust a time bank."),
        "statements": ("money", "List the statements of months."),
        "statement": ("money", "Show one statement, or a preview."),
        "report": ("reports", "Show or print a customer's report."),
        "simulate": ("reports", "Show what another plan would have cost."),
        "invoices": ("invoices", "List invoices; push what waits."),
        "fortnox": ("fortnox", "Consent to Fortnox once; test the access."),
        "agreements": ("agreements", "List agreements and their versions."),
        "person": ("person", "Hand out or erase what is kept of somebody."),
        "backup": ("backup", "Copy the database while the desk runs."),
        "restore-test": ("backup", "Prove that a copy can be used."),
        "verify": ("verifying", "Prove the database: file, ledger, register, mails."),
        "steps": ("working", "List the steps at which a test can kill the process."),
        "db": ("database", "Upgrade or check the database's schema."),
    }
)

DONE, ATTENTION, WRONG_USE, TRY_AGAIN, FOREIGN_PACKAGE = 0, 1, 2, 75, 78


class Commands(click.Group):
    """A group of lazy commands: one is imported only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown one."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"daemon.cli.{COMMANDS[cmd_name][0]}")
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(module, name, None) or getattr(module, f"{name}_")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(path_type=Path), help="The configuration.")
@debug_option
@click.version_option(package_name="avtald")
def avtald(config: Path | None) -> None:
    """A helpdesk by e-mail, for software houses with support agreements."""
    del config  # a sub-command finds it in the context


def run(arguments: Sequence[str]) -> int:
    """Run a command; gives the exit code of contract.md 3, with one sentence for a fault.

    `receive` exits 0 or 75 and nothing else: no fault of ours, and none of an MTA's
    configuration, may bounce a mail.
    """
    code = _run(arguments)
    return TRY_AGAIN if code != DONE and _command(arguments) == "receive" else code


def _command(arguments: Sequence[str]) -> str | None:
    """The sub-command among the arguments."""
    words = iter(arguments)
    for word in words:
        if word == "--config":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _run(arguments: Sequence[str]) -> int:
    try:
        result = avtald.main(args=list(arguments), prog_name="avtald", standalone_mode=False)
    except click.ClickException as error:
        with _perhaps_nobody_hears():
            error.show()
        return error.exit_code
    except click.Abort:
        return _told("interrupted", ATTENTION)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: nothing more to say
        return ATTENTION
    except Exception as error:  # noqa: BLE001  the last wall: no traceback reaches a user
        if "--debug" in arguments:
            with _perhaps_nobody_hears():
                traceback.print_exc()
        return _fault(error)
    return result if isinstance(result, int) else DONE


def _fault(error: Exception) -> int:
    """Say a fault in a sentence; gives the exit code."""
    from daemon.app.desks import AWAY, WRONG
    from daemon.domain.invoice import AccountingError, Fault
    from daemon.loop import OutOfReachError

    if isinstance(error, WRONG):
        return _told(str(error), WRONG_USE)
    if isinstance(error, (*AWAY, OutOfReachError)):
        return _told(str(error), TRY_AGAIN)
    if isinstance(error, AccountingError):
        says = f"{error}. {error.remedy}" if error.remedy else str(error)
        return _told(says, TRY_AGAIN if error.fault is Fault.TEMPORARY else ATTENTION)
    first = (str(error).splitlines() or [""])[0]
    says = f"a fault of avtald itself: {type(error).__name__}: {first} (--debug shows where)"
    return _told(says, ATTENTION)


def _told(says: str, code: int) -> int:
    with _perhaps_nobody_hears():
        for line in says.splitlines():
            click.echo(f"avtald: {line}", err=True)
    return code


@contextmanager
def _perhaps_nobody_hears() -> Iterator[None]:
    """Keep the exit code when standard error takes no word: a full disk, a closed pipe."""
    try:
        yield
    except OSError:
        # What it still holds would be written once more at the exit, and make that 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
