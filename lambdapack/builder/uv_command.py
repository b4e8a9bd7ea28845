"""Runs `uv pip compile` and `uv export` for a target that is not this machine, and puts uv's refusals into one line.

Knows uv's options and messages; which of the offered wheels is taken is `resolve.py`'s business. The user's uv
configuration, environment, indexes, credentials and proxies are uv's own to read: nothing is filtered.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import uv
from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError
from packaging.utils import canonicalize_name

from lambdapack.builder.inputs import Inputs
from lambdapack.errors import BuildFailed, MissingRequirement
from lambdapack.profiles.profile import RuntimeProfile

# The glibc minor versions for which uv has a `--python-platform` (uv: crates/uv-configuration/src/target_triple.rs).
# It has none from 2_18 to 2_27. For Amazon Linux 2 (glibc 2.26) uv resolves at 2_28, so that it sees every wheel the
# target takes; those that it does not take are refused afterwards, by our own tags.
_UV_GLIBC_MINORS = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)

# Minor versions of Python 3 that a distribution without a fitting wheel may have wheels for.
_PYTHON_MINORS = range(8, 16)

_NO_WHEELS = re.compile(
    r"(?:(?:all versions of )(?P<all>[\w.-]+)|(?P<name>[\w.-]+)==(?P<version>[^\s,]+)) "
    r"ha(?:s|ve) no (?P<what>usable wheels|wheels with a matching )"
)
_WHEELS_REQUIRED = re.compile(r"Wheels are required for `(?P<name>[^`]+)`")
_DEPENDS_ON = r"(?P<parent>[\w.-]+)==(?P<version>[^\s,]+) depends on {name}\b"
_PASSWORD = re.compile(r"(?<=://)[^/\s@]+@")
_VARIABLES = {
    **dict.fromkeys(("-i", "--index-url"), "UV_DEFAULT_INDEX"),
    "--extra-index-url": "UV_INDEX",
    **dict.fromkeys(("-f", "--find-links"), "UV_FIND_LINKS"),
}
_HEADLINE = "error: No solution found when resolving dependencies"
_LONGEST_REASON = 420


class UvRefused(Exception):
    """uv ended with an error; `stderr` is what it said."""

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr)
        self.stderr = stderr


@dataclass(frozen=True, slots=True)
class Lock:
    """What uv resolved, and the folder its relative paths start from. `text` is the lock as uv wrote it."""

    pylock: Pylock
    folder: Path
    text: str


@dataclass(frozen=True, slots=True)
class NoWheel:
    """Why a resolution failed for want of a wheel: the distribution, its version if one was named, and who wants it.

    `has_others`: uv has seen wheels for other targets; False where it does not say whether there are any.
    """

    name: str
    version: str | None
    parent: str | None
    has_others: bool


def uv_platform(machine: str, glibc: tuple[int, ...], *, below: bool = False) -> str:
    """Returns uv's name for the oldest platform that takes every wheel a machine with this glibc (2, minor) takes; or
    (`below`) for the newest that takes no other wheels than it."""
    if below:
        minor = max((level for level in _UV_GLIBC_MINORS if (2, level) <= glibc[:2]), default=_UV_GLIBC_MINORS[0])
    else:
        minor = min((level for level in _UV_GLIBC_MINORS if (2, level) >= glibc[:2]), default=_UV_GLIBC_MINORS[-1])
    return f"{machine}-manylinux_2_{minor}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a resolution must not use. `wheels_only`: distributions that are not taken as an sdist (`:all:` for all).

    `constraints`: as in a constraints file. `dependencies`: False takes only what is named. `below`: for a platform
    that takes no other wheels than the target, but perhaps not all of them.
    """

    wheels_only: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    dependencies: bool = True
    below: bool = False


WHEELS_ONLY = Limits(wheels_only=(":all:",))


