"""The verdict on a module's syntax, held against the compilers of the interpreters of this machine."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from lambdapack.facts.grammar import check_syntax
from tests.unit.facts.grammar_cases import CASES, UNSEEN

# Run by the interpreter itself, as its import system compiles: from bytes.
COMPILE = """
import base64, json, sys, warnings
warnings.simplefilter("ignore")
refused = []
for name, data in json.load(sys.stdin).items():
    try:
        compile(base64.b64decode(data), "module.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, LookupError):
        refused.append(name)
json.dump(refused, sys.stdout)
"""


def refused_by_interpreter(version: str) -> set[str]:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(root.glob(f"{version}.*/bin/python3"))
    if not found:
        pytest.skip(f"no CPython {version} here; `pyenv install {version}` gets one")
    encoded = json.dumps({name: base64.b64encode(data).decode() for name, data in CASES.items()})
    done = subprocess.run(
        [found[-1], "-I", "-c", COMPILE], input=encoded, capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("minor", [9, 10, 11, 12, 13])
def test_as_the_interpreter_judges(minor: int) -> None:
    real = refused_by_interpreter(f"3.{minor}")
    problems = dict(zip(CASES, check_syntax(list(CASES.values()), (3, minor)), strict=True))
    ours = {name for name, problem in problems.items() if problem is not None}
    assert ours - real == set()
    assert real - ours <= UNSEEN


@pytest.mark.parametrize(
    ("source", "first"),
    [
        (b"match x:\n    case 1: pass\n", 10),
        (b"with (open('a') as a, open('b') as b): pass\n", 9),
        (b"try: pass\nexcept* E: pass\n", 11),
        (b"x[*a]\n", 11),
        (b"f'{x['a']}'\n", 12),
        (b"type X = int\n", 12),
        (b"def f[T](x: T) -> T: pass\n", 12),
        (b"def f[T = int](x: T) -> T: pass\n", 13),
        (b"try: pass\nexcept A, B: pass\n", 14),
        (b"t'{x}'\n", 14),
        (b"lazy import json\n", 15),
        (b"[*x for x in y]\n", 15),
    ],
)
def test_since(source: bytes, first: int) -> None:
    """What's New: the version that a construct came with, also where no interpreter is at hand."""
    for minor in range(9, 16):
        assert (check_syntax([source], (3, minor)) == [None]) == (minor >= first), minor


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (b"# coding: ascii\nx = 1\n# \xc3\xa9\n", 3),
        (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", 1),
        (b"x = 1\ny = '\xe9'\n", 2),
        (b"x = 1\n\n\0", 3),
        (b"# coding: nope\nx = 1\n", 1),
        (b"async def f():\n    yield 1\n    return 2\n", 3),
    ],
)
def test_lines(source: bytes, line: int) -> None:
    problem = check_syntax([source], (3, 13))[0]
    assert problem is not None
    assert problem.line == line


def test_neither_comments_nor_configuration_change_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text('target-version = "py39"\nexclude = ["*"]\n[lint]\nignore = ["F"]\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    silenced = [b"# ruff: noqa\nbreak  # noqa\n", b"# flake8: NOQA: F701\nbreak # noqa:F701\n", b"type X = int\n"]
    assert [problem and problem.line for problem in check_syntax(silenced, (3, 13))] == [2, 2, None]


def test_many_modules_and_large_ones() -> None:
    sources = [b"x = '%s'\n" % (b"long " * 20_000) for _ in range(300)]
    sources[200] += b"x = = 1\n"
    found = check_syntax(sources, (3, 12))
    assert [number for number, problem in enumerate(found) if problem] == [200]
