"""The handler's module is not where the handler setting says.

What it finds
    A handler whose module, or a package on the way to it, is in no place that Lambda looks at: packed one folder too
    deep, spelled in other letters, written as a file name (`app.py.handler`), as a method (`app.Class.method`), with
    backslashes, or below a folder that is named like a standard module.

Why it fails on Lambda
    "Unable to import module 'handler': No module named 'handler'", or
    "No module named 'handler.py'; 'handler' is not a package".

How to fix it
    Pack the contents of the source folder and not the folder itself, or change the handler setting to the real place:
    `src/handler.py` is `src.handler.lambda_handler` or `src/handler.lambda_handler`.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import RUNTIME, HandlerFacts, Hit, Subject, check


@check("IMP003", "has a handler whose module is missing", needs=("handler",))
def handler_module_missing(subject: Subject) -> Iterator[Hit]:
    if subject.handler is None:
        return
    for item in subject.explained(
        "absent", "elsewhere", "other-spelling", "left-standard-library", "not-yet-standard-library"
    ):
        failure, absence = item.failure, item.absence
        if failure.importer != RUNTIME or failure.kind != "missing-module":
            continue
        root = subject.profile.python_path[0]
        place = _handler_file(subject, subject.handler) or absence.path
        found, fix = "", "pack the file, or set the handler to the module that has it"
        instead = _misspelt(subject, subject.handler)
        if instead is not None:
            place, found, fix = instead
        elif place:
            relative = place.removeprefix(f"{root}/").removesuffix(".py").removesuffix("/__init__")
            found = f"; there is {place}"
            fix = f"set the handler to {relative.replace('/', '.')}.{subject.handler.function}"
            folder = relative.removesuffix(subject.handler.module.replace(".", "/")).rstrip("/")
            if folder and folder != relative:
                fix += f", or pack the contents of {folder}/ instead of the folder"
        wanted = f"{root}/{subject.handler.module.replace('.', '/')}.py"
        yield Hit(
            path=wanted,
            message=f"handler {subject.handler.text} needs the module {failure.module}, but {wanted} is missing{found}",
            fix=fix,
            evidence={"module": failure.module, "handler": subject.handler.text, "found": place},
            chain=failure.chain,
        )


def _misspelt(subject: Subject, handler: HandlerFacts) -> tuple[str | None, str, str] | None:
    """Returns the file that is meant, what is there and a fix for settings that are no module's path."""
    parts = handler.module.split(".")
    tidy = "".join(handler.text.split()).replace("\\", "/")
    if tidy != handler.text:
        return None, "; the setting has white space or backslashes in it", f"write {tidy}"
    parent = subject.finder.find_dotted(".".join(parts[:-1])) if len(parts) > 1 else None
    if parent is None or parent.is_package:
        top = subject.finder.find(parts[0], None)
        if len(parts) > 1 and top is not None and top.kind in ("builtin", "stdlib"):
            found = f"; {parts[0]} is the standard library's {parts[0]}"
            return None, found, f"rename the folder {parts[0]}, and set the handler accordingly"
        return None
    if parent.kind in ("builtin", "stdlib"):
        found = f"; {parent.name} is the standard library's {parent.name}"
        return None, found, f"rename the folder {parts[0]}, and set the handler accordingly"
    if parts[-1] == "py":
        return parent.path, f"; there is {parent.path}", f"set the handler to {parent.name}.{handler.function}"
    return (
        parent.path,
        f"; {parent.path} is a module and no folder, and Lambda calls no methods of classes",
        f"define {handler.function} = {parts[-1]}().{handler.function} in it, and set the handler to "
        f"{parent.name}.{handler.function}",
    )


def _handler_file(subject: Subject, handler: HandlerFacts) -> str | None:
    """Returns the first-party file that the handler setting most likely means: the longest tail of its module's path
    that exists anywhere, nearest to the root."""
    parts = handler.module.split(".") if handler.module else []
    for count in range(len(parts)):
        tail = "/" + "/".join(parts[count:]) + ".py"
        found = [located.path for located in subject.stack.files() if located.path.endswith(tail)]
        own = [path for path in found if subject.distribution_of(path) is None]
        if own:
            return min(own, key=lambda path: (path.count("/"), path))
    return None
