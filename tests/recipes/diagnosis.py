"""The cases of `fixtures/diagnosis`: for each pattern of the catalogue a message, and the artifact that it came from.

`fixtures/README.md` documents the format.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.recipes.recipe import FIXTURES, BadRecipe

FOLDER = FIXTURES / "diagnosis"
_KEYS = frozenset(("cause", "recipe", "confirmed", "environment", "timeout", "not_reproduced", "quoted", "said"))


@dataclass(frozen=True, slots=True)
class Case:
    """One fixture; `name` is the pattern. `cause` is what has to come first with the artifact, `confirmed` whether the
    artifact shows it. `recipe` is the folder of the artifact's recipe, None without one. `quoted` is where a message
    that cannot be produced here is from; others are in `log`, as the runtime said them."""

    name: str
    cause: str
    recipe: Path | None
    confirmed: bool
    log: Path
    quoted: str | None = None
    said: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 10.0

    @property
    def message(self) -> str:
        """What was said, with the carriage returns of the runtime client."""
        return self.said if self.said is not None else self.log.read_bytes().decode("utf-8")


def read_cases() -> list[Case]:
    """Returns all cases in order. Raises `BadRecipe` for anything unknown."""
    return [_read(path.parent) for path in sorted(FOLDER.glob("*/case.toml"))]


def _read(folder: Path) -> Case:
    table = tomllib.loads((folder / "case.toml").read_text("utf-8"))
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise BadRecipe(f"{folder}/case.toml: unknown {', '.join(unknown)}")
    if ("quoted" in table) != ("said" in table) or ("quoted" in table) != table.get("not_reproduced", False):
        raise BadRecipe(f"{folder}/case.toml: quoted, said and not_reproduced belong together")
    own = folder / "artifact"
    recipe = FIXTURES / table["recipe"] if "recipe" in table else own if own.is_dir() else None
    return Case(
        name=folder.name,
        cause=table["cause"],
        recipe=recipe,
        confirmed=table.get("confirmed", True),
        log=folder / "said.log",
        quoted=table.get("quoted"),
        said=table.get("said"),
        environment=table.get("environment", {}),
        timeout=table.get("timeout", 10.0),
    )
