"""Byte code by the target's own Python: that Python uses it, and the same source gives the same bytes every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lambdapack
from lambdapack.errors import MissingRequirement
from lambdapack.importtest.compiling import Compiler, find_compiler
from lambdapack.profiles import load_profile
from lambdapack.progress import silent

RUNTIMES = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
# Names that other modules share, constants that are only sometimes interned, sets, and a place for the interpreter's
# own version of a string: what makes marshal's output hang on what else a process holds.
SOURCE = b"""
import os
NAMES = {"alpha", "beta", "gamma", "with space"}
def f(alpha, beta=("x", 1.5, -7, 123456789012345678901)):
    if alpha in {"one", "two", 3, b"four"}:
        return lambda gamma: (alpha, beta, gamma, f"{alpha!r} with space")
class Thing:
    with_space = "with space"
    def method(self): return self.method, __class__
"""


@pytest.fixture(params=RUNTIMES)
def compiler(request: pytest.FixtureRequest) -> Compiler:
    try:
        return find_compiler(load_profile(request.param, "x86_64"), silent, downloads=False)
    except MissingRequirement as error:
        pytest.skip(f"{error}: {error.hint}")


def package_sources() -> list[tuple[str, bytes]]:
    folder = Path(lambdapack.__file__).parent
    files = sorted(folder.glob("facts/*.py")) + sorted(folder.glob("artifact/*.py"))
    return [(f"/var/task/{path.name}", path.read_bytes()) for path in files]


def test_the_same_bytes_whatever_else_is_compiled(compiler: Compiler) -> None:
    others = package_sources()
    alone = compiler.compile([("/var/task/m.py", SOURCE)])[0]
    assert isinstance(alone, bytes), alone
    after = compiler.compile([*others, ("/var/task/m.py", SOURCE)])[-1]
    before = compiler.compile([("/var/task/m.py", SOURCE), *others[::-1]])[0]
    assert alone == after == before
    assert compiler.compile(others) == compiler.compile(others[::-1])[::-1]


def test_its_python_runs_it_without_the_source(compiler: Compiler, tmp_path: Path) -> None:
    content = compiler.compile([(str(tmp_path / "m.py"), b"answer = 42\n")])[0]
    assert isinstance(content, bytes)
    assert content[4:8] == b"\1\0\0\0"  # PEP 552: by hash, unchecked
    (tmp_path / "m.py").write_text("raise SystemExit('the source was compiled')\n")
    major, minor = compiler.identity()[0].split(".")[:2]
    cached = tmp_path / "__pycache__" / f"m.cpython-{major}{minor}.pyc"
    cached.parent.mkdir()
    cached.write_bytes(content)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import m; print(m.answer)"
    done = subprocess.run(
        [*compiler.command, "-S", "-c", script], capture_output=True, text=True, check=False, env=compiler.environment
    )
    assert done.stdout == "42\n", done.stderr


def test_what_does_not_compile_is_told(compiler: Compiler) -> None:
    bad, encoded = compiler.compile(
        [("/var/task/a.py", b"def f(:\n"), ("/var/task/b.py", b"# coding: latin-1\nx='\xe9'")]
    )
    assert isinstance(bad, str)
    assert bad.startswith("SyntaxError")
    assert isinstance(encoded, bytes)


def test_a_set_in_the_order_of_addresses_is_refused_where_marshal_keeps_it(compiler: Compiler) -> None:
    content = compiler.compile([("/var/task/a.py", b"x = y in {None, 'a', 'b'}\n")])[0]
    version = tuple(map(int, compiler.identity()[0].split(".")[:2]))
    assert isinstance(content, str if version < (3, 11) else bytes)


def test_no_python_is_no_silent_difference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    other = next(name for name in RUNTIMES if name != "python{}.{}".format(*sys.version_info))
    with pytest.raises(MissingRequirement) as caught:
        find_compiler(load_profile(other, "x86_64"), silent, downloads=False, image="localhost:1/none:1")
    assert other.removeprefix("python") in str(caught.value)
    assert 'pyc = "off"' in (caught.value.hint or "")
