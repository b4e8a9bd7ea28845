"""When a failure here says nothing about Lambda: what this machine lacks and the runtime has.

A wrong "it will fail" costs as much trust as a missed failure, so such an attempt counts as not run.
Knows the profile and the wording of Python's and the loader's errors; runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from lambdapack.importtest.backend import Unavailable
from lambdapack.profiles.profile import RuntimeProfile, Version

# glibc's elf/dl-version.c and elf/dl-load.c.
_SYMBOL_VERSION = re.compile(r"version [`']([A-Z]+)_([0-9.]+)' not found")
_MISSING_LIBRARY = re.compile(r"(?:^|[\s:'])([^\s/:']+\.so[.0-9]*): cannot open shared object file")

_NO_PROGRAM = re.compile(r"No such file or directory: '((?!/var/task/|/opt/|/tmp/)[^']+)'")
_IN_PROC = re.compile(r"No such file or directory: '(/proc/[^']+)'")
_STARTED_BY = '/subprocess.py", line'

_CONCLUSIVE = frozenset(
    {
        "Runtime.ImportModuleError",
        "Runtime.UserCodeSyntaxError",
        "Runtime.HandlerNotFound",
        "Runtime.MalformedHandlerName",
        "Runtime.BuiltInModuleConflict",
    }
)


def doubt(
    profile: RuntimeProfile,
    *,
    error_type: str,
    message: str,
    missing: Sequence[str],
    looked_up_in_vain: Collection[str],
    unset: Sequence[str],
    traceback: str = "",
    whole_system: bool = True,
    proc: bool = True,
) -> Unavailable | None:
    """Returns why a failure may not happen on Lambda, or None when nothing speaks for that.

    `missing`: modules whose absence is in the chain of exceptions. `looked_up_in_vain`: top-level modules that were
    looked for and not found, whoever caught that. `unset`: environment variables whose absence is in the chain.
    `whole_system`: False where there are no programs beside the interpreter. `proc`: False where there is no /proc.
    """
    preinstalled = preinstalled_modules(profile)
    absent = [name.partition(".")[0] for name in missing if name.partition(".")[0] in preinstalled]
    if not absent and error_type not in _CONCLUSIVE:
        absent = sorted(set(looked_up_in_vain) & preinstalled)
    if absent:
        return Unavailable(
            f"{absent[0]} is not here: the {profile.runtime} runtime brings it, this interpreter does not",
            f"make the package index reachable, or add {absent[0]} to the function's requirements",
        )
    if unset and not error_type.startswith("Runtime."):
        return Unavailable(
            f"the handler's import needs the environment variable {unset[0]}, which the function's configuration sets",
            f"add --env {unset[0]}=VALUE",
        )
    program = _NO_PROGRAM.search(message) if error_type == "FileNotFoundError" and not whole_system else None
    if program is not None and _STARTED_BY in traceback:
        return Unavailable(
            f"the handler's import starts {program[1]}, and the sandbox of the local backend has no programs",
            "run the import test in the runtime's image: --backend docker or rootfs",
        )
    kernel = _IN_PROC.search(message) if not proc else None
    if kernel is not None:
        return Unavailable(
            f"the handler's import reads {kernel[1]}, and no /proc can be shown here",
            "run the import test where namespaces can be made, or with --backend docker",
        )
    return _host_lacks(profile, message)


def preinstalled_modules(profile: RuntimeProfile) -> frozenset[str]:
    """The top-level modules that the runtime brings beside the standard library."""
    return frozenset(module.partition(".")[0] for one in profile.preinstalled for module in one.modules)


def _host_lacks(profile: RuntimeProfile, message: str) -> Unavailable | None:
    """The loader's refusals that come from a host older or smaller than the runtime."""
    version = _SYMBOL_VERSION.search(message)
    if version is not None:
        prefix, number = version[1], _number(version[2])
        ceiling = profile.glibc if prefix == "GLIBC" else profile.symbol_ceilings.get(prefix)
        if ceiling is not None and number and number <= ceiling:
            return Unavailable(
                f"this machine's libraries end before {prefix}_{version[2]}, which the {profile.runtime} runtime has",
                "run the import test on a newer system",
            )
    library = _MISSING_LIBRARY.search(message)
    if library is not None:
        known = profile.libraries.get(library[1])
        if known is not None and (known.in_managed or known.in_image):
            return Unavailable(
                f"{library[1]} is not on this machine, but in the {profile.runtime} runtime",
                f"install the package that has {library[1]}",
            )
    return None


def _number(text: str) -> Version:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return ()
