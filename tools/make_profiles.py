"""Makes `lambdapack/profiles/data/*.json` from the lists in `tools/profile_sources`.

    python tools/make_profiles.py            writes the files that changed
    python tools/make_profiles.py --check    writes nothing; ends with 1 when a file is out of date

Knows how the sources are put together. Every fact, and where it is from, stands in the sources, scans of the official
images among them (`scan_images.py`); the result depends on nothing else of this machine.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from packaging import tags  # noqa: E402

from lambdapack.profiles import (  # noqa: E402
    ARCHITECTURES,
    CommonFacts,
    Lifecycle,
    Preinstalled,
    Provenance,
    PythonSymbols,
    Quotas,
    Replacement,
    RuntimeProfile,
    SystemLibrary,
    SystemSymbols,
    profile_to_json,
)
from tools.profile_scans import Conflict, with_scan  # noqa: E402

SOURCES = ROOT / "tools" / "profile_sources"
SCANS = SOURCES / "scans"
DATA = ROOT / "lambdapack" / "profiles" / "data"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}

COMMON_GROUPS = ("bytecode", "lambda_context", "linked_libraries", "replacements")

# What a DT_NEEDED can name; not the checksums (`.hmac`, `.chk`) that stand beside some libraries.
LIBRARY_FILE = re.compile(r"[A-Za-z][^/]*\.so(\.[0-9A-Za-z]+)*")
CHECKSUM = re.compile(r".*\.(hmac|chk)")

# The lowest glibc that PEP 600 tags begin with, and the older names of three of them.
OLDEST_MANYLINUX = {"x86_64": 5, "aarch64": 17}
MANYLINUX_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def read_lines(path: Path) -> list[str]:
    """Returns the lines that are not empty and no comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def read_versioned(path: Path, minor: int) -> set[str]:
    """Returns the names of a `name 3.9-3.12,3.14` list that Python 3.`minor` has."""
    names: set[str] = set()
    for line in read_lines(path):
        name, spans = line.split(" ")
        for span in spans.split(","):
            first, _, last = span.partition("-")
            if int(first.removeprefix("3.")) <= minor <= int((last or first).removeprefix("3.")):
                names.add(name)
    return names


def read_library_files(name: str) -> set[str]:
    """Returns the libraries of a list of files."""
    files = read_lines(SOURCES / "libraries" / name)
    return {file for file in files if LIBRARY_FILE.fullmatch(file) and not CHECKSUM.fullmatch(file)}


def libraries(system: dict[str, Any], architecture: str, minor: int) -> dict[str, SystemLibrary]:
    """Returns every library that the image or the managed runtime has, by soname or other name of its file."""
    image = read_library_files(system["image_libraries"][architecture])
    managed = read_library_files(system["managed_libraries"]) if "managed_libraries" in system else None
    replaced = system.get("replaced", {}).get(architecture, {})
    image = {replaced.get(file, file) for file in image} - {""} | set(system.get("added", {}).get(architecture, []))
    if managed is not None:
        managed = {replaced.get(file, file) for file in managed} - {""}
    found: dict[str, SystemLibrary] = {}
    for file in sorted(image | (managed or set())):
        in_managed: bool | None = None if managed is None else file in managed
        if file in system["managed_yes"]:
            in_managed = True
        elif file in system["managed_no"]:
            in_managed = False
        found[file] = SystemLibrary(file, in_image=file in image, in_managed=in_managed)
    # /var/lang/lib: Python itself is built against the first two in every runtime.
    for file in (f"libpython3.{minor}.so.1.0", f"libpython3.{minor}.so"):
        found[file] = SystemLibrary(file, in_image=True, in_managed=True)
    found["libpython3.so"] = SystemLibrary("libpython3.so", in_image=True, in_managed=None)
    return found


def manylinux_platforms(glibc_minor: int, machine: str) -> list[str]:
    """Returns the platform tags that load on this glibc, newest first, in the order of `packaging.tags`."""
    platforms: list[str] = []
    for minor in range(glibc_minor, OLDEST_MANYLINUX[machine] - 1, -1):
        platforms.append(f"manylinux_2_{minor}_{machine}")
        if minor in MANYLINUX_ALIASES:
            platforms.append(f"{MANYLINUX_ALIASES[minor]}_{machine}")
    return platforms


