"""The result of a proof: faults, and how much was proven."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

# What the reading of a damaged database raises: SQLAlchemy's own, and of cells that are no text.
UNREADABLE: Final = (SQLAlchemyError, OSError, ValueError, TypeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Fault:
    """An altered row, mail or page, and the kind of its alteration."""

    kind: str  # ledger, statement, row, link, mail, sent, erasure; file, page, cells
    row_id: int  # 0: of no row
    code: str
    detail: str = ""


@dataclass(slots=True)
class Counted:
    """The number of proven rows of each kind."""

    rows: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, count: int) -> None:
        """Count so many more of a kind."""
        self.rows[kind] = self.rows.get(kind, 0) + count
