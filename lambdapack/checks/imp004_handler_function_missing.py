"""The handler's module does not have the handler's function.

What it finds
    A handler setting whose last part is bound nowhere in the module, or a module name that the runtime has already
    loaded from the standard library, so that the artifact's file is never seen.

Why it fails on Lambda
    "Runtime.HandlerNotFound: Handler 'lambda_handlr' missing on module 'handler'".

How to fix it
    Correct the handler setting or the function's name.

When to ignore it
    Never.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("IMP004", "has a handler whose function is missing", needs=("handler",))
def handler_function_missing(subject: Subject) -> Iterator[Hit]:
    imports, handler = subject.imports, subject.handler
    if imports is None or handler is None:
        return
    execution = imports.handler_execution
    hidden = imports.hidden_handler_file
    if hidden is not None:
        yield Hit(
            path=hidden,
            message=f"handler {handler.text}: the runtime has already loaded the standard library's {handler.module}, "
            f"so this file is never imported",
            fix=f"rename the file, for example to {handler.module}_handler.py, and set the handler accordingly",
            evidence={"module": handler.module, "function": handler.function, "handler": handler.text},
        )
    elif imports.lacks_function and execution is not None and execution.module.path is not None:
        near = difflib.get_close_matches(handler.function, sorted(execution.names), 1, 0.6)
        if handler.function == "py":  # the setting was written as a file name
            near = [name for name in sorted(execution.names) if "handler" in name.lower() or name == "main"][:1]
        yield Hit(
            path=execution.module.path,
            message=f"handler {handler.text}: the module has no {handler.function}"
            + (f"; it has {near[0]}" if near else ""),
            fix=f"set the handler to {handler.module}.{near[0]}"
            if near
            else f"define {handler.function} in the module",
            evidence={
                "module": handler.module,
                "function": handler.function,
                "handler": handler.text,
                "nearest": near[0] if near else None,
            },
        )
