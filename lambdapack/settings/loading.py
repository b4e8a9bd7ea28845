"""The whole configuration: read from its file, and asked for functions by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lambdapack.errors import UsageError
from lambdapack.settings.file import EXAMPLE_TABLE, open_file, search
from lambdapack.settings.functions import FunctionSettings, read_functions
from lambdapack.settings.wording import did_you_mean, shown


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration and the file it was read from (None: there is none)."""

    path: Path | None
    functions: dict[str, FunctionSettings]

    @property
    def folder(self) -> Path | None:
        """The folder that the file's relative paths start from."""
        return self.path.parent if self.path else None


def load_settings(config: Path | None, start: Path, note: Callable[[Path], object] = lambda _path: None) -> Settings:
    """Reads `config`, or else the nearest configuration at or above the folder `start`. `note` is told of each file
    before it is read or looked for.

    In each folder `lambdapack.toml` comes before a `pyproject.toml` that has `[tool.lambdapack]`; the search ends
    at a repository's top (`.git`) or the file system's. Raises `UsageError` for a wrong or missing file."""
    table = open_file(config, note) if config is not None else search(start, note)
    if table is None:
        return Settings(path=None, functions={})
    return Settings(path=table.path, functions=read_functions(table))


def select_functions(settings: Settings, names: Sequence[str]) -> list[FunctionSettings]:
    """Returns the functions of these names in this order, each once; all of them when `names` is empty."""
    known = settings.functions
    if not known:
        where = shown(settings.path) if settings.path is not None else "pyproject.toml or lambdapack.toml"
        table = "functions.NAME" if settings.path and settings.path.name != "pyproject.toml" else EXAMPLE_TABLE
        raise UsageError(f"{where}: no function is configured; add a table [{table}]")
    for name in names:
        if name not in known:
            advice = f"{did_you_mean(name, known, ' ({})')}; the functions are {', '.join(sorted(known))}"
            raise UsageError(f"{shown(settings.path)}: no function {name!r}{advice}")
    return [known[name] for name in dict.fromkeys(names or known)]


def with_their_layers(settings: Settings, functions: Sequence[FunctionSettings]) -> list[FunctionSettings]:
    """Returns functions and the configured layers that they run with, layers first."""
    named = [settings.functions[name] for function in functions for name, _ in function.named_layers]
    every = {function.name: function for function in (*named, *functions)}
    return sorted(every.values(), key=lambda function: function.package != "layer")
