"""One table of a configuration file. Knows types and paths; does not know which keys there are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdapack.errors import UsageError
from lambdapack.settings.wording import did_you_mean, nearest_word, shown, type_name


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a configuration file: where it stands and what it holds. Its readers check type and shape."""

    path: Path
    key: str
    values: Mapping[str, Any]

    def dotted(self, key: str) -> str:
        return f"{self.key}.{key}" if self.key else key

    @property
    def place(self) -> str:
        """File and table, as messages begin."""
        return f"{shown(self.path)}: {self.key}" if self.key else shown(self.path)

    def error(self, key: str, problem: str) -> UsageError:
        """The one line about `key` of this table (about the table itself when `key` is empty)."""
        place = self.dotted(key) if key else self.key
        return UsageError(f"{shown(self.path)}: {place}: {problem}" if place else f"{shown(self.path)}: {problem}")

    def wrong_type(self, key: str, wanted: str, value: object, example: str = "") -> UsageError:
        return self.error(key, f"wanted {wanted}, got {type_name(value)}" + (f"; write {example}" if example else ""))

    def refuse_unknown(self, known: Sequence[str]) -> None:
        unknown = [key for key in self.values if key not in known]
        if not unknown:
            return
        if len(unknown) == 1:
            nearest = did_you_mean(unknown[0], known)
            raise self.error(unknown[0], f"unknown key{nearest or '; the keys are ' + ', '.join(known)}")
        listed = ", ".join(f"{key!r}" + did_you_mean(key, known, " ({})") for key in unknown)
        raise self.error("", f"unknown keys {listed}; the keys are {', '.join(known)}")

    def table(self, key: str) -> Table | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong_type(key, "a table", value)
        return Table(self.path, self.dotted(key), value)

    def string(self, key: str, example: str) -> str | None:
        """A string with something in it, or None when the key is not there."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, str):
            raise self.wrong_type(key, "a string", value, f'{key} = "{example}"')
        if not value.strip():
            raise self.error(key, f'is empty; write {key} = "{example}", or leave the key out')
        return value

    def strings(self, key: str, example: str) -> tuple[str, ...]:
        """A list of strings, each with something in it; empty when the key is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            shown = value if isinstance(value, str) and value.strip() else example
            raise self.wrong_type(key, "a list of strings", value, f'{key} = ["{shown}"]')
        for index, item in enumerate(value):
            if not isinstance(item, str):
                raise self.wrong_type(f"{key}[{index}]", "a string", item)
            if not item.strip():
                raise self.error(f"{key}[{index}]", "is empty; remove it")
        return tuple(value)

    def existing(self, key: str, text: str) -> Path:
        """The path that `text` names, seen from the configuration file."""
        path = self.absolute(text)
        if not exists(path):
            siblings = path.parent.iterdir() if path.parent.is_dir() else ()
            nearest = nearest_word(path.name, [sibling.name for sibling in siblings])
            advice = f"did you mean '{Path(text).with_name(nearest).as_posix()}'?" if nearest else "mend the path"
            raise self.error(key, f"'{text}' does not exist (looked for {shown(path)}); {advice}")
        return path

    def absolute(self, text: str) -> Path:
        """Absolute, without `..`; the last name stays as it was written, because a linked package keeps its name."""
        path = self.path.parent / text
        return path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name


def exists(path: Path) -> bool:
    """True when there is something at a path; no path raises."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for a name that is too long
