"""Paragraphs broken into lines by a mail program, made whole again (RFC 3676)."""

import re

_NARROWEST = 50  # columns: no program breaks a line whose next word would have stood left of this
_LABEL = re.compile(r"\W{0,3}[^\W\d_][\w -]{0,20}:(?:\s|$)")


def joined(text: str, *, delete_space: bool = False) -> str:
    """Give a `format=flowed` text (LF line ends) with its soft line breaks taken out.

    A line with a space at its end goes on in the next line of the same quote depth. With
    `delete_space` (DelSp=yes) this space is no part of the text. Many programs leave a space also
    at the end of short lines and of quoted header lines. So a break is soft only if the next word
    did not fit on the line, and does not start a label (`Skickat:`). Nothing else changes.
    """
    out: list[str] = []
    above, depth = "", 0
    for line in text.split("\n"):
        content_depth, content = _quote(line)
        if content_depth == depth and _is_broken(above, content):
            out[-1] = out[-1][:-1] if delete_space else out[-1]
            out.append(content)
        else:
            out += ["\n", line]
        above, depth = line, content_depth
    return "".join(out[1:])


def _quote(line: str) -> tuple[int, str]:
    """Give the quote depth of a line, and its content without the stuffed space."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")


def _is_broken(above: str, content: str) -> bool:
    """Tell if a line was broken off the one above."""
    words = content.split(maxsplit=1)
    if not above.endswith(" ") or not words or content.strip() == "--" or _LABEL.match(content):
        return False
    return len(above) + len(words[0]) > _NARROWEST
