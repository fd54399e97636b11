"""A printed document for a mail or an invoice, and the error of a failed print."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """A file to attach to a mail or an invoice."""

    name: str
    content_type: str
    content: bytes


class PdfError(Exception):
    """The HTML could not be printed, or the printer's libraries are missing."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        """Keep the remedy in Swedish; a fault of the HTML has none."""
        super().__init__(message)
        self.remedy = remedy
