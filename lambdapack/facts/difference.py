"""How two artifacts differ: distributions, files, native code. Knows no runtime, and which of the two is better.

Both are taken as they are stored, each with its own root, so that a ZIP, a folder, a layer and an image compare.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.version import InvalidVersion, Version

from lambdapack.artifact import Located, Mount, Stack, Tree
from lambdapack.artifact.zip_form import ZipForm
from lambdapack.errors import UnreadableMember
from lambdapack.facts.distributions import DistFacts, read_distributions
from lambdapack.facts.elf import MAGIC, ElfFacts
from lambdapack.facts.elf_reading import read_elf

Change = Literal["added", "removed", "changed"]
DistChange = Literal["added", "removed", "upgraded", "downgraded", "rebuilt", "changed"]
Aspect = Literal["content", "mode", "kind", "link"]
FormAspect = Literal["order", "dates", "compression", "headers", "comment", "folders", "repeated names"]

_INFO = ".dist-info"
_ROOT = "/artifact"  # any folder does, as long as both are seen in the same one


@dataclass(frozen=True, slots=True)
class DistState:
    """A distribution in one of the two: all its versions, the tags of its wheels, the bytes of its files."""

    versions: tuple[str, ...]
    tags: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class DistDifference:
    """`rebuilt`: the same version from another wheel. `changed`: the same wheel with other files."""

    name: str
    change: DistChange
    before: DistState | None
    after: DistState | None


@dataclass(frozen=True, slots=True)
class FileState:
    """A file in one of the two. `mode` has type and permission bits; `size` is in bytes."""

    size: int
    mode: int
    link: str | None


@dataclass(frozen=True, slots=True)
class FileDifference:
    """`aspects` says in what a changed file differs. `distribution` is the one whose RECORD lists it."""

    path: str
    change: Change
    aspects: tuple[Aspect, ...]
    before: FileState | None
    after: FileState | None
    distribution: str | None


@dataclass(frozen=True, slots=True)
class NativeDifference:
    """What a native file asks of its loader, where that differs; None on the side where there is no such file. Versions
    are `library version` (`libc.so.6 GLIBC_2.34`)."""

    path: str
    machines: tuple[str | None, str | None]
    needed: tuple[tuple[str, ...], tuple[str, ...]]
    versions: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class FormDifference:
    """A difference of two ZIPs that is none of their files: `count` members, `example` is the first of them."""

    aspect: FormAspect
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it. `unread` are files that could not be compared, with the reason."""

    distributions: tuple[DistDifference, ...]
    files: tuple[FileDifference, ...]
    native: tuple[NativeDifference, ...]
    form: tuple[FormDifference, ...]
    unread: tuple[tuple[str, str], ...]

    @property
    def is_none(self) -> bool:
        """True when there is no difference."""
        return not (self.distributions or self.files or self.form or self.unread)


def compare(before: Tree, after: Tree, forms: tuple[ZipForm, ZipForm] | None = None) -> Difference:
    """Compares two trees, and how they are written when both are ZIPs."""
    stacks = Stack([Mount(_ROOT, before)]), Stack([Mount(_ROOT, after)])
    dists = _distributions(stacks[0]), _distributions(stacks[1])
    owners = [
        {path: dist.name for found in side.values() for dist in found for path in (dist.record or ())} for side in dists
    ]
    unread: list[tuple[str, str]] = []
    files = []
    sides = [{path: item for path, item in stack.located.items() if not item.entry.is_directory} for stack in stacks]
    for path in sorted(sides[0].keys() | sides[1].keys()):
        one, other = sides[0].get(path), sides[1].get(path)
        try:
            aspects = _aspects(one, other) if one is not None and other is not None else ()
        except UnreadableMember as error:
            unread.append((path, str(error)))
            continue
        if one is None or other is None or aspects:
            change: Change = "added" if one is None else "removed" if other is None else "changed"
            owner = owners[1].get(path) or owners[0].get(path)
            files.append(
                FileDifference(path.removeprefix(f"{_ROOT}/"), change, aspects, _state(one), _state(other), owner)
            )
    changed = {item.distribution for item in files if item.distribution and _counts(item.path)}
    native = tuple(_native(sides, [item for item in files if item.change != "changed" or "content" in item.aspects]))
    return Difference(
        tuple(_compare_distributions(stacks, dists, changed)),
        tuple(files),
        native,
        tuple(compare_forms(*forms, {item.path for item in files})) if forms else (),
        tuple(unread),
    )


