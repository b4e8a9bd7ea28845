"""Collects the names that glibc and libgcc export, from real files, into `symbols/system.txt`.

    python tools/profile_sources/collect_system_symbols.py --label "glibc 2.31 of Debian bullseye" ... FILE ...

The lists of all files are united, by machine: a name that none of them has is in no glibc that was looked at. Give old
and new ones, so that what was taken away is there as well as what came. Run by hand when a new glibc appears;
`make_profiles.py` reads only its result.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.elf_reading import read_elf

FILE = Path(__file__).parent / "symbols" / "system.txt"


def main() -> int:
    """Writes `system.txt`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--label", action="append", default=[], metavar="TEXT", help="what they are")
    options = parser.parse_args()
    machines: dict[str, set[str]] = defaultdict(set)
    libraries = set()
    for path in options.files:
        facts = read_elf(path.read_bytes())
        if not isinstance(facts, ElfFacts) or facts.symbols is None or facts.soname is None:
            parser.error(f"{path} is no library")
        libraries.add(facts.soname)
        for name in facts.symbols.defined:
            machines[name].add(facts.machine)
    everywhere = set().union(*machines.values())
    lines = ["# Names that glibc and libgcc export: name, then the machine if only one has it."]
    lines += ["# Made by collect_system_symbols.py.", *(f"# {label}" for label in options.label)]
    lines += [f"{soname} library" for soname in sorted(libraries)]
    lines += [
        " ".join([name, *(() if found == everywhere else sorted(found))]) for name, found in sorted(machines.items())
    ]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
