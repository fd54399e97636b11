"""An IMAP server on loopback that answers as told: odd, refusing, silent, or gone."""

import contextlib
import re
import socketserver
import threading
import time

DROP = b"DROP"  # close the connection instead of answering
LATER = b"LATER"  # wait a moment before the rest
HANG = b"HANG"  # say nothing more, and keep the connection


class Patience:
    """An Event that notes how long it was to wait, and waits for nothing."""

    def __init__(self):
        self.waited = []

    def wait(self, seconds):
        self.waited.append(seconds)

    def is_set(self):
        return False


class OddImap:
    """A mailbox with one folder; `twist[verb]` makes of the usual answer what is said instead.

    Verbs: CONNECT, CAPABILITY, LOGIN, SELECT, SEARCH, SIZES, BODIES, HEADERS, MOVE, CREATE,
    SUBSCRIBE, STORE, IDLE, DONE, LOGOUT. A twist is called with the command's tag and the usual
    answer, which ends with it.
    """

    password = "hemligt"  # as any other

    def __init__(self):
        self.mails = {}  # by UID
        self.moved = {}
        self.uidvalidity = b"7"
        self.capability = b"IMAP4rev1 IDLE MOVE"
        self.prefix = b""  # of every folder but INBOX
        self.twist = {}
        self.commands = []
        self.connections = 0
        self.ended = threading.Event()
        self.port = 0

    def put(self, *mails):
        for mail in mails:
            self.mails[max([*self.mails, *self.moved], default=0) + 1] = mail

    def said(self, verb):
        """How often a verb was used."""
        return self.commands.count(verb)

    def answer(self, verb, tag, rest):
        usual = getattr(self, f"_{verb.lower()}", lambda _rest: b"")(rest) + tag + b" OK done\r\n"
        if verb == "CONNECT":
            usual = b"* OK odd\r\n"
        if verb == "IDLE":
            usual = b"+ idling\r\n"
        if verb in ("MOVE", "CREATE") and b'"' + self.prefix not in rest:
            usual = tag + b" NO no such namespace\r\n"
        twist = self.twist.get(verb)
        return twist(tag, usual) if twist else usual

    def _capability(self, _rest):
        return b"* CAPABILITY " + self.capability + b"\r\n"

    def _select(self, _rest):
        return (
            b"* FLAGS (\\Seen \\Deleted)\r\n* %d EXISTS\r\n* 0 RECENT\r\n"
            b"* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] kept\r\n* OK [UIDVALIDITY %s] valid\r\n"
        ) % (len(self.mails), self.uidvalidity)

    def _search(self, rest):
        found = [] if b"DELETED" in rest else sorted(self.mails)
        return b"* SEARCH%s\r\n" % b"".join(b" %d" % uid for uid in found)

    def _sizes(self, rest):
        date = b'INTERNALDATE "23-Nov-2026 08:30:00 +0100"'
        return b"".join(
            b"* %d FETCH (UID %d RFC822.SIZE %d %s)\r\n" % (at, uid, len(self.mails[uid]), date)
            for at, uid in self._asked(rest)
        )

    def _bodies(self, rest):
        return b"".join(self.body(at, uid, self.mails[uid]) for at, uid in self._asked(rest))

    def _headers(self, rest):
        return b"".join(
            self.body(at, uid, self.mails[uid].partition(b"\r\n\r\n")[0], b"HEADER")
            for at, uid in self._asked(rest)
        )

    @staticmethod
    def body(at, uid, text, part=b""):
        return b"* %d FETCH (UID %d BODY[%s] {%d}\r\n%s)\r\n" % (at, uid, part, len(text), text)

    def _move(self, rest):
        if b'"' + self.prefix not in rest:
            return b""
        for _, uid in self._asked(rest):
            self.moved[uid] = self.mails.pop(uid)
        return b""

    def _namespace(self, _rest):
        return b'* NAMESPACE (("%s" ".")) NIL NIL\r\n' % self.prefix

    def _logout(self, _rest):
        return b"* BYE\r\n"

    def _asked(self, rest):
        asked = {int(uid) for uid in rest.split()[0].split(b",")}
        return [(at, uid) for at, uid in enumerate(sorted(self.mails), 1) if uid in asked]


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.odd.connections += 1
        with contextlib.suppress(ConnectionError):
            if self.say("CONNECT", b"*", b""):
                while (line := self.rfile.readline()) and self.obey(line.rstrip(b"\r\n")):
                    pass

    def obey(self, line):
        tag, _, rest = line.partition(b" ")
        verb, _, rest = rest.partition(b" ")
        if verb == b"UID":
            verb, _, rest = rest.partition(b" ")
        if verb == b"FETCH":
            kinds = {b"RFC822.SIZE": b"SIZES", b"BODY.PEEK[]": b"BODIES", b"HEADER": b"HEADERS"}
            verb = next(kind for part, kind in kinds.items() if part in rest)
        verb = verb.decode().upper()
        going_on = self.say(verb, tag, rest)
        if verb == "IDLE" and going_on and b"+" in self.last:
            self.rfile.readline()
            return self.say("DONE", tag, b"")
        return going_on and verb != "LOGOUT"

    def say(self, verb, tag, rest):
        odd = self.server.odd
        odd.commands.append(verb)
        self.last = odd.answer(verb, tag, rest)
        said, _, after = re.split(rb"(DROP|HANG|\Z)", self.last, maxsplit=1)
        for number, piece in enumerate(said.split(LATER)):
            time.sleep(0.2 if number else 0)
            self.wfile.write(piece)
        if DROP in self.last:
            return False
        if HANG in self.last:
            odd.ended.wait(60)
            return False
        return not after


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextlib.contextmanager
def odd_imap():
    odd = OddImap()
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.odd = odd
        odd.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield odd
        finally:
            odd.ended.set()
            server.shutdown()
