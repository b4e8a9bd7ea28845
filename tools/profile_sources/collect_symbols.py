r"""Collects the names of Python's C-API that real interpreters export, into `symbols/*.txt`.

    python tools/profile_sources/collect_symbols.py \
        --binary 3.13=PATH --label 3.13="CPython 3.13.0, built from source" ... \
        --stable-abi PATH --stable-abi-label "3.15.2 of Debian sid"

A binary is what exports the names: `libpython3.X.so`, or an executable that has Python in it. Several may be given for
one version: the lists are united, so that a patch release or a machine which lacks a name does not make it missing.
`--stable-abi` is a `test_stable_abi_ctypes.py` of CPython's tests, which lists the stable ABI. Run by hand, with all
binaries at once, when a new Python appears; `make_profiles.py` reads only its result.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.elf_reading import read_elf
from tools.profile_sources.collect_stdlib import VERSIONS, write

FOLDER = Path(__file__).parent / "symbols"
# The entry points of modules that are built in. Nothing links against them.
ENTRY_POINTS = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")


def names_of_binary(path: Path) -> set[str]:
    """Returns the names that a binary exports."""
    facts = read_elf(path.read_bytes())
    names = facts.symbols.defined if isinstance(facts, ElfFacts) and facts.symbols else frozenset()
    found = {name for name in names if name.startswith(("Py", "_Py")) and not name.startswith(ENTRY_POINTS)}
    if not found:
        raise ValueError(f"{path} exports nothing of Python")
    return found


def names_of_stable_abi(path: Path) -> set[str]:
    """Returns the names of the stable ABI for every build on Linux."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SYMBOL_NAMES":
            return set(ast.literal_eval(node.value))
    raise ValueError(f"{path} has no SYMBOL_NAMES")


def main() -> int:
    """Writes `python.txt` and `stable_private.txt`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", action="append", default=[], metavar="3.X=PATH")
    parser.add_argument("--label", action="append", default=[], metavar="3.X=TEXT", help="what they are")
    parser.add_argument("--stable-abi", type=Path, help="test_stable_abi_ctypes.py of the newest Python")
    parser.add_argument("--stable-abi-label", default="")
    options = parser.parse_args()

    exported: dict[str, set[str]] = defaultdict(set)
    for given in options.binary:
        version, path = given.split("=", 1)
        if version not in VERSIONS:
            parser.error(f"{version} is none of {', '.join(VERSIONS)}")
        for name in names_of_binary(Path(path)):
            exported[name].add(version)
    if exported:
        header = ["C-API names in real interpreters: name, then the versions that have it. Made by collect_symbols.py."]
        header += [f"{label.split('=', 1)[0]}: {label.split('=', 1)[1]}" for label in options.label]
        write(FOLDER / "python.txt", header, exported)
    if options.stable_abi:
        private = sorted(name for name in names_of_stable_abi(options.stable_abi) if name.startswith("_"))
        title = "# Private by name, and part of the stable ABI"
        title += f" ({options.stable_abi_label}). Made by collect_symbols.py."
        (FOLDER / "stable_private.txt").write_text("\n".join([title, *private]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
