"""A printed document that goes with a mail or an invoice, and why printing one may fail."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """A file that goes with a mail or an invoice."""

    name: str
    content_type: str
    content: bytes


class PdfError(Exception):
    """The HTML could not be printed, or the printer's libraries are missing ."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        """Keep what mends it, in Swedish; there is no remedy where the HTML is to blame."""
        super().__init__(message)
        self.remedy = remedy
