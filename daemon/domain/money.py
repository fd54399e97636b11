"""An amount of Swedish kronor, and the one way it rounds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Self

_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")


def half_up(value: Decimal | Fraction, decimals: int = 0) -> Decimal:
    """Round half away from zero (A5) to a number of decimals, exactly: no float takes part."""
    if isinstance(value, Fraction):
        scaled = abs(value) * 10**decimals
        whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
        return Decimal(-whole if value < 0 else whole).scaleb(-decimals)
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """SEK excluding VAT, in whole öre (H4). It never holds a fraction of an öre."""

    ore: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `"8000.00"` or `"-12.5"`; a ValueError refuses anything else."""
        if not _AMOUNT.fullmatch(text):
            raise ValueError(f"{text!r} is no amount: write kronor with two decimals, as 8000.00")
        return cls(int(half_up(Decimal(text) * 100)))

    @classmethod
    def of(cls, kronor: Decimal | Fraction) -> Self:
        """Round an exact amount of kronor half up to öre (A5)."""
        return cls(int(half_up(kronor * 100)))

    @property
    def kronor(self) -> Decimal:
        """The amount in kronor, with two decimals."""
        return Decimal(self.ore).scaleb(-2)

    def share(self, part: int, whole: int) -> "Money":
        """`amount × part / whole`, rounded half up to öre (H2: fees by days)."""
        return Money(int(half_up(Fraction(self.ore * part, whole))))

    def times(self, quantity: Decimal) -> "Money":
        """`quantity × price`, rounded half up to öre (H4)."""
        return Money(int(half_up(quantity * self.ore)))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.ore + other.ore)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.ore - other.ore)

    def __neg__(self) -> "Money":
        return Money(-self.ore)

    def __abs__(self) -> "Money":
        return Money(abs(self.ore))

    def __bool__(self) -> bool:
        return self.ore != 0

    def __str__(self) -> str:
        return f"{self.kronor:.2f}"


ZERO = Money(0)


def total(amounts: Iterable[Money]) -> Money:
    """The sum of amounts; 0.00 for none."""
    return Money(sum(amount.ore for amount in amounts))
