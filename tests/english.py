"""How plain the English of docstrings is, in figures: `python -m tests.english [FOLDER …]`.

Two habits make a docstring hard to read: it opens with a question word ("What waits …") instead
of a subject and a verb, and it strings relative clauses together. Both are counted.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("daemon", "parsers", "integrations")
OPENINGS = frozenset({"what", "whether", "where", "who", "how"})
RELATIVES = frozenset({"what", "which", "that", "who", "whose", "where"})
MOST_OPENINGS = MOST_RELATIVES = 2.0  # per cent of the docstrings, and of their words

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_CODE = re.compile(r"`[^`]*`")
_RULE_NUMBERS = re.compile(r"^(?:[A-K]\d+[a-z]?(?:[,–-] ?[A-K]?\d*[a-z]?)*:\s*)+")
_WORD = re.compile(r"[A-Za-zÅÄÖåäö]+(?:['’][a-z]+)?")


@dataclass(frozen=True)
class Docstring:
    """A docstring, and the place where it stands."""

    place: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words in lower case, rule numbers and code apart."""
        prose = _CODE.sub(" ", _RULE_NUMBERS.sub("", self.text.strip()))
        return [word.casefold() for word in _WORD.findall(prose)]

    @property
    def opens_with_a_question_word(self) -> bool:
        """`What waits …` instead of `The deliveries …`."""
        return self.words[:1] != [] and self.words[0] in OPENINGS

    @property
    def relatives(self) -> int:
        """The number of relative words."""
        return sum(word in RELATIVES for word in self.words)


def docstrings(*folders: Path) -> Iterator[Docstring]:
    """Every docstring of the modules in these folders."""
    for folder in folders:
        for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                text = ast.get_docstring(node) if isinstance(node, _DOCUMENTED) else None
                if text:
                    line = getattr(node, "lineno", 1)
                    yield Docstring(f"{path.relative_to(ROOT)}:{line}", text)


def openings(found: list[Docstring]) -> float:
    """The share of docstrings that open with a question word, in per cent."""
    return 100 * sum(each.opens_with_a_question_word for each in found) / max(len(found), 1)


def relatives(found: list[Docstring]) -> float:
    """The number of relative words per hundred words of docstring."""
    words = sum(len(each.words) for each in found)
    return 100 * sum(each.relatives for each in found) / max(words, 1)


def main() -> None:
    """Print the docstrings to rewrite, then the two figures."""
    folders = [Path(name).resolve() for name in sys.argv[1:]] or [ROOT / room for room in ROOMS]
    found = list(docstrings(*folders))
    for each in found:
        if each.opens_with_a_question_word or each.relatives > 1:
            first = each.text.split("\n", 1)[0]
            print(f"{each.place}  {each.relatives} relative words  {first}")
    print(f"{len(found)} docstrings: {openings(found):.1f} % open with a question word")
    print(f"{relatives(found):.2f} relative words per hundred (most: {MOST_RELATIVES})")


if __name__ == "__main__":
    main()
