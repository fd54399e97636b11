"""The server behind a mail, by words out of its writer's reach (E1)."""

import re
from collections.abc import Collection

from parsers.authentication import read_results
from parsers.message import Message

_BY = re.compile(r"(?:^|\s)by\s+([A-Za-z0-9.-]{1,255})")
_OF_NOBODY = re.compile(r"by\s|from\s+localhost\s+\(localhost\)\s+by\s", re.IGNORECASE)
_DELIVERED = re.compile(r"\swith\s+LMTPS?A?\s", re.IGNORECASE)
_LOCAL = re.compile(r"\swith\s+local\s", re.IGNORECASE)


def is_from(message: Message, names: Collection[str], trusted: Collection[str]) -> bool:
    """Tell if one of these servers made the mail itself, or the border vouches for it.

    `names` are the servers' names and `trusted` those of the border, in lower case. Only the
    topmost Received and Authentication-Results count: anything below may have come with the mail.
    """
    return _made_by(message, names) or _vouched(message, names, trusted)


def _made_by(message: Message, names: Collection[str]) -> bool:
    """Tell if the topmost Received shows no delivery over the network, as of a server's own mail.

    Postfix writes `by NAME (Postfix)`, Sendmail `from localhost (localhost) by NAME`, Exim `from
    USER by NAME with local`. A mail by SMTP has the client's address in it. A mailbox server adds
    its own line above, `with LMTP`.
    """
    for value in message.all("Received")[:5]:
        line = " ".join(value.split())
        host = _BY.search(line)
        if host is None or _name(host[1]) not in names:
            return False
        if not _DELIVERED.search(line):
            local = _LOCAL.search(line) and "[" not in line
            return bool(_OF_NOBODY.match(line) or local)
    return False


def _vouched(message: Message, names: Collection[str], trusted: Collection[str]) -> bool:
    """Tell if the border has found the mail to come from there: by SPF for the HELO, or DMARC."""
    value = message.header("Authentication-Results")
    results = read_results(value) if value else None
    if results is None or results.server not in trusted:
        return False
    for method, result, properties in results.methods:
        helo = properties.get("smtp.helo") if method == "spf" else None
        written = properties.get("header.from") if method == "dmarc" else None
        if result == "pass" and _name(helo or written or "") in names:
            return True
    return False


def _name(host: str) -> str:
    return host.lower().rstrip(".")
