"""What a log tells of the function besides its errors: the runtime and the handler."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lambdapack.diagnosis.matching import handler_module
from lambdapack.diagnosis.wording import clean, unescape
from lambdapack.profiles import known_runtimes

_RUNTIMES = (
    re.compile(r"Runtime Version: python:(3\.\d+)"),
    re.compile(r"/var/lang/lib/python(3\.\d+)/"),
    re.compile(r"/opt/python/lib/python(3\.\d+)/site-packages"),
    re.compile(r"AWS_Lambda_python(3\.\d+)"),
    re.compile(r"\bpython(3\.\d+)\b"),
)
_HANDLER_SETTINGS = (
    re.compile(r"Handler [`'\"]*(?P<function>[\w.-]+)[`'\"]* missing on module [`'\"]*(?P<module>[\w./-]+)"),
    re.compile(r"Bad handler [`'\"]*(?P<whole>[^\s'\"`]+)[`'\"]*:"),
    re.compile(r"Cannot use built-in module (?P<module>[\w.]+) as a handler module"),
)


@dataclass(frozen=True, slots=True)
class LogHints:
    """`runtime` and `handler` as a function's configuration has them; None: the log does not say. `module` is the
    handler's module, where the function's name in it is not said."""

    runtime: str | None = None
    handler: str | None = None
    module: str | None = None


def read_hints(text: str) -> LogHints:
    """Reads a log for what it says of the function."""
    text = unescape(clean(text))
    versions = (match[1] for pattern in _RUNTIMES for match in pattern.finditer(text))
    runtime = next((f"python{version}" for version in versions if f"python{version}" in known_runtimes()), None)
    for pattern in _HANDLER_SETTINGS:
        match = pattern.search(text)
        if match is not None:
            parts = match.groupdict()
            module = parts.get("module")
            if parts.get("whole"):
                return LogHints(runtime, parts["whole"])
            if parts.get("function"):
                return LogHints(runtime, f"{module}.{parts['function']}", module)
            return LogHints(runtime, None, module)
    return LogHints(runtime, None, handler_module(text))
