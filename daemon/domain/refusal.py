"""A refusal of an act or a question, told to the person who asked."""


class RefusedError(Exception):
    """The desk refuses an act or a question; the message gives the reason and the remedy."""
