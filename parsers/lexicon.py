"""Lists of words as quick patterns, and the lower case for these patterns."""

import re

_Branch = dict[str, "_Branch"]
_END = ""
# Looking back after the first letter, and not before it, lets `re` skip to that letter
_ALONE = r"(?<![^\W\d_][\s\S])"
_NOTHING_AFTER = r"(?![^\W\d_])"


def lower(text: str) -> str:
    """Give a text in lower case, letter for letter: every place in it stays the same."""
    # U+0130 is the one letter with a lower case of two characters
    return text.replace("\u0130", "I").lower() if "\u0130" in text else text.lower()


def one_of(words: str, *, whole: bool = False) -> str:
    """Give a pattern for any of the words (`skrev|wrote`), the longest first.

    `re` tries alternatives one by one at every place of a text. With their common beginnings
    joined it tries one letter, and passes over all others at once. The words are in lower case,
    and so must the searched text be. `whole`: no letter stands before or after the word.
    """
    root: _Branch = {}
    for word in words.split("|"):
        branch = root
        for letter in word:
            branch = branch.setdefault(letter, {})
        branch[_END] = {}
    return _pattern(root, _ALONE) + _NOTHING_AFTER if whole else _pattern(root)


def _pattern(branch: _Branch, behind: str = "") -> str:
    ends = [
        re.escape(letter) + behind + _pattern(after)
        for letter, after in sorted(branch.items())
        if letter
    ]
    if not ends:
        return ""
    whole = ends[0] if len(ends) == 1 and _END not in branch else f"(?:{'|'.join(ends)})"
    return f"{whole}?" if _END in branch else whole
