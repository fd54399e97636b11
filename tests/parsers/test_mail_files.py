"""Every mail in tests/mail is understood as the expectation file of the same name says."""

import json
from pathlib import Path

import pytest

from parsers import automatic, body, bounce, message, priority, tags

MAIL = Path(__file__).resolve().parents[1] / "mail"
FILES = sorted(MAIL.glob("*.eml"))
MARKERS = ("Skriv ditt svar ovanför denna rad",)


def understood(raw):
    read = message.read(raw)
    parts = body.read_body(read, own_markers=MARKERS)
    found = tags.read_tags(parts.new)
    verdict = automatic.judge(read, own_addresses=frozenset(), own_instance="own")
    report = bounce.read_bounce(read)
    return {
        "new": parts.new,
        "shown": parts.shown,
        "signature": parts.signature,
        "quoted": parts.quoted,
        "forwarded": parts.forwarded,
        "certain": parts.certain,
        "source": parts.source,
        "minutes": [tag.time.minutes for tag in found if tag.time],
        "wrong": [tag.error for tag in found if tag.kind != "tag"],
        "level": priority.read_priority(read.subject, parts.new).level,
        "subject": read.subject,
        "sender": read.sender and read.sender.address,
        "attachments": [part.name for part in read.attachments],
        "refusal": read.refusal,
        "kind": verdict.kind,
        "may_answer": verdict.may_answer,
        "failed": [[f.address, f.status, f.permanent] for f in report.recipients]
        if report
        else None,
        "original": report.original_message_id if report else None,
    }


def test_every_mail_has_its_expectation():
    assert len(FILES) > 40
    assert {file.stem for file in FILES} == {file.stem for file in MAIL.glob("*.json")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_mail_is_understood_as_expected(file):
    """C1, C2, C3, C9-C12: new text, quotes, forwards, signature, tags, verdicts."""
    expected = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    found = understood(file.read_bytes())
    for key, value in expected.items():
        if key.endswith("_contains"):
            assert all(piece in found[key.removesuffix("_contains")] for piece in value)
        else:
            assert found[key] == value, key
