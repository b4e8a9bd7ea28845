"""The documentation: every command block is run, every page of the site is built, every link leads somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lambdapack.catalogue import all_checks
from lambdapack.settings.functions import FUNCTION_KEYS
from tools.docs.blocks import Outcome, read_blocks, run_page
from tools.docs.generated import key_table

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "pages"
WRITTEN = sorted(path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.md"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a reader has: `lambdapack` on the search path, and a cache folder."""
    programs = tmp_path / "bin"
    programs.mkdir()
    script = programs / "lambdapack"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m lambdapack "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("name", [n for n in WRITTEN if any(True for _ in read_blocks((PAGES / n).read_text("utf-8")))])
def test_its_commands_do_what_it_says(name: str, tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    text = (PAGES / name).read_text(encoding="utf-8")
    for _, outcomes in run_page(text, folder, environment):
        wrong = [item for item in outcomes if not item.as_told]
        assert not wrong, "\n\n".join(map(shown, wrong))


def shown(outcome: Outcome) -> str:
    return (
        f"$ {outcome.command}\n(exit {outcome.status}, told {outcome.wanted})\n{outcome.printed}\n"
        f"--- told:\n{outcome.expected}\n--- python -m tools.docs renews the pages"
    )


def test_the_site_is_built_and_its_links_hold(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "-f",
            "docs/mkdocs.yml",
            "-d",
            tmp_path / "site",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = {path.name for path in (tmp_path / "site" / "reference" / "checks").glob("*.html")}
    assert {f"{check.code}.html" for check in all_checks()} <= built
    index = (tmp_path / "site" / "reference" / "checks" / "index.html").read_text(encoding="utf-8")
    assert not [check.code for check in all_checks() if f">{check.code}<" not in index]
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")]
    assert not [page for page in pages if 'src="http' in page or "fonts.googleapis" in page]


def test_every_key_is_explained() -> None:
    assert set(key_table()["keys"]) == set(FUNCTION_KEYS)


def test_blocks_that_say_something_else_are_noticed(tmp_path: Path) -> None:
    page = "```console\n$ echo a\nb\n```\n\n```console exit=3\n$ exit 3\n```\n"
    (first, (wrong,)), (_, (right,)) = run_page(page, tmp_path, {})
    assert first.commands == (("echo a", "b"),)
    assert (wrong.as_told, right.as_told) == (False, True)
