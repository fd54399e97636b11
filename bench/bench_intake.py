"""From delivery to the confirmation that an SMTP server has taken, with the real `avtald run`.

Mails a second over LMTP and IMAP, on SQLite and PostgreSQL; how long one mail takes; statements,
memory and start-up time; and django-helpdesk over the same mails, where it can be installed.
Set BENCH_MAILS to another number than 300, and BENCH_HELPDESK to the Python of an environment that
has django-helpdesk and psycopg already.
"""

import contextlib
import json
import os
import random
import signal
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.servers import free_port, listens, postgres  # noqa: E402
from tests.servers import wait_for as wait_until  # noqa: E402

MAILS = int(os.environ.get("BENCH_MAILS", "300"))
ONE_BY_ONE = 40
SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
all_answers = 1000000
tickets_of_address = 1000000
tickets_of_domain = 1000000
gather_from = 1000000
[database]
url = "{url}"
[identity]
require = "none"
[intake]
disk_reserve = "1MB"
[intake.lmtp]
listen = "127.0.0.1:{lmtp}"
{imap}
[outgoing]
host = "127.0.0.1"
port = {sink}
tls = "none"
[accounting]
first_month = "{month}"
"""
IMAP = """
[[intake.imap]]
host = "127.0.0.1"
port = {port}
tls = "none"
username = "{user}"
password_file = "imap-password"
"""
_WORDS = "skrivaren på plan två står still och vi kommer inte åt ritningarna härifrån"
REGISTER = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"
""" + "".join(
    f"""
[[customers]]
key = "kund{n}"
name = "Kund {n} AB"
domains = ["kund{n}.se"]
[[customers.agreements]]
plan = "{("alert", "attend", "access")[n % 3]}"
from = 2026-01-01
"""
    for n in range(30)
)


def a_mail(name: str, number: int) -> bytes:
    """About 10 kB: Swedish, text and HTML, every third with a file."""
    words = _WORDS.split()
    chance = random.Random(number)
    text = "\n".join(" ".join(chance.choices(words, k=10)) for _ in range(40))
    mail = EmailMessage()
    mail["From"] = f"Åsa Öberg {number} <asa{name}{number}@kund{number % 30}.se>"
    mail["To"] = "Exempel Support <support@example.se>"
    mail["Subject"] = f"Ärende {number}: skrivaren på plan två står still"
    mail["Date"] = "Mon, 02 Nov 2026 10:00:00 +0100"
    mail["Message-ID"] = f"<{name}.{number}@kund{number % 30}.se>"
    mail.set_content(f"Hej!\n\n{text}\n\nHälsningar\nÅsa\n")
    mail.add_alternative(f"<p>Hej!</p><p>{text}</p><p>Hälsningar<br>Åsa</p>", subtype="html")
    if number % 3 == 0:
        mail.add_attachment(chance.randbytes(3000), "image", "png", filename="skärm.png")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class Sink:
    """The sink's process, and what it has told."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "mail_sink.py")], stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline())
        self.confirmed: dict[str, float] = {}  # Message-ID of the mail: when
        self.taken = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            at, recipient, answered = line.split()
            self.taken += 1
            if recipient.startswith("asa"):
                self.confirmed.setdefault(answered, float(at))

    def wait(self, ids: list[str], seconds: float = 300) -> None:
        """Until each of these has its confirmation."""
        deadline = time.monotonic() + seconds
        while not all(each in self.confirmed for each in ids):
            if time.monotonic() > deadline:
                missing = [each for each in ids if each not in self.confirmed]
                raise SystemExit(f"{len(missing)} confirmations are missing")
            time.sleep(0.005)


@contextlib.contextmanager
def daemon(folder: Path) -> Iterator[subprocess.Popen]:
    """`avtald run`; ended as systemd would."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", "run"],
        cwd=folder,
        env=_environment(),
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(HERE.parent)}


