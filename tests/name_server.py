"""A DNS server of the test's own on loopback, over UDP and TCP, in whatever health it is told."""

import contextlib
import socketserver
import struct
import threading
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.servers import free_port


class NameServer:
    """What it knows, what it was asked, and how it is.

    `records` has the text of each name; any other name does not exist. `health` is "well",
    "silent", "servfail", "refused", "garbage", "truncated" (over UDP, so that TCP is asked) or the
    seconds that an answer takes.
    """

    def __init__(self):
        self.records = {}
        self.health = "well"
        self.asked = []
        self.port = 0
        self.stopping = threading.Event()

    @property
    def address(self):
        return "127.0.0.1", self.port

    def reply(self, wire, *, tcp):
        """The answer in bytes, or None for none."""
        health = self.health
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(("tcp" if tcp else "udp", name))
        if health == "silent":
            return None
        if health == "garbage":
            return b"\0" * 7
        if isinstance(health, int | float):
            self.stopping.wait(health)
        answer = dns.message.make_response(query)
        if health in {"servfail", "refused"}:
            answer.set_rcode(dns.rcode.SERVFAIL if health == "servfail" else dns.rcode.REFUSED)
        elif health == "truncated" and not tcp:
            answer.flags |= dns.flags.TC
        elif name in self.records:
            text = self.records[name]
            pieces = [text[at : at + 250] for at in range(0, len(text), 250)]
            quoted = " ".join(f'"{piece.decode()}"' for piece in pieces)
            rrset = dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", quoted)
            answer.answer.append(rrset)
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()


class _Udp(socketserver.BaseRequestHandler):
    def handle(self):
        wire, sock = self.request
        answer = self.server.told.reply(wire, tcp=False)
        if answer is not None:
            with contextlib.suppress(OSError):
                sock.sendto(answer, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        (length,) = struct.unpack("!H", self.rfile.read(2))
        answer = self.server.told.reply(self.rfile.read(length), tcp=True)
        if answer is None:
            self.server.told.stopping.wait(60)
            return
        self.wfile.write(struct.pack("!H", len(answer)) + answer)


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextlib.contextmanager
def name_server():
    """Run one on a free port of loopback."""
    told = NameServer()
    told.port = free_port()
    with (
        _UdpServer(told.address, _Udp) as udp,
        _TcpServer(told.address, _Tcp) as tcp,
    ):
        threads = []
        for server in (udp, tcp):
            server.told = told
            serve = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            serve.start()
            threads.append(serve)
        try:
            yield told
        finally:
            told.stopping.set()
            time.sleep(0)
            for server in (udp, tcp):
                server.shutdown()
            for thread in threads:
                thread.join()
