"""Who may import whom: the contracts of `.importlinter`, and what must not be imported on Windows."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lambdapack"

POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
# They start and confine processes, and may say so when they are imported where that is impossible.
MAY_BE_POSIX_ONLY = ("importtest", "containers")
EVERYWHERE = [
    path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] not in MAY_BE_POSIX_ONLY
]


def test_the_contracts_hold() -> None:
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", linter, "--config", ".importlinter", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def imported_at_module_level(body: list[ast.stmt]) -> Iterator[str]:
    """The top-level names of all that is imported when the module is, whatever condition or `try` it stands under."""
    for statement in body:
        match statement:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                continue
            case _:
                for _, value in ast.iter_fields(statement):
                    parts = value if isinstance(value, list) else []
                    yield from imported_at_module_level([part for part in parts if isinstance(part, ast.stmt)])
                    for part in parts:
                        if isinstance(part, ast.ExceptHandler | ast.match_case):
                            yield from imported_at_module_level(part.body)


def test_the_scan_sees_every_place_that_runs_on_import() -> None:
    source = """
import a
if x:
    import b.c
else:
    from d.e import f
try:
    import g
except ImportError:
    import h
class C:
    import i
    def method(self):
        import not_this
with x:
    import j
match x:
    case 1:
        import k
from . import not_this
def function():
    import not_this
"""
    assert list(imported_at_module_level(ast.parse(source).body)) == [*"abdgh", *"ijk"]


@pytest.mark.parametrize("path", EVERYWHERE, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nothing_posix_only_is_imported_with_a_module(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert POSIX_ONLY.intersection(imported_at_module_level(tree.body)) == set()
