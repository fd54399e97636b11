"""Text hidden by CSS: it must never count."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

_COMMENT = re.compile(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|([^\n]))")
_NUMBER = re.compile(r"-?[0-9]{0,6}\.?[0-9]{0,6}")
_COMPOUND = re.compile(r"([a-z][a-z0-9]*)?((?:[.#][a-z0-9_-]+)*)")
_PIECE = re.compile(r"([.#])([a-z0-9_-]+)")
_HINTS = (
    "display",
    "visib",
    "font",
    "opacity",
    "height",
    "width",
    "hide",
    "indent",
    "left",
    "top",
    "clip",
    "color",
    "transform",
    "right",
    "zoom",
    "\\",
)
_MOST_RULES = 5000
_REMEMBERED = 1000  # characters: a longer style is judged anew each time
_RELATIVE = ("em", "%", "ex", "ch", "smaller", "larger")  # but not rem


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a style on the text inside it."""

    hides: bool = False
    tiny: bool | None = None  # its font size: True none, False some, None as around it


_NOTHING = Effect()


def declarations(style: str) -> dict[str, str]:
    """Split a style attribute into lower-case properties and values; the last of a name counts."""
    out: dict[str, str] = {}
    clean = _COMMENT.sub(" ", style[:20000]) if "/*" in style else style[:20000]
    clean = _ESCAPE.sub(_unescaped, clean) if "\\" in clean else clean
    for piece in clean.lower().split(";"):
        name, colon, value = piece.partition(":")
        if colon:
            out[name.strip()] = value.replace("!important", "").strip()
    return out


def _unescaped(escape: re.Match[str]) -> str:
    """Give the character of a backslash with a letter, or with its number, in CSS."""
    if not escape[1]:
        return str(escape[2])
    code = int(escape[1], 16)
    return chr(code) if 0 < code <= 0x10FFFF else ""


def _number(value: str) -> float | None:
    digits = _NUMBER.match(value)
    text = digits[0] if digits else ""
    try:
        return float(text)
    except ValueError:
        return None


def _is_zero(value: str | None) -> bool:
    return value is not None and _number(value) == 0


def _below(value: str | None, bound: float) -> bool:
    number = _number(value) if value else None
    return number is not None and number <= bound


def _collapsed(properties: dict[str, str]) -> bool:
    if _is_zero(properties.get("max-height")) or _is_zero(properties.get("max-width")):
        return True
    clipped = properties.get("overflow", properties.get("overflow-y", "")).startswith(
        ("hidden", "clip")
    )
    return clipped and (_is_zero(properties.get("height")) or _is_zero(properties.get("width")))


def _moved_away(properties: dict[str, str]) -> bool:
    if _below(properties.get("text-indent"), -99):
        return True
    placed = properties.get("position", "").startswith(("absolute", "fixed"))
    return placed and any(_below(properties.get(side), -500) for side in ("left", "top", "right"))


def _same_colour(properties: dict[str, str]) -> bool:
    colour = properties.get("color", "")
    ground = properties.get("background-color", properties.get("background", ""))
    return bool(colour) and (colour in {"transparent", ground} or _is_clear(colour))