def compile_lock(
    inputs: Inputs,
    profile: RuntimeProfile,
    *,
    scratch: Path,
    limits: Limits,
    indexes: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Lock:
    """Resolves requirement files and requirement lines for the profile's target.

    `indexes` are options that name more places to look at, as in requirement files; they may hold credentials, so they
    are no arguments. `options` are arguments. Runs uv in the inputs' folder, where it finds the project's settings. uv
    compiles nothing that lasts: where it builds an sdist to learn what it requires, the result is not used.
    Raises `UvRefused`.
    """
    target = [
        f"--python-version={profile.python[0]}.{profile.python[1]}",
        f"--python-platform={uv_platform(profile.machine, profile.glibc, below=limits.below)}",
        "--no-universal",
        *(f"--only-binary={name}" for name in limits.wheels_only),
        *(() if limits.dependencies else ("--no-deps",)),
        *options,
        *(f"--extra={name}" for name in inputs.extras),
        *(f"--group={file}:{name}" for name in inputs.groups for file in inputs.files),
    ]
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as temporary:
        if limits.constraints:
            constraints = Path(temporary, "constraints.txt")
            constraints.write_text("\n".join(limits.constraints) + "\n", encoding="utf-8")
            target.append(f"--constraints={constraints}")
        return _compile(target, inputs.files, [*indexes, *inputs.strings], inputs.folder, scratch)


def export_lock(inputs: Inputs, *, scratch: Path, locked: bool) -> Lock:
    """Returns what a `uv.lock` says for the inputs' package, extras and groups, unchanged.

    `locked`: uv checks that the lock still is what the project asks for. Raises `UvRefused`.
    """
    options = [
        "--locked" if locked else "--frozen",
        # As the member is called that its own code is packed of; what it depends on in the workspace is packed anyhow.
        *(() if inputs.own else ("--no-emit-project",)),
        "--no-editable",
        "--no-default-groups",
        *((f"--package={inputs.package}",) if inputs.package else ()),
        *(f"--extra={name}" for name in inputs.extras),
        *(f"--group={name}" for name in inputs.groups),
    ]
    return _run(["export", *options], "", inputs.folder, scratch)


def offered_wheels(
    name: str, version: str | None, profile: RuntimeProfile, *, options: Sequence[str], folder: Path, scratch: Path
) -> tuple[str | None, list[str]] | None:
    """Asks which wheels a distribution has for any platform: its version and the file names, sorted.

    An empty list: there is none for any Python (an sdist only). None: the question could not be answered.
    """
    requirement = f"{name}=={version}" if version else name

    def ask(minor: int) -> tuple[str, list[str]] | None:
        """What is there for one Python; an empty list: uv says that it is an sdist only."""
        try:
            target = ["--python-version", f"3.{minor}", "--universal", "--no-deps", "--only-binary=:all:"]
            lock = _compile(target, (), [*options, requirement], folder, scratch)
        except UvRefused as refusal:
            missing = why_no_wheel(refusal.stderr)
            return (version or "", []) if missing is not None and not missing.has_others else None
        except BuildFailed:
            return None  # uv writes an invalid lock for a distribution whose wheels are all for older Pythons
        for package in lock.pylock.packages:
            if package.name == canonicalize_name(name) and package.wheels:
                return str(package.version), sorted(wheel.filename for wheel in package.wheels)
        return None

    # One Python after the other would take as long as the rest of a build; uv waits for the network most of the time.
    nearest = sorted(_PYTHON_MINORS, key=lambda minor: (abs(minor - profile.python[1]), -minor))
    with ThreadPoolExecutor(len(nearest), thread_name_prefix="ask") as pool:
        answers = [answer for answer in pool.map(ask, nearest) if answer is not None]
    with_wheels = next((answer for answer in answers if answer[1]), None)
    return with_wheels or ((version, []) if answers else None)


def why_no_wheel(stderr: str) -> NoWheel | None:
    """Reads from uv's words which distribution has no usable wheel; None when that was not the reason."""
    text = " ".join(stderr.split())
    required, refused = _WHEELS_REQUIRED.search(text), _NO_WHEELS.search(text)
    if required is None and refused is None:
        return None
    name = required["name"] if required else (refused["all"] or refused["name"]) if refused else ""
    version = refused["version"] if refused and refused["name"] == name else None
    parent = re.search(_DEPENDS_ON.format(name=re.escape(name)), text)
    has_others = refused is not None and refused["what"] != "usable wheels"
    return NoWheel(name, version, f"{parent['parent']} {parent['version']}" if parent else None, has_others)


def short_reason(stderr: str) -> str:
    """Returns uv's reason in one line: no headline, no warnings, no passwords, not longer than a paragraph."""
    reason = ""
    for line in map(str.strip, stderr.splitlines()):
        if line.startswith(("warning:", "hint:")) or not line.strip("^ ") or line == _HEADLINE:
            continue
        step = line.removeprefix("error: ")
        reason += f": {step.removeprefix('cause: ')}" if step.startswith("cause: ") and reason else f" {step}"
    reason = reason.strip().removeprefix("cause: ").replace("in `-`", "in the list")
    # "Because …, we can conclude that your requirements are unsatisfiable." says twice that it failed.
    reason = re.sub(r", we can conclude that your requirements are unsatisfiable\.?", "", reason)
    reason = _PASSWORD.sub("", reason)
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON].rsplit(' ', 1)[0]} …"


