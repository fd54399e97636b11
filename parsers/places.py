"""The place in the source for each character of a visible text."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

Place = tuple[int, int]
NOWHERE: Place = (-1, -1)


@dataclass(slots=True)
class Places(Sequence[Place]):
    """For each character its place in the source; kept in pieces, for a text may be long.

    A piece of one length in text and source is copied letter for letter. Every other one comes
    from an entity, and all of it has the whole entity as its place.
    """

    starts: list[int] = field(default_factory=list)  # of each piece, in the text
    sources: list[Place] = field(default_factory=list)
    size: int = 0

    def add(self, length: int, source: Place) -> None:
        """Add a piece of so many characters."""
        self.starts.append(self.size)
        self.sources.append(source)
        self.size += length

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, at: int) -> Place: ...

    @overload
    def __getitem__(self, at: slice) -> list[Place]: ...

    def __getitem__(self, at: int | slice) -> Place | list[Place]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(self.size))]
        if not 0 <= at < self.size:
            raise IndexError(at)
        return next(self.between(at, at + 1))

    def between(self, start: int, end: int) -> Iterator[Place]:
        """Yield the places of a span of the text, neighbours as one."""
        number = bisect_right(self.starts, start) - 1
        while 0 <= number < len(self.starts) and self.starts[number] < end:
            first = self.starts[number]
            after = self.starts[number + 1] if number + 1 < len(self.starts) else self.size
            begin, stop = self.sources[number]
            if begin >= 0 and stop - begin == after - first:
                yield begin + max(start - first, 0), begin + min(end, after) - first
            else:
                yield begin, stop
            number += 1
