"""The house's budgets (architecture.md 4): short functions, small files, shallow nesting."""

import ast
import statistics
from collections import Counter
from pathlib import Path

import pytest

from tests import english

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("daemon", "parsers", "integrations")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)


def functions():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def length(node):
    return node.end_lineno - node.lineno + 1


def depth(node, level=0):
    """How deep blocks stand in one another; `elif` is no deeper than its `if`."""
    deepest = level
    for name, value in ast.iter_fields(node):
        chained = (
            isinstance(node, ast.If)
            and name == "orelse"
            and len(value) == 1
            and isinstance(value[0], ast.If)
        )
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
                continue
            if isinstance(child, ast.AST):
                inner = isinstance(child, _BLOCKS) and not chained
                deepest = max(deepest, depth(child, level + inner))
    return deepest


def test_functions_are_short():
    lengths = sorted(length(node) for _, node in functions())
    assert statistics.median(lengths) <= 9
    assert lengths[int(len(lengths) * 0.95)] <= 40
    too_long = [f"{p.name}:{n.name} {length(n)}" for p, n in functions() if length(n) > 80]
    assert too_long == []


def test_files_are_small():
    counted = {path.name: path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {name: lines for name, lines in counted.items() if lines > 500} == {}


def test_nesting_is_shallow():
    deep = [
        f"{path.name}:{node.name} {depth(node)}" for path, node in functions() if depth(node) > 3
    ]
    assert deep == []


def test_folders_hold_few_modules():
    flat_on_purpose = {
        "daemon/domain",
        "daemon/cli",
        "parsers",
    }  # a list of nouns reads as an index
    counts = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    too_many = {
        name: count
        for folder, count in counts.items()
        if count > 12 and (name := str(folder.relative_to(ROOT))) not in flat_on_purpose
    }
    assert too_many == {}
    loose = {path.name for path in (ROOT / "daemon").glob("*.py")}
    assert loose == {"__init__.py", "__main__.py", "loop.py", "logs.py"}


def changing_fields(node):
    """The fields of a class that may change: none of a frozen record."""
    frozen = any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list)
    return 0 if frozen else sum(isinstance(line, ast.AnnAssign) for line in node.body)


def test_no_class_of_the_desk_holds_much_state_that_changes():
    classes = {
        f"{path.name}:{node.name}": changing_fields(node)
        for path in SOURCES
        if "desk" in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert {name: count for name, count in classes.items() if count > 8} == {}


def test_docstrings_open_with_a_subject():
    assert english.openings(list(english.docstrings(*map(ROOT.joinpath, ROOMS)))) < 2


def test_docstrings_are_no_chains_of_relative_clauses():
    assert english.relatives(list(english.docstrings(*map(ROOT.joinpath, ROOMS)))) < 2


def test_the_formatter_formats():
    kept = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted(SOURCES + list((ROOT / "tests").rglob("*.py")))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.rstrip().endswith("# fmt:" + " skip")
    ]
    assert len(kept) <= 10, kept


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_a_sentence(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    says = ast.get_docstring(tree)
    assert says
    assert says.split("\n\n")[0].rstrip()[-1] in ".:)"


def test_nothing_hides_the_alembic_library():
    for folder in ("alembic", "systemd"):
        assert not (ROOT / folder / "__init__.py").exists()
    assert not (ROOT / "daemon" / "daemon.py").exists()
