"""What the messages ask an artifact beyond what the checks say. Each question yields its answer, or nothing.

An answer is read from the same facts that the checks judge. Runs nothing, unpacks nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdapack.diagnosed import Evidence
from lambdapack.errors import UnreadableMember
from lambdapack.profiles import load_standard_library

if TYPE_CHECKING:  # the inspector is large, and a message alone is diagnosed without it
    from lambdapack.checking import Subject

Named = Mapping[str, str]

_HANDLER_FUNCTION = re.compile(rb"^(?:async )?def ((?:lambda_)?handler|main)\(", re.MULTILINE)
_DEEPEST_HANDLER = 5  # slashes in its path: deeper down stand packages
_NATIVE = re.compile(r"\.(?:so|pyd|dylib|dll)(?:\.[0-9.]+)?$")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question: what shows that it is so, and what to do where that follows from it.
    `only_speaks_for_it`: the cause may still be another one."""

    evidence: Evidence
    fix: str | None = None
    only_speaks_for_it: bool = False


NEEDS: Mapping[str, tuple[str, ...]] = {
    "module-absent": ("module",),
    "part-absent": ("module",),
    "empty-package": ("top",),
    "not-in-standard-library": ("module",),
    "module-elsewhere": ("module",),
    "no-native-file": ("module",),
    "no-standard-module": ("module",),
    "parent-is-a-file": ("parent",),
    "file-absent": ("path",),
    "file-present": ("path",),
    "path-is-written": ("path",),
    "no-library": ("soname",),
    "no-program": ("program",),
    "program-refused": ("path",),
    "package-of-runtime": ("top",),
    "old-six": ("module",),
    "no-metadata": ("distribution",),
    "variable-is-read": ("variable",),
    "handler-absent": ("handler", "module"),
    "handler-candidates": ("handler", "module"),
}


def _module_absent(subject: Subject, named: Named) -> Iterator[Answer]:
    module = named["module"].replace("/", ".")
    if subject.finder.find_dotted(module) is None and not subject.finder.copies(module):
        parent = module.rpartition(".")[0]
        if parent and subject.finder.find_dotted(parent) is not None:
            yield Answer(
                Evidence(f"the package {parent} is there, and nothing called {module.rpartition('.')[2]} is in it")
            )
        else:
            folders = ", ".join(subject.finder.path[:3])
            yield Answer(
                Evidence(f"nothing on sys.path is called {module} ({folders}, ...), nor anything else in the artifact")
            )


def _part_absent(subject: Subject, named: Named) -> Iterator[Answer]:
    module = named["module"].replace("/", ".")
    parent = module.rpartition(".")[0]
    if parent and subject.finder.find_dotted(parent) is not None:
        yield from _module_absent(subject, named)


def _empty_package(subject: Subject, named: Named) -> Iterator[Answer]:
    package = subject.finder.find_dotted(named["top"])
    if package is None or package.kind != "namespace":
        return
    folders = package.search or ()
    if not any(name.endswith((".py", ".pyc", ".so")) for folder in folders for name in subject.stack.names(folder)):
        yield Answer(
            Evidence(f"{folders[0]} has no module in it: Python takes it for an empty package", path=folders[0])
        )


def _not_in_standard_library(subject: Subject, named: Named) -> Iterator[Answer]:
    module, name, profile = named["module"], named.get("name", ""), subject.profile
    if not name and module not in profile.stdlib_modules:
        yield Answer(Evidence(f"the standard library of {profile.runtime} has no {module}"))
    elif name and load_standard_library().lacks(profile.python, module, name):
        yield Answer(Evidence(f"{module} of {profile.runtime} has no {name}"))


def _module_elsewhere(subject: Subject, named: Named) -> Iterator[Answer]:
    module = named["module"].replace("/", ".")
    if subject.finder.find_dotted(module) is None:
        for path in subject.finder.copies(module)[:1]:
            yield Answer(Evidence(f"{path} has the name, and its folder is not on sys.path", path=path))


