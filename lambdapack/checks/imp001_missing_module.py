"""A module that the handler's import needs is nowhere: not in the artifact, its layers or the runtime.

What it finds
    Imports reached from the handler that no file satisfies, with the reason where one can be seen: a first-party
    package that was not packed, a dependency that was not installed, a folder that is not on `sys.path`, a name in
    other letters, a module that has left the standard library.

Why it fails on Lambda
    "Unable to import module 'handler': No module named 'shared'".

How to fix it
    Code of your own: pack its folder. Here: `shared = ["libs/shared"]` in `[tool.lambdapack.functions.NAME]`, which
    puts it under its own name beside the handler. SAM packs what lies below `CodeUri` only, and a `zip -r` of the
    function's folder does not know its neighbours: copy the folder in, or install it as a package.

    A dependency: declare it, under the name on the package index, which may not be the module's (`yaml` is PyYAML,
    `cv2` is opencv-python-headless, `PIL` is pillow), and install it into the artifact's root, not into a folder of it
    (`pip install --target package`, then zip the *contents* of `package`). In a layer, it belongs under `python/`.

    Python drops modules (`distutils`, `imp`, `asyncore` in 3.12; `cgi`, `telnetlib`, `crypt` and others in 3.13) and
    adds some (`tomllib` in 3.11). The message says since when, and which distribution brings the module: setuptools,
    legacy-cgi, tomli … A newer version of what imports it mostly does without.

When to ignore it
    As a warning: the import stands in a function and may never be called, or code that ran before may provide the
    module.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import RUNTIME, Explained, Hit, Replacement, Severity, Subject, check

_KINDS = ("absent", "elsewhere", "hidden", "other-spelling", "left-standard-library", "not-yet-standard-library")


@check("IMP001", "imports a module that is missing", needs=("handler",), severities=("error", "warning"))
def missing_module(subject: Subject) -> Iterator[Hit]:
    groups: dict[tuple[str, str], list[Explained]] = {}
    for item in subject.explained(*_KINDS):
        failure = item.failure
        if failure.kind != "missing-module" or failure.importer == RUNTIME or item.caught:
            continue
        if failure.certainty == "certain" or not _is_replaced(item, subject):
            groups.setdefault((failure.certainty, failure.module), []).append(item)
    for (_, module), items in groups.items():
        first = items[0]
        failure = first.failure
        where = {"deferred": "in a function, ", "invocation": "when the handler is called, "}.get(failure.certainty, "")
        doubt = (
            "; code that runs before may provide it, or keep it from running" if failure.certainty == "possible" else ""
        )
        why, fix = _explanation(first, subject)
        places = list(dict.fromkeys(f"{item.failure.path}:{item.failure.line}" for item in items))
        yield Hit(
            path=failure.path,
            message=f"{f'line {failure.line}: ' if failure.line else ''}{where}imports {module}, {why}{doubt}"
            + (f" (and {len(places) - 1} more {'place' if len(places) == 2 else 'places'})" if len(places) > 1 else ""),
            fix=fix,
            evidence={
                "module": module,
                "line": failure.line,
                "reason": first.absence.kind,
                "since": first.absence.detail or None,
                "found": first.absence.path,
                "when": failure.certainty,
                "places": places,
            },
            severity=Severity.ERROR if first.fatal else Severity.WARNING,
            chain=(*failure.chain, module),
        )


def _explanation(item: Explained, subject: Subject) -> tuple[str, str]:
    module, absence = item.failure.module, item.absence
    top, runtime = module.partition(".")[0], subject.profile.runtime
    match absence.kind:
        case "elsewhere":
            return (
                f"which is not on sys.path; a file of that name is at {absence.path}",
                _moved(absence.path or "", subject),
            )
        case "hidden":
            return (
                f"which is at {absence.path}; {absence.detail} is found first, and a package is taken from one place",
                f"put all of {top} into one place, or take __init__.py out of every part of it",
            )
        case "other-spelling":
            return (
                f"but the artifact has {absence.path}: Linux tells upper and lower case apart",
                f"import it as it is spelled: {absence.path}",
            )
        case "left-standard-library":
            return (
                f"which left the standard library in Python {absence.detail}; the function runs on {runtime}",
                _replacement(item, subject),
            )
        case "not-yet-standard-library":
            return (
                f"which came into the standard library in Python {absence.detail}; the function runs on {runtime}",
                _replacement(item, subject),
            )
    importer = subject.distribution_of(item.failure.path or "")
    excluded = _excluded(module, subject)
    if excluded is not None:
        path, pattern = excluded
        return (
            f"which the exclude pattern {pattern!r} keeps out",
            f"take {pattern!r} out of exclude = [...] of the function, or write it so that {path} stays",
        )
    parent = subject.imports.executions.get(module.rpartition(".")[0]) if subject.imports else None
    if parent is not None and parent.program is not None and parent.program.find_module_hooks:
        return (
            f"which {parent.module.name} makes by a finder that has no find_spec: since Python 3.12 nobody asks it",
            f"update {importer.name}" if importer else f"update {top}",
        )
    if "." in module:
        return (
            f"and {top} in this artifact has no such module",
            f"pack all of {top}, or install the version that has {module}" if importer else f"pack {module}",
        )
    packed = next((item for item in subject.layout.unfinished() if item.name.replace("-", "_") == top.lower()), None)
    if packed is not None:
        label = f"{packed.name} {packed.version}".strip()
        return (
            f"which is there only as {packed.path}: nothing on Lambda unpacks or builds it",
            f"install {label} into the artifact (pip install --target) instead of copying it",
        )
    if importer is not None:
        wanted = importer.required_for(top) or top
        return (
            "which is neither in the artifact nor in the runtime",
            f"install {wanted}, which {importer.name} {importer.version} needs; do not install with --no-deps",
        )
    if subject.finder.dead_path_entries:
        entries = subject.finder.dead_path_entries
        file, entry = next((item for item in entries if top in item[0] or top in item[1]), entries[0])
        return (
            f"and {file} points to {entry}, which is not in the artifact: an editable install of the build machine",
            f"install {top} itself and not a link to it (pip install without -e, uv export --no-editable)",
        )
    place = subject.hints.first_party(top)
    if place is not None:
        return (
            "which is neither in the artifact nor in the runtime",
            f'add "{place}" to shared = [...] of the function',
        )
    return (
        "which is neither in the artifact nor in the runtime",
        f"first-party code: add it to shared = [...] of the function; a dependency: add {top} to the requirements",
    )


def _excluded(module: str, subject: Subject) -> tuple[str, str] | None:
    """The path that a module would have in the artifact, and the pattern of the project's that takes it out."""
    place = module.replace(".", "/")
    for path in (f"{place}.py", f"{place}/__init__.py"):
        pattern = subject.hints.removed_by(path)
        if pattern is not None:
            return path, pattern
    return None


