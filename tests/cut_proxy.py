"""A TCP proxy on loopback that cuts, freezes, or just counts what a server says."""

import contextlib
import socket
import threading


class CutProxy:
    """Stands before a server; `cut_after` bytes of the server's words the connection is cut."""

    def __init__(self, port):
        self.cut_after = None
        self.frozen = False
        self.said = 0  # bytes from the server, over all connections
        self.connections = 0
        self._target = port
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for pair in self._open:
            self._end(*pair)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self.connections += 1
                self._open.append((client, server))
                for source, target, counted in ((client, server, False), (server, client, True)):
                    threading.Thread(
                        target=self._pump, args=(source, target, counted), daemon=True
                    ).start()

    def _pump(self, source, target, counted):
        passed = 0
        try:
            while piece := source.recv(4096):
                if counted and self.cut_after is not None:
                    piece = piece[: self.cut_after - passed]
                while self.frozen:
                    threading.Event().wait(0.02)
                target.sendall(piece)
                passed += len(piece)
                self.said += len(piece) if counted else 0
                if counted and self.cut_after is not None and passed >= self.cut_after:
                    break
        except OSError:
            pass
        self._end(source, target)

    def _end(self, *pair):
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextlib.contextmanager
def cut_proxy(port):
    proxy = CutProxy(port)
    try:
        yield proxy
    finally:
        proxy.frozen = False
        proxy.close()
