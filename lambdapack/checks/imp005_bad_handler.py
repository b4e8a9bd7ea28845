"""The handler setting cannot work, whatever the artifact holds.

What it finds
    Handlers without a dot, with nothing before or after the last dot, with a leading or doubled dot or slash, or whose
    first part is a module built into Python (`time`, `sys`).

Why it fails on Lambda
    `app`: "Runtime.MalformedHandlerName: Bad handler 'app': not enough values to unpack (expected 2, got 1)";
    `time.handler`: "Runtime.BuiltInModuleConflict: Cannot use built-in module time as a handler module";
    `/app.handler`: "TypeError: the 'package' argument is required to perform a relative import for '.app'";
    `src//app.handler`: "Unable to import module 'src//app': No module named 'src.'";
    `app.`: "Handler '' missing on module 'app'"; `.handler`: "ValueError: Empty module name".

How to fix it
    Write it as `module.function`, with the module's path from the root of the artifact: `pkg.module.function`.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("IMP005", "is a handler that cannot work", needs=("handler",))
def bad_handler(subject: Subject) -> Iterator[Hit]:
    handler = subject.handler
    if handler is None or handler.problem is None:
        return
    message, fix = {
        "no-dot": (
            "has no dot: Runtime.MalformedHandlerName",
            f"write it as module.function, for example {handler.text.replace(':', '.')}"
            if ":" in handler.text
            else f"write it as module.function, for example {handler.text or 'handler'}.lambda_handler",
        ),
        "relative": (
            "begins with a dot or slash: the runtime takes it for a relative import",
            f"write {handler.text.lstrip('./')}",
        ),
        "no-module": (
            "has nothing before its dot: ValueError: Empty module name",
            f"write the module's name before it, for example handler.{handler.function}",
        ),
        "no-function": (
            "has nothing after its last dot: Runtime.HandlerNotFound",
            f"write the function's name after it, for example {handler.text}lambda_handler",
        ),
        "empty-part": (
            "has two dots or slashes with nothing between them: Runtime.ImportModuleError",
            f"write {'.'.join(filter(None, handler.module.split('.')))}.{handler.function}",
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
