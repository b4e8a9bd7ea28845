"""Gathers what a report of a bug needs of an artifact, and none of its code: names, sizes, native facts, findings."""

from __future__ import annotations

import json
import platform
import sys
import zipfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from lambdapack import __version__
from lambdapack.errors import UsageError
from lambdapack.facts.elf import ElfFacts
from lambdapack.finding import Json
from lambdapack.progress import Progress, silent
from lambdapack.workflows.inspection import Target, open_target, subject_of

_NOT_SHOWN = ("symbols", "version_needs")


def write_bundle(target: Target, report: str, output: Path, progress: Progress = silent) -> int:
    """Writes a ZIP with the JSON `report`, the list of files and what their native code says of itself; returns how
    many files are listed. The artifact's own content is not in it."""
    with ExitStack() as exit_stack:
        opened = open_target(target, exit_stack, progress)
        subject = subject_of(opened, zipped_size=None)
        files = [
            {
                "path": found.path,
                "size": found.entry.size,
                "mode": f"{found.entry.permissions:o}",
                "link": found.entry.link,
            }
            for _, found in sorted(opened.stack.located.items())
            if not found.entry.is_directory
        ]
        elf = sorted(subject.native.elf.items())
        native = {path: _native(facts) for path, facts in elf if isinstance(facts, ElfFacts)}
        distributions = [
            {"name": item.name, "version": item.version, "tags": item.tags} for item in subject.distributions
        ]
    machine = {
        "lambdapack": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "libc": " ".join(platform.libc_ver()),
    }
    parts: dict[str, Json] = {"machine": machine, "files": files, "native": native, "distributions": distributions}
    try:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("report.json", report)
            for name, content in parts.items():
                archive.writestr(f"{name}.json", json.dumps(content, indent=1, ensure_ascii=False, default=str))
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from error
    return len(files)


def _native(facts: ElfFacts) -> dict[str, Json]:
    found = {name: value for name, value in asdict(facts).items() if name not in _NOT_SHOWN}
    found["defined_versions"] = sorted(facts.defined_versions)
    found["version_needs"] = [str(need) for need in facts.version_needs]
    return found
