"""Judges the native code of a wheel that was just built, before it is used, with the checks of an inspection.

Nothing is reached from a handler here, so those checks only warn; what is certain not to load is refused all the same.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from lambdapack.profiles import RuntimeProfile
from lambdapack.selection import Selection, expand_codes
from lambdapack.workflows.inspection import Target, inspect, open_target, subject_of


def native_problems(wheel: Path, profile: RuntimeProfile) -> list[str]:
    """Returns a line for each reason why native code of a wheel is certain not to load in a runtime."""
    target = Target(
        wheel,
        runtime=profile.runtime,
        architecture=profile.architecture,
        kind="wheel",
        selection=Selection(select=expand_codes(["ELF"], "built wheels")),
        cached=False,
    )
    with ExitStack() as stack:
        subject = subject_of(open_target(target, stack), zipped_size=None)
        certain = {native.problem.path for native in subject.native_findings if native.problem.certain}
    if not certain:
        return []
    found = [finding for finding in inspect(target).findings if finding.path in certain]
    return [f"{finding.path} {finding.message} ({finding.code})" for finding in found]