def a_place(folder: Path, url: str, sink: int, imap: str = "") -> int:
    """A configured desk in that folder; gives the LMTP port."""
    folder.mkdir()
    port = free_port()
    settings = SETTINGS.format(
        url=url, lmtp=port, sink=sink, imap=imap, month=time.strftime("%Y-%m")
    )  # no closing beside it
    (folder / "avtald.toml").write_text(settings, encoding="utf-8")
    (folder / "imap-password").write_text("hemligt")
    (folder / "imap-password").chmod(0o600)
    (folder / "register.toml").write_text(REGISTER, encoding="utf-8")
    command = [sys.executable, "-m", "daemon", "import", "register.toml"]
    subprocess.run(command, cwd=folder, env=_environment(), check=True, capture_output=True)
    return port


def deliver(port: int, mails: list[bytes], connections: int = 8) -> None:
    """Hand mails over, as an MTA with some connections does."""

    def run(some: list[bytes]) -> None:
        with smtplib.LMTP("127.0.0.1", port) as client:
            for mail in some:
                client.sendmail("asa@kund1.se", ["support@example.se"], mail)

    threads = [
        threading.Thread(target=run, args=(mails[at::connections],)) for at in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ids_of(name: str, numbers: range) -> list[str]:
    return [f"<{name}.{number}@kund{number % 30}.se>" for number in numbers]


def memory(pid: int, field: str = "VmRSS") -> float:
    """Of a process, in MB."""
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{field}:")[2].split()[0]) / 1024


def cpu(pid: int) -> float:
    """Of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def lmtp(folder: Path, url: str, sink: Sink, what: str) -> float:
    """Throughput, then one mail at a time; prints, and gives the mails a second."""
    port, name = a_place(folder, url, sink.port), folder.name
    started = time.monotonic()
    with daemon(folder) as process:
        wait_until(lambda: listens(port), "the door", process)
        ready = time.monotonic() - started
        deliver(port, [a_mail(f"w{name}", n) for n in range(30)])
        sink.wait(ids_of(f"w{name}", range(30)))
        mails = [a_mail(name, n) for n in range(MAILS)]
        spent, started = cpu(process.pid), time.monotonic()
        deliver(port, mails)
        taken = time.monotonic() - started
        sink.wait(ids_of(name, range(MAILS)))
        seconds = time.monotonic() - started
        spent = (cpu(process.pid) - spent) / MAILS * 1000
        print(
            f"{what}, LMTP: {MAILS / seconds:.0f} mails/s to the confirmation "
            f"({MAILS / taken:.0f}/s taken), {spent:.1f} ms CPU a mail, {load()}"
        )
        waits = []
        for number in range(ONE_BY_ONE):
            (key,) = ids_of(f"o{name}", range(number, number + 1))
            mail = a_mail(f"o{name}", number)
            time.sleep(0.05)
            started = time.monotonic()
            deliver(port, [mail], 1)
            sink.wait([key])
            waits.append((sink.confirmed[key] - started) * 1000)
        print(f"{what}, one mail at a time, LMTP: {told(waits)}, {load()}")
        now, peak = memory(process.pid), memory(process.pid, "VmHWM")
        print(f"{what}: memory {now:.0f} MB, peak {peak:.0f} MB; ready after {ready:.2f} s")
    return MAILS / seconds


def told(waits: list[float]) -> str:
    waits = sorted(waits)
    return f"median {statistics.median(waits):.0f} ms, 95 % {waits[int(len(waits) * 0.95)]:.0f} ms"


def imap(folder: Path, url: str, sink: Sink, server, what: str) -> float:
    """A mailbox with mail in it, then one mail at a time with IDLE."""
    name = folder.name
    server.put(name, *(a_mail(name, n) for n in range(MAILS)))
    port = a_place(folder, url, sink.port, IMAP.format(port=server.port, user=name))
    with daemon(folder) as process:
        wait_until(lambda: listens(port), "the door", process)
        started = time.monotonic()  # the mailbox is opened at the same time
        sink.wait(ids_of(name, range(MAILS)))
        seconds = time.monotonic() - started
        print(f"{what}, IMAP: {MAILS / seconds:.0f} mails/s to the confirmation, {load()}")
        time.sleep(1)
        waits = []
        for number in range(12):
            (key,) = ids_of(f"i{name}", range(number, number + 1))
            mail = a_mail(f"i{name}", number)
            started = time.monotonic()
            server.put(name, mail)
            sink.wait([key])
            waits.append((sink.confirmed[key] - started) * 1000)
            time.sleep(0.2)
        print(f"{what}, one mail at a time, IMAP IDLE: {told(waits)}, {load()}")
    return MAILS / seconds


def helpdesk_python(folder: Path) -> str | None:
    """The Python of an environment with django-helpdesk; None where it cannot be installed."""
    given = os.environ.get("BENCH_HELPDESK")
    if given:
        return given
    home = folder / "venv"
    steps = [
        [sys.executable, "-m", "venv", str(home)],
        [str(home / "bin/pip"), "install", "-q", "django-helpdesk", "psycopg[binary]"],
    ]
    for step in steps:
        if subprocess.run(step, capture_output=True, check=False).returncode:
            print("django-helpdesk: cannot be installed here; no comparison")
            return None
    return str(home / "bin/python")


def helpdesk(folder: Path, python: str, database: str, sink: Sink, what: str) -> float:
    """django-helpdesk over the same mails as files, with its confirmation and one notice."""
    box = folder / "box"
    box.mkdir(parents=True)
    for number in range(MAILS):
        (box / f"{number}.eml").write_bytes(a_mail("peer", number))
    before = sink.taken
    done = subprocess.run(
        [python, str(HERE / "peer_helpdesk.py"), str(box), str(sink.port), database],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"django-helpdesk fails here\n{done.stderr[-800:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    rate, sent = found["mails"] / found["seconds"], (sink.taken - before) / found["mails"]
    print(
        f"django-helpdesk, {what}, local files: {rate:.0f} mails/s ({found['tickets']} tickets, "
        f"{sent:.0f} mails out for each), "
        f"{found['cpu_ms']:.1f} ms CPU and {found['statements']:.0f} statements a mail, "
        f"{found['memory_mb']:.0f} MB, {load()}"
    )
    return rate


def beside_helpdesk(
    ours: Callable[[], float], theirs: Callable[[str], float] | None, what: str
) -> None:
    """Ours between two runs of theirs, for the machine's speed changes by the second."""
    if theirs is None:
        ours()
        return
    before, rate, after = theirs("before"), ours(), theirs("after")
    ratio = rate / ((before + after) / 2)
    print(f"{what}: ratio to django-helpdesk in this run, before and after: {ratio:.1f}")


def statements(folder: Path) -> None:
    """Statements and commits for each new mail, in groups and alone."""
    import datetime as dt
    from collections import Counter

    import structlog
    from sqlalchemy import event

    from daemon.app.steps import send_step
    from daemon.desk.incoming import receive
    from daemon.intake.accept import Arrival, accept
    from daemon.store import migrations
    from daemon.store.session import open_store
    from tests.builders import a_desk

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    folder.mkdir()
    store = open_store(f"sqlite:///{folder}/a.db")
    migrations.upgrade(store)
    desk = a_desk(store, folder, register=REGISTER)
    now = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
    counted: Counter[str] = Counter()
    event.listen(store.engine, "before_cursor_execute", lambda *_: counted.update(["statements"]))
    event.listen(store.engine, "commit", lambda _: counted.update(["commits"]))

    def work() -> None:
        while receive.step(desk.desk, now):
            pass
        while send.run(now):
            pass

    send = send_step(desk.sending)
    for what, group, rounds in (("in groups of 20", 20, 10), ("alone", 1, 10)):
        work()
        counted.clear()
        parts = []
        for each in range(rounds):
            arrivals = [
                Arrival(a_mail(f"s{group}", each * group + n), now, "lmtp", f"{each}.{n}")
                for n in range(group)
            ]
            accept(store, arrivals, go_live=None)
            parts.append(counted["statements"])
            work()
        mails = group * rounds
        print(
            f"a new mail {what}: {counted['statements'] / mails:.1f} statements, "
            f"{counted['commits'] / mails:.2f} commits, intake and sending included"
        )
    store.close()


def start_up() -> None:
    command = [sys.executable, "-m", "daemon", "--help"]
    times = []
    for _ in range(5):
        started = time.monotonic()
        subprocess.run(command, env=_environment(), check=True, capture_output=True, cwd="/")
        times.append(time.monotonic() - started)
    print(f"avtald --help: {statistics.median(times):.2f} s, {load()}")


@contextlib.contextmanager
def an_imap_server(folder: Path) -> Iterator[object]:
    from tests.mail_servers import dovecot
    from tests.servers import Certificate

    made = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            str(folder / "key.pem"),
            "-out",
            str(folder / "cert.pem"),
        ],
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with dovecot(Certificate(folder / "cert.pem", folder / "key.pem")) as server:
        yield server


