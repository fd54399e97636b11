"""The socket of a door: a port, or a unix socket that no other process uses."""

import contextlib
import errno
import socket
import stat
from pathlib import Path

from daemon.settings.values import Listen


def bind(listen: Listen) -> socket.socket:
    """Bind and listen; raises OSError where the place is taken or forbidden."""
    if listen.path is None:
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        made = socket.create_server((listen.host, listen.port), family=family, backlog=100)
        # Every connection inherits it. asyncio sets it only on sockets made with a protocol's name;
        # without it a greeting of several lines takes 40 ms.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    _clear(listen.path)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(str(listen.path))
        listen.path.chmod(0o660)  # before anybody can connect: it does not listen yet
        made.listen(100)
    except OSError:
        made.close()
        raise
    return made


def _clear(path: Path) -> None:
    """Remove the socket of a killed process; raises OSError where a process still uses it."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(f"{path} is no socket: remove it, or listen elsewhere")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)  # the other may be too busy to let us in
            if probe.connect_ex(str(path)) != errno.ECONNREFUSED:
                raise OSError(f"{path} is in use by another process")
        path.unlink()
