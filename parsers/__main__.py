"""`python -m parsers FILE.eml [--json]`: print all that was understood of a message."""

import argparse
import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path

from parsers import (
    authentication,
    automatic,
    body,
    bounce,
    identity,
    priority,
    protection,
    subject,
    tags,
)
from parsers.message import Message, read


def _plain(value: object) -> object:
    """Give a value in the shapes of JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Sequence | set | frozenset):
        return [_plain(entry) for entry in value]
    return str(value)


def understood(
    raw: bytes,
    *,
    own_addresses: frozenset[str] = frozenset(),
    trusted: Collection[str] = (),
    microsoft365: bool = False,
) -> dict[str, object]:
    """Give all that the parsers read in a message, in JSON's shapes.

    The proof is the border's header; the DNS is not asked, so DKIM is not checked.
    """
    message = read(raw)
    parts = body.read_body(message)
    verdict = automatic.judge(message, own_addresses=own_addresses, own_instance="")
    facts = {
        "identity": identity.identity(raw, delivery=""),
        "refusal": message.refusal,
        "defects": message.defects,
        **_people(message),
        "subject": message.subject,
        "base_subject": subject.base_subject(message.subject),
        "ticket": subject.ticket_number(message.subject),
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to,
        "references": message.references,
        "verdict": verdict,
        "authentication": [
            authentication.read_results(value) for value in message.all("Authentication-Results")
        ],
        "proof": authentication.authenticate(
            message, raw, trusted_authserv_ids=trusted, microsoft365=microsoft365, dkim=False
        ),
        "protection": protection.protection(message),
        "bounce": bounce.read_bounce(message),
        "priority": priority.read_priority(message.subject, parts.new),
        "tags": tags.read_tags(parts.new),
        "subject_tags": tags.read_tags(message.subject),
        "body": parts,
        "attachments": message.attachments,
    }
    plain = _plain(facts)
    return plain if isinstance(plain, dict) else {}


def _people(message: Message) -> dict[str, object]:
    return {
        "from": message.sender,
        "to": message.to,
        "cc": message.cc,
        "reply_to": message.reply_to,
    }


def _table(facts: dict[str, object]) -> str:
    rows: list[str] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += [
                f"{name}.{key:<{max(1, 19 - len(name))}} {entry}" for key, entry in value.items()
            ]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            rows += [f"{name:<20} {entry}" for entry in value]
        else:
            rows.append(f"{name:<20} {value}")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one message as a table, or with --json; exit code 2 if the file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m parsers", description=__doc__)
    parser.add_argument("file", help="a raw message; - is standard input")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--own", action="append", default=[], help="an address of the desk")
    parser.add_argument("--trust", action="append", default=[], help="a server of the border")
    parser.add_argument("--microsoft365", action="store_true", help="believe Exchange Online")
    given = parser.parse_args(arguments)
    try:
        raw = sys.stdin.buffer.read() if given.file == "-" else Path(given.file).read_bytes()
    except OSError as error:
        sys.stderr.write(f"{given.file}: {error.strerror}\n")
        return 2
    facts = understood(
        raw,
        own_addresses=frozenset(own.lower() for own in given.own),
        trusted=given.trust,
        microsoft365=given.microsoft365,
    )
    text = json.dumps(facts, ensure_ascii=False, indent=2) if given.json else _table(facts)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