def two_daemons(folder: Path, url: str, sink: Sink) -> None:
    """The same work with two processes on one PostgreSQL, handed over by as many connections."""
    ports = [a_place(folder / str(n), url, sink.port) for n in range(2)]
    with daemon(folder / "0") as one, daemon(folder / "1") as two:
        for port, process in zip(ports, (one, two), strict=True):
            wait_until(lambda port=port: listens(port), "the door", process)
        deliver_to(ports, [a_mail("wtwo", n) for n in range(30)])
        sink.wait(ids_of("wtwo", range(30)))
        mails = [a_mail("two", n) for n in range(MAILS)]
        spent, idle, started = cpu(one.pid) + cpu(two.pid), idled(), time.monotonic()
        deliver_to(ports, mails)
        sink.wait(ids_of("two", range(MAILS)))
        seconds = time.monotonic() - started
        busy = 1 - (idled() - idle) / seconds / (os.cpu_count() or 1)
        spent = (cpu(one.pid) + cpu(two.pid) - spent) / MAILS * 1000
    print(
        f"PostgreSQL, two daemons, LMTP: {MAILS / seconds:.0f} mails/s, "
        f"{spent:.1f} ms CPU a mail, the cores {busy:.0%} busy, {load()}"
    )


def deliver_to(ports: list[int], mails: list[bytes]) -> None:
    """Hand mails over to several doors at once, each its share."""
    each = len(ports)
    shares = [
        threading.Thread(target=deliver, args=(port, mails[at::each], 8 // each))
        for at, port in enumerate(ports)
    ]
    for share in shares:
        share.start()
    for share in shares:
        share.join()


def idled() -> float:
    """How long the cores have had nothing to do, in seconds of a core."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return int(fields[4]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="avtald-bench-") as home, contextlib.ExitStack() as own:
        folder = Path(home)
        print(f"{MAILS} mails of {len(a_mail('x', 3)) / 1024:.0f} kB, {os.cpu_count()} cores")
        start_up()
        statements(folder / "count")
        python = helpdesk_python(folder)
        cluster = own.enter_context(postgres(durable=True))

        def database(name: str) -> str:
            cluster.run(f"CREATE DATABASE {name}")
            return cluster.url(name)

        def peer_on_file(name: str) -> float:
            place = folder / f"file-{name}"
            return helpdesk(place, python or "", str(place / "peer.db"), sink, "SQLite")

        def peer_on_server(name: str) -> float:
            url = database(f"peer_{name}").replace("+psycopg", "")
            return helpdesk(folder / f"server-{name}", python or "", url, sink, "PostgreSQL")

        beside_helpdesk(
            lambda: lmtp(folder / "lite", f"sqlite:///{folder}/sqlite.db", sink, "SQLite"),
            peer_on_file if python else None,
            "SQLite",
        )
        beside_helpdesk(
            lambda: lmtp(folder / "pg", database("one"), sink, "PostgreSQL"),
            peer_on_server if python else None,
            "PostgreSQL",
        )
        (folder / "pair").mkdir()
        two_daemons(folder / "pair", database("two"), sink)
        server = own.enter_context(an_imap_server(folder))
        imap(folder / "imap", f"sqlite:///{folder}/imap.db", sink, server, "SQLite")
        imap(folder / "pgimap", database("mail"), sink, server, "PostgreSQL")
    sink.process.kill()


if __name__ == "__main__":
    main()
