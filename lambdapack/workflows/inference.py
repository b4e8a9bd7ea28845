"""What an artifact that nobody described is likely to be for: runtime, architecture, kind.

Every answer comes with the words that tell the reader what was assumed and from what. Does not open anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from lambdapack.artifact import Stack, Tree, WheelTree
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.extension import read_extension_name
from lambdapack.profiles import RuntimeProfile, known_runtimes

DEFAULT_ARCHITECTURE = "x86_64"
_LAYER_FOLDERS = frozenset(("python", "lib", "bin", "include", "share"))
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}


def infer_kind(tree: Tree, *, alone: bool) -> tuple[Literal["function", "layer", "wheel"], str | None]:
    """Returns what an artifact is, and why, where it is not what every artifact is taken for. `alone`: nothing else was
    given, no layers and no handler, so that it may be a layer."""
    if isinstance(tree, WheelTree):
        return "wheel", "the layout that pip install --target gives a wheel"
    if not alone:
        return "function", None
    tops = {entry.path.partition("/")[0] for entry in tree.entries()}
    if "python" in tops and tops <= _LAYER_FOLDERS:
        return "layer", "kind layer (everything is below python/, lib/ or bin/)"
    return "function", None


def infer_runtime(stack: Stack, tree: Tree) -> tuple[str, str] | None:
    """Returns the Python that most extension modules are made for, or a wheel's tag names; None without any."""
    counts: Counter[str] = Counter()
    for located in stack.files():
        if located.path.endswith(".so") and not located.path.startswith("/usr/"):  # an image's own tools
            python = read_extension_name(located.path).python
            if python is not None and f"python{python}" in known_runtimes():
                counts[f"python{python}"] += 1
    if counts:
        runtime, files = max(counts.items(), key=lambda item: (item[1], item[0]))
        return runtime, f"runtime {runtime} (from {files} extension {'module' if files == 1 else 'modules'})"
    # abi3 and py3 wheels are for every later Python; only an ABI of one version tells it.
    versions = {tag.interpreter for tag in _tags(tree) if tag.abi == tag.interpreter}
    found = [f"python{name[2]}.{name[3:]}" for name in versions if name.startswith("cp3")]
    if len(found) == 1 and found[0] in known_runtimes():
        return found[0], f"runtime {found[0]} (the wheel's tag {versions.pop()})"
    return None


def infer_architecture(tree: Tree) -> tuple[str, str]:
    """Returns the architecture that a wheel's tags name, or else Lambda's default; not what the files happen to be."""
    named = {_MACHINES[machine] for tag in _tags(tree) for machine in _MACHINES if tag.platform.endswith(machine)}
    if len(named) == 1 and all("linux" in tag.platform for tag in _tags(tree)):
        architecture = named.pop()
        return architecture, f"architecture {architecture} (the wheel's tag)"
    return DEFAULT_ARCHITECTURE, f"architecture {DEFAULT_ARCHITECTURE} (the default)"


def other_architecture(natives: Iterable[ElfFacts], profile: RuntimeProfile) -> str | None:
    """Returns the architecture that all native files are for, where it is not the profile's; else None."""
    files = list(natives)
    for machine, architecture in _MACHINES.items():
        if architecture != profile.architecture and files and all(facts.fits(machine) for facts in files):
            return architecture
    return None


def _tags(tree: Tree) -> frozenset[Tag]:
    """The tags in the name of a wheel; none for anything else, and for a name that is not a wheel's."""
    if not isinstance(tree, WheelTree):
        return frozenset()
    try:
        return parse_wheel_filename(Path(tree.origin).name)[3]
    except InvalidWheelFilename:
        return frozenset()