def _find_replacement(module: str, subject: Subject) -> Replacement | None:
    for name, known in subject.python.replacements.items():
        if f"{module}.".startswith(f"{name}.") or name.startswith(f"{module}."):
            return known
    return None


def _is_replaced(item: Explained, subject: Subject) -> bool:
    """True when the distribution that brings the module, by code that is run before, is there."""
    found = _find_replacement(item.failure.module, subject)
    return found is not None and any(dist.name == found.distribution for dist in subject.distributions)


def _replacement(item: Explained, subject: Subject) -> str:
    """Says what stands in for a standard module that this runtime's Python does not have."""
    module, absence = item.failure.module, item.absence
    importer = subject.distribution_of(item.failure.path or "")
    found = _find_replacement(module, subject)
    if absence.kind == "left-standard-library":
        advice = [f"update {importer.name} {importer.version}, which imports it"] if importer else ["change the import"]
        advice += [f"pack {found.distribution}, which brings {module}"] if found else []
        return ", or ".join([*advice, "stay on an older runtime"])
    advice = [f"move the function to python{absence.detail}"]
    if found:
        advice.append(f"pack {found.distribution} and import {found.module} instead")
    return ", or ".join(advice)


def _moved(path: str, subject: Subject) -> str:
    """What brings a file that stands elsewhere onto `sys.path`."""
    place = next((item for item in subject.layout.misplaced if path.startswith(f"{item.folder}/")), None)
    if place is not None and place.reason == "other-python":
        return f"build the layer again for {subject.profile.runtime}: its packages are those of python{place.detail}"
    if path.startswith("/opt/"):
        return "put the layer's code below python/ in its ZIP (zip -r layer.zip python)"
    if place is not None:
        return f"move everything in {place.folder} to the root of the function's ZIP"
    dotted = path.removeprefix(f"{subject.profile.python_path[0]}/").removesuffix(".py").removesuffix("/__init__")
    return f"move it to the root of the artifact, or import it from where it is: {dotted.replace('/', '.')}"
