"""The copy of a message that counts (B3, D1)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.copies import Earlier, Fate, Later, fate

ACTED = Earlier(
    state="done",
    kind="person",
    acted=True,
    is_loop=False,
    refused=False,
    same_text=True,
    same_id=True,
    proven=False,
)
HELD = replace(ACTED, state="held", acted=False)
SHELVED = replace(HELD, state="shelved")
PLAIN = Later(kind="person", is_ours=False, readable=True, proven=False)
PROVEN = replace(PLAIN, proven=True)


@pytest.mark.parametrize(
    ("earlier", "later", "end"),
    [
        (ACTED, PLAIN, Fate.NOTE),
        (ACTED, PROVEN, Fate.NOTE),
        (replace(ACTED, same_text=False), PLAIN, Fate.NOTE),  # a footer
        (replace(ACTED, same_text=False), PROVEN, Fate.ACT),  # a forged first one
        (replace(ACTED, same_text=False, proven=True), PROVEN, Fate.NOTE),
        (replace(ACTED, same_text=False, same_id=False), PLAIN, Fate.ACT),
        (HELD, PROVEN, Fate.REPLACE),
        (HELD, PLAIN, Fate.NOTE),
        (replace(HELD, same_text=False), PROVEN, Fate.ACT),  # with its own receipt time
        (replace(HELD, same_text=False), PLAIN, Fate.ACT),  # a question of its own
        (replace(SHELVED, refused=True), PLAIN, Fate.NOTE),
        (replace(SHELVED, refused=True), PROVEN, Fate.REPLACE),
        (SHELVED, PLAIN, Fate.REPLACE),
        (replace(SHELVED, same_text=False), PLAIN, Fate.ACT),
        (SHELVED, replace(PLAIN, readable=False), Fate.NOTE),
        (replace(ACTED, state="archived"), PROVEN, Fate.NOTE),
    ],
)
def test_an_earlier_copy_settles_the_matter_as_far_as_it_was_believed_B3(earlier, later, end):
    assert fate(earlier, later) is end


QUIET = replace(ACTED, acted=False, kind="auto_reply")


@pytest.mark.parametrize(
    ("earlier", "kind", "end"),
    [
        (QUIET, "person", Fate.REPLACE),
        (QUIET, "list", Fate.REPLACE),
        (QUIET, "auto_reply", Fate.NOTE),
        (replace(QUIET, kind="list"), "person", Fate.REPLACE),
        (replace(QUIET, kind="person"), "list", Fate.NOTE),
        (replace(QUIET, kind="person", is_loop=True), "person", Fate.REPLACE),
        (replace(ACTED, kind="list"), "person", Fate.NOTE),
    ],
)
def test_a_field_that_makes_a_machine_of_the_first_copy_silences_no_person_B3(earlier, kind, end):
    assert fate(earlier, replace(PLAIN, kind=kind)) is end


FLAGS = st.booleans()
EARLIER = st.builds(
    Earlier,
    state=st.sampled_from(["done", "held", "shelved"]),
    kind=st.sampled_from(["person", "list", "auto_reply", "bounce"]),
    acted=FLAGS,
    is_loop=FLAGS,
    refused=FLAGS,
    same_text=FLAGS,
    same_id=FLAGS,
    proven=FLAGS,
)


@given(EARLIER, st.sampled_from(["person", "list"]))
def test_a_proven_copy_is_only_noted_beside_its_own_text_or_a_proven_one_B3(earlier, kind):
    """So nobody without proof suppresses it, whatever he sends ahead."""
    end = fate(earlier, replace(PROVEN, kind=kind))
    if end is Fate.NOTE:
        assert earlier.state == "done"
        assert earlier.same_text or earlier.proven


@given(EARLIER, st.sampled_from(["person", "list"]), FLAGS)
def test_another_copys_receipt_time_is_given_to_the_same_text_alone_B3(earlier, kind, proven):
    """Else a few words sent early would stop a clock before the answer was written (E1)."""
    if fate(earlier, replace(PLAIN, kind=kind, proven=proven)) is Fate.REPLACE:
        assert earlier.same_text
