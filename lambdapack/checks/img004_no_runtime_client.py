"""A container image starts something that does not talk to Lambda.

What it finds
    An image whose entry point and command run `python -m awslambdaric` without that package, a Python script or a web
    server (`uvicorn`, `gunicorn`, `flask`) although nothing in the image names Lambda's runtime API; and an image that
    has no runtime interface client at all. An extension in `/opt/extensions`, as the Lambda Web Adapter is one, may do
    the talking: then nothing is said.

Why it fails on Lambda
    Lambda starts the image and waits for it to ask for an event. Without the client: "No module named awslambdaric",
    Runtime.ExitError. A script that ends: "Runtime exited without providing a reason". A web server waits for requests
    that never come: "INIT_REPORT ... Status: timeout".

How to fix it
    On AWS's base image, leave its ENTRYPOINT alone and write `CMD ["app.handler"]`. On any other: `pip install
    awslambdaric`, then `ENTRYPOINT ["python", "-m", "awslambdaric"]` and `CMD ["app.handler"]`. For a web application:
    wrap it with Mangum, or `COPY --from=public.ecr.aws/awsguru/aws-lambda-adapter:VERSION /lambda-adapter
    /opt/extensions/lambda-adapter`.

When to ignore it
    When it is only a warning, and the program that is started implements the runtime API by itself; or when the
    function's own image configuration (`ImageConfig.EntryPoint`) starts another one.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMG004", "does not start a runtime client", needs=("image",), severities=("error", "warning"))
def no_runtime_client(subject: Subject) -> Iterator[Hit]:
    start = subject.start
    if start is None or start.adapted or start.refusal is not None or not start.arguments or not start.whole:
        return
    command = " ".join(start.arguments)
    severity = Severity.ERROR
    if start.kind == "client":
        if start.has_client:
            return
        what = f"it starts with {command!r}, and the package awslambdaric is not in it"
    elif start.kind in ("script", "web-server"):
        if subject.names_a_client:
            return
        thing = "a web server" if start.kind == "web-server" else "a script"
        what = f"it starts {thing}, {command!r}, and nothing in it talks to Lambda's runtime API"
    elif start.kind == "other" and not start.has_client and not subject.names_a_client:
        what = f"it starts with {command!r}, and has no runtime interface client"
        severity = Severity.WARNING
    else:
        return
    lambdas = 'leave the base image\'s ENTRYPOINT alone and write CMD ["module.function"]'
    others = 'pip install awslambdaric and write ENTRYPOINT ["python", "-m", "awslambdaric"]'
    yield Hit(
        path=start.script,
        message=f"the image cannot work as a function: {what}",
        fix=lambdas if start.has_client else others,
        evidence={"arguments": list(start.arguments), "kind": start.kind, "client": start.has_client},
        severity=severity,
    )
