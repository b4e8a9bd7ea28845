"""`contracts` of a function: names that have to be in its artifact."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.errors import UsageError
from lambdapack.settings import FunctionSettings, load_settings

FUNCTION = '[tool.lambdapack.functions.a]\nhandler = "h.f"\nruntime = "python3.13"\nsource = ["."]\n'


def read(folder: Path, contracts: str) -> FunctionSettings:
    (folder / "pyproject.toml").write_text(f"{FUNCTION}contracts = {contracts}\n")
    return load_settings(None, folder).functions["a"]


def test_contracts(tmp_path: Path) -> None:
    assert read(tmp_path, '["shared.config:Config.load", "a:b"]').contracts == ("shared.config:Config.load", "a:b")
    assert read(tmp_path, "[]").contracts == ()


@pytest.mark.parametrize(
    "text", ["shared.config", "shared.config.Config", "a:", ":b", "a:b:c", "a b:c", "a:1", "a..b:c"]
)
def test_no_contract(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"functions\.a\.contracts\[0\].*MODULE:NAME"):
        read(tmp_path, f'["{text}"]')
