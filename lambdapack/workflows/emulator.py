"""Brings the Runtime Interface Emulator to where no image has it: named by the user, or out of aws-sam-cli's wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

from lambdapack.builder import EMULATOR_SOURCE, WheelStore, fetch_runtime_packages
from lambdapack.errors import UsageError
from lambdapack.eviction import note_use
from lambdapack.profiles import RuntimeProfile
from lambdapack.progress import Progress
from lambdapack.settings import cache_folder

_MEMBER = "samcli/local/rapid/aws-lambda-rie-{}"


def find_emulator(given: Path | None, profile: RuntimeProfile, progress: Progress) -> Path | None:
    """Returns the program for a profile's architecture, or None where it cannot be had."""
    if given is not None:
        if not os.access(given, os.X_OK) or not given.is_file():
            raise UsageError(f"--rie {given}: is no program", hint="name the file aws-lambda-rie, made executable")
        return given.resolve()
    wheels = fetch_runtime_packages((EMULATOR_SOURCE,), profile, WheelStore(), progress, dependencies=False)
    if not wheels:
        return None
    name = hashlib.sha256(f"{wheels[0]} {wheels[0].stat().st_size}".encode()).hexdigest()[:32]
    program = cache_folder() / "emulators" / f"{name}-{profile.architecture}"
    if program.is_file():
        note_use(program)
        return program
    scratch = program.with_name(f".{program.name}.{os.getpid()}")
    try:
        program.parent.mkdir(parents=True, exist_ok=True)
        wanted = _MEMBER.format(profile.architecture)
        with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(wanted) as member, scratch.open("wb") as file:
            shutil.copyfileobj(member, file)
        scratch.chmod(0o755)
        scratch.replace(program)
    except (OSError, KeyError, zipfile.BadZipFile):
        scratch.unlink(missing_ok=True)
        return None
    return program
