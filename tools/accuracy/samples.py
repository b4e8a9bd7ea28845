"""The artifacts: a ZIP for each distribution, as it is and spoilt in one way that packaging spoils them.

Knows the registry only through uv. Says nothing about whether an artifact works: importing it does.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

LIST = Path(__file__).parent / "distributions.txt"

# As `--python-platform` of uv names them, best first: Amazon Linux 2023 has glibc 2.34, Amazon Linux 2 has 2.26, and
# uv knows no level between 2_17 and 2_28.
_PLATFORMS = {"2.34": ("manylinux_2_34", "manylinux2014"), "2.26": ("manylinux2014",)}
_OTHER_PYTHON = {"3.9": "3.11", "3.10": "3.12", "3.11": "3.9", "3.12": "3.11", "3.13": "3.12", "3.14": "3.13"}
_NO_CODE_OF_ITS_OWN = re.compile(r"(^|/)(tests?|testing|conftest|_?benchmarks?|examples?|docs?)(/|\.py$)|/test_")


class NotBuilt(Exception):
    """A sample that cannot be made here: no wheel for this Python, say."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A line of the list. `modules` is what the handler imports; empty: the distribution's top-level modules."""

    requirement: str
    modules: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name without extras."""
        return canonicalize_name(self.requirement.partition("[")[0])


@dataclass(frozen=True, slots=True)
class Sample:
    """One artifact. `damage` says in words what was done to it, None for one as it was installed."""

    distribution: Distribution
    python: str
    damage: str | None
    archive: Path

    @property
    def label(self) -> str:
        return f"{self.distribution.requirement} on {self.python}" + (f", {self.damage}" if self.damage else "")


def read_list(path: Path = LIST) -> list[Distribution]:
    """Returns the distributions in the list's order."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            requirement, _, modules = line.partition(":")
            found.append(Distribution(requirement.strip(), tuple(modules.split())))
    return found


def number(*words: str) -> int:
    """A number that depends on the words alone: choices by it are the same in every run, whatever is added."""
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:6], "big")


def install(distribution: Distribution, python: str, glibc: str, machine: str, folder: Path) -> None:
    """Installs wheels for a target into a folder. Raises `NotBuilt`."""
    problem = ""
    for platform in _PLATFORMS[glibc]:
        shutil.rmtree(folder, ignore_errors=True)
        command = ["uv", "pip", "install", "--quiet", "--no-python-downloads", "--no-config", "--only-binary", ":all:"]
        command += ["--python-version", python, "--python-platform", f"{machine}-{platform}", "--target", str(folder)]
        done = subprocess.run([*command, distribution.requirement], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        problem = " ".join(done.stderr.split())
    raise NotBuilt(problem[:200] or "uv failed")


def build(distribution: Distribution, python: str, glibc: str, folder: Path, damage: str | None) -> Sample:
    """Makes one sample below `folder`; `damage` is a key of `DAMAGES`. Raises `NotBuilt`."""
    target = folder / "installed"
    version, machine = python, "x86_64"
    if damage == "another Python":
        version = _OTHER_PYTHON[python]
    if damage == "another machine":
        machine = "aarch64"
    install(distribution, version, glibc, machine, target)
    shutil.rmtree(target / "bin", ignore_errors=True)
    modules = distribution.modules or _top_level_modules(target, distribution.name)
    if not modules:
        raise NotBuilt("has no importable module")
    told = damage
    if damage is not None:
        what = DAMAGES[damage](target, distribution.name, number(distribution.name, python, damage))
        if what is None:
            raise NotBuilt(f"{damage}: it has none")
        told = f"{damage} ({what})"
    lines = [*(f"import {module}" for module in modules), "", "", "def lambda_handler(event, context):", "    return 1"]
    (target / "handler.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    archive = folder / "function.zip"
    _pack(target, archive)
    shutil.rmtree(target)
    return Sample(distribution, python, told, archive)


def _pack(target: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for folder, _, names in sorted(os.walk(target)):
            for name in sorted(names):
                if not name.endswith(".lock"):
                    path = Path(folder) / name
                    file.write(path, path.relative_to(target).as_posix())


def _records(target: Path) -> dict[str, list[str]]:
    """The files of each distribution, by its canonical name."""
    found: dict[str, list[str]] = {}
    for info in sorted(target.glob("*.dist-info")):
        record = info / "RECORD"
        if record.is_file():
            rows = (row.partition(",")[0] for row in record.read_text(encoding="utf-8", errors="replace").splitlines())
            found[canonicalize_name(info.name.partition("-")[0])] = [row for row in rows if (target / row).is_file()]
    return found


def _top_level_modules(target: Path, name: str) -> tuple[str, ...]:
    """The modules and regular packages that a distribution puts at the top, without tests and tools."""
    found = []
    for row in _records(target).get(name, ()):
        parts = row.split("/")
        stem = parts[0].partition(".")[0]
        is_package = len(parts) == 2 and parts[1] == "__init__.py"
        is_module = len(parts) == 1 and row.endswith((".py", ".so"))
        if (is_package or is_module) and stem.isidentifier() and not _NO_CODE_OF_ITS_OWN.search(f"{stem}.py"):
            found.append(stem)
    return tuple(dict.fromkeys(found))


def _lose(target: Path, name: str, choice: int, wanted: Callable[[str], bool]) -> str | None:
    """Removes one file of the distribution, or else of what it requires."""
    records = _records(target)
    own = [row for row in records.get(name, ()) if wanted(row)]
    rows = sorted(own or (row for rows in records.values() for row in rows if wanted(row)))
    if not rows:
        return None
    row = rows[choice % len(rows)]
    (target / row).unlink()
    return row


def _is_shallow_source(row: str) -> bool:
    return row.endswith(".py") and row.count("/") in (1, 2) and not _NO_CODE_OF_ITS_OWN.search(row)


def _lose_module(target: Path, name: str, choice: int) -> str | None:
    return _lose(target, name, choice, _is_shallow_source)


def _lose_extension(target: Path, name: str, choice: int) -> str | None:
    return _lose(target, name, choice, lambda row: row.endswith(".so") and ".libs/" not in row)


def _lose_library(target: Path, name: str, choice: int) -> str | None:
    return _lose(target, name, choice, lambda row: ".libs/" in row and ".so" in row)


def _lose_distribution(target: Path, name: str, choice: int) -> str | None:
    records = _records(target)
    others = sorted(other for other in records if other != name)
    if not others:
        return None
    lost = others[choice % len(others)]
    for row in records[lost]:
        (target / row).unlink(missing_ok=True)
    return lost


def _lose_metadata(target: Path, _name: str, _choice: int) -> str | None:
    infos = list(target.glob("*.dist-info"))
    for info in infos:
        shutil.rmtree(info)
    return f"{len(infos)} folders"


def _spoil_nothing_more(_target: Path, _name: str, _choice: int) -> str | None:
    return "wheels of that target"


DAMAGES: dict[str, Callable[[Path, str, int], str | None]] = {
    "another Python": _spoil_nothing_more,
    "another machine": _spoil_nothing_more,
    "a lost module": _lose_module,
    "a lost extension module": _lose_extension,
    "a lost library": _lose_library,
    "a lost distribution": _lose_distribution,
    "lost metadata": _lose_metadata,
}
"""What packaging goes wrong by, each in the words of the report, with what does it to an installed folder."""


def damage_of(name: str, python: str, attempt: int = 0) -> str:
    """The damage that a distribution gets on a Python; further attempts give the next ones."""
    kinds: Sequence[str] = tuple(DAMAGES)
    return kinds[(number(name, python) + attempt) % len(kinds)]
