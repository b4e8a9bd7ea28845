"""From what a project declares to exactly one wheel per distribution, each of them accepted by the target.

uv resolves (`uv_command.py`), or a lock has (`locked.py`); the choice among the files is made here, by the tags of the
runtime profile (`choice.py`). What has no wheel is built elsewhere, by `make`. A version that the target has no wheel
of is never replaced in silence: an older one is taken only where the requirements allow it, and then it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from packaging.version import Version

from lambdapack.builder.choice import Choice, Misfit, Source, Wanted, choose
from lambdapack.builder.credentials import IndexCredentials
from lambdapack.builder.fitting import Fitting, find_fitting, with_wheels_elsewhere
from lambdapack.builder.inputs import Inputs
from lambdapack.builder.locked import Locked, read_locked
from lambdapack.builder.noting import note_choices, note_inputs
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.refusals import Asking, does_not_fit, downgrade_note, explained, target_words
from lambdapack.builder.requirements import RequirementDetails, read_details
from lambdapack.builder.resolutions import Resolution
from lambdapack.builder.uv_command import WHEELS_ONLY, Limits, UvRefused
from lambdapack.errors import BuildFailed, UsageError
from lambdapack.facts.distributions import marker_environment
from lambdapack.facts.locks import read_lock
from lambdapack.memo import Readings
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

Make = Callable[[Source, Sequence[str]], ResolvedWheel]
"""Builds the wheel of a source for the target; what that takes comes from the indexes that the options name, too.
Raises `BuildFailed`, or `MissingRequirement` for want of an engine."""


def resolve(
    inputs: Inputs,
    profile: RuntimeProfile,
    *,
    scratch: Path,
    make: Make,
    locked: bool = False,
    progress: Progress = silent,
    readings: Readings | None = None,
    credentials: IndexCredentials | None = None,
) -> Resolution:
    """Resolves what a function declares. `scratch` takes temporary files, `readings` is told what is read,
    `credentials` which indexes there are.

    `locked`: nothing may be decided anew; the lock has to be there and to be what the project asks for.
    Raises `BuildFailed` when there is no solution, no fitting wheel, no index to ask, or the lock is stale.
    """
    if inputs.kind == "nothing":
        return Resolution()
    shown = ", ".join(file.name for file in inputs.files) or "the requirements"
    progress(f"resolving {shown} for {target_words(profile)}")
    readings = readings if readings is not None else Readings(noting=False)
    credentials = credentials if credentials is not None else IndexCredentials()
    credentials.add_settings(inputs.folder)
    if inputs.kind == "requirements":
        details = read_details(inputs.files, inputs.strings, inputs.folder)
        asking = Asking(inputs.folder, scratch, details.index_options)
        credentials.add_options(asking.indexes)
        note_inputs(inputs, details.files, readings)
        choices, notes = _fresh(inputs, details, profile, asking, locked=locked)
        note_choices(choices, readings, pinned=bool(details.hashes))
    else:
        note_inputs(inputs, (), readings)
        read = read_locked(inputs, profile, scratch=scratch, locked=locked)
        asking = Asking(inputs.folder, scratch, read.indexes)
        credentials.add_options(asking.indexes)
        choices, notes = _from_lock(inputs, read, profile, asking), ()
        note_choices(choices, readings, pinned=True)
    wheels = tuple(item if isinstance(item, ResolvedWheel) else make(item, asking.indexes) for item in choices)
    folders = tuple(Path(item.location) for item in choices if isinstance(item, Source) and item.kind == "folder")
    return Resolution(wheels, notes, folders)


def _fresh(
    inputs: Inputs, details: RequirementDetails, profile: RuntimeProfile, asking: Asking, *, locked: bool
) -> tuple[list[ResolvedWheel | Source], tuple[str, ...]]:
    """Decides the versions anew."""
    notes: list[str] = []
    scratch = asking.scratch
    try:
        found = find_fitting(inputs, profile, scratch=scratch, limits=Limits(), indexes=asking.indexes)
    except UvRefused as first:
        # An sdist whose requirements cannot be read without its compilers: wheels may do.
        try:
            found = find_fitting(inputs, profile, scratch=scratch, limits=WHEELS_ONLY, indexes=asking.indexes)
        except UvRefused as refusal:
            raise explained(_more_telling(first, refusal), profile, details, asking) from None
        notes.append("only wheels were considered: what some sdist requires cannot be read on this machine")
    if found.lock is None:
        # What the user wrote is to blame before what it brought along.
        blamed = min(found.given_up, key=lambda misfit: misfit.name not in details.names)
        raise does_not_fit(blamed, profile, asking)
    wanted = Wanted(hashes=details.hashes, from_source=inputs.from_source)
    choices = _without_misfits(choose(found.lock, profile, wanted), profile, asking)
    notes += _downgrades(choices, found, profile, asking)
    if locked:
        _check_pins(inputs, choices, details, profile)
    return choices, tuple(notes)


def _from_lock(inputs: Inputs, read: Locked, profile: RuntimeProfile, asking: Asking) -> list[ResolvedWheel | Source]:
    choices = choose(read.lock, profile, read.wanted)
    if inputs.kind in ("poetry", "pipenv"):  # whose files uv was asked for; others list all there are
        choices = [with_wheels_elsewhere(choice, inputs, profile, asking, set()) for choice in choices]
    return _without_misfits(choices, profile, asking)


def _without_misfits(
    choices: Sequence[Choice], profile: RuntimeProfile, asking: Asking
) -> list[ResolvedWheel | Source]:
    taken: list[ResolvedWheel | Source] = []
    for choice in choices:
        if isinstance(choice, Misfit):
            raise does_not_fit(choice, profile, asking)
        taken.append(choice)
    return taken


def _more_telling(first: UvRefused, second: UvRefused) -> UvRefused:
    """Of two refusals the one about what the user asked for: that an sdist does not build is so only if it counts."""
    return first if "Failed to build" in first.stderr and "no usable wheels" in second.stderr else second


def _downgrades(
    choices: Sequence[ResolvedWheel | Source], found: Fitting, profile: RuntimeProfile, asking: Asking
) -> list[str]:
    """A line for each distribution that is older than it would be if every wheel fitted."""
    newest = {str(package.name): str(package.version) for package in found.newest.pylock.packages if package.version}
    notes = []
    for choice in choices:
        other = newest.get(choice.name)
        if choice.version and other and Version(choice.version) < Version(other):
            notes.append(downgrade_note(choice.name, choice.version, other, found.given_up, profile, asking))
    return notes


def _check_pins(
    inputs: Inputs,
    choices: Sequence[ResolvedWheel | Source],
    details: RequirementDetails,
    profile: RuntimeProfile,
) -> None:
    """Requirement files are a lock when they pin whatever is installed."""
    files = [file for file in inputs.files if file.suffix != ".toml"]
    if not files:
        raise BuildFailed(
            "nothing is locked: the requirements are resolved anew by every build",
            hint="lock them (uv lock, or uv pip compile -o requirements.txt), or build without --locked",
        )
    environment = marker_environment(profile.python, profile.machine)
    pinned: set[str] = set(details.direct)
    for file in files:
        try:
            packages = read_lock(file, environment).packages
        except UsageError as error:
            raise BuildFailed(str(error), hint=error.hint) from error
        pinned |= {name for name, locked in packages.items() if locked.versions}
    loose = [choice.name for choice in choices if choice.name not in pinned and isinstance(choice, ResolvedWheel)]
    if loose:
        raise BuildFailed(
            f"{files[0]}: is not a lock: {', '.join(loose[:5])}{' and others' if len(loose) > 5 else ''} "
            "has no pinned version",
            hint="pin everything: uv pip compile --generate-hashes -o requirements.txt requirements.in",
        )
