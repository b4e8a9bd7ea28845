"""What an image says of the runtime it is: Python's version, search paths, libraries, the handler.

The profile of the runtime is the ground; what the image really has wins. Images on another base than Lambda's have
Python and libraries in other places: those are looked up in the image, too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.elf_reading import read_elf
from lambdapack.profiles.profile import RuntimeProfile, Version

if TYPE_CHECKING:
    from lambdapack.artifact import ImageConfig

_LAMBDA_PYTHON = "/var/lang"
_ENTRYPOINT = "lambda-entrypoint.sh"
_CLIENT = "awslambdaric"
_PYTHON = re.compile(r"^python(3\.\d+)$")
_HANDLER = re.compile(r"^[^\s/.-][^\s]*\.[A-Za-z_]\w*$")
_GLIBC = re.compile(r"^GLIBC_(\d+(?:\.\d+)+)$")
# Where loaders look that are not told otherwise: Debian's multiarch folders, musl's /lib (musl, ldso/dynlink.c).
_MULTIARCH = ("/lib/{0}-linux-gnu", "/usr/lib/{0}-linux-gnu")
_MUSL = ("/lib", "/usr/local/lib", "/usr/lib")


def handler_of_image(config: ImageConfig) -> str | None:
    """Returns the handler that the image's command names; None where it names none that can be told."""
    arguments = (*config.entrypoint, *config.command)
    if _CLIENT in arguments:  # python -m awslambdaric app.handler
        following = arguments[arguments.index(_CLIENT) + 1 :]
        return following[0] if following else None
    if not config.command or not _HANDLER.match(config.command[0]) or config.command[0].endswith(".py"):
        return None
    is_lambdas = any(posixpath.basename(argument) == _ENTRYPOINT for argument in config.entrypoint)
    return config.command[0] if is_lambdas or len(config.command) == 1 else None


def runtime_of_image(stack: Stack, config: ImageConfig) -> tuple[str, str] | None:
    """Returns the runtime and how it is told: by the interpreter in the image, or else by its environment. A tag tells
    nothing, it has been wrong (aws/aws-lambda-base-images issue 127)."""
    for prefix in _prefixes(config):
        version = _version_at(stack, prefix)
        if version is not None:
            return f"python{version}", f"{prefix}/bin" if prefix != _LAMBDA_PYTHON else prefix
    for key, pattern in (("AWS_EXECUTION_ENV", r"AWS_Lambda_python(3\.\d+)$"), ("PYTHON_VERSION", r"(3\.\d+)(?:\.|$)")):
        match = re.match(pattern, config.environment.get(key, ""))
        if match:
            return f"python{match[1]}", f"the image's {key}"
    return None


def interpreter_of_image(stack: Stack, config: ImageConfig, python: tuple[int, int]) -> str | None:
    """Returns the path of the interpreter that the image's command would run; None where there is none."""
    name = "python{}.{}".format(*python)
    return next((f"{prefix}/bin/{name}" for prefix in _prefixes(config) if stack.file(f"{prefix}/bin/{name}")), None)


def profile_of_image(profile: RuntimeProfile, stack: Stack, config: ImageConfig) -> RuntimeProfile:
    """Returns the profile with all that the image has of its own in the place of what its runtime usually has."""
    of_lambda = stack.is_folder(_LAMBDA_PYTHON)
    version = "{}.{}".format(*profile.python)
    packages = _package_folders(stack, config, version) if not of_lambda else _lambda_packages(stack, profile)
    path = _python_path(profile, config, packages, of_lambda=of_lambda, version=version)
    libraries = _variable(config, "LD_LIBRARY_PATH")
    folders = tuple(dict.fromkeys((*profile.system_library_dirs, *_loader_folders(stack, profile.machine))))
    changed = replace(
        profile,
        python_path=path,
        path_config_dirs=tuple(dict.fromkeys((*(f for f in profile.path_config_dirs if of_lambda), *packages))),
        library_path=libraries or (profile.library_path if of_lambda else ()),
        system_library_dirs=folders,
    )
    if stack.file(f"/lib/ld-musl-{profile.machine}.so.1"):
        suffixes = tuple(suffix.replace("-linux-gnu.", "-linux-musl.") for suffix in profile.extension_suffixes)
        return replace(changed, extension_suffixes=suffixes, libraries={}, preinstalled=())
    glibc = _glibc(stack, (*changed.library_path, *folders))
    if glibc is None:
        return changed  # not a whole system: what is not there is the runtime's
    return replace(changed, glibc=glibc, libraries={}, preinstalled=() if packages else profile.preinstalled)


