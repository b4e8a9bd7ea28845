"""Finds versions that all have a wheel for the target, as new as possible; tells which newer ones were given up for it.

uv cannot be told the exact platform of every target (`uv_command.py`). So it is asked for a platform that takes a
little too much, and the versions whose wheels do not fit are ruled out, until all that is left does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import InvalidVersion, Version

from lambdapack.builder.choice import Choice, Misfit, Source, Wanted, choose
from lambdapack.builder.inputs import Inputs
from lambdapack.builder.refusals import Asking
from lambdapack.builder.uv_command import Limits, Lock, UvRefused, compile_lock, uv_platform
from lambdapack.profiles.profile import RuntimeProfile

_MOST_ROUNDS = 25


@dataclass(frozen=True, slots=True)
class Fitting:
    """What a resolution came to. `newest`: as if the target accepted every wheel. `lock`: with wheels that it does
    accept, None where there is no such solution. `given_up`: the versions that lie between them."""

    newest: Lock
    lock: Lock | None
    given_up: tuple[Misfit, ...] = ()


def find_fitting(
    inputs: Inputs, profile: RuntimeProfile, *, scratch: Path, limits: Limits, indexes: Sequence[str] = ()
) -> Fitting:
    """Resolves so that each version has a wheel that the target accepts, or no wheel for its machine at all.

    Raises `UvRefused` where there is no solution even for a target that accepts everything.
    """
    search = _Search(inputs, profile, Asking(inputs.folder, scratch, indexes))
    newest = search.compile(limits)
    bad = search.misfits(newest)
    if not bad:
        return Fitting(newest, newest)
    given_up = [*bad]
    certain = search.below(limits, bad)
    # Versions that certainly fit; whatever is newer than them and fits, too, is of a level that uv cannot say.
    reached = {str(package.name): str(package.version) for package in certain.pylock.packages} if certain else {}
    for _ in range(_MOST_ROUNDS):
        limits = _ruled_out(limits, bad, reached)
        try:
            lock = search.compile(limits)
        except UvRefused:
            break
        bad = search.misfits(lock)
        if not bad:
            return Fitting(newest, lock, tuple(given_up))
        given_up += bad
    return Fitting(newest, certain, tuple(given_up))


def with_wheels_elsewhere(
    choice: Choice, inputs: Inputs, profile: RuntimeProfile, asking: Asking, only_sdists: set[Source]
) -> Choice:
    """Takes the sdist of a version that has wheels for another Python or glibc as the misfit it is: uv does not tell.

    Not where the sdist itself was asked for. `only_sdists` keeps those that have been asked about."""
    if not isinstance(choice, Source) or choice in only_sdists:
        return choice
    if choice.kind != "sdist" or choice.version is None or choice.name in inputs.from_source:
        return choice
    misfit = asking.linux_wheels(choice, profile)
    if misfit is None:
        only_sdists.add(choice)
    return misfit or choice


class _Search:
    """One search: what is asked, for which target, and which sdists are known to be all there is."""

    def __init__(self, inputs: Inputs, profile: RuntimeProfile, asking: Asking) -> None:
        self.inputs = inputs
        self.profile = profile
        self.asking = asking
        self.only_sdists: set[Source] = set()

    def compile(self, limits: Limits) -> Lock:
        return compile_lock(self.inputs, self.profile, scratch=self.asking.scratch, limits=limits)

    def misfits(self, lock: Lock) -> list[Misfit]:
        choices = choose(lock, self.profile, Wanted(from_source=self.inputs.from_source))
        judged = (
            with_wheels_elsewhere(choice, self.inputs, self.profile, self.asking, self.only_sdists)
            for choice in choices
        )
        return [choice for choice in judged if isinstance(choice, Misfit)]

    def below(self, limits: Limits, bad: Sequence[Misfit]) -> Lock | None:
        """A solution for a platform that takes nothing the target refuses, where that is another one."""
        machine, glibc = self.profile.machine, self.profile.glibc
        if uv_platform(machine, glibc) == uv_platform(machine, glibc, below=True):
            return None
        limits = replace(limits, below=True)
        while bad:
            names = {*limits.wheels_only, *(misfit.name for misfit in bad)}
            if names == set(limits.wheels_only):
                return None
            limits = replace(limits, wheels_only=tuple(sorted(names)))
            try:
                lock = self.compile(limits)
            except UvRefused:
                return None
            bad = self.misfits(lock)
        return lock


def _ruled_out(limits: Limits, bad: Sequence[Misfit], reached: dict[str, str]) -> Limits:
    """The limits without these versions: with the whole series (2.4.*) where a version that fits is known below it, for
    wheels seldom change within one, and each version by itself would be a round."""
    constraints = list(limits.constraints)
    for misfit in bad:
        low, version = reached.get(misfit.name), misfit.version
        if version is None:
            continue
        if low is None or (series := _series(version)) is None:
            constraints.append(f"{misfit.name}!={version}")
        elif series == _series(low):
            constraints.append(f"{misfit.name}=={low}")
        else:
            constraints.append(f"{misfit.name}!={series}.*")
    names = {*limits.wheels_only, *(misfit.name for misfit in bad)}
    return replace(limits, wheels_only=tuple(sorted(names)), constraints=tuple(dict.fromkeys(constraints)))


def _series(version: str) -> str | None:
    """`2.4` of 2.4.6; None for a version with an epoch, or none that can be read."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        return None
    return None if parsed.epoch else ".".join(map(str, (*parsed.release, 0)[:2]))
