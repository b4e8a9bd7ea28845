"""Exit statuses: one meaning each, the worst wins, and the README says the same."""

from __future__ import annotations

import re
from pathlib import Path

import lambdapack.profiles  # noqa: F401 - declares one of the errors
from lambdapack import errors
from lambdapack.errors import LambdapackError, worst_exit_status

ROOT = Path(__file__).parents[2]
STATUSES = {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}
# The statuses that scripts rely on; a number never changes its meaning.
CONTRACT = {
    "EXIT_OK": 0,
    "EXIT_FINDINGS": 1,
    "EXIT_USAGE": 2,
    "EXIT_UNREADABLE": 3,
    "EXIT_MISSING": 4,
    "EXIT_BUILD": 5,
    "EXIT_BUG": 70,
    "EXIT_INTERRUPTED": 130,
    "EXIT_TERMINATED": 143,
}
RAISED = {
    "UsageError": 2,
    "UnreadableArtifact": 3,
    "MissingRequirement": 4,
    "BuildFailed": 5,
}
# Caught while an artifact is read: it becomes a problem of the tree, and ends the program only as its parent would.
INNER = {"UnreadableMember": 3}
# Data that lambdapack brings is broken: a bug of ours.
BUGS = {"MalformedProfile": 70}


def test_the_statuses_are_those_of_the_contract() -> None:
    assert STATUSES == CONTRACT


def test_every_error_has_its_own_status() -> None:
    classes = {kind.__name__: kind.exit_status for kind in LambdapackError.__subclasses__()}
    assert classes == RAISED | INNER | BUGS
    assert len(set(RAISED.values())) == len(RAISED)
    assert LambdapackError.exit_status == STATUSES["EXIT_BUG"]


def test_the_worst_of_several_results_wins() -> None:
    assert worst_exit_status([]) == 0
    best_to_worst = [0, 1, 2, 3, 4, 5, 70]
    for index, status in enumerate(best_to_worst):
        assert worst_exit_status([status, *best_to_worst[:index]]) == status


def test_the_readme_lists_exactly_these() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| exit | meaning |")[2].partition("\n\n")[0]
    assert [int(status) for status in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == sorted(STATUSES.values())