def _python_path(
    profile: RuntimeProfile, config: ImageConfig, packages: tuple[str, ...], *, of_lambda: bool, version: str
) -> tuple[str, ...]:
    own = _variable(config, "PYTHONPATH")
    if of_lambda:
        task = config.environment.get("LAMBDA_TASK_ROOT") or profile.python_path[0]
        rest = profile.python_path[1:]
        if own:
            # /var/runtime/bootstrap.py adds layers and packages only where PYTHONPATH is not set.
            first = next((at for at, folder in enumerate(rest) if folder.endswith(".zip")), 0)
            rest = (*own, *rest[first:], *packages)
        return tuple(dict.fromkeys((task, *rest)))
    # python -m puts the working directory first (https://docs.python.org/3/using/cmdline.html#cmdoption-m).
    standard = tuple(f"{prefix}/lib/python{version}" for prefix in _prefixes(config))
    folders = (f"{folder}{part}" for folder in standard for part in ("", "/lib-dynload"))
    return tuple(dict.fromkeys((config.working_dir, *own, *folders, *packages)))


def _lambda_packages(stack: Stack, profile: RuntimeProfile) -> tuple[str, ...]:
    return tuple(
        folder for folder in profile.python_path if folder.startswith(_LAMBDA_PYTHON) and _is_packages(stack, folder)
    )


def _package_folders(stack: Stack, config: ImageConfig, version: str) -> tuple[str, ...]:
    """Returns the folders that hold installed packages, those of the interpreter that is found first before others."""
    candidates = [
        f"{prefix}/lib/{folder}/{kind}"
        for prefix in _prefixes(config)
        for folder in (f"python{version}", "python3")  # python3: Debian
        for kind in ("site-packages", "dist-packages")
    ]
    candidates += [f"{prefix}/lib64/python{version}/site-packages" for prefix in _prefixes(config)]
    return tuple(folder for folder in candidates if _is_packages(stack, folder))


def _is_packages(stack: Stack, folder: str) -> bool:
    return folder.endswith("-packages") and stack.is_folder(folder)


def _prefixes(config: ImageConfig) -> tuple[str, ...]:
    """Where interpreters may stand: Lambda's place, and then as the image's `PATH` says."""
    path = [folder for folder in config.environment.get("PATH", "").split(":") if folder.startswith("/")]
    folders = [posixpath.normpath(folder) for folder in (*path, "/usr/local/bin", "/usr/bin")]
    return tuple(dict.fromkeys((_LAMBDA_PYTHON, *(posixpath.dirname(folder).rstrip("/") for folder in folders))))


def _version_at(stack: Stack, prefix: str) -> str | None:
    """The version of `python3` below a prefix, or else the newest interpreter there, or that of its library."""
    names = stack.names(f"{prefix}/bin")
    for name in ("python3", "python"):
        target = stack.resolve(f"{prefix}/bin/{name}") if name in names else None
        match = _PYTHON.match(posixpath.basename(target)) if target else None
        if match:
            return match[1]
    candidates = names | stack.names(f"{prefix}/lib") if prefix == _LAMBDA_PYTHON else names
    versions = [match[1] for name in candidates if (match := _PYTHON.match(name))]
    return max(versions, key=_numbers, default=None)


def _variable(config: ImageConfig, name: str) -> tuple[str, ...]:
    folders = config.environment.get(name, "").split(":")
    return tuple(posixpath.normpath(folder) for folder in folders if folder.startswith("/"))


def _loader_folders(stack: Stack, machine: str) -> Iterator[str]:
    """Yields where the image's loader looks besides: ld.so.conf(5), with the folder that it includes everywhere."""
    files = [f"/etc/ld.so.conf.d/{name}" for name in sorted(stack.names("/etc/ld.so.conf.d")) if name.endswith(".conf")]
    for file in ("/etc/ld.so.conf", *files):
        located = stack.file(file)
        if located is None:
            continue
        try:
            lines = stack.read_bytes(located).decode("utf-8", "replace").splitlines()
        except UnreadableMember:
            continue
        yield from (posixpath.normpath(line.strip()) for line in lines if line.strip().startswith("/"))
    is_musl = stack.file(f"/lib/ld-musl-{machine}.so.1") is not None
    places = _MUSL if is_musl else tuple(folder.format(machine) for folder in _MULTIARCH)
    yield from (folder for folder in places if stack.is_folder(folder))


def _glibc(stack: Stack, folders: tuple[str, ...]) -> Version | None:
    """The version of the image's own C library; None when it has none."""
    for folder in folders:
        located = stack.file(f"{folder}/libc.so.6")
        if located is None:
            continue
        try:
            facts = read_elf(stack.read_bytes(located))
        except UnreadableMember:
            continue
        if isinstance(facts, ElfFacts):
            versions = [_numbers(match[1]) for name in facts.defined_versions if (match := _GLIBC.match(name))]
            if versions:
                return max(versions)
    return None


def _numbers(version: str) -> Version:
    return tuple(int(part) for part in version.split("."))
