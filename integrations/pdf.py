"""HTML to PDF with WeasyPrint, in a child process without access to network or secrets.

The child runs as `python -I -m integrations.pdf`: HTML on standard input, PDF on standard output.
"""

import errno
import resource
import signal
import subprocess
import sys

from daemon.domain.document import PdfError

MEMORY = 1_500_000_000  # bytes of address space: 2,000 rows need a seventh of it as memory
CPU_SECONDS = 60
WALL_SECONDS = 90.0
_FILE_SIZE = 16_000_000  # bytes: the library unpacks a page's own fonts
_MISSING, _UNPRINTABLE = 3, 4
# The machine has no more for now: no fault of the page, and the print is due again.
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
_REMEDY = (
    "Installera Debian-paketen: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
)


class WeasyPrinter:
    """The port `PdfPrinter`: the same HTML gives the same bytes; raises PdfError.

    InterruptedError if the child is stopped from outside, as by a service manager; OSError if the
    machine has no memory, process or file descriptor left for it.
    """

    def __init__(self, *, seconds: float = WALL_SECONDS, memory: int = MEMORY) -> None:
        """Give a print that much time (seconds) and address space (bytes)."""
        self._seconds = seconds
        self._memory = memory

    def print(self, html: str) -> bytes:
        """Print in a child process; it reads nothing but `data:` addresses."""
        command = [sys.executable, "-I", "-m", "integrations.pdf", str(self._memory)]
        try:
            child = subprocess.run(  # noqa: S603 - our own module, no shell, no foreign argument
                command,
                input=html.encode("utf-8", "replace"),
                capture_output=True,
                timeout=self._seconds,
                check=False,
                cwd="/",
                env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
            )
        except subprocess.TimeoutExpired:
            raise PdfError(f"the PDF was not ready after {self._seconds:.0f} s") from None
        except OSError as error:
            if error.errno in _PASSING:
                raise
            raise PdfError(f"the printer could not be started: {error}") from error
        if child.returncode == 0 and child.stdout.startswith(b"%PDF-"):
            return child.stdout
        raise _failed(child.returncode, child.stderr)


def _failed(code: int, told: bytes) -> Exception:
    """The last line written by the child is the reason.

    A stop of the whole service stops the child as well: nothing is wrong with the page, and the
    print is due again.
    """
    if -code in (signal.SIGTERM, signal.SIGINT):
        return InterruptedError("the print was stopped")
    if code < 0:
        return PdfError(f"the PDF needed too much: the printer was ended by signal {-code}")
    lines = told.decode("utf-8", "replace").strip().splitlines() or [f"exit code {code}"]
    if code == _MISSING:
        return PdfError(f"WeasyPrint's libraries are missing: {lines[-1]}", remedy=_REMEDY)
    return PdfError(f"the PDF could not be printed: {lines[-1][:500]}")


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_SIZE, _FILE_SIZE))


def child(arguments: list[str]) -> int:
    """The child's work: limits first, then the library, then the print."""
    _limit(int(arguments[0]))
    html = sys.stdin.buffer.read().decode("utf-8")
    try:
        from weasyprint import HTML, URLFetcher
    except (ImportError, OSError) as error:
        sys.stderr.write(f"{error}\n".replace("\n", " "))
        return _MISSING
    try:
        fetcher = URLFetcher(allowed_protocols=("data",))
        pdf: bytes = HTML(string=html, url_fetcher=fetcher).write_pdf()
    except Exception as error:  # noqa: BLE001 - whatever the library throws is one answer
        sys.stderr.write(f"\n{type(error).__name__}: {error}".replace("\n", " ")[:1000])
        return _UNPRINTABLE
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(child(sys.argv[1:]))
