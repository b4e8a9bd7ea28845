"""The handler's module is not where the handler setting says.

What it finds
    A handler whose module, or a package on the way to it, is in no place that Lambda looks at.

Why it fails on Lambda
    "Unable to import module 'handler': No module named 'handler'".

How to fix it
    Pack the contents of the source folder and not the folder itself, or change the handler setting to the real place.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import RUNTIME, Hit, Subject, check


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
        place = subject.handler_file or absence.path
        found, fix = "", "pack the file, or set the handler to the module that has it"
        if place:
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
