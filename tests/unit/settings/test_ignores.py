"""Ignores in the configuration: each with a reason, and the one line that a mistake is answered with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lambdapack.errors import UsageError
from lambdapack.settings import load_settings

FUNCTION = '[tool.lambdapack.functions.a]\nhandler = "a.b"\nruntime = "python3.13"\nsource = ["."]\n'


def load(folder: Path, text: str, function: str = "") -> tuple[tuple[str, str, date | None, tuple[str, ...]], ...]:
    (folder / "pyproject.toml").write_text(f"{text}\n{FUNCTION}{function}\n", encoding="utf-8")
    settings = load_settings(folder / "pyproject.toml", folder)
    return tuple((item.code, item.reason, item.until, item.paths) for item in settings.functions["a"].ignores)


def test_all_that_it_may_say(tmp_path: Path) -> None:
    text = """
[[tool.lambdapack.ignore]]
code = "SHD001"
reason = "meant"
until = 2027-01-31
paths = ["vendored/*"]
"""
    own = '[[tool.lambdapack.functions.a.ignore]]\ncode = "ELF"\nreason = "so"\nuntil = "2027-02-01"\n'
    assert load(tmp_path, text, own) == (
        ("SHD001", "meant", date(2027, 1, 31), ("vendored/*",)),
        ("ELF", "so", date(2027, 2, 1), ()),
    )


def test_layers_stand_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f'{FUNCTION}layers = ["dist/base.zip", "../l"]\n')
    settings = load_settings(tmp_path / "pyproject.toml", tmp_path)
    resolved = tmp_path.resolve()
    assert settings.functions["a"].layers == (resolved / "dist" / "base.zip", resolved.parent / "l")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[tool.lambdapack]\nignore = ["SHD001"]', "ignore", ["reason", "[[tool.lambdapack.ignore]]"]),
        ('[tool.lambdapack]\nignore = "SHD001"', "ignore", ["reason", "[[tool.lambdapack.ignore]]"]),
        ("[tool.lambdapack]\nignore = 3", "ignore", ["array of tables", "an integer"]),
        ('[[tool.lambdapack.ignore]]\nreason = "x"', "ignore[0].code", ["missing"]),
        ('[[tool.lambdapack.ignore]]\ncode = "A"', "ignore[0].reason", ["missing", "why"]),
        ('[[tool.lambdapack.ignore]]\ncode = "A"\nreason = " "', "ignore[0].reason", ["empty"]),
        ('[[tool.lambdapack.ignore]]\ncode = "A"\nreason = "x"\nuntil = "soon"', "ignore[0].until", ["2027-01-31"]),
        ('[[tool.lambdapack.ignore]]\ncode = "A"\nreason = "x"\nuntil = 2027', "ignore[0].until", ["a date"]),
        ('[[tool.lambdapack.ignore]]\ncode = "A"\nreason = "x"\npath = ["x"]', "ignore[0].path", ["paths"]),
    ],
)
def test_a_mistake(tmp_path: Path, text: str, key: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        load(tmp_path, text)
    assert f": tool.lambdapack.{key}: " in str(raised.value)
    assert all(word in str(raised.value) for word in words), str(raised.value)
