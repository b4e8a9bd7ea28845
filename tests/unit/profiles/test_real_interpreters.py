"""Holds the lists of standard modules against interpreters of this machine: a missing name is a false error later.

Looks under $PYENV_ROOT/versions and on PATH. Independent of the collector in `tools/profile_sources` on purpose.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lambdapack.profiles import known_runtimes, load_profile

# Run by the interpreter itself: where its library is, and what it has without a file.
ASK = """
import json, platform, sys, sysconfig
json.dump({
    "of_interest": platform.python_implementation() == "CPython" and sys.platform == "linux",
    "version": "%d.%d" % sys.version_info[:2],
    "folders": [sysconfig.get_path("stdlib")] + [path for path in sys.path if path.endswith("lib-dynload")],
    "builtin": list(sys.builtin_module_names),
    "names": sorted(getattr(sys, "stdlib_module_names", ())),
}, sys.stdout)
"""

# The tests of the standard library are left out of the profiles, as are additions of a distributor.
TESTS = re.compile(r"(^|\.)(tests?|idle_test|testmock)\.|^_test|^_(ctypes_test|xxtestfuzz)$")
DISTRIBUTOR = re.compile(r"^(sitecustomize|_distutils_system_mod|_sysconfigdata_.*)$")
# These come and go between two patch releases of one version, and nobody else imports them.
PRIVATE = re.compile(r"(^|\.)_[^.]+(\.|$)")
# Importable, though CPython does not count them as standard modules.
UNCOUNTED = {"test", "xxlimited", "xxlimited_35", "xxlimited_3_13", "xxsubtype"}


@dataclass(frozen=True)
class Interpreter:
    folders: tuple[Path, ...]
    builtin: frozenset[str]
    names: frozenset[str]


def candidates(version: str) -> Iterator[str]:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for folder in sorted(root.glob(f"{version}*")):
        if re.fullmatch(re.escape(version) + r"(\.\d+)?", folder.name):
            yield str(folder / "bin" / "python3")
    for place in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(f"python{version}", path=place)
        if found:
            yield found


@functools.cache
def interpreters(version: str) -> tuple[Interpreter, ...]:
    answers: dict[str, Interpreter] = {}
    for python in candidates(version):
        try:
            done = subprocess.run([python, "-I", "-c", ASK], capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            continue  # A pyenv shim of a version that is not selected, for example.
        answer = json.loads(done.stdout)
        if answer["of_interest"] and answer["version"] == version:
            folders = tuple(Path(folder) for folder in answer["folders"])
            answers[answer["folders"][0]] = Interpreter(
                folders, frozenset(answer["builtin"]), frozenset(answer["names"])
            )
    if not answers:
        pytest.skip(f"no CPython {version} here; `pyenv install {version}` or `uv python install {version}` gets one")
    return tuple(answers.values())


def modules_below(folder: Path) -> Iterator[str]:
    """Every module that has a file below `folder`, and every package: what `import` finds there."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.suffix not in (".py", ".so") or {"site-packages", "dist-packages", "lib-dynload"} & set(parts):
            continue
        names = [*parts[:-1], path.name.split(".")[0]]
        if names[-1] == "__init__":
            names = names[:-1]
        if all(name.isidentifier() for name in names):
            yield ".".join(names)


@pytest.mark.parametrize("runtime", known_runtimes())
def test_profile_lists_all_that_a_real_interpreter_can_import(runtime: str) -> None:
    listed = load_profile(runtime, "x86_64").stdlib_modules
    for interpreter in interpreters(runtime.removeprefix("python")):
        real = set(interpreter.builtin).union(*(modules_below(folder) for folder in interpreter.folders))
        assert len(real) > 500
        missing = {name for name in real - listed if not TESTS.search(name) and not DISTRIBUTOR.match(name)}
        assert not {name for name in missing if not PRIVATE.search(name)}, interpreter.folders


@pytest.mark.parametrize("runtime", known_runtimes())
def test_profile_lists_nothing_public_that_the_real_interpreter_does_not_know(runtime: str) -> None:
    """The other direction: a module that was removed must not be listed."""
    known = frozenset[str]().union(*(interpreter.names for interpreter in interpreters(runtime.removeprefix("python"))))
    if not known:
        pytest.skip("CPython says its module names since 3.10")
    listed = {name for name in load_profile(runtime, "x86_64").stdlib_modules if "." not in name}
    assert {name for name in listed - known if not name.startswith("_")} <= UNCOUNTED