def _compile(target: Sequence[str], files: Sequence[Path], lines: Sequence[str], folder: Path, scratch: Path) -> Lock:
    command = [
        "pip",
        "compile",
        # Any interpreter does, since version and platform are given: ours is certainly there.
        f"--python={sys.executable}",
        *target,
        *(str(file) for file in files),
        *(["-"] if lines else []),
    ]
    return _run(command, "\n".join(lines) + "\n", folder, scratch)


def _run(command: Sequence[str], given: str, folder: Path, scratch: Path) -> Lock:
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as temporary:
        # A file rather than standard output: `output-file` in the user's [tool.uv.pip] would win over the latter.
        output = Path(temporary, "pylock.toml")
        run = subprocess.run(
            [
                find_uv(),
                *command,
                "--quiet",
                "--color=never",
                "--no-header",
                "--no-python-downloads",
                "--format=pylock.toml",
                f"--output-file={output}",
            ],
            cwd=folder,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if run.returncode != 0:
            raise UvRefused(run.stderr)
        # pylock paths are relative to the lock's folder (PEP 751), which is gone after this.
        return parse_lock(output.read_text(encoding="utf-8"), Path(temporary))


def parse_lock(text: str, folder: Path) -> Lock:
    """Parses a `pylock.toml` text. Raises `BuildFailed` when it is not one that this version understands."""
    try:
        return Lock(Pylock.from_dict(tomllib.loads(text)), folder, text)
    except (tomllib.TOMLDecodeError, PylockValidationError, PylockUnsupportedVersionError) as error:
        raise BuildFailed(f"the lock is not a pylock.toml of version 1: {error}", hint="update lambdapack") from error


def index_variables(options: Sequence[str]) -> dict[str, str]:
    """Turns index options of requirement files into uv's variables, which other users of this machine do not see."""
    found: dict[str, str] = {}
    for option in options:
        name, *rest = re.split(r"[=\s]+", option, maxsplit=1)
        variable, value = _VARIABLES.get(name), "".join(rest).strip()
        if variable in ("UV_INDEX", "UV_FIND_LINKS") and variable in found:
            found[variable] += f"{' ' if variable == 'UV_INDEX' else ','}{value}"
        elif variable is not None:
            found[variable] = value
    return found


def find_uv() -> str:
    """Returns the path of uv's program. Raises `MissingRequirement`."""
    try:
        return os.fsdecode(uv.find_uv_bin())
    except FileNotFoundError:
        found = shutil.which("uv")
        if found is None:
            raise MissingRequirement("uv is not installed; it resolves requirements", hint="pip install uv") from None
        return found
