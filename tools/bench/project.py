"""A workload as a project on disk: its own source, requirements pinned by hashes, configuration for each program."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.bench.rivals import find_uv
from tools.bench.workloads import DEFINITIONS, HANDLER, handler_source, own_source

_CONFIGURATION = """\
runtime = "python{python}"

[functions.function]
handler = "{handler}"
source = ["source"]
requirements = "{requirements}"
"""
_TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties: {{CodeUri: sam, Handler: {handler}, Runtime: python{python}, Architectures: [x86_64]}}
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with `source/`, `requirements.txt` (hashes), `requirements.in` (none), configurations, and `wheels/`.

    `sam/` is what `sam build` takes: source and requirements in one folder.
    """

    name: str
    folder: Path
    python: str
    platform: str

    def change(self, stamp: str) -> None:
        """Changes one file of the source, for every program."""
        for place in ("source", "sam"):
            (self.folder / place / "handler.py").write_text(handler_source(stamp), "utf-8")

    @property
    def target(self) -> list[str]:
        """uv's options for the target."""
        return ["--python-version", self.python, "--python-platform", self.platform, "--no-python-downloads"]


def make_project(name: str, folder: Path) -> Project:
    """Writes a project. Needs a package registry."""
    definitions = tomllib.loads(DEFINITIONS.read_text("utf-8"))
    project = Project(name, folder / f"project-{name}", definitions["python"], definitions["platform"])
    for place in ("source", "sam", "wheels", ".git"):
        (project.folder / place).mkdir(parents=True, exist_ok=True)
    for place in ("source", "sam"):
        for path, text in own_source(_imports(name)).items():
            (project.folder / place / path).parent.mkdir(parents=True, exist_ok=True)
            (project.folder / place / path).write_text(text, "utf-8")
    loose, locked = project.folder / "requirements.in", project.folder / "requirements.txt"
    loose.write_text("\n".join(definitions[name]["requirements"]) + "\n", "utf-8")
    command = [find_uv(), "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url", *project.target]
    subprocess.run([*command, "--only-binary", ":all:", "-o", str(locked), str(loose)], check=True)
    project.change("first")
    shutil.copyfile(locked, project.folder / "sam" / "requirements.txt")
    for file in ("requirements.in", "requirements.txt"):
        text = _CONFIGURATION.format(python=project.python, handler=HANDLER, requirements=file)
        (project.folder / f"{Path(file).suffix[1:]}.toml").write_text(text, "utf-8")
    (project.folder / "template.yaml").write_text(_TEMPLATE.format(handler=HANDLER, python=project.python), "utf-8")
    return project


def _imports(name: str) -> list[str]:
    definition = tomllib.loads(DEFINITIONS.read_text("utf-8"))[name]
    imports: list[str] = definition.get("imports", definition["requirements"])
    return imports
