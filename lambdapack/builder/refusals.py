"""What is said when there is no wheel: which version has one, which runtime takes it, what else can be done.

Asks indexes again for that (through uv); decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lambdapack.builder.choice import Choice, Misfit, Source, choose
from lambdapack.builder.inputs import requirement_inputs
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.requirements import RequirementDetails
from lambdapack.builder.uv_command import (
    Limits,
    UvRefused,
    compile_lock,
    offered_wheels,
    short_reason,
    why_no_wheel,
)
from lambdapack.errors import BuildFailed
from lambdapack.profiles import known_runtimes, load_profile
from lambdapack.profiles.profile import RuntimeProfile

_MOST_SHOWN = 4
_IN_CONTAINER = 'add it to from-source: requirements = {{ …, from-source = ["{}"] }}, which builds it in the base image'


def target_words(profile: RuntimeProfile) -> str:
    """`python3.13 x86_64 (glibc ≤ 2.34)`: how messages name the target."""
    glibc = ".".join(map(str, profile.glibc[:2]))
    return f"{profile.runtime} {profile.architecture} (glibc ≤ {glibc})"


@dataclass(frozen=True, slots=True)
class Asking:
    """How indexes are asked once more: where uv runs, and with which options."""

    folder: Path
    scratch: Path
    indexes: Sequence[str] = field(default=(), repr=False)

    def best(self, name: str, specifier: str, profile: RuntimeProfile, *, below: bool = False) -> Choice | None:
        """What would be taken of one distribution, without what it requires; None when nothing is found. `below`: as in
        `Limits`."""
        limits = Limits((name,), dependencies=False, below=below)
        inputs = requirement_inputs(self.folder, strings=(name + specifier,))
        try:
            found = choose(
                compile_lock(inputs, profile, scratch=self.scratch, limits=limits, indexes=self.indexes), profile
            )
        except (UvRefused, BuildFailed):
            return None
        return found[0] if len(found) == 1 else None

    def linux_wheels(self, source: Source, profile: RuntimeProfile) -> Misfit | None:
        """The wheels that an sdist's version has for the target's machine, but for another Python or glibc.

        uv leaves them out of a resolution for one target. None: there are none, building it is the only way."""
        offer = offered_wheels(
            source.name, source.version, profile, options=self.indexes, folder=self.folder, scratch=self.scratch
        )
        names = offer[1] if offer else []
        own = tuple(name for name in names if "linux" in name and name.endswith(f"_{profile.machine}.whl"))
        return Misfit(source.name, source.version, own) if own else None


def does_not_fit(misfit: Misfit, profile: RuntimeProfile, asking: Asking, wanted_by: str = "") -> BuildFailed:
    """The refusal of a version whose wheels are all for other targets."""
    unlisted = asking.best(misfit.name, f"=={misfit.version}", profile) if misfit.version else None
    if isinstance(unlisted, ResolvedWheel):
        return BuildFailed(
            f"{misfit.label}: the lock lists no wheel for {target_words(profile)}{wanted_by}; "
            f"its index has {unlisted.filename}",
            hint="lock again, for this Python and Linux, too",
        )
    older = asking.best(misfit.name, "", profile, below=True)
    runtime = other_runtime(misfit, profile, asking) if misfit.version else None
    facts = [f"on offer: {_shown_tags(misfit.filenames, profile)}"]
    advice = []
    if isinstance(older, ResolvedWheel):
        facts.append(f"{older.label} has one that fits")
        advice.append(f"pin {older.name}=={older.version}")
    if runtime is not None:
        facts.append(f"{runtime} takes {misfit.label}")
        if _minor(runtime) > profile.python[1]:
            advice.append(f"choose {runtime}")
    advice.append(_IN_CONTAINER.format(misfit.name))
    return BuildFailed(
        f"{misfit.label}: no wheel fits {target_words(profile)}{wanted_by}; {'; '.join(facts)}",
        hint="; or ".join(advice),
    )


def other_runtime(misfit: Misfit, profile: RuntimeProfile, asking: Asking) -> str | None:
    """Returns the nearest runtime, newer ones first, on the same architecture that takes this version."""

    def distance(name: str) -> tuple[bool, int]:
        minor = _minor(name) - profile.python[1]
        return minor < 0, abs(minor)

    for name in sorted(known_runtimes(), key=distance):
        if name != profile.runtime:
            # uv leaves out of a resolution the wheels of other Pythons, so each is asked for.
            found = asking.best(misfit.name, f"=={misfit.version}", load_profile(name, profile.architecture))
            if isinstance(found, ResolvedWheel):
                return name
    return None


def explained(refusal: UvRefused, profile: RuntimeProfile, details: RequirementDetails, asking: Asking) -> BuildFailed:
    """Turns uv's refusal into one line. "no usable wheels" means two things to a user, so uv is asked which."""
    missing = why_no_wheel(refusal.stderr)
    if missing is not None and missing.name in details.direct:
        return does_not_fit(Misfit(missing.name, None, (details.direct[missing.name],)), profile, asking)
    if missing is not None:
        offer = offered_wheels(
            missing.name,
            missing.version,
            profile,
            options=asking.indexes,
            folder=asking.folder,
            scratch=asking.scratch,
        )
        if offer is not None and offer[1]:
            wanted_by = f" ({missing.parent} requires it)" if missing.parent else ""
            return does_not_fit(Misfit(missing.name, offer[0], tuple(offer[1])), profile, asking, wanted_by)
    reason = short_reason(refusal.stderr)
    unreachable = "Failed to fetch" in reason or "network was disabled" in refusal.stderr
    return BuildFailed(
        f"uv cannot resolve the requirements for {target_words(profile)}: {reason}",
        hint="check the network, the index and its credentials" if unreachable else None,
    )


def downgrade_note(
    name: str, taken: str, newest: str, misfits: Sequence[Misfit], profile: RuntimeProfile, asking: Asking
) -> str:
    """Says that an older version is taken, and for want of which wheel."""
    blamed = next((misfit for misfit in misfits if misfit.name == name), misfits[0])
    what = "which has" if blamed.name == name else f"since {blamed.label} has"
    runtime = other_runtime(blamed, profile, asking) if blamed.version else None
    taker = f"; {runtime} would take {blamed.label}" if runtime else ""
    return f"{name} {taken} is taken, not {newest}, {what} no wheel for {target_words(profile)}{taker}"


def _minor(runtime: str) -> int:
    return int(runtime.rpartition(".")[2])


def _shown_tags(filenames: Sequence[str], profile: RuntimeProfile) -> str:
    """The tags of a few wheels, those nearest to the target first: same machine, then Linux, then the rest."""
    tags = ["-".join(name.removesuffix(".whl").split("-")[-3:]) for name in filenames]
    own_python = f"cp{profile.python[0]}{profile.python[1]}"

    def distance(tag: str) -> tuple[bool, bool, bool, bool, str]:
        python, _, platform = tag.split("-", 2) if tag.count("-") >= 2 else (tag, "", "")
        return (
            profile.machine not in platform,
            "manylinux" not in platform and "any" not in platform,
            python != own_python,
            python.endswith("t") or "t-" in tag,
            tag,
        )

    ordered = sorted(set(tags), key=distance)
    more = f" and {len(ordered) - _MOST_SHOWN} more" if len(ordered) > _MOST_SHOWN else ""
    return ", ".join(ordered[:_MOST_SHOWN]) + more