def _handler_absent(subject: Subject, named: Named) -> Iterator[Answer]:
    module = (named.get("handler") or named["module"]).replace("/", ".")
    if subject.finder.find_dotted(module) is None:
        yield Answer(Evidence(f"{subject.profile.python_path[0]}/{module.replace('.', '/')}.py is not in the artifact"))


def _handler_candidates(subject: Subject, named: Named) -> Iterator[Answer]:
    """Files near the root that define a function of a usual handler's name."""
    module = (named.get("handler") or named["module"]).replace("/", ".")
    root = subject.profile.python_path[0]
    if subject.finder.find_dotted(module) is not None:
        return
    found = []
    for located in subject.stack.files():
        path = located.path
        if not path.endswith(".py") or not path.startswith(f"{root}/") or path.count("/") > _DEEPEST_HANDLER:
            continue
        if subject.distribution_of(path) is not None:
            continue
        try:
            match = _HANDLER_FUNCTION.search(subject.stack.read_bytes(located))
        except UnreadableMember:
            continue
        if match is not None:
            dotted = path.removeprefix(f"{root}/").removesuffix(".py").replace("/", ".")
            found.append((path, f"{dotted}.{match[1].decode()}"))
    if found:
        path, handler = found[0]
        command = f"aws lambda update-function-configuration --function-name NAME --handler {handler}"
        yield Answer(
            Evidence(f"{path} has a function that looks like the handler: {handler}", path=path),
            fix=f"set the handler to {handler}: {command}",
        )


def _no_native_file(subject: Subject, named: Named) -> Iterator[Answer]:
    module = named["module"].replace("/", ".")
    leaf, parent = module.rpartition(".")[2], module.rpartition(".")[0]
    package = subject.finder.find_dotted(parent) if parent else None
    native = any(
        _NATIVE.search(path) and posixpath.basename(path).startswith(f"{leaf}.") for path in subject.stack.located
    )
    is_there = package is not None if parent else any(map(subject.distribution_of, subject.finder.copies(leaf)))
    if not native and is_there:
        yield Answer(Evidence(f"no compiled file called {leaf}.* is in the artifact"))


def _no_standard_module(subject: Subject, named: Named) -> Iterator[Answer]:
    if subject.image is not None and subject.finder.find_dotted(named["module"]) is None:
        yield Answer(Evidence(f"the image's Python has no {named['module']}"))


def _parent_is_a_file(subject: Subject, named: Named) -> Iterator[Answer]:
    found = subject.finder.find_dotted(named["parent"])
    if found is not None and found.search is None and found.path is not None:
        yield Answer(Evidence(f"import {named['parent']} takes {found.path}, a file and no package", path=found.path))


def _file_absent(subject: Subject, named: Named) -> Iterator[Answer]:
    path = posixpath.normpath(posixpath.join("/var/task", named["path"]))
    if (
        path.startswith(("/var/task/", "/opt/"))
        and subject.stack.file(path) is None
        and not subject.stack.is_folder(path)
    ):
        yield Answer(Evidence(f"{path} is not there", path=path))


def _file_present(subject: Subject, named: Named) -> Iterator[Answer]:
    if subject.stack.file(named["path"]) is not None:
        yield Answer(Evidence(f"{named['path']} is there, and the loader takes it as far as this", path=named["path"]))


def _path_is_written(subject: Subject, named: Named) -> Iterator[Answer]:
    path = named["path"]
    if not path.startswith("/tmp"):
        place = (
            f"in {subject.profile.python_path[0]}, which is read-only"
            if path.startswith("/var/task")
            else "not below /tmp"
        )
        yield Answer(Evidence(f"{path} is {place} on Lambda"))


