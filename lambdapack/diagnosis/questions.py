"""What the messages ask an artifact beyond what the checks say, and whether the findings of the checks answer them.

An answer is read from the same facts that the checks judge. Runs nothing, unpacks nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdapack.diagnosed import Evidence
from lambdapack.diagnosis.catalogue import Sign
from lambdapack.diagnosis.naming import fill
from lambdapack.diagnosis.nearness import NOTHING, PACKAGE, THING, is_about, nearness
from lambdapack.errors import UnreadableMember
from lambdapack.finding import Finding

if TYPE_CHECKING:  # the inspector is large, and a message alone is diagnosed without it
    from lambdapack.checking import Subject

Named = Mapping[str, str]

_NATIVE = re.compile(r"\.(?:so|pyd|dylib|dll)(?:\.[0-9.]+)?$")


@dataclass(frozen=True, slots=True)
class Examined:
    """An artifact that was looked at: all findings, the subject that they are about, the checks that could not run.
    `unreadable` says why it could not be opened; then there is nothing else."""

    findings: Sequence[Finding] = ()
    subject: Subject | None = None
    not_run: frozenset[str] = frozenset()
    unreadable: str | None = None


def findings_for(sign: Sign, named: Named, examined: Examined) -> list[Finding]:
    """Returns the findings that a sign asks for, those about the very thing where there are such."""
    said = [finding for finding in examined.findings if _is_of(sign, finding, named)]
    found = [(finding, _nearness(sign, finding, named)) for finding in said]
    nearest = max((near for _, near in found), default=NOTHING)
    return [finding for finding, near in found if near == nearest > NOTHING]


def _is_of(sign: Sign, finding: Finding, named: Named) -> bool:
    return (
        sign.code is not None
        and finding.code.startswith(sign.code)
        and all(
            finding.evidence.get(key) == (fill(value, named) if isinstance(value, str) else value)
            for key, value in sign.where.items()
        )
    )


def _nearness(sign: Sign, finding: Finding, named: Named) -> int:
    if sign.any:
        return THING if finding.severity.rank == 0 else PACKAGE
    if sign.about is not None:
        return THING if is_about(sign.about, finding) else NOTHING
    return nearness(finding, named)


def ask(sign: Sign, named: Named, examined: Examined) -> Evidence | None:
    """Answers the question of a sign: the evidence when it is as the sign says, None when it is not."""
    if sign.ask == "unreadable-artifact":
        return Evidence(examined.unreadable) if examined.unreadable else None
    if examined.subject is None or sign.ask is None or not can_answer(sign, named, examined):
        return None
    return next(QUESTIONS[sign.ask](examined.subject, named), None)


def can_answer(sign: Sign, named: Named, examined: Examined) -> bool:
    """True when the artifact could have shown what a sign is about."""
    if sign.ask == "unreadable-artifact":
        return True
    if examined.subject is None:
        return False
    if sign.code is not None:
        return not any(code.startswith(sign.code) for code in examined.not_run)
    needs = _NEEDS.get(sign.ask or "", ())
    return not needs or any(named.get(key) for key in needs)


# -- the questions: each yields its evidence, or nothing ---------------------------------------------------------------

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "module-absent": ("module",),
    "module-elsewhere": ("module",),
    "no-native-file": ("module",),
    "no-standard-module": ("module",),
    "parent-is-a-file": ("parent",),
    "file-absent": ("path",),
    "file-present": ("path",),
    "path-is-written": ("path",),
    "no-library": ("soname",),
    "no-program": ("program",),
    "no-metadata": ("distribution",),
    "variable-is-read": ("variable",),
    "handler-absent": ("handler", "module"),
}


def _module_absent(subject: Subject, named: Named) -> Iterator[Evidence]:
    module = named["module"].replace("/", ".")
    if subject.finder.find_dotted(module) is None and not subject.finder.copies(module):
        parent = module.rpartition(".")[0]
        if parent and subject.finder.find_dotted(parent) is not None:
            yield Evidence(f"the package {parent} is there, and nothing called {module.rpartition('.')[2]} is in it")
        else:
            folders = ", ".join(subject.finder.path[:3])
            yield Evidence(
                f"nothing on sys.path is called {module} ({folders}, ...), nor anything else in the artifact"
            )


def _module_elsewhere(subject: Subject, named: Named) -> Iterator[Evidence]:
    module = named["module"].replace("/", ".")
    if subject.finder.find_dotted(module) is None:
        for path in subject.finder.copies(module)[:1]:
            yield Evidence(f"{path} has the name, and its folder is not on sys.path", path=path)


def _handler_absent(subject: Subject, named: Named) -> Iterator[Evidence]:
    module = (named.get("handler") or named["module"]).replace("/", ".")
    if subject.finder.find_dotted(module) is None:
        yield Evidence(f"{subject.profile.python_path[0]}/{module.replace('.', '/')}.py is not in the artifact")


def _no_native_file(subject: Subject, named: Named) -> Iterator[Evidence]:
    module = named["module"].replace("/", ".")
    leaf, parent = module.rpartition(".")[2], module.rpartition(".")[0]
    package = subject.finder.find_dotted(parent) if parent else None
    native = any(
        _NATIVE.search(path) and posixpath.basename(path).startswith(f"{leaf}.") for path in subject.stack.located
    )
    is_there = package is not None if parent else any(map(subject.distribution_of, subject.finder.copies(leaf)))
    if not native and is_there:
        yield Evidence(f"no compiled file called {leaf}.* is in the artifact")


def _no_standard_module(subject: Subject, named: Named) -> Iterator[Evidence]:
    if subject.image is not None and subject.finder.find_dotted(named["module"]) is None:
        yield Evidence(f"the image's Python has no {named['module']}")


def _parent_is_a_file(subject: Subject, named: Named) -> Iterator[Evidence]:
    found = subject.finder.find_dotted(named["parent"])
    if found is not None and found.search is None and found.path is not None:
        yield Evidence(f"import {named['parent']} takes {found.path}, a file and no package", path=found.path)


def _file_absent(subject: Subject, named: Named) -> Iterator[Evidence]:
    path = posixpath.normpath(posixpath.join("/var/task", named["path"]))
    if (
        path.startswith(("/var/task/", "/opt/"))
        and subject.stack.file(path) is None
        and not subject.stack.is_folder(path)
    ):
        yield Evidence(f"{path} is not there", path=path)


def _file_present(subject: Subject, named: Named) -> Iterator[Evidence]:
    if subject.stack.file(named["path"]) is not None:
        yield Evidence(f"{named['path']} is there, and the loader takes it as far as this", path=named["path"])


def _path_is_written(subject: Subject, named: Named) -> Iterator[Evidence]:
    path = named["path"]
    if not path.startswith("/tmp"):
        place = (
            f"in {subject.profile.python_path[0]}, which is read-only"
            if path.startswith("/var/task")
            else "not below /tmp"
        )
        yield Evidence(f"{path} is {place} on Lambda")


def _no_library(subject: Subject, named: Named) -> Iterator[Evidence]:
    wanted = named["soname"].partition(".so")[0].lower()
    wanted = wanted if wanted.startswith("lib") else f"lib{wanted}"
    system = any(name.lower().startswith(f"{wanted}.so") for name in subject.profile.libraries)
    own = any(posixpath.basename(path).lower().startswith(wanted) for path in subject.stack.located)
    if not system and not own:
        yield Evidence(f"neither the runtime nor the artifact has {wanted}.so")


def _no_program(subject: Subject, named: Named) -> Iterator[Evidence]:
    program = named["program"]
    if "/" in program:
        return
    if subject.stack.file(f"/opt/bin/{program}") is None and subject.image is None:
        there = next((path for path in subject.stack.located if path.endswith(f"/{program}")), None)
        yield Evidence(
            f"{program} is at {there}, which is not on PATH"
            if there
            else f"no file of the artifact is called {program}",
            path=there,
        )


def _no_metadata(subject: Subject, named: Named) -> Iterator[Evidence]:
    wanted = re.sub(r"[-_.]+", "-", named["distribution"]).lower()
    if not any(dist.name == wanted for dist in subject.distributions):
        package = subject.finder.find_dotted(wanted.replace("-", "_"))
        if package is not None and package.path is not None:
            yield Evidence(f"{package.path} is there, and no .dist-info folder of {wanted}", path=package.path)


def _variable_is_read(subject: Subject, named: Named) -> Iterator[Evidence]:
    """Looks into the code that importing the handler runs; without a handler, into what is in no distribution."""
    variable = named["variable"].encode()
    executed = subject.imports.executions.values() if subject.imports else ()
    paths = [item.module.path for item in executed if item.module.path and item.module.path.endswith(".py")]
    paths = paths or [
        path for path in subject.stack.located if path.endswith(".py") and not subject.distribution_of(path)
    ]
    for path in paths:
        located = subject.stack.file(path)
        if located is None:
            continue
        try:
            lines = subject.stack.read_bytes(located).splitlines()
        except UnreadableMember:
            continue
        for number, line in enumerate(lines, 1):
            if variable in line and b"environ" in line:
                yield Evidence(
                    f"{path}:{number} asks for it: {line.decode('utf-8', 'replace').strip()[:120]}", path=path
                )
                return


def _tz_is_a_path(subject: Subject, _: Named) -> Iterator[Evidence]:
    zone = subject.image.environment.get("TZ", "") if subject.image is not None else ""
    if zone.startswith((":", "/")):
        yield Evidence(f"the image sets TZ={zone}")


def _sdk_of_runtime(subject: Subject, _: Named) -> Iterator[Evidence]:
    if subject.is_of_runtime("boto3") and subject.is_of_runtime("botocore"):
        yield Evidence(f"boto3 and botocore are those of {subject.profile.runtime}: the artifact brings none")


QUESTIONS: Mapping[str, Callable[[Subject, Named], Iterator[Evidence]]] = {
    "module-absent": _module_absent,
    "module-elsewhere": _module_elsewhere,
    "handler-absent": _handler_absent,
    "no-native-file": _no_native_file,
    "no-standard-module": _no_standard_module,
    "parent-is-a-file": _parent_is_a_file,
    "file-absent": _file_absent,
    "file-present": _file_present,
    "path-is-written": _path_is_written,
    "no-library": _no_library,
    "no-program": _no_program,
    "no-metadata": _no_metadata,
    "variable-is-read": _variable_is_read,
    "tz-is-a-path": _tz_is_a_path,
    "sdk-of-runtime": _sdk_of_runtime,
}
