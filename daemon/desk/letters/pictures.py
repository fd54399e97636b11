"""Drawings for mail programs: small PNG pictures without words (J3).

Neither Outlook nor Gmail shows SVG or fetches anything: a picture goes along with its mail. The
words stand beside it as text, for readers without pictures; the drawing is see-through with middle
tones, for white and for black.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

WIDTH, HEIGHT = 568, 76  # as shown; drawn twice as large, for screens that are twice as fine
_SCALE = 2
_NOTHING, _BLUE, _ORANGE, _LINE = range(4)
_PALETTE = bytes.fromhex("000000 2378a8 d98324 9aa7b2")
_SEEN = bytes([0, 255, 255, 255])
_FLOOR = 2  # pixels of the line that columns stand on
_WIDEST = 72


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the HTML of a mail (RFC 2392)."""

    name: str
    content: bytes
    content_id: str
    content_type: str = "image/png"
    inline: bool = True


@lru_cache(maxsize=64)
def columns(values: tuple[tuple[int, int], ...]) -> Picture:
    """Columns of two parts, the second on top of the first; the highest fills the drawing."""
    digest = hashlib.sha256(repr(values).encode()).hexdigest()[:16]
    return Picture("diagram.png", _drawn(values), f"chart-{digest}@avtald")


def _drawn(values: Sequence[tuple[int, int]]) -> bytes:
    wide, high = WIDTH * _SCALE, HEIGHT * _SCALE
    room = high - _FLOOR
    most = max((one + other for one, other in values), default=0) or 1
    rows = []
    for line in range(room):
        row = bytearray(wide)
        above = room - line  # how high a column must be to be seen in this line
        for place, (one, other) in enumerate(values):
            low, top = _pixels(one, most, room), _pixels(one + other, most, room)
            if above <= top:
                first, last = _sides(place, len(values), wide)
                color = _BLUE if above <= low else _ORANGE
                row[first:last] = bytes([color]) * (last - first)
        rows.append(bytes(row))
    return _png(wide, [*rows, *[bytes([_LINE]) * wide] * _FLOOR])


def _pixels(value: int, most: int, room: int) -> int:
    """In proportion; something is never nothing."""
    return max(value * room // most, 4) if value > 0 else 0


def _sides(place: int, many: int, wide: int) -> tuple[int, int]:
    step = wide / many
    half = min(step * 0.55, _WIDEST * _SCALE) / 2
    middle = step * (place + 0.5)
    return round(middle - half), round(middle + half)


def _png(width: int, rows: Sequence[bytes]) -> bytes:
    """The file, one byte a pixel (PNG specification, 5 and 11.2)."""
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)
    pixels = b"".join(b"\x00" + row for row in rows)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", _PALETTE),
        (b"tRNS", _SEEN),
        (b"IDAT", zlib.compress(pixels, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
