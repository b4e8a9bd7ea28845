"""lambdapack: build, inspect and import-test AWS Lambda Python artifacts.

    import lambdapack

    report = lambdapack.inspect("function.zip", runtime="python3.13", handler="handler.lambda_handler")
    assert not report.failed, report.findings

Everything here is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lambdapack.api import build, check, diagnose, inspect, test
    from lambdapack.diagnosed import Diagnosis
    from lambdapack.errors import (
        BuildFailed,
        LambdapackError,
        MissingRequirement,
        UnreadableArtifact,
        UsageError,
    )
    from lambdapack.finding import Finding, Severity
    from lambdapack.report import Report

__version__ = "0.1.0.dev0"
__all__ = [
    "BuildFailed",
    "Diagnosis",
    "Finding",
    "LambdapackError",
    "MissingRequirement",
    "Report",
    "Severity",
    "UnreadableArtifact",
    "UsageError",
    "__version__",
    "build",
    "check",
    "diagnose",
    "inspect",
    "test",
]
_PLACES = {
    "api": ("build", "check", "diagnose", "inspect", "test"),
    "diagnosed": ("Diagnosis",),
    "errors": ("BuildFailed", "LambdapackError", "MissingRequirement", "UnreadableArtifact", "UsageError"),
    "finding": ("Finding", "Severity"),
    "report": ("Report",),
}


def __getattr__(name: str) -> object:
    place = next((place for place, names in _PLACES.items() if name in names), None)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{place}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
