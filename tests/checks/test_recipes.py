"""The reader of recipes refuses what it does not know: a misspelt expectation would expect nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import BadRecipe, read_recipe


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('handlers = "handler.f"', "unknown handlers"),
        ('[files]\n"a.py" = { txt = "" }', "unknown txt"),
        ('[files]\n"a.py" = { mode = 0o600 }', "exactly one of"),
        ('[[native]]\npath = "a.so"\nneed = []', "unknown need"),
        ('[[native]]\npath = "a.so"\nrpath = "$ORIGIN"', "rpath has to be a list"),
        ('[[layer]]\nhandler = "a.f"', "unknown handler"),
        ('[[expect]]\ncode = "ELF001"\nlevel = "error"', "unknown level"),
        ('[[expect]]\ncode = "ELF001"', "'severity'"),
    ],
)
def test_what_it_refuses(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(f'runtime = "python3.13"\n{text}\n', "utf-8")
    with pytest.raises(BadRecipe, match=told):
        read_recipe(tmp_path)