def _no_library(subject: Subject, named: Named) -> Iterator[Answer]:
    """That nobody has a library proves something where it is loaded by its name, or by a program that is there; what
    native modules need is for the checks to say."""
    wanted = named["soname"].partition(".so")[0].lower()
    wanted = wanted if wanted.startswith("lib") else f"lib{wanted}"
    system = any(name.lower().startswith(f"{wanted}.so") for name in subject.profile.libraries)
    own = any(posixpath.basename(path).lower().startswith(wanted) for path in subject.stack.located)
    if not system and not own:
        by_name = ".so" not in named["soname"] or "library" in named
        started = subject.stack.file(named.get("program", "")) is not None
        text = f"neither the runtime nor the artifact has {wanted}.so"
        yield Answer(Evidence(text), only_speaks_for_it=not by_name and not started)


def _no_program(subject: Subject, named: Named) -> Iterator[Answer]:
    program = named["program"]
    if "/" in program:
        return
    if subject.stack.file(f"/opt/bin/{program}") is None and subject.image is None:
        there = next((path for path in subject.stack.located if path.endswith(f"/{program}")), None)
        yield Answer(
            Evidence(
                f"{program} is at {there}, which is not on PATH"
                if there
                else f"no file of the artifact is called {program}",
                path=there,
            )
        )


def _no_metadata(subject: Subject, named: Named) -> Iterator[Answer]:
    wanted = re.sub(r"[-_.]+", "-", named["distribution"]).lower()
    if not any(dist.name == wanted for dist in subject.distributions):
        package = subject.finder.find_dotted(wanted.replace("-", "_"))
        if package is not None and package.path is not None:
            yield Answer(Evidence(f"{package.path} is there, and no .dist-info folder of {wanted}", path=package.path))


def _variable_is_read(subject: Subject, named: Named) -> Iterator[Answer]:
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
                yield Answer(
                    Evidence(f"{path}:{number} asks for it: {line.decode('utf-8', 'replace').strip()[:120]}", path=path)
                )
                return


def _tz_is_a_path(subject: Subject, _: Named) -> Iterator[Answer]:
    zone = subject.image.environment.get("TZ", "") if subject.image is not None else ""
    if zone.startswith((":", "/")):
        yield Answer(Evidence(f"the image sets TZ={zone}"))


def _program_refused(subject: Subject, named: Named) -> Iterator[Answer]:
    refusal = subject.start_refusal(named["path"]) if subject.stack.file(named["path"]) is not None else None
    if refusal is not None:
        yield Answer(Evidence(f"{refusal.path} {refusal.detail}", path=refusal.path))


def _old_six(subject: Subject, named: Named) -> Iterator[Answer]:
    """From Python 3.12 on an importer without find_spec is passed over."""
    found = subject.finder.find_dotted(named["module"].partition(".moves")[0])
    located = subject.stack.file(found.path) if found is not None and found.path else None
    if located is None or subject.profile.python < (3, 12):
        return
    try:
        old = b"find_spec" not in subject.stack.read_bytes(located)
    except UnreadableMember:
        return
    if old:
        text = f"{located.path} has no find_spec, which is what {subject.profile.runtime} asks an importer for"
        yield Answer(Evidence(text, path=located.path))


def _package_of_runtime(subject: Subject, named: Named) -> Iterator[Answer]:
    if subject.is_of_runtime(named["top"]):
        text = f"{named['top']} is found in {subject.profile.runtime} itself: the artifact has none that comes before"
        yield Answer(Evidence(text))


def _sdk_of_runtime(subject: Subject, _: Named) -> Iterator[Answer]:
    if subject.is_of_runtime("boto3") and subject.is_of_runtime("botocore"):
        text = f"boto3 and botocore are those of {subject.profile.runtime}: the artifact brings none"
        yield Answer(Evidence(text), only_speaks_for_it=True)


QUESTIONS: Mapping[str, Callable[[Subject, Named], Iterator[Answer]]] = {
    "module-absent": _module_absent,
    "part-absent": _part_absent,
    "empty-package": _empty_package,
    "not-in-standard-library": _not_in_standard_library,
    "module-elsewhere": _module_elsewhere,
    "handler-absent": _handler_absent,
    "handler-candidates": _handler_candidates,
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
    "program-refused": _program_refused,
    "old-six": _old_six,
    "package-of-runtime": _package_of_runtime,
    "sdk-of-runtime": _sdk_of_runtime,
}
