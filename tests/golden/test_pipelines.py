"""What other people's pipelines run: the GitHub Action's own script, the hooks, the snippets of the docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lambdapack.cli.app import command_line

ROOT = Path(__file__).parents[2]
SNIPPETS = ROOT / "docs" / "snippets"
BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
CONFIGURATION = """
[functions.api]
handler = "app.handler"
runtime = "python3.13"
source = ["src"]
"""
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("import not_there\ndef handler(event, context): ...\n")
    (folder / "lambdapack.toml").write_text(CONFIGURATION)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with `lambdapack`, as an installation would have it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "lambdapack"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m lambdapack "$@"\n')
    script.chmod(0o755)
    return folder


def run_step(step: dict[str, Any], inputs: dict[str, str], runner: Path, cwd: Path) -> tuple[int, str, str]:
    """Runs one step of the action as the runner does: its inputs put in, `bash -e -o pipefail`, files for outputs."""
    given = {name: item.get("default", "") for name, item in ACTION["inputs"].items()} | inputs
    fill = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")
    environment = {name: fill.sub(lambda m: given[m[1]], text) for name, text in step.get("env", {}).items()}
    output = runner / "output"
    output.write_text("")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        env={
            **os.environ,
            **environment,
            "RUNNER_TEMP": str(runner),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_ACTIONS": "true",
        },
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    return done.returncode, done.stdout, output.read_text()


def test_the_action_runs_what_it_was_told(project: Path, programs: Path, tmp_path: Path) -> None:
    runner = tmp_path / "runner"
    (runner / "lambdapack").mkdir(parents=True)
    shutil.copytree(programs, runner / "lambdapack" / "bin")
    step = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "run")
    inputs = {"command": "build", "report": "sarif=a b.sarif\njunit=r.xml\n", "function": "api"}
    status, out, output = run_step(step, inputs, runner, project)
    assert (status, output) == (1, "status=1\n")
    assert "::error title=IMP001" in out
    assert (project / "a b.sarif").is_file()
    assert (project / "r.xml").is_file()
    inspected = {"command": "inspect", "artifact": "src", "runtime": "python3.13", "handler": "app.handler"}
    status, out, _ = run_step(step, inspected | {"arguments": "--ignore IMP001 -v"}, runner, project)
    assert status == 0, out


def test_inputs_of_the_action_are_no_code(project: Path, programs: Path, tmp_path: Path) -> None:
    runner = tmp_path / "runner"
    (runner / "lambdapack").mkdir(parents=True)
    shutil.copytree(programs, runner / "lambdapack" / "bin")
    step = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "run")
    run_step(
        step, {"function": "$(touch owned)", "handler": "`touch owned`", "artifact": "; touch owned"}, runner, project
    )
    assert not (project / "owned").exists()
    assert all("${{ inputs." not in step["run"] for step in ACTION["runs"]["steps"])


def test_the_action_installs_itself(tmp_path: Path) -> None:
    step = next(step for step in ACTION["runs"]["steps"] if "pip install" in step["run"])
    status, out, _ = run_step(step, {}, tmp_path, tmp_path)
    if status and "No matching distribution" in out:
        pytest.skip("needs a package registry")
    assert status == 0, out
    version = subprocess.run(
        [tmp_path / "lambdapack" / "bin" / "lambdapack", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("lambdapack ")


def test_hooks_name_verbs(project: Path, programs: Path) -> None:
    for hook in HOOKS:
        program, verb = hook["entry"].split()
        assert program == "lambdapack"
        assert verb in command_line.list_commands(None)  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git: install it")
def test_pre_commit_runs_the_hook(project: Path, tmp_path: Path) -> None:
    """With pre-commit itself, which clones and installs this repository."""
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "GIT_CONFIG_GLOBAL": os.devnull}
    clone = tmp_path / "clone"
    made = subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, clone], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("needs a git checkout of this repository")
    for name in (".pre-commit-hooks.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, clone / name)
    subprocess.run(["git", "-C", clone, "add", "-A"], env=environment, check=True)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", "-C", clone, *identity, "commit", "-qam", "now", "--allow-empty"], env=environment, check=True
    )
    subprocess.run(["git", "init", "-q", project], env=environment, check=True)
    subprocess.run(["git", "-C", project, "add", "-A"], env=environment, check=True)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pre_commit",
            "try-repo",
            clone,
            "lambdapack-build",
            "--hook-stage",
            "manual",
            "--all-files",
        ],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error[IMP001] missing-module" in done.stdout


def script_of(name: str) -> list[str]:
    """The commands that a snippet runs."""
    data = yaml.safe_load((SNIPPETS / name).read_text(encoding="utf-8"))
    if name == "gitlab-ci.yml":
        return list(data["lambda-artifacts"]["script"])
    phases = data["phases"].values()
    return [command for phase in phases for command in phase["commands"]]


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "buildspec.yml"])
def test_the_commands_of_the_snippets_run(project: Path, programs: Path, name: str) -> None:
    (project / "src" / "app.py").write_text("def handler(event, context): ...\n")
    (project / ".git").mkdir()
    commands = [command for command in script_of(name) if not command.startswith("python -m pip")]
    assert commands
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)],
        cwd=project,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "dist" / "api.zip").is_file()
    assert list(project.rglob("lambdapack.xml"))


def test_the_makefile_fragment(project: Path, programs: Path) -> None:
    (project / "src" / "app.py").write_text("def handler(event, context): ...\n")
    (project / "Makefile").write_text(f"include {SNIPPETS / 'lambdapack.mk'}\n")
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "MAKEFLAGS": ""}
    for target in ("package", "inspect"):
        done = subprocess.run(
            ["make", target], cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    (project / "dist" / "broken.zip").write_bytes(b"not a ZIP")
    broken = subprocess.run(["make", "inspect"], cwd=project, env=environment, capture_output=True, check=False)
    assert broken.returncode != 0


def test_the_workflow_uses_inputs_that_there_are() -> None:
    workflow = yaml.safe_load((SNIPPETS / "github-workflow.yml").read_text(encoding="utf-8"))
    (ours,) = [step for step in workflow["jobs"]["artifacts"]["steps"] if "/lambdapack@" in step["uses"]]
    assert set(ours["with"]) <= set(ACTION["inputs"])
    hooks = yaml.safe_load((SNIPPETS / "pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} <= {hook["id"] for hook in HOOKS}
