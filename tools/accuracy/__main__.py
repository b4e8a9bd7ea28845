"""Builds the samples, judges them, and prints where inspection and import disagree.

    python -m tools.accuracy                       all of the list, the Pythons found here
    python -m tools.accuracy --only pandas,lxml --python 3.12 --all-damages
    python -m tools.accuracy --write               also writes docs/accuracy.md

Ends with 1 when there was a false error or a missed failure.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from lambdapack import __version__
from lambdapack.importtest import Interpreter, find_interpreter
from lambdapack.profiles import load_profile
from tools.accuracy.agreement import Judged, judge
from tools.accuracy.samples import DAMAGES, Distribution, NotBuilt, build, damage_of, number, read_list

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
DISAGREEMENTS = ("false error", "missed", "only warned")


def main() -> int:
    """Runs the comparison; returns the exit status."""
    options = _options()
    pythons = [python for python in options.python if _is_here(python)]
    if not pythons:
        print("accuracy: none of the interpreters is here; uv python install 3.13 gets one", file=sys.stderr)
        return 4
    jobs = list(_jobs(read_list(), pythons, options))
    print(f"{len(jobs)} jobs, Python {', '.join(pythons)}", file=sys.stderr)
    judged: list[Judged] = []
    unbuilt: list[str] = []
    with ThreadPoolExecutor(options.jobs) as pool, options.log.open("w", encoding="utf-8") as log:
        for number_, result in enumerate(pool.map(_run, jobs), 1):
            if isinstance(result, str):
                unbuilt.append(result)
                continue
            judged.append(result)
            line = {
                "sample": result.sample.label,
                "outcome": result.outcome,
                "said": result.said,
                "truth": result.truth,
            }
            log.write(json.dumps({**line, "seconds": round(result.seconds, 2)}) + "\n")
            log.flush()
            if result.outcome in DISAGREEMENTS:
                print(f"[{number_}/{len(jobs)}] {_described(result)}", flush=True)
    page = _page(judged, unbuilt, pythons, options.part)
    print(page)
    if options.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page, encoding="utf-8")
    wrong = [one for one in judged if one.outcome in ("false error", "missed")]
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make accuracy", description=__doc__, add_help=True)
    parser.add_argument("--only", type=lambda text: set(text.split(",")), help="distributions, with commas")
    parser.add_argument(
        "--python", type=lambda text: text.split(","), default=list(PYTHONS), help="versions, with commas"
    )
    parser.add_argument("--per-distribution", type=int, default=2, help="on how many Pythons each is tried")
    parser.add_argument("--part", default="1/1", help="K/N: every Nth distribution from the Kth on")
    parser.add_argument("--all-damages", action="store_true", help="every damage, not one for each artifact")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--log", type=Path, default=Path(tempfile.gettempdir()) / "lambdapack-accuracy.jsonl")
    parser.add_argument("--write", action="store_true", help=f"write docs/{PAGE.name}")
    return parser.parse_args()


Job = tuple[Distribution, str, str | None]


def _jobs(distributions: list[Distribution], pythons: list[str], options: argparse.Namespace) -> Iterator[Job]:
    first, _, step = options.part.partition("/")
    for distribution in distributions[int(first) - 1 :: int(step)]:
        if options.only and distribution.name not in options.only and distribution.requirement not in options.only:
            continue
        turn = number(distribution.name) % len(pythons)
        chosen = (pythons[turn:] + pythons[:turn])[: options.per_distribution]
        for python in chosen:
            yield distribution, python, None
            yield from ((distribution, python, damage) for damage in (DAMAGES if options.all_damages else ("",)))


def _run(job: Job) -> Judged | str:
    """Returns the judged sample, or why there is none."""
    distribution, python, damage = job
    glibc = ".".join(map(str, load_profile(f"python{python}", "x86_64").glibc))
    # Not every damage can be done to every distribution: then the next one is.
    damages = [damage] if damage != "" else [damage_of(distribution.name, python, turn) for turn in range(len(DAMAGES))]
    reason = ""
    with tempfile.TemporaryDirectory(prefix="lambdapack-accuracy-") as folder:
        for kind in damages:
            try:
                return judge(build(distribution, python, glibc, Path(folder), kind))
            except NotBuilt as error:
                reason = str(error)
    return f"{distribution.requirement} on {python}: {reason}"


def _is_here(python: str) -> bool:
    profile = load_profile(f"python{python}", "x86_64")
    return isinstance(find_interpreter(profile.python, profile.machine, downloads=False), Interpreter)


def _described(judged: Judged) -> str:
    said = "".join(f"\n    said: {line}" for line in judged.said[:4])
    return f"{judged.outcome}: {judged.sample.label}\n    import: {judged.truth or 'worked'}{said}"


def _page(judged: Iterable[Judged], unbuilt: list[str], pythons: list[str], part: str) -> str:
    """The result as a page."""
    judged = list(judged)
    truths = [one for one in judged if one.works is not None]
    lines = [
        "# How often the inspector is right",
        "",
        "Artifacts made of popular distributions, as installed and spoilt the way packaging spoils them, were",
        "inspected and then really imported with the Python they are for. `make accuracy` does it again; the",
        "distributions are those of `tools/accuracy/distributions.txt`.",
        "",
        f"Run on {datetime.now(UTC):%Y-%m-%d} with lambdapack {__version__}, uv {version('uv')}, {platform.system()}"
        f" {platform.machine()}, Python {', '.join(pythons)}; part {part} of the list.",
        "",
        "| artifacts | import works | fails | false errors | missed failures | failures only warned about |",
        "|---|---|---|---|---|---|",
        _row("as installed", [one for one in truths if one.sample.damage is None]),
        _row("spoilt", [one for one in truths if one.sample.damage is not None]),
        _row("all", truths),
        "",
        f"Without a truth, because the import could not be run or failed for something this machine lacks:"
        f" {len(judged) - len(truths)}. Not built, mostly for want of a wheel: {len(unbuilt)}.",
    ]
    for outcome in DISAGREEMENTS:
        found = [one for one in truths if one.outcome == outcome]
        if found:
            lines += ["", f"## {outcome.capitalize()}", ""]
            lines += [
                f"- {one.sample.label}: {one.truth.splitlines()[0] if one.truth else 'the import worked'}"
                for one in found
            ]
    return "\n".join(lines) + "\n"


def _row(title: str, judged: list[Judged]) -> str:
    counts = Counter(one.outcome for one in judged)
    works = sum(1 for one in judged if one.works)
    fails = len(judged) - works
    share = f"{counts['only warned']} ({100 * counts['only warned'] / fails:.0f} %)" if fails else "0"
    return f"| {title} | {works} | {fails} | {counts['false error']} | {counts['missed']} | {share} |"


if __name__ == "__main__":
    sys.exit(main())