def _is_clear(colour: str) -> bool:
    """Tell if a colour's opacity is nothing: `rgba(0, 0, 0, 0)`, `rgb(0 0 0 / 0%)`, `#0000`."""
    if colour.startswith("#"):
        return len(colour) in {5, 9} and not colour[-(len(colour) // 4) :].strip("0")
    parts = colour.partition("(")[2].replace(",", " ").replace("/", " ").rstrip(") ").split()
    return colour.startswith(("rgb", "hsl")) and len(parts) == 4 and _is_zero(parts[3])


def _font_size(properties: dict[str, str]) -> bool | None:
    size = properties.get("font-size")
    if size is None and "font" in properties:
        sizes = [
            word for word in properties["font"].split() if word[:1].isdigit() or word[:1] == "."
        ]
        size = sizes[0].partition("/")[0] if sizes else None
    if size is None or _number(size) is None:
        return None
    relative = size.endswith(_RELATIVE) and not size.endswith("rem")
    if _below(size, 0.05 if relative or size.endswith("rem") else 1):
        return True
    return None if relative else False


def effect(style: str) -> Effect:
    """Give the effect of a style: by display, visibility, opacity, size, place or colour."""
    return _known_effect(style) if len(style) < _REMEMBERED else _new_effect(style)


@lru_cache(maxsize=1024)
def _known_effect(style: str) -> Effect:
    return _new_effect(style)


def _new_effect(style: str) -> Effect:
    lowered = style.lower()
    if not any(hint in lowered for hint in _HINTS):
        return _NOTHING
    return _effect(declarations(style))


def _effect(properties: dict[str, str]) -> Effect:
    hides = (
        properties.get("display") == "none"
        or properties.get("visibility") in {"hidden", "collapse"}
        or properties.get("mso-hide") == "all"
        or _is_zero(properties.get("zoom"))
        or _below(properties.get("opacity"), 0.05)
        or properties.get("transform", "").replace(" ", "").startswith("scale(0)")
        or properties.get("clip", "").replace(" ", "").startswith(("rect(0", "rect(1px"))
        or properties.get("clip-path", "").replace(" ", "").startswith(("inset(5", "inset(100"))
        or _collapsed(properties)
        or _moved_away(properties)
        or _same_colour(properties)
    )
    return Effect(hides, _font_size(properties))


@dataclass(frozen=True, slots=True)
class Rule:
    """A hiding rule of a style sheet: the names an element needs for it to hold."""

    tag: str
    classes: frozenset[str]
    ids: frozenset[str]

    @property
    def names(self) -> set[str]:
        """Give the names an element needs, as selectors: `b`, `.hidden`, `#footer`."""
        tag = {self.tag} if self.tag else set()
        return tag | {f".{name}" for name in self.classes} | {f"#{name}" for name in self.ids}


def _blocks(sheet: str) -> list[tuple[str, str]]:
    """Give (selectors, declarations) of a sheet; rules for print or small screens are left out."""
    out: list[tuple[str, str]] = []
    skipped = inside = False
    for piece in _COMMENT.sub("", sheet[:200_000]).split("}"):
        head, *rest = piece.split("{")
        if len(rest) == 0:
            inside = skipped = False  # the end of an @ block
            continue
        if head.strip().startswith("@") and len(rest) > 1:
            condition = head.strip().lower()
            inside = True
            skipped = not condition.endswith(("@media all", "@media screen", "@media only screen"))
            head, rest = rest[0], rest[1:]
        if not (inside and skipped):
            out.append((head, rest[-1]))
    return out


def hiding_rules(sheet: str) -> list[Rule]:
    """Give the hiding rules of a style sheet, by class, id or element."""
    out: list[Rule] = []
    for selectors, body in _blocks(sheet):
        shown = effect(body)
        if not (shown.hides or shown.tiny):
            continue
        for selector in selectors.lower().split(",")[:50]:
            last = selector.replace(">", " ").split()[-1:]
            match = _COMPOUND.fullmatch(last[0]) if last and len(last[0]) < 200 else None
            if match and (match[2] or " " not in selector.strip()):
                pieces = _PIECE.findall(match[2])
                out.append(
                    Rule(
                        match[1] or "",
                        frozenset(name for mark, name in pieces if mark == "."),
                        frozenset(name for mark, name in pieces if mark == "#"),
                    )
                )
    return out[:500]


@dataclass(slots=True)
class Hiding:
    """Hiding rules, asked together: each one is a bit, and an element's names select bits.

    Level n has the n-th name of each rule. So the cost of an element does not grow with the number
    of rules.
    """

    count: int = 0
    levels: list[dict[str, int]] = field(default_factory=list)
    complete: list[int] = field(default_factory=list)  # the rules without a name on a level

    def add(self, rules: Iterable[Rule]) -> None:
        """Take more rules, up to the most for one mail."""
        for rule in rules:
            names = sorted(rule.names)
            if self.count == _MOST_RULES or not names:
                continue
            while len(self.levels) < len(names):
                self.levels.append({})
                self.complete.append((1 << self.count) - 1)
            bit = 1 << self.count
            for number, level in enumerate(self.levels):
                if number < len(names):
                    level[names[number]] = level.get(names[number], 0) | bit
                else:
                    self.complete[number] |= bit
            self.count += 1

    def holds(self, tag: str, classes: frozenset[str], identifier: str) -> bool:
        """Tell if one of the rules names this element."""
        names = [tag, f"#{identifier}", *(f".{name}" for name in classes)]
        holding = (1 << self.count) - 1
        for level, complete in zip(self.levels, self.complete, strict=True):
            here = complete
            for name in names:
                here |= level.get(name, 0)
            holding &= here
        return holding != 0 and self.count > 0
