"""`avtald receive`: durable and 0, or 75 and why; nothing that can be read is left behind."""

import errno
import io
import sys
from types import SimpleNamespace

import pytest

MAIL = b"From: a@b.se\nTo: support@example.se\nDate: Mon, 2 Nov 2026 09:00:00 +0100\n\nhej %d\n"
NOW = ("--now", "2026-11-02T09:00:00+01:00")


@pytest.fixture
def pipe(monkeypatch):
    """What an MTA writes to the command."""

    def holds(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))

    return holds


def test_a_message_in_the_pipe_is_durable_when_the_command_ends(avtald, folder, pipe):
    """B1, contract 3"""
    pipe(MAIL % 1)
    ended = avtald("receive", *NOW)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert "receive" in avtald("mail").out


def test_an_empty_pipe_is_no_message_and_whoever_wrote_it_tries_again(avtald, folder, pipe):
    """B1: a program before us that died must not look like a mail that was taken."""
    pipe(b"")
    ended = avtald("receive", *NOW)
    assert ended.code == 75
    assert ended.err == "avtald: standard input is empty: no message\n"


def test_a_pipe_that_is_closed_or_breaks_is_told_as_what_it_is(avtald, folder, monkeypatch):
    """B1"""

    def broken():
        raise OSError(errno.EIO, "Input/output error")

    pipes = {
        "is closed: no message": None,
        "cannot be read: Input/output error": SimpleNamespace(buffer=SimpleNamespace(read=broken)),
    }
    for says, stdin in pipes.items():
        monkeypatch.setattr(sys, "stdin", stdin)
        ended = avtald("receive", *NOW)
        assert (ended.code, ended.err) == (75, f"avtald: standard input {says}\n")


def test_what_can_be_read_is_taken_and_what_cannot_is_told(avtald, folder):
    """B1"""
    (folder / "good.eml").write_bytes(MAIL % 1)
    (folder / "empty.eml").touch()
    (folder / "also.eml").write_bytes(MAIL % 2)
    ended = avtald("receive", "good.eml", "missing.eml", "empty.eml", "also.eml", *NOW)
    assert ended.code == 75
    assert [line for line in ended.err.splitlines() if line.startswith("avtald: ")] == [
        "avtald: missing.eml cannot be read: No such file or directory",
        "avtald: empty.eml is empty: no message",
    ]
    assert avtald("mail").out.count(" receive ") == 2


@pytest.mark.parametrize("arguments", [["--nosuch"], ["--now", "today"]])
def test_wrong_usage_of_the_pipe_bounces_no_mail(avtald, folder, arguments):
    """Contract 3: 0 or 75, and nothing else."""
    assert avtald("receive", *arguments).code == 75
