"""The artifacts that are measured: made at run time from a package registry, kept in the user's cache folder.

A workload is a function of 22 own source files and some popular packages (`workloads.toml`). Packages are installed
by uv for the target, never for this host, and are zipped like `zip -6` does.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

DEFINITIONS = Path(__file__).with_name("workloads.toml")
HANDLER = "handler.lambda_handler"
_OWN_MODULES = 20  # besides the handler and the package's own file


@dataclass(frozen=True, slots=True)
class Workload:
    """One artifact: `base` is the ZIP without its handler, which `fresh` adds. `versions` are what was resolved."""

    name: str
    base: Path
    runtime: str
    versions: tuple[str, ...]
    files: int
    unzipped: int

    @property
    def zipped(self) -> int:
        """Bytes of the ZIP without the handler."""
        return self.base.stat().st_size

    def fresh(self, folder: Path, stamp: str) -> Path:
        """Writes the artifact with a handler that no run has seen before and returns its path."""
        path = folder / f"{self.name}.zip"
        shutil.copyfile(self.base, path)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_member("handler.py"), handler_source(stamp))
        return path


def workload(name: str) -> Workload:
    """Returns a workload, made on first use. Needs a package registry then."""
    definitions = tomllib.loads(DEFINITIONS.read_text("utf-8"))
    definition = definitions[name]
    python, platform = definitions["python"], definitions["platform"]
    own = own_source(definition.get("imports", definition["requirements"]))
    known = hashlib.sha256(json.dumps([definition, python, platform, own]).encode()).hexdigest()
    folder = platformdirs.user_cache_path("lambdapack-bench") / f"{name}-{known[:12]}"
    base, listing = folder / "base.zip", folder / "versions.json"
    if not listing.exists():
        folder.mkdir(parents=True, exist_ok=True)
        tree = folder / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        _install(definition["requirements"], tree, python, platform)
        for path, text in own.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text, "utf-8")
        _zip(tree, base)
        versions = sorted(item.name.removesuffix(".dist-info").replace("-", " ") for item in tree.glob("*.dist-info"))
        shutil.rmtree(tree)
        listing.write_text(json.dumps(versions), "utf-8")
    with zipfile.ZipFile(base) as archive:
        infos = archive.infolist()
    return Workload(
        name=name,
        base=base,
        runtime=f"python{python}",
        versions=tuple(json.loads(listing.read_text("utf-8"))),
        files=len(infos) + 1,
        unzipped=sum(info.file_size for info in infos),
    )


def names() -> tuple[str, ...]:
    """The workloads that are defined, small ones first."""
    definitions: dict[str, Any] = tomllib.loads(DEFINITIONS.read_text("utf-8"))
    return tuple(name for name, value in definitions.items() if isinstance(value, dict))


def _install(requirements: list[str], tree: Path, python: str, platform: str) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    options = ["--target", str(tree), "--python-version", python, "--python-platform", platform]
    command = [uv, "pip", "install", "--quiet", "--only-binary", ":all:", "--no-python-downloads", *options]
    subprocess.run([*command, "--link-mode", "copy", *requirements], check=True)


def own_source(imports: list[str]) -> dict[str, str]:
    """A package of modules that use each other and what was installed, as functions of real projects do."""
    files = {"app/__init__.py": "from .part_0 import part_0\n"}
    for number in range(_OWN_MODULES):
        used = imports[number % len(imports)]
        following = f"from .part_{number + 1} import part_{number + 1}\n" if number + 1 < _OWN_MODULES else ""
        files[f"app/part_{number}.py"] = (
            f"import json\nimport os\n\nimport {used}\n\n{following}\n\n"
            f"LEVEL = os.environ.get('LEVEL', 'info')\n\n\n"
            f"def part_{number}(event: dict[str, object]) -> str:\n    return json.dumps(event)\n"
        )
    return files


def handler_source(stamp: str) -> str:
    """The handler, with a comment that nobody has seen before."""
    return (
        f"from app import part_0\n\nVERSION = {stamp!r}\n\n\n"
        "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': part_0(event)}\n"
    )


def _member(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o100644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _zip(tree: Path, target: Path) -> None:
    """Writes all files of a folder, sorted; byte code and uv's own notes are left out."""
    files = []
    for folder, _, names_here in os.walk(tree):
        files += [Path(folder, name) for name in names_here if not name.endswith(".pyc")]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(files):
            relative = path.relative_to(tree).as_posix()
            if not relative.startswith((".lock", "bin/")):
                archive.writestr(_member(relative), path.read_bytes(), compresslevel=6)