def wheel_tags(minor: int, glibc_minor: int, machine: str) -> tuple[str, ...]:
    """Returns the tags that an interpreter of the runtime would accept, best first, without `linux_*`."""
    platforms = manylinux_platforms(glibc_minor, machine)
    interpreter = f"cp3{minor}"
    cpython = tags.cpython_tags((3, minor), abis=[interpreter], platforms=platforms)
    compatible = tags.compatible_tags((3, minor), interpreter=interpreter, platforms=platforms)
    return tuple(str(tag) for tag in (*cpython, *compatible))


def stdlib_modules(minor: int, machine: str) -> frozenset[str]:
    """Returns the dotted names of every standard module."""
    stdlib = SOURCES / "stdlib"
    names = read_versioned(stdlib / "seen.txt", minor) | read_versioned(stdlib / "typeshed.txt", minor)
    # Its name has the platform in it, so the lists, which are for every architecture, leave it out.
    return frozenset(names | builtin_modules(minor) | {f"_sysconfigdata__linux_{machine}-linux-gnu"})


def builtin_modules(minor: int) -> frozenset[str]:
    """Returns `sys.builtin_module_names`."""
    return frozenset(read_versioned(SOURCES / "stdlib" / "builtin.txt", minor))


def provenance(facts: dict[str, Any], runtime: dict[str, Any], architecture: str) -> dict[str, Provenance]:
    """Puts the groups together; what stands nearer to the runtime wins."""
    system = facts["operating_system"][runtime["operating_system"]]
    groups: dict[str, Any] = {
        **facts["common"]["provenance"],
        **system["provenance"],
        **system.get(f"provenance_{architecture}", {}),
        **facts["layout"][runtime["layout"]]["provenance"],
        "preinstalled": facts["preinstalled"][runtime["preinstalled"]]["provenance"],
        **runtime.get("provenance", {}),
    }
    return {
        name: Provenance(group["source"], group["date"], group["knowledge"], group.get("note", ""))
        for name, group in groups.items()
    }


def make_profile(facts: dict[str, Any], name: str, architecture: str) -> RuntimeProfile:
    """Returns the profile of one runtime on one architecture; `facts` is the content of `runtimes.toml`."""
    runtime = facts["runtime"][name]
    common = facts["common"]
    system = facts["operating_system"][runtime["operating_system"]]
    minor = int(name.removeprefix("python3."))
    machine = MACHINES[architecture]

    def filled(texts: list[str]) -> tuple[str, ...]:
        return tuple(
            text.format(minor=minor, python=f"3.{minor}", machine=machine, architecture=architecture) for text in texts
        )

    lifecycle = runtime["lifecycle"]
    ceilings = system["symbol_ceilings"] | system.get(f"symbol_ceilings_{architecture}", {})
    return RuntimeProfile(
        runtime=name,
        architecture=architecture,
        machine=machine,
        python=(3, minor),
        operating_system=system["name"],
        glibc=tuple(system["glibc"]),
        symbol_ceilings={prefix: tuple(version) for prefix, version in ceilings.items()},
        symbol_ceilings_newest={prefix: tuple(version) for prefix, version in system["symbol_ceilings_newest"].items()},
        libraries=libraries(system, architecture, minor),
        stdlib_modules=stdlib_modules(minor, machine),
        builtin_modules=builtin_modules(minor),
        preloaded_modules=frozenset(read_versioned(SOURCES / "stdlib" / "preloaded.txt", minor)),
        preinstalled=tuple(
            Preinstalled(known["name"], known.get("version"), tuple(known["modules"]), known.get("certain", True))
            for known in facts["preinstalled"][runtime["preinstalled"]]["distributions"]
        ),
        extension_suffixes=filled(runtime.get("extension_suffixes", common["extension_suffixes"])),
        wheel_tags=wheel_tags(minor, system["glibc"][1], machine),
        python_path=filled(facts["layout"][runtime["layout"]]["python_path"]),
        path_config_dirs=filled(common["path_config_dirs"]),
        library_path=filled(common["library_path"]),
        system_library_dirs=filled(common["system_library_dirs"]),
        preloaded_libraries=frozenset(common["preloaded_libraries"]),
        isa_level=common["isa_level"][architecture],
        image=filled([runtime.get("image", common["image"])])[0],
        quotas=Quotas(**common["quotas"]),
        lifecycle=Lifecycle(
            status=lifecycle["status"],
            as_of=common["provenance"]["lifecycle"]["date"],
            released=lifecycle.get("released"),
            deprecation=lifecycle.get("deprecation"),
            block_create=lifecycle.get("block_create"),
            block_update=lifecycle.get("block_update"),
        ),
        provenance=provenance(facts, runtime, architecture),
    )


