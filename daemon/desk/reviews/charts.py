"""Drawings for a printed report: plain SVG, of numbers and escaped words only (J3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BLUE, ORANGE, GREY, INK, QUIET = "#2378a8", "#d98324", "#e6ebef", "#1d2329", "#66707a"
_FONT = "font-family=\"'Liberation Sans','DejaVu Sans',sans-serif\""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of two parts, the second on top of the first, with the words above and below it."""

    label: str
    says: str
    value: int
    more: int = 0


def _svg(width: int, height: int, title: str, inner: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">{inner}</svg>'
    )


def _text(
    x: float, y: float, says: str, *, size: float = 9, color: str = INK, anchor: str = "middle"
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}" fill="{color}" '
        f"{_FONT}>{escape(says)}</text>"
    )


def _box(x: float, y: float, width: float, height: float, color: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>'
    )


def columns(bars: Sequence[Bar], title: str) -> str:
    """Bars side by side, the highest as high as the drawing."""
    width, floor, room = 170, 88, 70
    most = max((bar.value + bar.more for bar in bars), default=0) or 1
    step = width / max(len(bars), 1)
    parts = [_box(0, floor, width, 0.7, QUIET)]
    for place, bar in enumerate(bars):
        middle, wide = step * (place + 0.5), min(34.0, step * 0.55)
        low, high = room * bar.value / most, room * bar.more / most
        parts.append(_box(middle - wide / 2, floor - low, wide, low, BLUE))
        parts.append(_box(middle - wide / 2, floor - low - high, wide, high, ORANGE))
        parts.append(_text(middle, floor - low - high - 4, bar.says))
        parts.append(_text(middle, floor + 12, bar.label, size=8.5, color=QUIET))
    return _svg(width, floor + 18, title, "".join(parts))


def gauge(used: int, whole: int, beyond: int, title: str) -> str:
    """One lying bar: the used part of a whole, and the part beyond it."""
    width, height = 520, 12
    full = max(whole, used) + beyond or 1
    parts = [_box(0, 0, width * max(whole, used) / full, height, GREY)]
    parts.append(_box(0, 0, width * used / full, height, BLUE))
    parts.append(_box(width * max(whole, used) / full, 0, width * beyond / full, height, ORANGE))
    return _svg(width, height, title, "".join(parts))


def ring(percent: int | None, title: str) -> str:
    """A ring, full at a hundred per cent; grey without a figure."""
    around = 2 * 3.14159265 * 15.5
    line = '<circle cx="20" cy="20" r="15.5" fill="none" stroke-width="5" stroke="{}"{}/>'
    parts = [line.format(GREY, "")]
    if percent:
        dash = f' stroke-dasharray="{around * percent / 100:.2f} {around:.2f}"'
        dash = "" if percent >= 100 else dash + ' transform="rotate(-90 20 20)"'
        parts.append(line.format(BLUE if percent >= 90 else ORANGE, dash))
    return _svg(40, 40, title, "".join(parts))
