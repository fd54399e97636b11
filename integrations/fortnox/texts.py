"""Text as Fortnox takes it: its characters and its lengths (facts.md 4.8, error 2000359)."""

import re
import unicodedata

REFERENCE_LENGTH = 50  # OurReference, YourReference
ORDER_NUMBER_LENGTH = 75
ROW_LENGTH = 255
LONG_LENGTH = 1024  # Remarks, Comments

_SIGNS = " –:.`´’,;^¤#%§£$€¢¥©™°&/()=+-*_!?²³®½@\u00a0\n0123456789"
_COMBINING = "\u0308\u030a"
_REPLACED = str.maketrans(
    {
        **dict.fromkeys("'\u2018\u201a\u201b\u2032\u02bc\uff07", "’"),
        **dict.fromkeys("—―‒", "–"),
        **dict.fromkeys("\u2010\u2011\u2212•·‣▪●", "-"),
        **dict.fromkeys("[{<‹", "("),
        **dict.fromkeys("]}>›", ")"),
        **dict.fromkeys("|¦\\", "/"),
        **dict.fromkeys("\t\u2002\u2003\u2007\u2009\u202f", " "),
        **dict.fromkeys("\r\x0b\x0c\x85\u2028\u2029", "\n"),
        "…": "...",
        "~": "–",
    }
)


def is_allowed(character: str) -> bool:
    """True if Fortnox takes this character in every place of a text."""
    return (
        character in _SIGNS or character in _COMBINING or unicodedata.category(character)[0] == "L"
    )


def clean(text: str, length: int) -> str:
    """The text in NFC: look-alikes replace forbidden characters, the rest is dropped, then it is
    cut.
    """
    normal = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).translate(_REPLACED)
    kept = "".join(character for character in normal if is_allowed(character))
    narrow = re.sub(r"[ \u00a0]{2,}", " ", unicodedata.normalize("NFC", kept))
    return narrow.strip()[:length].rstrip()


def clean_line(text: str, length: int) -> str:
    """The same on one line: line breaks become spaces."""
    return clean(re.sub(r"[\r\n\x0b\x0c\x85\u2028\u2029]+", " ", text), length)


def clean_lines(text: str, length: int) -> str:
    """The same, cut at the end of a line if there are several: no half ticket on an invoice."""
    whole = clean(text, 10 * length)
    if len(whole) <= length:
        return whole
    cut = whole[: length - 3]
    head, line_break, _ = cut.rpartition("\n")
    return f"{head if line_break else cut.rstrip()}{line_break}..."
