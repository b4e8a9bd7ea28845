"""The handler setting is one that the runtime refuses before it imports anything.

What it finds
    Handlers without a dot, with a leading dot or slash, or whose first part is a module built into Python (`time`,
    `sys`).

Why it fails on Lambda
    "Runtime.MalformedHandlerName: Bad handler 'app': not enough values to unpack (expected 2, got 1)",
    "Runtime.BuiltInModuleConflict: Cannot use built-in module time as a handler module", or a TypeError.

How to fix it
    Write it as `module.function`, with the module's path from the root of the artifact: `pkg.module.function`.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("IMP005", "is a handler the runtime refuses", needs=("handler",))
def bad_handler(subject: Subject) -> Iterator[Hit]:
    handler = subject.handler
    if handler is None or handler.problem is None:
        return
    message, fix = {
        "no-dot": (
            "has no dot: Runtime.MalformedHandlerName",
            f"write it as module.function, for example {handler.text.replace(':', '.')}"
            if ":" in handler.text
            else f"write it as module.function, for example {handler.text}.lambda_handler or handler.{handler.text}",
        ),
        "relative": (
            "begins with a dot or slash: the runtime takes it for a relative import",
            f"write {handler.text.lstrip('./')}",
        ),
        "builtin": (
            f"names the module {handler.module}, which is built into Python: Runtime.BuiltInModuleConflict",
            f"rename the module, for example to {handler.module}_handler",
        ),
    }[handler.problem]
    yield Hit(
        path=None,
        message=f"handler {handler.text!r} {message}",
        fix=fix,
        evidence={
            "handler": handler.text,
            "module": handler.module or None,
            "function": handler.function,
            "problem": handler.problem,
        },
    )
