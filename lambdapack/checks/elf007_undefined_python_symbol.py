"""Native code needs a function of Python's C-API that the runtime's Python does not have.

What it finds
    Undefined symbols of extension modules, and of libraries loaded with them, that another version of Python exports
    and the runtime's does not. Above all in `.abi3.so` files: their name says that they are for Python 3, and not from
    which version on; only the tag of their wheel does.

Why it fails on Lambda
    Python binds every symbol when it loads a module: "undefined symbol: PyType_FromMetaclass".

How to fix it
    Install the wheel whose tag fits the runtime (`cp39-abi3` loads on python3.9 and later, `cp312-abi3` does not on
    python3.11), or move the function to a runtime that has the symbol.

When to ignore it
    When it is only a warning: nothing that the handler imports needs the file; or the symbol is a private one that a
    patch release of the runtime's Python may have; or another file of the artifact defines it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, NativeFinding, Severity, Subject, check


@check("ELF007", "needs a symbol that the runtime's Python lacks", severities=("error", "warning"))
def undefined_python_symbol(subject: Subject) -> Iterator[Hit]:
    by_path: dict[str, list[NativeFinding]] = {}
    for native in subject.native_findings:
        if native.problem.kind == "python-symbol":
            by_path.setdefault(native.problem.path, []).append(native)
    for path, found in by_path.items():
        # The worst first; the others are the same cause again.
        found.sort(key=lambda native: native.severity is not Severity.ERROR)
        first = found[0]
        symbols = [native.problem.wanted for native in found]
        since, until = _span(first.problem.pythons, subject.profile.python)
        more = f" (and {', '.join(symbols[1:4])}{', …' if len(symbols) > 4 else ''})" if len(symbols) > 1 else ""
        known = f"has since {since}" if since else f"had until {until}" if until else "has in other versions"
        yield Hit(
            path=path,
            message=f"needs {symbols[0]}{more}, which Python {known}; {subject.profile.runtime} does not have it",
            fix=subject.reinstall(path),
            evidence={
                "symbol": symbols[0],
                "symbols": symbols,
                "since": since,
                "until": until,
                "target": subject.profile.runtime,
                "module": first.required.module if first.required else None,
            },
            severity=first.severity,
            chain=first.chain,
        )


def _span(pythons: tuple[str, ...], target: tuple[int, int]) -> tuple[str | None, str | None]:
    """Returns since or until when versions of Python have what the target lacks; neither if it lies between them."""
    numbers = [tuple(int(part) for part in python.split(".")) for python in pythons]
    if min(numbers) > target:
        return pythons[0], None
    return (None, pythons[-1]) if max(numbers) < target else (None, None)
