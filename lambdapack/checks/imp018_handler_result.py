"""What the handler returns can never be sent: a coroutine, a generator, an instance of a class.

What it finds
    `async def` handlers, handlers with `yield` in them, and classes as handlers: calling them gives an object that the
    runtime client cannot turn into JSON. Decorated functions are left alone: a decorator may run the coroutine.

Why it fails on Lambda
    Every invocation ends in "Runtime.MarshalError: Unable to marshal response: Object of type coroutine is not JSON
    serializable". The body of an `async def` or a generator is never run. Lambda's Python runtimes do not await
    handlers, whatever their version.

How to fix it
    Keep the coroutine under another name and call it from a plain function:

        def lambda_handler(event, context):
            return asyncio.run(handle(event, context))

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_WORDS = {"coroutine": "is an async def", "generator": "has yield in it", "async_generator": "is an async generator"}


@check("IMP018", "has a handler whose result cannot be sent", needs=("handler",))
def handler_result(subject: Subject) -> Iterator[Hit]:
    handler, target = subject.handler, subject.python.handler_target
    if handler is None or target is None or target.refusal(2) is not None:
        return
    binding = target.binding
    if binding.kind == "class" and binding.plain:
        kind, what = target.name, "is a class"
        fix = f"set the handler to a function that makes a {target.name} and returns what can be written as JSON"
    elif binding.kind == "function" and binding.result != "value" and not binding.decorated:
        kind, what = binding.result, _WORDS[binding.result]
        fix = (
            f"rename it, and write def {target.name}(event, context): return asyncio.run(NEW_NAME(event, context))"
            if kind == "coroutine"
            else "collect the items in a list and return that"
        )
    else:
        return
    yield Hit(
        path=target.path,
        message=f"line {binding.line}: handler {handler.text} {what}: every invocation ends in Runtime.MarshalError: "
        f"Object of type {kind} is not JSON serializable",
        fix=fix,
        evidence={
            "handler": handler.text,
            "module": target.module,
            "function": target.name,
            "line": binding.line,
            "type": kind,
        },
        chain=target.chain,
    )