def compare_forms(before: ZipForm, after: ZipForm, changed: Container[str]) -> Iterable[FormDifference]:
    """Compares how two ZIPs are written, for the members that both have; how a `changed` one is packed says nothing."""
    common = [name for name in before.members if name in after.members]
    order = [name for name in after.members if name in before.members]
    moved = [name for name, other in zip(common, order, strict=True) if name != other]
    if moved:
        yield FormDifference("order", len(moved), moved[0])
    aspects: dict[FormAspect, list[str]] = {"dates": [], "compression": [], "headers": [], "comment": []}
    for name in common:
        one, other = before.members[name], after.members[name]
        if one.date != other.date:
            aspects["dates"].append(name)
        if name not in changed and (one.method, one.compressed) != (other.method, other.compressed):
            aspects["compression"].append(name)
        if (one.system, one.flags, one.extra) != (other.system, other.flags, other.extra):
            aspects["headers"].append(name)
        if one.comment != other.comment:
            aspects["comment"].append(name)
    for aspect, names in aspects.items():
        if names:
            yield FormDifference(aspect, len(names), names[0])
    if before.comment != after.comment:
        yield FormDifference("comment", 0, "")
    folders = [name for name in before.members.keys() ^ after.members.keys() if name.endswith("/")]
    if folders:
        yield FormDifference("folders", len(folders), min(folders))
    if before.repeated != after.repeated:
        yield FormDifference("repeated names", abs(before.repeated - after.repeated), "")


def _distributions(stack: Stack) -> dict[str, list[DistFacts]]:
    roots = {folder.rpartition("/")[0] for folder in stack.folders() if folder.endswith(_INFO)}
    found: dict[str, list[DistFacts]] = {}
    for dist in read_distributions(stack, sorted(roots)):
        found.setdefault(dist.name, []).append(dist)
    return found


def _compare_distributions(
    stacks: tuple[Stack, Stack], dists: tuple[dict[str, list[DistFacts]], dict[str, list[DistFacts]]], changed: set[str]
) -> Iterable[DistDifference]:
    for name in sorted(dists[0].keys() | dists[1].keys()):
        one = _dist_state(stacks[0], dists[0].get(name))
        other = _dist_state(stacks[1], dists[1].get(name))
        change: DistChange
        if one is None or other is None:
            change = "added" if one is None else "removed"
        elif one.versions != other.versions:
            change = "upgraded" if _newest(other.versions) > _newest(one.versions) else "downgraded"
        elif one.tags != other.tags:
            change = "rebuilt"
        elif name in changed:
            change = "changed"
        else:
            continue
        yield DistDifference(name, change, one, other)


def _dist_state(stack: Stack, dists: Sequence[DistFacts] | None) -> DistState | None:
    if not dists:
        return None
    listed = {path for dist in dists for path in (dist.record or ())}
    size = sum(stack.located[path].entry.size for path in listed if path in stack.located)
    tags = sorted({tag for dist in dists for tag in dist.tags})
    return DistState(tuple(sorted({dist.version for dist in dists})), tuple(tags), size)


def _newest(versions: Sequence[str]) -> Version:
    try:
        return max(map(Version, versions))
    except InvalidVersion:
        return Version("0")


def _counts(path: str) -> bool:
    """False for what installers write as they like: metadata and byte code."""
    return not path.endswith(".pyc") and not path.partition("/")[0].endswith(_INFO)


def _state(located: Located | None) -> FileState | None:
    return None if located is None else FileState(located.entry.size, located.entry.mode, located.entry.link)


def _aspects(one: Located, other: Located) -> tuple[Aspect, ...]:
    if (one.entry.is_file, one.entry.is_symlink) != (other.entry.is_file, other.entry.is_symlink):
        return ("kind",)
    found: list[Aspect] = []
    if one.entry.link != other.entry.link:
        found.append("link")
    if one.entry.is_file and not Stack.same_content(one, other):
        found.append("content")
    if one.entry.permissions != other.entry.permissions and not one.entry.is_symlink:
        found.append("mode")
    return tuple(found)


def _native(sides: Sequence[Mapping[str, Located]], files: Iterable[FileDifference]) -> Iterable[NativeDifference]:
    for item in files:
        one, other = (_elf(side.get(f"{_ROOT}/{item.path}")) for side in sides)
        if one is None and other is None:
            continue
        found = NativeDifference(
            item.path,
            (one.machine if one else None, other.machine if other else None),
            (_needed(one), _needed(other)),
            (_versions(one), _versions(other)),
        )
        if any(left != right for left, right in (found.machines, found.needed, found.versions)):
            yield found


def _elf(located: Located | None) -> ElfFacts | None:
    if located is None or not located.entry.is_file or ".so" not in located.path.rpartition("/")[2]:
        return None
    try:
        data = located.tree.read_bytes(located.entry)
    except UnreadableMember:
        return None
    facts = read_elf(data) if data.startswith(MAGIC) else None
    return facts if isinstance(facts, ElfFacts) else None


def _needed(facts: ElfFacts | None) -> tuple[str, ...]:
    return tuple(sorted(facts.needed)) if facts else ()


def _versions(facts: ElfFacts | None) -> tuple[str, ...]:
    """The highest version of each family that is asked of each library: `libc.so.6 GLIBC_2.34`."""
    highest: dict[tuple[str, str], tuple[tuple[int, ...], str]] = {}
    for need in facts.version_needs if facts else ():
        family, _, number = need.version.rpartition("_")
        parts = tuple(int(part) for part in number.split(".") if part.isdigit())
        key = (need.library, family)
        highest[key] = max(highest.get(key, ((), "")), (parts, need.version))
    return tuple(sorted(f"{library} {version}" for (library, _), (_, version) in highest.items()))
