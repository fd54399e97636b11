"""Choosing between the Swedish and the English of a text."""

from collections.abc import Callable

Say = Callable[[str, str], str]  # the Swedish text, the English text → the one to show


def speaker(language: str) -> Say:
    """What chooses the text of that language: English for `en`, else Swedish."""
    return lambda swedish, english: english if language == "en" else swedish
