"""The house's budgets (architecture.md 4): short functions, small files, shallow nesting."""

import ast
import statistics
from pathlib import Path

import pytest

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
