"""Reads the root file system of a runtime's image as a profile, and compares two of them.

What files can tell replaces what the shipped profile of that runtime says; quotas, dates, and what is known of the
managed runtime alone stay. Runs nothing of the image.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from lambdapack.artifact import ImageConfig, ImageTree, Mount, Stack, open_tree
from lambdapack.errors import UnreadableArtifact, UsageError
from lambdapack.facts.distributions import read_distributions
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.elf_reading import read_elf
from lambdapack.finding import Json
from lambdapack.profiles import (
    ARCHITECTURES,
    Preinstalled,
    Provenance,
    RuntimeProfile,
    SystemLibrary,
    Version,
    load_profile,
    profile_to_json,
)
from lambdapack.progress import Progress, silent
from lambdapack.workflows.image_runtime import profile_of_image, runtime_of_image

_LIBRARY = re.compile(r"[A-Za-z][^/]*\.so(\.[0-9A-Za-z]+)*")
_VERSION = re.compile(r"([A-Z]+)_(\d+(?:\.\d+)*)")
_PRETTY_NAME = re.compile(r'^PRETTY_NAME="?([^"\n]+)', re.MULTILINE)
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
_LANG = "/var/lang/lib"
# Groups of facts that files of the image tell; the others are as in the shipped profile.
_SEEN = ("operating_system", "glibc", "symbol_ceilings", "libraries", "libraries.in_lang", "stdlib_modules")
_SEEN_TOO = ("preinstalled", "python_path", "library_path", "system_library_dirs")


@dataclass(frozen=True, slots=True)
class RuntimeScan:
    """A profile, and what a profile has no place for: which versions each library defines, the image's environment, its
    digest, and every installed distribution with its version."""

    profile: RuntimeProfile
    source: str
    digest: str | None
    environment: Mapping[str, str]
    definitions: Mapping[str, tuple[str, ...]]
    distributions: Mapping[str, str]

    def to_json(self) -> str:
        """Returns the content of a profile file, with a part `scan` that profiles do without."""
        data = json.loads(profile_to_json(self.profile))
        data["scan"] = {
            "source": self.source,
            "digest": self.digest,
            "environment": dict(sorted(self.environment.items())),
            "definitions": {name: list(versions) for name, versions in sorted(self.definitions.items())},
            "distributions": dict(sorted(self.distributions.items())),
        }
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def scan_runtime(source: str, *, architecture: str | None = None, progress: Progress = silent) -> RuntimeScan:
    """Reads an image (a file, an OCI folder, or a name as for `inspect`) or a folder with a root file system.

    Raises `UnreadableArtifact` and `MissingRequirement` as for any artifact, `UsageError` when no Python is in it.
    """
    with open_tree(source, architecture=architecture, progress=progress) as tree:
        stack = Stack([Mount("/", tree)])
        config = tree.config if isinstance(tree, ImageTree) else _unknown_config()
        told = runtime_of_image(stack, config)
        if told is None:
            raise UsageError(f"{source}: has no Python that a Lambda runtime is known by")
        libc = _elf(stack, ("/lib64/libc.so.6", "/usr/lib64/libc.so.6"))
        found = _MACHINES.get(libc.machine) if libc is not None else config.architecture
        if libc is None or found not in ARCHITECTURES:
            raise UsageError(f"{source}: is no root file system with glibc for {' or '.join(ARCHITECTURES)}")
        shipped = load_profile(told[0], found)
        return _read(source, stack, config, shipped, isinstance(tree, ImageTree))


def _unknown_config() -> ImageConfig:
    """A folder says nothing of itself: the places of the official image are taken."""
    return ImageConfig("", None, None, {"LAMBDA_TASK_ROOT": "/var/task"}, (), (), "/var/task", "")


def _read(source: str, stack: Stack, config: ImageConfig, shipped: RuntimeProfile, is_image: bool) -> RuntimeScan:
    profile = profile_of_image(shipped, stack, config)
    if not config.environment.get("LD_LIBRARY_PATH"):
        profile = replace(profile, library_path=shipped.library_path)
    libraries, definitions = _libraries(stack, profile, shipped)
    folders = [folder for folder in profile.python_path if folder.startswith(("/var/lang/", "/var/runtime"))]
    distributions = {facts.name: facts.version for facts in read_distributions(stack, folders)}
    ceilings = dict(shipped.symbol_ceilings) | _ceilings(definitions, shipped.symbol_ceilings)
    provenance = Provenance(f"scan of {source}", date.today().isoformat(), "confirmed", config.digest or "")
    return RuntimeScan(
        profile=replace(
            profile,
            operating_system=_system_name(stack) or shipped.operating_system,
            symbol_ceilings=ceilings,
            symbol_ceilings_newest=ceilings,
            libraries=libraries,
            stdlib_modules=_stdlib(stack, shipped) or shipped.stdlib_modules,
            preinstalled=tuple(_preinstalled(shipped, distributions)),
            wheel_tags=_tags(shipped, profile.glibc),
            provenance={**shipped.provenance, **dict.fromkeys((*_SEEN, *_SEEN_TOO), provenance)},
        ),
        source=source,
        digest=f"sha256:{config.digest}" if is_image else None,
        environment=config.environment if is_image else {},
        definitions=definitions,
        distributions=distributions,
    )


def _elf(stack: Stack, places: Iterable[str]) -> ElfFacts | None:
    for place in places:
        located = stack.file(place)
        if located is not None:
            facts = read_elf(stack.read_bytes(located))
            return facts if isinstance(facts, ElfFacts) else None
    return None


def _libraries(
    stack: Stack, profile: RuntimeProfile, shipped: RuntimeProfile
) -> tuple[dict[str, SystemLibrary], dict[str, tuple[str, ...]]]:
    """Returns the libraries that a file can need, by every name they have, and the versions that each defines."""
    own = ("/var/task", "/opt")
    folders = [*profile.library_path, *profile.system_library_dirs, *shipped.system_library_dirs]
    real = dict.fromkeys(filter(None, (stack.resolve(f) for f in folders if not f.startswith(own))))
    names = {f"{folder}/{name}" for folder in real for name in stack.names(folder) if _LIBRARY.fullmatch(name)}
    files = {path: found for path in names if (found := stack.file(path)) is not None}
    definitions: dict[str, tuple[str, ...]] = {}
    sonames: set[str] = set()
    for located, stream in stack.read({found.path: found for found in files.values()}.values()):
        facts = read_elf(stream.read())
        if isinstance(facts, ElfFacts) and facts.fits(profile.machine):
            soname = facts.soname or posixpath.basename(located.path)
            sonames.add(soname)
            if facts.defined_versions:
                definitions[soname] = tuple(sorted(facts.defined_versions))
    known = sonames | {posixpath.basename(path) for path in files}
    managed = {name: library.in_managed for name, library in shipped.libraries.items()}
    libraries = {name: SystemLibrary(name, in_image=True, in_managed=managed.get(name)) for name in sorted(known)}
    return libraries, definitions


def _ceilings(definitions: Mapping[str, tuple[str, ...]], prefixes: Iterable[str]) -> dict[str, Version]:
    found: dict[str, Version] = {}
    for name in {name for versions in definitions.values() for name in versions}:
        match = _VERSION.fullmatch(name)
        if match and match[1] in prefixes:
            version = tuple(map(int, match[2].split(".")))
            found[match[1]] = max(found.get(match[1], ()), version)
    return found


def _stdlib(stack: Stack, shipped: RuntimeProfile) -> frozenset[str]:
    """The dotted names of the modules below the standard library's folder, and of those that need no file: built in or
    frozen, which only the interpreter could tell, are those of the shipped profile with a private name."""
    folder = f"{_LANG}/{shipped.runtime}"
    without_file = {name for name in shipped.stdlib_modules if name.startswith("_")} | shipped.builtin_modules
    found = set(without_file)
    for located in stack.files():
        path = located.path.removeprefix(f"{folder}/")
        if path == located.path or path.startswith(("site-packages/", "dist-packages/")) or "__pycache__" in path:
            continue
        for suffix in (".py", *shipped.extension_suffixes):
            if path.endswith(suffix):
                name = path.removeprefix("lib-dynload/").removesuffix(suffix).removesuffix("/__init__")
                if all(part.isidentifier() for part in name.split("/")):
                    found.add(name.replace("/", "."))
                break
    return frozenset(found) if len(found) > len(without_file) else frozenset()


def _preinstalled(shipped: RuntimeProfile, distributions: Mapping[str, str]) -> Iterator[Preinstalled]:
    known = {item.name: item for item in shipped.preinstalled}
    for name, version in sorted(distributions.items()):
        modules = known[name].modules if name in known else (name.replace("-", "_"),)
        yield Preinstalled(name, version, modules, certain=True)


def _tags(shipped: RuntimeProfile, glibc: Version) -> tuple[str, ...]:
    """The wheel tags of the shipped profile for another glibc: those of newer ones are dropped, or added in front."""
    own, new = shipped.glibc[1], glibc[1]
    if glibc[0] != shipped.glibc[0] or own == new:
        return shipped.wheel_tags
    newest = f"manylinux_2_{own}_{shipped.machine}"
    tags: list[str] = []
    for tag in shipped.wheel_tags:
        pair, platform = tag.rsplit("-", 1)
        if platform == newest:
            tags += [f"{pair}-manylinux_2_{minor}_{shipped.machine}" for minor in range(new, own, -1)]
        minor = re.match(r"manylinux_2_(\d+)_", platform)
        if minor is None or int(minor[1]) <= new:
            tags.append(tag)
    return tuple(tags)


def _system_name(stack: Stack) -> str | None:
    for place in ("/etc/os-release", "/usr/lib/os-release"):
        located = stack.file(place)
        match = _PRETTY_NAME.search(stack.read_bytes(located).decode("utf-8", "replace")) if located else None
        if match:
            return match[1]
    return None


def differences(left: str, right: str) -> dict[str, Json]:
    """Compares two profile files, each given as its text. Returns, for every group that differs, what is only in the
    first, what is only in the second, and what changed."""
    first, second = json.loads(left), json.loads(right)
    found: dict[str, Json] = {}
    for group in sorted((first.keys() | second.keys()) - {"provenance", "scan"}):
        _compare(group, first.get(group), second.get(group), found)
    for group in ("digest", "environment", "definitions", "distributions"):
        _compare(f"scan.{group}", first.get("scan", {}).get(group), second.get("scan", {}).get(group), found)
    return found


def _compare(group: str, left: Json, right: Json, found: dict[str, Json]) -> None:
    if left == right:
        return
    if isinstance(left, dict) and isinstance(right, dict):
        changed = {
            key: [left[key], right[key]] for key in sorted(left.keys() & right.keys()) if left[key] != right[key]
        }
        gone, new = sorted(left.keys() - right.keys()), sorted(right.keys() - left.keys())
        found[group] = {"removed": gone, "added": new, "changed": changed}
    elif isinstance(left, list) and isinstance(right, list) and all(isinstance(item, str) for item in [*left, *right]):
        gone, new = [item for item in left if item not in right], [item for item in right if item not in left]
        found[group] = {"removed": gone, "added": new, "changed": {}}
    else:
        found[group] = {"removed": [], "added": [], "changed": {group: [left, right]}}


def profile_text(source: str, progress: Progress = silent) -> str:
    """Returns the content of a profile file: of one that `source` names, of the shipped one of a runtime
    (`python3.13`, `python3.13-arm64`), or of a scan of an image or folder."""
    runtime, _, architecture = source.partition("-")
    if re.fullmatch(r"python3\.\d+", runtime) and architecture in {"", *ARCHITECTURES}:
        return profile_to_json(load_profile(runtime, architecture or ARCHITECTURES[0]))
    path = Path(source)
    if path.suffix == ".json" and path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
            json.loads(text)
        except (OSError, ValueError) as error:
            raise UnreadableArtifact(f"{source}: is no profile: {error}") from error
        return text
    return scan_runtime(source, progress=progress).to_json()
