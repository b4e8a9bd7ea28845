"""Builds artifacts: `plan_build` decides what goes in, `build` makes it.

A plan is data (`plan.py`); uv resolves it (`resolve.py`), the wheel store brings the wheels (`store.py`), a ZIP is
written beside the output and moved into place only when it is whole and its verification agrees (`build.py`).
Knows nothing about checks: `verify` is a callable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdapack.lazy import lazy_names

if TYPE_CHECKING:
    from lambdapack.builder.archive import LEVELS
    from lambdapack.builder.build import build, gather, plan_build, refuse_foreign_output
    from lambdapack.builder.build_image import BUILD_TOOLS, TOOLS_FOLDER, ensure_build_image
    from lambdapack.builder.byte_code import ByteCodeMaker, compiled
    from lambdapack.builder.draft import Draft, write_draft
    from lambdapack.builder.exclude import Patterns
    from lambdapack.builder.plan import BuildPlan, BuildResult, FirstPartyFile, LeftOut, ResolvedWheel
    from lambdapack.builder.runtime_packages import CLIENT, EMULATOR_SOURCE, fetch_runtime_packages
    from lambdapack.builder.slimming import STEPS, Needs, Step
    from lambdapack.builder.store import WheelStore

__all__ = [
    "BUILD_TOOLS",
    "CLIENT",
    "EMULATOR_SOURCE",
    "LEVELS",
    "STEPS",
    "TOOLS_FOLDER",
    "BuildPlan",
    "BuildResult",
    "ByteCodeMaker",
    "Draft",
    "FirstPartyFile",
    "LeftOut",
    "Needs",
    "Patterns",
    "ResolvedWheel",
    "Step",
    "WheelStore",
    "build",
    "compiled",
    "ensure_build_image",
    "fetch_runtime_packages",
    "gather",
    "plan_build",
    "refuse_foreign_output",
    "write_draft",
]

__getattr__ = lazy_names(
    __name__,
    {
        "archive": ("LEVELS",),
        "build": (
            "build",
            "gather",
            "plan_build",
            "refuse_foreign_output",
        ),
        "build_image": (
            "BUILD_TOOLS",
            "TOOLS_FOLDER",
            "ensure_build_image",
        ),
        "byte_code": (
            "ByteCodeMaker",
            "compiled",
        ),
        "draft": (
            "Draft",
            "write_draft",
        ),
        "exclude": ("Patterns",),
        "plan": (
            "BuildPlan",
            "BuildResult",
            "FirstPartyFile",
            "LeftOut",
            "ResolvedWheel",
        ),
        "runtime_packages": (
            "CLIENT",
            "EMULATOR_SOURCE",
            "fetch_runtime_packages",
        ),
        "slimming": (
            "STEPS",
            "Needs",
            "Step",
        ),
        "store": ("WheelStore",),
    },
)
