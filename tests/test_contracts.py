"""The import contracts of pyproject.toml: they hold, and each breaks on an arrow against it."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("daemon", "parsers", "integrations")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
HOUSE, DESK, STORE = (f"the floors of the {part}" for part in ("house", "desk", "store"))

# A contract, a module, and a line in it that must not be.
ARROWS = [
    (HOUSE, "daemon/domain/money.py", "import daemon.store.session"),
    (HOUSE, "daemon/settings/load.py", "import daemon.desk.context"),
    (HOUSE, "daemon/desk/context.py", "import daemon.intake.accept"),
    (HOUSE, "daemon/intake/accept.py", "import daemon.desk.context"),
    (HOUSE, "daemon/loose.py", "import datetime"),
    (DESK, "daemon/desk/letters/phrases.py", "import daemon.desk.shown.words"),
    (DESK, "daemon/desk/month/closing.py", "import daemon.desk.tickets.turn"),
    (DESK, "daemon/desk/loose.py", "import datetime"),
    (STORE, "daemon/store/rows.py", "import daemon.store.keeping.backup"),
    (STORE, "daemon/store/loose.py", "import datetime"),
    (
        "the floors of the Fortnox client",
        "integrations/fortnox/settings.py",
        "import integrations.fortnox.client",
    ),
    (
        "the domain knows nobody, and no library but the holiday calendar",
        "daemon/domain/money.py",
        "import httpx",
    ),
    ("parsers could be published alone", "parsers/addresses.py", "import daemon.domain.money"),
    ("integrations know the domain only", "integrations/pdf.py", "import parsers.addresses"),
    ("the desk is handed the outside world", "daemon/desk/ports.py", "import integrations.pdf"),
    (
        "intake and integrations do not know each other",
        "daemon/intake/accept.py",
        "import integrations.pdf",
    ),
    ("only the store knows SQLAlchemy", "daemon/desk/context.py", "import sqlalchemy"),
    (
        "commands write no SQL and shape no JSON: they read through desk.shown",
        "daemon/cli/money.py",
        "def late():\n    from daemon.store.money import register",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the product's modules and of their contracts."""
    folder = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken(folder: Path) -> set[str]:
    """The names of the contracts that a tree breaks."""
    ran = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    names = {each["name"] for each in CONTRACTS}
    found = {name for name in names if f"{name} BROKEN" in ran.stdout}
    kept = {name for name in names if f"{name} KEPT" in ran.stdout}
    assert found | kept == names, ran.stdout + ran.stderr
    assert ran.returncode == (1 if found else 0)
    return found


def test_the_product_keeps_every_contract(copy):
    assert broken(copy) == set()


@pytest.mark.parametrize(("contract", "module", "line"), ARROWS)
def test_an_arrow_that_must_not_be_breaks_its_contract(copy, contract, module, line):
    path = copy / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        assert contract in broken(copy)
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")


def test_every_contract_has_an_arrow_that_breaks_it():
    assert {contract for contract, _, _ in ARROWS} == {each["name"] for each in CONTRACTS}


# --- commands shape no JSON ---------------------------------------------------------------------

_SHAPES = (ast.Dict, ast.DictComp, ast.List, ast.ListComp, ast.Tuple, ast.BinOp)


@pytest.mark.parametrize("path", sorted((ROOT / "daemon" / "cli").glob("*.py")), ids=str)
def test_a_command_prints_a_record_as_json_and_never_a_shape_of_its_own(path):
    """A page must be able to show the same: JSON is made of the records of `desk.shown`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None), *(each.name for each in node.names)]
    ]
    assert "json" not in imported or path.name == "output.py"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print_json":
            assert not isinstance(node.args[0], _SHAPES), ast.unparse(node)