def make_python_symbols(facts: dict[str, Any]) -> PythonSymbols:
    """Returns which Python exports which names of its C-API."""
    minors = sorted(int(name.removeprefix("python3.")) for name in facts["runtime"])
    history: dict[str, tuple[tuple[int, int], ...]] = {}
    for minor in minors:
        for name in read_versioned(SOURCES / "symbols" / "python.txt", minor):
            history[name] = (*history.get(name, ()), (3, minor))
    return PythonSymbols(
        pythons=tuple((3, minor) for minor in minors),
        history=history,
        stable_private=frozenset(read_lines(SOURCES / "symbols" / "stable_private.txt")),
        provenance=Provenance(**facts["python_symbols"]["provenance"]),
    )


def make_common_facts(facts: dict[str, Any]) -> CommonFacts:
    """Returns what no single runtime has to itself."""
    context = facts["lambda_context"]
    return CommonFacts(
        bytecode={
            python: (numbers[0], numbers[1] if len(numbers) > 1 else None)
            for python, numbers in facts["bytecode"].items()
        },
        context_attributes=frozenset(context["attributes"]),
        context_renamed=context["called_elsewhere"],
        replacements={
            name: Replacement(known["distribution"], known.get("module", name))
            for name, known in facts["replacements"].items()
        },
        linked_libraries=facts["linked_libraries"],
        provenance={group: Provenance(**facts[f"{group}_provenance"]) for group in COMMON_GROUPS},
    )


def make_system_symbols(facts: dict[str, Any]) -> SystemSymbols:
    """Returns which names the C library and libgcc export."""
    libraries = set()
    names: dict[str, set[str]] = {machine: set() for machine in MACHINES.values()}
    for line in read_lines(SOURCES / "symbols" / "system.txt"):
        name, *machines = line.split(" ")
        if machines == ["library"]:
            libraries.add(name)
            continue
        for machine in machines or names:
            names[machine].add(name)
    return SystemSymbols(
        libraries=frozenset(libraries),
        names={machine: frozenset(found) for machine, found in names.items()},
        provenance=Provenance(**facts["system_symbols"]["provenance"]),
    )


# Made from real interpreters by `profile_sources/collect_names.py`, which are not to be had wherever this runs.
STANDARD_LIBRARY = "standard-library.json"


def make_all(scans: Path = SCANS) -> tuple[dict[str, str], list[Conflict]]:
    """Returns the text of every data file by its name, and where a scan says otherwise than a source that stays."""
    facts = tomllib.loads((SOURCES / "runtimes.toml").read_text(encoding="utf-8"))
    files = {
        "python-symbols.json": make_python_symbols(facts).to_json(),
        "system-symbols.json": make_system_symbols(facts).to_json(),
        "common.json": make_common_facts(facts).to_json(),
    }
    conflicts: list[Conflict] = []
    for name in facts["runtime"]:
        for architecture in ARCHITECTURES:
            profile, lost = with_scan(make_profile(facts, name, architecture), scans)
            files[f"{profile.identifier}.json"] = profile_to_json(profile)
            conflicts += lost
    return files, conflicts


def write_profiles(scans: Path = SCANS, data: Path = DATA, *, check: bool = False) -> list[Conflict]:
    """Writes the data files that changed, and says which; with `check` only says so, and ends the program with 1."""
    wanted, conflicts = make_all(scans)
    there = {path.name: path.read_text(encoding="utf-8") for path in data.glob("*.json")}
    stale = sorted(name for name, text in wanted.items() if there.get(name) != text)
    surplus = sorted(set(there) - {STANDARD_LIBRARY} - set(wanted))
    for name in (*stale, *surplus):
        print(f"{'out of date' if check else 'changed'}: {name}")
    if check:
        sys.exit(1 if stale or surplus else 0)
    data.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (data / name).write_text(wanted[name], encoding="utf-8", newline="\n")
    for name in surplus:
        (data / name).unlink()
    return conflicts


def main() -> int:
    """Writes or checks the data files; returns the exit status."""
    parser = argparse.ArgumentParser(description="Makes the runtime profiles from tools/profile_sources.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 when a file is out of date")
    for conflict in write_profiles(check=parser.parse_args().check):
        print(f"kept: {conflict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
