"""Paragraphs that a mail program broke into lines on their way, made whole again (RFC 3676)."""

import re

_NARROWEST = 50  # columns: no program breaks a line whose next word would have stood left of this
_LABEL = re.compile(r"\W{0,3}[^\W\d_][\w -]{0,20}:(?:\s|$)")


def joined(text: str, *, delete_space: bool = False) -> str:
    """Give a `format=flowed` text (LF line ends) with its soft line breaks taken out.

    A line that ends with a space goes on in the next one of the same quote depth; with
    `delete_space` (DelSp=yes) that space is no part of the text. Many programs leave a space at
    the end of a short line that somebody ended, and of header lines that they quote: a break is
    soft only where the next word would not have fitted, and starts no `Skickat:`. Nothing else
    changes.
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
    """Give how deep a line is quoted, and its content without the space that stuffs it."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")


def _is_broken(above: str, content: str) -> bool:
    """Tell if a line is what was broken off the one above."""
    words = content.split(maxsplit=1)
    if not above.endswith(" ") or not words or content.strip() == "--" or _LABEL.match(content):
        return False
    return len(above) + len(words[0]) > _NARROWEST
