"""The stage of the play: a desk with its door, its books and its register, all on loopback."""

import dataclasses
import datetime as dt
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from daemon.app import desks, steps
from daemon.app.accounting import accounting_of
from daemon.demo.catcher import Catcher
from daemon.desk.context import Desk
from daemon.desk.outgoing.sending import Sending
from daemon.desk.ports import Accounting
from daemon.desk.register import file as register_file
from daemon.desk.register import importing as registering
from daemon.settings import load
from integrations.fortnox.double.registers import seeded
from integrations.fortnox.double.server import FortnoxDouble

SAMPLES = resources.files("daemon.demo") / "samples"
_LOOPBACK = "127.0.0.1"
_SETTINGS = """\
# The desk of `avtald demo`: everything is on this machine.
[desk]
name = "Exempel Support"
address = "support@example.se"
aliases = ["helpdesk@example.se"]
return_address = "bounce@example.se"
operators = ["drift@example.se"]
answers = 100  # to one address in 3 h: the demonstration has few addresses

[intake.smtp]
listen = "127.0.0.1:{door}"

[outgoing]
host = "127.0.0.1"
port = {catcher}
tls = "none"

[identity]
require = "{proof}"
trusted_authserv_ids = ["mx.example.se"]

[accounting]
kind = "fortnox"
finance = ["ekonomi@example.se"]
first_month = "2026-11"

[accounting.fortnox]
api_url = "{books}"
auth_url = "{books}/oauth-v1/auth"
token_url = "{books}/oauth-v1/token"
client_id = "{client}"
client_secret_file = "fortnox-client-secret"
tenant_id = {tenant}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running desk with all it needs, in one folder."""

    folder: Path
    door_port: int
    catcher: Catcher
    double: FortnoxDouble
    desk: Desk
    sending: Sending
    accounting: Accounting

    @property
    def settings_file(self) -> Path:
        """The file for a command's `--config`."""
        return self.folder / "avtald.toml"

    def believing(self) -> "Stage":
        """The same desk, but it believes every From address: to try it by hand without a border."""
        _write_settings(self.folder, self.door_port, self.catcher, self.double, proof="none")
        settings = load.load(self.settings_file)
        return dataclasses.replace(self, desk=dataclasses.replace(self.desk, settings=settings))


@contextmanager
def staged(folder: Path, door_port: int, at: dt.datetime) -> Iterator[Stage]:
    """Set up a desk in an empty folder, with its register imported at that instant."""
    with ExitStack() as after:
        catcher = Catcher(folder / "caught", free_port())
        catcher.start()
        after.callback(catcher.stop)
        double = after.enter_context(_books())
        _write_settings(folder, door_port, catcher, double, proof="dmarc")
        desk = after.enter_context(desks.opened(folder / "avtald.toml"))
        _import_register(desk, folder, at)
        sending = steps.sending_of(desk)
        after.callback(sending.close, at)
        books = accounting_of(desk)
        after.callback(books.close)
        yield Stage(folder, door_port, catcher, double, desk, sending, books)


def free_port(wanted: int = 0) -> int:
    """The wanted port of this machine, or any free one if it is 0 or taken."""
    for port in dict.fromkeys((wanted, 0)):
        try:
            with socket.create_server((_LOOPBACK, port)) as probe:
                return int(probe.getsockname()[1])
        except OSError:
            continue
    raise OSError("no port of this machine is free")


def _books() -> FortnoxDouble:
    """The Fortnox double with the customers of the register."""
    registers = seeded()
    registers.add_customer("1001", "Nordhamn Logistik AB")
    registers.add_customer("1002", "Bergs Sågverk AB")
    registers.add_customer("1003", "Bluewater Marine AB")
    registers.add_customer("1004", "Tall & Ek Arkitekter AB")
    return FortnoxDouble(registers=registers)


def _write_settings(
    folder: Path, door_port: int, catcher: Catcher, double: FortnoxDouble, *, proof: str
) -> None:
    told = double.settings()
    text = _SETTINGS.format(
        door=door_port,
        catcher=catcher.port,
        proof=proof,
        books=double.url,
        client=told.client_id,
        tenant=told.tenant_id,
    )
    (folder / "avtald.toml").write_text(text, encoding="utf-8")
    secret = folder / "fortnox-client-secret"
    secret.touch(mode=0o600)
    secret.write_text(told.client_secret + os.linesep, encoding="utf-8")


def _import_register(desk: Desk, folder: Path, at: dt.datetime) -> None:
    """Import the register as `avtald import register.toml` does."""
    file = folder / "register.toml"
    file.write_bytes((SAMPLES / "register.toml").read_bytes())
    with desk.store.writing() as tx:
        asked = registering.plan(tx, str(file), register_file.read(file), desk.settings)
        registering.apply(tx, asked, at)
