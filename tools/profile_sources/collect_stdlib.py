r"""Collects the dotted names of standard modules, from real interpreters and from typeshed, into `stdlib/*.txt`.

    python tools/profile_sources/collect_stdlib.py \
        --interpreter 3.13=PATH --label 3.13="CPython 3.13.0, built from source" ... \
        --typeshed FOLDER --typeshed-label "from mypy 2.4.1"

Knows how to enumerate what one interpreter could import: files of its library folder, extension modules, built-in
and frozen modules, and names that exist only in `sys.modules` once their parent is imported (`os.path`). Does not know
what Lambda's own build left out. Run by hand, with all interpreters at once, when a new Python or typeshed appears;
`make_profiles.py` reads only its result. Several interpreters may be given for one version: the lists are united.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).parent / "stdlib"
VERSIONS = tuple(f"3.{minor}" for minor in range(9, 16))

# Runs inside the interpreter being looked at (3.9 and later), so it is plain Python of that age.
WALK = r'''
import json, os, sys, sysconfig
import _imp

root = sysconfig.get_path("stdlib")
names = set(sys.builtin_module_names)
for name in getattr(sys, "stdlib_module_names", ()):
    names.add(name)
if hasattr(_imp, "_frozen_module_names"):
    names.update(_imp._frozen_module_names())

def walk(folder, prefix):
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        stem = entry.split(".")[0]
        if not stem.isidentifier() or entry == "__pycache__":
            continue
        if os.path.isdir(path):
            if stem == entry:
                names.add(prefix + stem)
                walk(path, prefix + stem + ".")
        elif entry.endswith((".py", ".so")):
            names.add(prefix if stem == "__init__" else prefix + stem)

walk(root, "")
for folder in sys.path:
    if folder.endswith("lib-dynload"):
        walk(folder, "")
names = {name.rstrip(".") for name in names}

# Names that no file has: they appear when another module is imported (os.path, typing.io, pyexpat.errors).
loud = ("antigravity", "this", "idlelib", "turtledemo", "test", "lib2to3", "_test")
quiet = [name for name in sorted(names) if not name.startswith(loud)]
import subprocess
probe = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
for name in json.loads(sys.stdin.read()):
    if "__main__" in name or ".test" in name:
        continue
    try:
        importlib.import_module(name)
    except BaseException:
        pass
sys.__stdout__.write("\\n@@" + json.dumps(sorted(n for n in sys.modules if n.isprintable())))
"""
# Not sys.executable: the interpreter may be a script that starts one which is not installed.
done = subprocess.run([os.environ["COLLECT_PYTHON"], "-S", "-c", probe], input=json.dumps(quiet),
                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
loaded = json.loads(done.stdout.rsplit("@@", 1)[1])
tops = {n.split(".")[0] for n in names}
names.update(n for n in loaded if "." in n and n.split(".")[0] in tops)
print("\n@@" + json.dumps({"version": ".".join(map(str, sys.version_info[:3])), "names": sorted(names)}))
'''

# Built into, or shipped with, Python for another system only; on Linux the import fails.
FOREIGN = re.compile(r"(winreg|msvcrt|_winapi|winsound|nt|_overlapped|_msi|_wmi|_scproxy|msilib(\..*)?)$")
# Added by a distributor, by the place where it was collected, or only by typeshed; not what Python itself brings.
NOT_STANDARD = re.compile(
    r"(sitecustomize|usercustomize|_distutils_system_mod|_sysconfigdata_\w+|typing_extensions|mypy_extensions|_typeshed(\..*)?"
    r"|site-packages.*|dist-packages.*|sys\._monitoring|sys\.__jit|__mp_main__|distutils\.command\.bdist_packager)$"
)
# The tests of the standard library itself, which nobody imports and which would double the size of the list. `test`
# and `test.support` stay: libraries do import those.
TESTS = re.compile(
    r"(test\.(?!support(\.|$)).*|.*\.(test|tests|idle_test|testmock)\..*|_test\w*|_ctypes_test|_xxtestfuzz|test\.support\._?test\w*)$"
)


def is_wanted(name: str) -> bool:
    """Says whether a name belongs into the lists."""
    return not (FOREIGN.match(name) or NOT_STANDARD.match(name) or TESTS.match(name))


def names_of_interpreter(python: str) -> tuple[str, set[str]]:
    """Returns the version and every name that the interpreter could import."""
    environment = {"COLLECT_PYTHON": python, "PATH": ""}
    done = subprocess.run([python, "-S", "-c", WALK], stdout=subprocess.PIPE, text=True, check=True, env=environment)
    answer = json.loads(done.stdout.rsplit("@@", 1)[1])
    return str(answer["version"]), {name for name in answer["names"] if is_wanted(name)}


def names_of_typeshed(folder: Path) -> dict[str, set[str]]:
    """Returns name → versions. A module that `VERSIONS` does not list lives as long as its parent."""
    ranges: dict[str, tuple[int, int]] = {}
    for line in (folder / "VERSIONS").read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text:
            name, span = text.split(": ")
            first, last = span.split("-")
            ranges[name] = (int(first.split(".")[1]), int(last.split(".")[1]) if last else 99)
    found: dict[str, set[str]] = {}
    for stub in folder.rglob("*.pyi"):
        parts = stub.relative_to(folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not is_wanted(name):
            continue
        earliest, latest = 0, 99
        for length in range(1, name.count(".") + 2):
            low, high = ranges.get(".".join(name.split(".")[:length]), (0, 99))
            earliest, latest = max(earliest, low), min(latest, high)
        versions = {version for version in VERSIONS if earliest <= int(version.split(".")[1]) <= latest}
        if versions:
            found[name] = versions
    return found


def spans(versions: set[str]) -> str:
    """Returns `3.9-3.12,3.14` for a set of versions."""
    runs: list[list[str]] = []
    for version in VERSIONS:
        if version not in versions:
            continue
        if runs and VERSIONS.index(runs[-1][-1]) + 1 == VERSIONS.index(version):
            runs[-1].append(version)
        else:
            runs.append([version])
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def write(path: Path, header: list[str], table: dict[str, set[str]]) -> None:
    """Writes one list, with its header as comments."""
    lines = [f"# {line}" for line in header] + [f"{name} {spans(table[name])}" for name in sorted(table)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Writes `seen.txt` and `typeshed.txt`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interpreter", action="append", default=[], metavar="3.X=PATH")
    parser.add_argument("--label", action="append", default=[], metavar="3.X=TEXT", help="what they are")
    parser.add_argument("--typeshed", type=Path, help="the stdlib folder of a typeshed copy")
    parser.add_argument("--typeshed-label", default="")
    options = parser.parse_args()

    seen: dict[str, set[str]] = defaultdict(set)
    header = ["Names seen in real interpreters: name, then the versions that have it. Made by collect_stdlib.py."]
    for given in options.interpreter:
        version, python = given.split("=", 1)
        full, names = names_of_interpreter(python)
        if not full.startswith(f"{version}."):
            parser.error(f"{python} is {full}, not {version}")
        for name in names:
            seen[name].add(version)
    header += [f"{label.split('=', 1)[0]}: {label.split('=', 1)[1]}" for label in options.label]
    if seen:
        write(FOLDER / "seen.txt", header, seen)
    if options.typeshed:
        title = f"Names in typeshed's stub tree ({options.typeshed_label}, Apache-2.0), by its VERSIONS file."
        write(FOLDER / "typeshed.txt", [f"{title} Made by collect_stdlib.py."], names_of_typeshed(options.typeshed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
