"""python -m daemon: the command `avtald`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = (b"daemon/", b"parsers/", b"integrations/")
FOREIGN_PACKAGE = 78
TRY_AGAIN = 75


def foreign_owner(places: list[str]) -> str | None:
    """Find another owner of our package names, as `python-daemon (daemon)`.

    It reads the installers' lists of files in a few milliseconds.
    """
    for place in places:
        for record in _records(Path(place)):
            if record.parent.name.startswith("avtald-"):
                continue
            owned = _owned(record)
            if owned:
                return f"{record.parent.name.partition('-')[0]} ({owned})"
    return None


def _records(place: Path) -> Iterator[Path]:
    try:
        yield from place.glob("*.dist-info/RECORD")
        yield from place.glob("*.egg-info/top_level.txt")
    except OSError:
        return


def _owned(record: Path) -> str | None:
    try:
        lines = b"\n" + record.read_bytes().replace(b"\r", b"")
    except OSError:
        return None
    for name in NAMES:
        if b"\n" + name in lines or b"\n" + name[:-1] + b"\n" in lines:
            return name[:-1].decode()
    return None


def main() -> None:
    """Run the command of the arguments, and exit with its code."""
    owner = foreign_owner(sys.path)
    if owner is not None:
        print(  # noqa: T201  nothing of ours is safe to import yet
            f"avtald: another package, {owner}, owns a name of ours: "
            "install avtald in an environment of its own",
            file=sys.stderr,
        )
        # To an MTA 78 is for ever: no fault of ours bounces a mail.
        sys.exit(TRY_AGAIN if "receive" in sys.argv[1:] else FOREIGN_PACKAGE)
    os.umask(0o077)  # the desk's files are for the desk alone
    from daemon.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
