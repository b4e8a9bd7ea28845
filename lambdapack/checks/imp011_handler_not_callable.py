"""The handler is there, but it is no function: a constant, a module, nothing.

What it finds
    A handler setting whose last part is bound to a text, a number, a list, `None` or a module, followed through imports
    to where it is defined. Instances and the results of calls may be callable and are left alone.

Why it fails on Lambda
    The function is loaded without any complaint, and every invocation ends in
    "TypeError: 'NoneType' object is not callable" or "TypeError: 'module' object is not callable".

How to fix it
    Set the handler to the function: `module.function`. Where a module is named, the function's name is missing:
    `package.module.function` instead of `package.module`.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("IMP011", "has a handler that cannot be called", needs=("handler",))
def handler_not_callable(subject: Subject) -> Iterator[Hit]:
    handler, target = subject.handler, subject.python.handler_target
    if handler is None or target is None or target.binding.kind not in ("constant", "module"):
        return
    is_module = target.binding.kind == "module"
    kind = "module" if is_module else target.binding.type
    yield Hit(
        path=target.path,
        message=f"line {target.binding.line}: handler {handler.text} is no function: every invocation ends in "
        f"TypeError: '{kind}' object is not callable",
        fix=f"set the handler to a function of that module, such as {handler.text}.lambda_handler"
        if is_module
        else f"make {target.name} a function: def {target.name}(event, context):, or set the handler to another",
        evidence={"handler": handler.text, "module": target.module, "function": target.name, "type": kind},
        chain=target.chain,
    )
