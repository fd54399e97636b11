"""Every reader of lines is linear, and quick, whatever the lines are (S15)."""

import sys

import pytest

from tests.parsers.hostile_lines import KINDS, READERS, cost, text, units

FEW, MANY = 100, 500
MOST_STEPS = 500  # lines of ours that run for one line of a text
MOST = 80.0  # µs at rest; the aim is 20, and `make corpus` prints the worst
COUNTED = ("a plain mail", "a mail of HTML", "tags in HTML", "a delivery report's text")


def steps(reader, source):
    """How many lines of the parsers' code run: the same on every machine."""
    count = 0

    def in_a_function(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        return in_a_function

    def called(frame, _event, _argument):
        return in_a_function if "/parsers/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        reader(source)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COUNTED)
def test_a_line_takes_as_many_steps_among_many_as_among_few(name, kind):
    few, many = text(kind, FEW), text(kind, MANY)
    among_few = steps(READERS[name], few) / units(few)
    among_many = steps(READERS[name], many) / units(many)
    assert among_many < 1.5 * among_few + 20
    assert among_many < MOST_STEPS


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_costs_no_reader_more_than_a_few_times_the_aim(kind):
    source = text(kind, MANY)
    for name, reader in READERS.items():
        assert min(cost(reader, source, MOST)) < MOST, name
