"""The whole program on the dashboard function: run as a user runs it, on real wheels from the package registry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lambdapack.importtest import Interpreter, find_interpreter
from lambdapack.render.json_format import schema

REPOSITORY = Path(__file__).parents[2]
DASHBOARD = REPOSITORY / "fixtures" / "dashboard"


@dataclass(frozen=True)
class Run:
    """One finished command."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report, valid against the shipped schema."""
        data: dict[str, Any] = json.loads(self.out)
        jsonschema.validate(data, schema())
        return data

    def errors(self) -> list[dict[str, Any]]:
        """The findings of severity error that the static half made."""
        return [f for f in self.report["findings"] if f["severity"] == "error" and not f["code"].startswith("RUN")]


Lambdapack = Callable[..., Run]


@pytest.fixture
def lambdapack() -> Lambdapack:
    """Runs the command line in a process of its own."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "lambdapack", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
            timeout=300,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def dashboard(tmp_path: Path) -> Path:
    """A copy of the dashboard repository that a test may break; returns its configuration file."""
    root = tmp_path / "repository"
    shutil.copytree(DASHBOARD, root, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    config = root / "pyproject.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("../../dist/", "dist/"), encoding="utf-8")
    return config


@pytest.fixture(scope="session")
def good_artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard function's artifact as lambdapack builds it."""
    output = tmp_path_factory.mktemp("good") / "dashboard.zip"
    done = subprocess.run(
        [sys.executable, "-m", "lambdapack", "build", "--config", str(DASHBOARD / "pyproject.toml"), "-o", str(output)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=300,
        check=False,
    )
    if done.returncode == 5 and "index" in done.stderr:
        pytest.skip(f"needs a package registry: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture(scope="session")
def python313() -> Interpreter:
    """The interpreter that import-tests the dashboard function."""
    found = find_interpreter((3, 13), "x86_64", downloads=False)
    if not isinstance(found, Interpreter):
        pytest.skip(f"needs Python 3.13 on x86_64 for the import test: {found.remedy}")
    return found


def rewrite(source: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """Copies a ZIP member by member; `change` returns the new name and content, or None to leave the member out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            changed = change(info.filename, old.read(info))
            if changed is not None:
                member = zipfile.ZipInfo(changed[0], info.date_time)
                member.external_attr = info.external_attr
                member.compress_type = zipfile.ZIP_DEFLATED
                new.writestr(member, changed[1])
    return target


_VALIDATOR = "@microsoft/sarif-multitool-linux@5.7.0"
_FLAGS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def sarif_tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference implementation of SARIF, with the standard's schema: it validates."""
    npm = shutil.which("npm")
    if npm is None or not sys.platform.startswith("linux"):
        pytest.skip("the SARIF validator needs npm and Linux: install Node.js")
    folder = tmp_path_factory.mktemp("sarif")
    done = subprocess.run([npm, "pack", "--silent", _VALIDATOR], cwd=folder, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"{_VALIDATOR} cannot be fetched: a npm registry must be reachable")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    (folder / "package" / "Sarif.Multitool").chmod(0o755)
    return folder / "package"


def validate_sarif(tool: Path, written: Path) -> None:
    """Holds a file against the standard's schema and the rules of the reference implementation and of GitHub."""
    document = json.loads(written.read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads((tool / "sarif-2.1.0.json").read_text(encoding="utf-8-sig")))
    done = subprocess.run(
        [tool / "Sarif.Multitool", "validate", written, "--rule-kind", "Sarif;Ghas"],
        capture_output=True,
        text=True,
        cwd=written.parent,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        check=False,
    )
    assert " error " not in done.stdout + done.stderr
    assert "Analysis completed successfully" in done.stdout


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no browser here: install Chromium (Debian: apt-get install chromium)")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=program, args=[*_FLAGS, *(["--no-sandbox"] if root else [])]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when a script complains or anything but the file itself is asked for."""
    complaints: list[str] = []
    with browser.new_page(viewport={"width": 1280, "height": 900}) as opened:
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda asked: None if asked.url.startswith("file:") else complaints.append(asked.url))
        yield opened
    assert complaints == []
