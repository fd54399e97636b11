"""A message that comes again: the copy that counts (B3, D1).

A message has one effect, by whichever copy. The first copy is not always the true one. An attacker
can know a mail before the desk does, as a reader of the same list or a relay under way, and send a
copy ahead of it. So an earlier copy settles the matter only as far as it was believed:

- *It acted.* The later one is noted. One case is apart: the earlier one shares no more than
  Message-ID, From and Date, without the later one's text. Then the later one acts if it alone
  proves its sender.
- *It did nothing*, read as a machine's for a field like Auto-Submitted. A later one without such a
  field is a person's, and acts.
- *It is held for want of proof.* A later copy with proof acts in its place, by its own fields: the
  earlier one may name another ticket in its In-Reply-To. Its receipt time is the earlier one's if
  that one held the whole text; a time for other words would be an invention. A later copy without
  proof adds nothing. But with other words it is a question of its own: the forged text would be
  refused, and the true one with it.
- *Its sender has refused it.* Only proof contradicts that.
- *It could not be processed.* The later copy may do better; it acts in its place, unless it meets
  the same limit.
- *It is archived.* It was another system's work, and so are its copies.
"""

from dataclasses import dataclass
from enum import Enum

# A machine's mail does less than a list's, and that less than a person's (C1).
_RANKS = {"person": 2, "list": 1}


class Fate(Enum):
    """The end of a later copy."""

    NOTE = "note"  # it does nothing
    ACT = "act"  # as a message of its own
    REPLACE = "replace"  # in the place of the earlier one, with its receipt time


@dataclass(frozen=True, slots=True)
class Earlier:
    """A copy with an end."""

    state: str  # done, held, shelved, archived
    kind: str  # person, list, auto_reply, …
    acted: bool
    is_loop: bool  # taken for a mail of ours
    refused: bool  # its registered sender has said no (D1)
    same_text: bool  # it holds the whole text of the later one
    same_id: bool  # it has the Message-ID, From and Date of the later one
    proven: bool


@dataclass(frozen=True, slots=True)
class Later:
    """A copy to be decided on."""

    kind: str
    is_ours: bool
    readable: bool  # no limit stands against it (B4)
    proven: bool


def fate(earlier: Earlier, later: Later) -> Fate:
    """Decide on a later copy, by the earlier copy that is most like it."""
    acts = Fate.REPLACE if earlier.same_text else Fate.ACT
    if earlier.state == "archived":
        return Fate.NOTE
    if earlier.state == "shelved" and not earlier.refused:
        return acts if later.readable or not earlier.same_text else Fate.NOTE
    if earlier.state in {"held", "shelved"}:
        return acts if later.proven or not earlier.same_text else Fate.NOTE
    if not earlier.acted and _is_more(later, earlier):
        return acts
    unlike = not (earlier.same_text or earlier.same_id)
    outdone = not earlier.same_text and later.proven and not earlier.proven
    return Fate.ACT if unlike or outdone else Fate.NOTE


def _is_more(later: Later, earlier: Earlier) -> bool:
    """Tell if the later copy is read as a person's, and the earlier one was as a machine's."""
    if later.is_ours:
        return False
    return earlier.is_loop or _RANKS.get(later.kind, 0) > _RANKS.get(earlier.kind, 0)
