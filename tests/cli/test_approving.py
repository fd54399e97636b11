"""`avtald invoices approve`: finance's OK by command (H7)."""

import json

import pytest

REGISTER = """
[[customers]]
key = "acme"
name = "Acme AB"
[[customers.agreements]]
plan = "attend"
from = 2026-01-01

[[customers]]
key = "beta"
name = "Beta AB"
[[customers.agreements]]
plan = "attend"
from = 2026-01-01
"""
NOW = "--now=2026-02-01T10:00:00+01:00"


@pytest.fixture
def clerk(avtald, folder):
    """A desk whose January is closed, and waits for finance."""
    file = folder / "avtald.toml"
    text = file.read_text("utf-8").replace("[accounting]", '[accounting]\napproval = "finance"')
    file.write_text(text, "utf-8")
    (folder / "register.toml").write_text(REGISTER, encoding="utf-8")
    assert avtald("import", "register.toml", "--now=2026-01-01T08:00:00+01:00").code == 0
    avtald("tick", NOW)
    return avtald


def states(clerk):
    told = json.loads(clerk("invoices", "--json").out)
    return {each["customer"]: each["state"] for each in told}


def test_a_command_approves_all_but_the_named_and_the_statement_says_so_H7(clerk):
    assert states(clerk) == {"acme": "approval", "beta": "approval"}
    done = clerk("invoices", "approve", "2026-01", "--except=beta", NOW)
    assert (done.code, "AVT-acme-2026-01" in done.out) == (0, True)
    assert states(clerk) == {"acme": "waiting", "beta": "approval"}
    shown = json.loads(clerk("statement", "acme", "2026-01", NOW, "--json").out)
    assert shown["approved"]["by"] == "command"
    assert "command" in clerk("statement", "acme", "2026-01", NOW).out
    assert clerk("invoices", "approve", "2026-01", "--except=gamma", NOW).code == 2
