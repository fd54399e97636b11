"""Real servers for the tests, from Debian's packages: on loopback, on free ports, stopped by pid.

Where one is missing, the test that needs it fails with the command that installs it.
"""

import ctypes
import datetime as dt
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from daemon.store import migrations
from daemon.store.session import Store, open_store

START_SECONDS = 30


def memory() -> str | None:
    """A folder in memory, where a sync costs nothing; None where there is none with room."""
    shm = Path("/dev/shm")
    return str(shm) if shm.is_dir() and shutil.disk_usage(shm).free > 2 * 1024**3 else None


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name: str, package: str, *folders: str) -> str:
    """The path of a server's program; fails with the command that installs it."""
    found = [path for folder in folders for path in sorted(Path("/").glob(f"{folder}/{name}"))]
    path = str(found[-1]) if found else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.fail(f"{name} is not installed: apt-get install -y {package}", pytrace=False)
    return path


def wait_for(
    ready: Callable[[], bool],
    what: str,
    process: subprocess.Popen | None = None,
    *,
    seconds: float = START_SECONDS,
) -> None:
    """Wait until something holds; fails when that takes too long, or when the process has ended."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process is not None and process.poll() is not None:
            pytest.fail(f"{what}: the server ended with {process.returncode}", pytrace=False)
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds:.0f} s", pytrace=False)
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether somebody takes connections on that port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def die_with_parent(signal_number: int) -> Callable[[], None]:
    """What a child runs first, so that a killed test run leaves no server behind."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal_number)


@contextmanager
def running(
    command: list[str], log: Path, *, user: str | None = None, stop: int = signal.SIGTERM
) -> Iterator[subprocess.Popen]:
    """A server as a child process, stopped by its pid."""
    group = None if user is None else pwd.getpwnam(user).pw_gid
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd="/",
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            preexec_fn=die_with_parent(stop),  # noqa: PLW1509  it only calls prctl
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def folder(prefix: str, owner: str | None = None, place: str = "/tmp") -> Iterator[Path]:
    """A short-lived folder with a short name (sockets allow 107 bytes) that its owner can enter."""
    path = Path(tempfile.mkdtemp(prefix=f"avtald-{prefix}-", dir=place))
    try:
        if owner is not None:
            shutil.chown(path, owner)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


# --- PostgreSQL ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Postgres:
    """A cluster of its own; every database costs one copy of a template."""

    port: int
    process: subprocess.Popen

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://avtald@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="avtald", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)

    def answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """Start a PostgreSQL cluster, as the user postgres where the tests are root.

    Without fsync and in memory; `durable` is as a customer runs it: commits are on the disk.
    """
    folders = ("usr/lib/postgresql/*/bin",)
    initdb = program("initdb", "postgresql", *folders)
    server = program("postgres", "postgresql", *folders)
    user = "postgres" if os.geteuid() == 0 else None
    with folder("pg", user, "/tmp" if durable else memory() or "/tmp") as home:
        data, port = home / "data", free_port()
        made = subprocess.run(
            [
                initdb,
                "-D",
                str(data),
                "-U",
                "avtald",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            user=user,
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        assert made.returncode == 0, made.stderr
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": home,
            "max_connections": 60,
            "shared_buffers": "32MB",
            "timezone": "UTC",
        }
        if not durable:
            options |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        flags = [text for key, value in options.items() for text in ("-c", f"{key}={value}")]
        with running(
            [server, "-D", str(data), *flags], home / "log", user=user, stop=signal.SIGINT
        ) as process:
            cluster = Postgres(port, process)
            wait_for(cluster.answers, "PostgreSQL", process)
            yield cluster


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """The test run's PostgreSQL, with a template database made by the migrations."""
    with postgres() as cluster:
        cluster.run("CREATE DATABASE template_avtald")
        template = open_store(cluster.url("template_avtald"))
        migrations.upgrade(template)
        template.close()
        yield cluster


@pytest.fixture
def pg_url(postgresql, request) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with the schema."""
    name = f"t{os.getpid()}_{time.monotonic_ns()}"
    postgresql.run(f"CREATE DATABASE {name} TEMPLATE template_avtald")
    yield postgresql.url(name)
    postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def pg_store(pg_url) -> Iterator[Store]:
    """A fresh database on PostgreSQL."""
    opened = open_store(pg_url)
    yield opened
    opened.close()


# --- SQLite -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """An empty SQLite database made by the migrations, to be copied."""
    path = tmp_path_factory.mktemp("template") / "avtald.db"
    template = open_store(f"sqlite:///{path}")
    migrations.upgrade(template)
    template.close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path) -> Iterator[str]:
    """The URL of a fresh SQLite database with the schema; in memory, where a sync costs nothing."""
    with tempfile.TemporaryDirectory(prefix="avtald-", dir=memory() or tmp_path) as home:
        path = Path(home) / "avtald.db"
        shutil.copyfile(sqlite_template, path)
        yield f"sqlite:///{path}"


@pytest.fixture
def store(sqlite_url) -> Iterator[Store]:
    """A fresh database on SQLite."""
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


# --- both ---------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request) -> str:
    """The URL of a fresh database, on each engine in turn."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "pg_url")


@pytest.fixture
def any_store(any_url) -> Iterator[Store]:
    """A fresh database, on each engine in turn."""
    opened = open_store(any_url)
    yield opened
    opened.close()


# --- certificates -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for localhost and 127.0.0.1."""

    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Certificate:
    """A certificate that `client()` trusts and nobody else does."""
    home = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(home / "cert.pem", home / "key.pem")
    paths.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
