"""Brings what a runtime has and an artifact has not: AWS's runtime client (`awslambdaric`), which loads handlers, and
the SDK, so that an import test can import what Lambda can.

It is not part of any artifact. Where it cannot be had (offline, no wheel), there is None: the import test then uses
rules of its own. What was resolved once is kept in the store, so that a second call needs no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lambdapack.builder.choice import choose
from lambdapack.builder.fitting import find_fitting
from lambdapack.builder.inputs import requirement_inputs
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.store import WheelStore
from lambdapack.builder.uv_command import WHEELS_ONLY, Lock, UvRefused, parse_lock
from lambdapack.errors import LambdapackError
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

CLIENT = "awslambdaric"
EMULATOR_SOURCE = "aws-sam-cli"
"""What brings the Runtime Interface Emulator, for both architectures (Apache-2.0)."""


def fetch_runtime_packages(
    distributions: Sequence[str],
    profile: RuntimeProfile,
    store: WheelStore,
    progress: Progress = silent,
    *,
    dependencies: bool = True,
) -> list[Path] | None:
    """Returns the wheel files of distributions and what they require (unless without `dependencies`), or None. Never
    raises for want of them."""
    kept_as = f"runtime-packages/{'+'.join(distributions)}-{profile.identifier}.toml"
    try:
        kept = store.read_text(kept_as)
        if kept is not None:
            try:
                return store.fetch(_wheels(parse_lock(kept, store.root), profile), progress)
            except LambdapackError:
                pass  # damaged, or its files are gone from the index: resolve again
        with store.scratch() as scratch:
            inputs = requirement_inputs(Path.cwd(), strings=tuple(distributions))
            limits = replace(WHEELS_ONLY, dependencies=dependencies)
            lock = find_fitting(inputs, profile, scratch=scratch, limits=limits).lock
        if lock is None:
            return None
        paths = store.fetch(_wheels(lock, profile), progress)
        store.write_text(kept_as, lock.text)
    except (LambdapackError, UvRefused, OSError):
        return None
    return paths


def _wheels(lock: Lock, profile: RuntimeProfile) -> list[ResolvedWheel]:
    return [choice for choice in choose(lock, profile) if isinstance(choice, ResolvedWheel)]
