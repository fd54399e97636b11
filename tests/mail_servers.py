"""Real mail servers for the tests, Postfix and Dovecot, on loopback."""

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import Certificate, folder, free_port, listens, program, running, wait_for

# --- Postfix ------------------------------------------------------------------------------------

_MAIN_CF = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = /tmp
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mx.example.net
mydestination =
local_recipient_maps =
alias_maps =
relay_domains = example.se
relay_transport = {transport}
smtpd_relay_restrictions = {relays}
{more}
smtp_dns_support_level = disabled
lmtp_tls_security_level = none
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
"""
# The queue manager is woken each second: a mail that it meets while the last attempt's process
# still holds it goes back to the queue "incoming", looked at on waking only (else after 300 s).
_MASTER_CF = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A border that relays mail for example.se to one place."""

    port: int
    home: Path
    log: Path

    def queued(self) -> int:
        """How many mails it has not handed over yet."""
        folders = ("incoming", "active", "deferred", "maildrop")
        return sum(
            path.is_file() for name in folders for path in (self.home / "queue" / name).rglob("*")
        )

    def drain(self) -> None:
        """Wait until it has handed everything over; tell its log where it does not."""
        try:
            wait_for(lambda: self.queued() == 0, "Postfix's queue is empty")
        except pytest.fail.Exception:
            print(self.log.read_text()[-4000:])
            raise


@contextmanager
def postfix(transport: str, *, elsewhere: str | None = None) -> Iterator[Postfix]:
    """Start a Postfix of its own; `transport` is such as `lmtp:inet:127.0.0.1:2424`.

    With `elsewhere`, such as `smtp:[127.0.0.1]:2525`, only support@example.se goes by `transport`,
    and this machine's mail for everybody else goes there.
    """
    relays, more = "reject_unauth_destination", ""
    if elsewhere:
        relays = f"permit_mynetworks, {relays}"
        more = (
            f"transport_maps = inline:{{ {{ support@example.se = {transport} }} }}\n"
            f"default_transport = {elsewhere}\nrecipient_delimiter = +"
        )
        transport = elsewhere
    postfix_program = program("postfix", "postfix")
    master = program("master", "postfix", "usr/lib/postfix/sbin")
    if os.geteuid() != 0:
        pytest.fail("Postfix runs as root only: run the tests as root", pytrace=False)
    with folder("postfix") as home:
        port = free_port()
        home.chmod(0o755)
        (home / "conf").mkdir()
        (home / "queue").mkdir()
        (home / "data").mkdir()
        shutil.chown(home / "data", "postfix")
        (home / "conf/main.cf").write_text(
            _MAIN_CF.format(
                home=home,
                transport=transport,
                relays=relays,
                more=more,
            )
        )
        (home / "conf/master.cf").write_text(_MASTER_CF.format(port=port))
        made = subprocess.run(
            [postfix_program, "-c", str(home / "conf"), "check"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        with running([master, "-c", str(home / "conf")], home / "output") as process:
            wait_for(lambda: listens(port), "Postfix", process)
            yield Postfix(port, home, home / "log")


# --- Dovecot ------------------------------------------------------------------------------------

_DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_uid = {user}
mail_gid = {group}
mail_location = maildir:{home}/mail/%n
mail_max_userip_connections = 100
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
passdb {{
  driver = static
  mechanisms = plain login
  args = password=hemligt
}}
passdb {{
  driver = static
  mechanisms = xoauth2
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%n
}}
service imap-login {{
  chroot =
  service_count = 0
  client_limit = 100
  process_limit = 2
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """An IMAP server; any user name works, with the password `hemligt`."""

    port: int
    tls_port: int
    home: Path
    process: subprocess.Popen

    password = "hemligt"

    @contextmanager
    def opened(self, user: str, name: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """Another client of that mailbox: a person, or the test."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        client.login(user, self.password)
        client.select(name)
        yield client
        client.logout()

    def put(self, user: str, *mails: bytes, name: str = "INBOX", at: str | None = None) -> None:
        """Deliver mails; `at` is the INTERNALDATE, as IMAP writes it, in quotes."""
        with self.opened(user) as client:
            for mail in mails:
                assert client.append(name, "", at, mail)[0] == "OK"

    def uids(self, user: str, name: str = "INBOX", criteria: str = "ALL") -> list[int]:
        """What is in a folder; empty where there is none."""
        with self.opened(user) as client:
            if client.select(f'"{name}"', readonly=True)[0] != "OK":
                return []
            return [int(uid) for uid in client.uid("SEARCH", criteria)[1][0].split()]

    def imap_processes(self) -> list[int]:
        """The processes that serve sessions which are logged in."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, _, rest = path.read_text().partition("(")[2].rpartition(")")
                if name == "imap" and int(rest.split()[1]) == self.process.pid:
                    found.append(int(path.parent.name))
        return found

    def renumber(self, user: str) -> None:
        """Change UIDVALIDITY of the INBOX, as a restored backup does."""
        self.end_sessions()
        for path in (self.home / "mail" / user).glob("dovecot*"):
            path.unlink()
        (self.home / "mail" / user / f"dovecot-uidvalidity.{int(time.time()) + 5:08x}").touch()

    def end_sessions(self) -> None:
        """Kill what serves sessions, without a word to the clients."""
        for pid in self.imap_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def dovecot(certificate: Certificate) -> Iterator[Dovecot]:
    """Start a Dovecot without privileges; as the user dovecot where the tests are root."""
    server = program("dovecot", "dovecot-imapd")
    program("imap", "dovecot-imapd", "usr/lib/dovecot", "usr/libexec/dovecot")
    user = pwd.getpwnam("dovecot") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with folder("dovecot", user.pw_name) as home:
        port, tls_port = free_port(), free_port()
        for name, source in (("cert.pem", certificate.certificate), ("key.pem", certificate.key)):
            shutil.copyfile(source, home / name)
            shutil.chown(home / name, user.pw_name)
        (home / "conf").write_text(
            _DOVECOT.format(
                home=home,
                user=user.pw_name,
                group=grp.getgrgid(user.pw_gid).gr_name,
                port=port,
                tls_port=tls_port,
                certificate=home / "cert.pem",
                key=home / "key.pem",
            )
        )
        as_user = user.pw_name if os.geteuid() == 0 else None
        command = [server, "-F", "-c", str(home / "conf")]
        with running(command, home / "output", user=as_user) as process:
            wait_for(lambda: listens(port), "Dovecot", process)
            yield Dovecot(port, tls_port, home, process)


@pytest.fixture(scope="session")
def imap_server(certificate) -> Iterator[Dovecot]:
    """The test run's Dovecot; every test takes a user name of its own."""
    with dovecot(certificate) as server:
        yield server
