"""The handler's module does not have the handler's function.

What it finds
    A handler setting whose last part is bound nowhere in the module, or a module name that the runtime has already
    loaded from the standard library, so that the artifact's file is never seen.

Why it fails on Lambda
    "Runtime.HandlerNotFound: Handler 'lambda_handlr' missing on module 'handler'".

How to fix it
    Correct the handler setting or the function's name: `handler.lambda_handler` is the function `lambda_handler` of
    `handler.py`. The function has to be bound at the top of the module: by `def`, an assignment
    (`lambda_handler = Mangum(app)`) or an import, not inside of `if __name__ == "__main__":` or of a class. A module
    that is named like one of the standard library and already loaded (`json.py`, `logging.py`) has to be renamed.

When to ignore it
    Never.
"""

from __future__ import annotations

import difflib
import re
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
        near = _nearest(handler.function, sorted(execution.names))
        name = handler.function if handler.function.isidentifier() else "lambda_handler"
        yield Hit(
            path=execution.module.path,
            message=f"handler {handler.text}: the module has no {handler.function}"
            + (f"; it has {near}" if near else ""),
            fix=f"set the handler to {handler.module}.{near}"
            if near
            else f"define {name} in the module, and set the handler to {handler.module}.{name}",
            evidence={
                "module": handler.module,
                "function": handler.function,
                "handler": handler.text,
                "nearest": near,
            },
        )


def _nearest(wanted: str, names: list[str]) -> str | None:
    """Returns the name that was most likely meant."""
    words = [word for word in re.findall(r"\w+", wanted) if word != "py"]
    for word in reversed(words):  # `app.py::handler`, `handler()`
        same = [name for name in names if name.lower() == word.lower()]
        near = same or difflib.get_close_matches(word, names, 1, 0.6)
        if near:
            return near[0]
    # The setting was written as a file name, or is about nothing that is there.
    return next((name for name in names if not words and ("handler" in name.lower() or name == "main")), None)
