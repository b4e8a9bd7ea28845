"""The handler's parameters do not fit the call: Lambda passes exactly two arguments, event and context.

What it finds
    A function, lambda or class named as the handler that certainly does not take two positional arguments: with none or
    one, with three that have no default, with keyword-only ones that have none. Decorated functions are left alone:
    what their decorators return takes what it likes.

Why it fails on Lambda
    The function is loaded without any complaint, and every invocation ends in "TypeError: lambda_handler() takes 1
    positional argument but 2 were given" or "lambda_handler() missing 1 required positional argument: 'db'".

How to fix it
    `def lambda_handler(event, context):`, also where the function does not use one of them. Give further parameters
    default values.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("IMP012", "has a handler that does not take event and context", needs=("handler",))
def handler_signature(subject: Subject) -> Iterator[Hit]:
    handler, target = subject.handler, subject.python.handler_target
    if handler is None or target is None:
        return
    refusal = target.refusal(2)
    if refusal is None:
        return
    yield Hit(
        path=target.path,
        message=f"line {target.binding.line}: handler {handler.text} is called with event and context: every "
        f"invocation ends in TypeError: {refusal}",
        fix=f"write it as def {target.name}(event, context):, with default values for further parameters",
        evidence={
            "handler": handler.text,
            "module": target.module,
            "function": target.name,
            "line": target.binding.line,
            "error": refusal,
        },
        chain=target.chain,
    )
