"""Byte code as the target's own Python makes it: this machine's interpreter of that version, or the runtime's image.

Byte code does not depend on processor or system, so any of them does. What compiles runs nothing of what it is given,
so no sandbox is needed. Knows no artifact: paths and sources in, byte code out.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lambdapack.errors import MissingRequirement
from lambdapack.importtest import compile_script
from lambdapack.importtest.interpreters import Interpreter, find_interpreter, same_spelling
from lambdapack.importtest.root_source import root_of
from lambdapack.profiles import load_common_facts, load_profile
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress

_SECONDS = 600.0
_LOADERS = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}
_LIBRARIES = ("var/lang/lib", "lib64", "usr/lib64", "lib")
_ARCHITECTURES = {"aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Compiler:
    """A Python that compiles: how it is started. `name` is for people: version and where it was found."""

    command: tuple[str, ...]
    environment: dict[str, str]
    name: str = ""

    @property
    def program(self) -> Path:
        """The interpreter's file."""
        return Path(self.command[-1])

    def compile(self, modules: Sequence[tuple[str, bytes]]) -> list[bytes | str]:
        """Compiles modules (path on Lambda, source); returns for each its `.pyc`, or why there is none.

        The same source at the same path gives the same bytes. Raises `MissingRequirement` when Python gives up.
        """
        shares = max(1, min(os.cpu_count() or 1, len(modules) // 20))
        parts = [modules[number::shares] for number in range(shares)]
        with ThreadPoolExecutor(shares, thread_name_prefix="compile") as pool:
            answers = [found for _, found in pool.map(self._ask, parts)]
        return [answers[number % shares][number // shares] for number in range(len(modules))]

    def identity(self) -> tuple[str, int]:
        """Returns Python's version (`3.13.5`) and the magic number of its byte code."""
        return self._ask(())[0]

    def _ask(self, modules: Sequence[tuple[str, bytes]]) -> tuple[tuple[str, int], list[bytes | str]]:
        question = json.dumps([[path, len(source)] for path, source in modules]).encode() + b"\n"
        try:
            done = subprocess.run(
                # -s -S -B: none of the user's packages, nothing is written. Not -I: that ignores the seed of hashes.
                [*self.command, "-s", "-S", "-B", "-W", "ignore", "-c", _script()],
                input=question + b"".join(source for _, source in modules),
                capture_output=True,
                env=self.environment,
                cwd=Path(self.command[0]).parent,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MissingRequirement(f"{self.command[-1]}: cannot compile: {error}") from error
        head, _, rest = done.stdout.partition(b"\n")
        if done.returncode != 0:
            words = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise MissingRequirement(f"{self.command[-1]}: cannot compile: {words[-1] if words else done.returncode}")
        answer = json.loads(head)
        found: list[bytes | str] = []
        at = 0
        for result in answer["modules"]:
            found.append(result if isinstance(result, str) else rest[at : at + result])
            at += 0 if isinstance(result, str) else result
        return (answer["version"], answer["magic"]), found


def find_compiler(
    profile: RuntimeProfile, progress: Progress, *, downloads: bool = True, image: str | None = None
) -> Compiler:
    """Returns a Python of the profile's version: this machine's, else that of the runtime's image or of `image`.

    `downloads`: uv may install one.

    Raises `MissingRequirement` when there is none: byte code of another version would be dead weight.
    """
    python = ".".join(map(str, profile.python))
    refused = []
    for find in (partial(_local, downloads=downloads), partial(_in_image, image=image)):
        try:
            found = find(profile, progress)
            version, magic = found.identity()
        except MissingRequirement as error:
            refused.append(str(error))
            continue
        final = load_common_facts().bytecode.get(python, (0, None))[1]
        if final is not None and magic != final:
            refused.append(f"Python {version} makes byte code that {profile.runtime} does not read")
            continue
        return Compiler(found.command, found.environment, f"CPython {version} ({found.name})")
    raise MissingRequirement(
        f'pyc = "reached": no Python {python} to compile with: {"; ".join(refused)}',
        hint=f'install Python {python} (uv python install {python}), or write pyc = "off"',
    )


def _local(profile: RuntimeProfile, progress: Progress, *, downloads: bool) -> Compiler:
    here = same_spelling(platform.machine())
    found = find_interpreter(profile.python, here, downloads=downloads, progress=progress)
    if not isinstance(found, Interpreter):
        raise MissingRequirement(found.reason)
    return Compiler((str(found.path),), _environment(), found.source)


def _in_image(profile: RuntimeProfile, progress: Progress, *, image: str | None) -> Compiler:
    """The runtime's own Python out of its image, started by the image's own loader: no sandbox, no privileges."""
    machine = same_spelling(platform.machine())
    if sys.platform != "linux" or machine not in _LOADERS:
        raise MissingRequirement("the runtime's image can be used on Linux only")
    here = load_profile(profile.runtime, _ARCHITECTURES.get(machine, machine))
    image = image or here.image
    root = root_of(image, here, progress).folder
    loader, python = root / _LOADERS[machine], root / "var/lang/bin" / profile.runtime
    if not loader.resolve().is_relative_to(root.resolve()) or not python.is_file():
        raise MissingRequirement(f"{image}: has no Python that can be started from here")
    libraries = ":".join(str(root / folder) for folder in _LIBRARIES if (root / folder).is_dir())
    command = (str(loader), "--library-path", libraries, str(python))
    return Compiler(command, {**_environment(), "PYTHONHOME": str(root / "var/lang")}, image)


def _environment() -> dict[str, str]:
    """Nothing of the user's own but what a system needs to start programs; sets are in the same order each time."""
    needed = {name: value for name in ("SYSTEMROOT", "PATH") if (value := os.environ.get(name))}
    return {**needed, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}


def _script() -> str:
    return Path(compile_script.__file__).read_text("utf-8")
