"""`avtald demo`: a complete desk on this machine, and a month played through it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from daemon.cli.options import config_option


@click.command()
@click.option("--stay", is_flag=True, help="Stay up afterwards, in real time, for mail of yours.")
@click.option(
    "--dir", "kept", type=click.Path(path_type=Path), help="Keep the desk in this empty folder."
)
@click.option(
    "--port", type=click.IntRange(1, 65_535), help="Of the SMTP door; else any (2525 with --stay)."
)
@config_option
def demo(config: Path | None, kept: Path | None, port: int | None, *, stay: bool) -> int:
    """Play a month through a complete desk on this machine; needs no network and no settings.

    Customers of all four plans write, engineers answer with tags, the month closes, and drafts
    land in an accounting double. Exits 1 for a draft with another sum than the story's.
    """
    from daemon import logs
    from daemon.demo.show import show

    del config  # this desk writes its own
    logs.configure()
    with _folder(kept) as folder:
        return 0 if show(folder, port, click.echo, staying=stay) else 1


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """The folder to keep, or a temporary one."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="avtald-demo-") as gone:
            yield Path(gone)
        return
    try:
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(kept.iterdir()):
            raise click.UsageError(f"{kept} is not empty: name a new folder")
    except OSError as error:
        raise click.UsageError(f"{kept} cannot be used: {error.strerror}") from error
    yield kept.absolute()
