"""`make bench`: runs the benches, prints their tables, and with `--write` keeps them in docs/performance.md.

One module a bench, with TITLE, UNIT and `rows(folder, rounds, workloads)`. Needs `unzip`, and a package registry once.
"""

from __future__ import annotations

import argparse
import importlib
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tools.bench.rivals import versions as rival_versions
from tools.bench.table import surroundings, written
from tools.bench.workloads import names, workload

BENCHES = ("building", "inspecting", "starting", "importing")
DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
_MEASURED = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end -->)", re.DOTALL)

_SECTION = re.compile(r"^(?=### )", re.MULTILINE)


def main() -> int:
    """Returns 0, also when a goal is missed: a bench informs, it does not judge."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"some of: {', '.join(BENCHES)}. Default: all")
    parser.add_argument("--pairs", type=int, default=7, help="runs of each program, in turn (default: 7)")
    parser.add_argument("--workload", action="append", choices=names(), help="repeatable; default: all")
    parser.add_argument(
        "--write", action="store_true", help=f"keep the tables in {DOCUMENT.parent.name}/{DOCUMENT.name}"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.benches) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    if shutil.which("unzip") is None:
        parser.error("unzip is not installed; it is what is measured against")
    workloads = tuple(name for name in names() if not chosen.workload or name in chosen.workload)
    versions = [(name, workload(name).versions) for name in workloads]
    tables = ["\n".join(surroundings(versions))]
    if "building" in (chosen.benches or BENCHES):
        tables[0] += f"\n\n*compared with*: {', '.join(rival_versions())}.\n"
    with tempfile.TemporaryDirectory(prefix="lambdapack-bench-") as folder:
        for name in chosen.benches or BENCHES:
            bench = importlib.import_module(f"tools.bench.{name}")
            tables.append(written(bench.TITLE, bench.UNIT, bench.rows(Path(folder), chosen.pairs, workloads)))
            print(tables[-1], end="\n\n", flush=True)
    if chosen.write:
        text = DOCUMENT.read_text("utf-8")
        DOCUMENT.write_text(_MEASURED.sub(lambda old: _renewed(old[0], tables), text), "utf-8")
        print(f"written: {DOCUMENT}")
    return 0


def _renewed(old: str, tables: list[str]) -> str:
    """Returns the measured part with new tables; those of benches that were not run stay, with what they hang on."""
    surroundings_of, *sections = _SECTION.split(old.strip())
    head, *measured = tables
    kept = {section.partition("\n")[0]: section for section in sections}
    if len(measured) == len(BENCHES):
        return "\n\n".join(tables) + "\n"
    for table in measured:
        title, _, rest = table.partition("\n\n")
        kept[title] = f"{title}\n\n{head.partition(chr(10))[0]}\n{rest}"
    return "\n\n".join((surroundings_of.strip(), *(section.strip() for section in kept.values()))) + "\n"


if __name__ == "__main__":
    sys.exit(main())
