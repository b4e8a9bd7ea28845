"""The handler reads something from its context that Lambda's context object does not have.

What it finds
    `context.request_id`, `context.functionName` and the like: attributes of the handler's second parameter, whatever
    its name, that the LambdaContext of no version of the runtime client has. Reads behind `hasattr` or a `try` that
    expects the AttributeError are left alone, and so is what the function or other code sets itself.

Why it fails on Lambda
    "AttributeError: 'LambdaContext' object has no attribute 'request_id'", at the first invocation that gets there. A
    test with a mock for the context never shows it.

How to fix it
    Use the attribute that is there: aws_request_id, function_name, function_version, invoked_function_arn,
    memory_limit_in_mb, log_group_name, log_stream_name, identity, client_context, get_remaining_time_in_millis().

When to ignore it
    As a warning: not every invocation gets to that line, or a decorator or a function that was given the context may
    have set the attribute.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check(
    "IMP013", "reads an attribute that the context does not have", needs=("handler",), severities=("error", "warning")
)
def unknown_context_attribute(subject: Subject) -> Iterator[Hit]:
    target = subject.python.handler_target
    if target is None:
        return
    for item in subject.python.unknown_context_attributes:
        if item.doubtful and item.meant is None:
            continue
        read = f"{item.parameter}.{item.name}"
        where = "" if item.certain or item.doubtful else "where not every invocation gets to, "
        yield Hit(
            path=target.path,
            message=f"line {item.line}: {where}reads {read}, which Lambda's context does not have"
            + (f"; it has {item.meant}" if item.meant else ""),
            fix=f"write {item.parameter}.{item.meant}" + ("()" if item.meant == "get_remaining_time_in_millis" else "")
            if item.meant
            else f"take it from where it really is: the event, os.environ; or guard it: getattr({item.parameter}, "
            f"{item.name!r}, None)",
            evidence={"name": item.name, "line": item.line, "module": target.module, "meant": item.meant},
            severity=Severity.ERROR if item.certain else Severity.WARNING,
            chain=target.chain,
        )
