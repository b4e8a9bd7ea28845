"""Makes the artifact of a recipe, and asks every check about it, in process and as `lambdapack inspect` would."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lambdapack.artifact import Mount, Stack, open_tree
from lambdapack.catalogue import all_checks
from lambdapack.checking import Subject
from lambdapack.engine import run_checks
from lambdapack.facts.attempts import Contract, ImportAttempt, ImportedModule, LoaderReport, ModuleAttempt
from lambdapack.facts.distributions import marker_environment
from lambdapack.facts.invocations import Invocation
from lambdapack.facts.locks import read_lock
from lambdapack.finding import Finding
from lambdapack.profiles import load_profile
from lambdapack.workflows.inspection import Target, open_target, subject_of
from tests.recipes.archive import Member, write_archive
from tests.recipes.image import tar, write_image
from tests.recipes.native import compile_native
from tests.recipes.recipe import Content, Distribution, Recipe


def make_artifact(recipe: Recipe, folder: Path) -> tuple[Path, tuple[Path, ...]]:
    """Writes the function's ZIP and its layers' into a folder, or one image, and returns the paths."""
    if recipe.image is not None:
        image = folder / "image.tar"
        layers = [tar(_members(content)) for content in (recipe.function, *recipe.layers)]
        write_image(
            image,
            replace(recipe.image, layers=layers),
            "oci-archive" if recipe.image.index or recipe.image.layer_type else "docker-archive",
        )
        return image, ()
    function = folder / "function.zip"
    write_archive(function, _members(recipe.function))
    paths = []
    for number, layer in enumerate(recipe.layers):
        paths.append(folder / f"layer{number}.zip")
        write_archive(paths[-1], _members(layer))
    return function, tuple(paths)


def judge(recipe: Recipe, folder: Path) -> tuple[Finding, ...]:
    """Makes the artifact in a folder and returns what all checks find in it."""
    function, layers = make_artifact(recipe, folder)
    with ExitStack() as closing:
        if recipe.image is not None:
            target = Target(function, runtime=recipe.runtime, architecture=recipe.architecture, handler=recipe.handler)
            return run_checks(subject_of(open_target(target, closing), zipped_size=None), all_checks())[0]
        mounts = [Mount("/opt", closing.enter_context(open_tree(layer))) for layer in layers]
        point = "/opt" if recipe.kind == "layer" else "/var/task"
        mounts.append(Mount(point, closing.enter_context(open_tree(function))))
        profile = load_profile(recipe.runtime, recipe.architecture)
        environment = marker_environment(profile.python, profile.machine)
        subject = Subject(
            Stack(mounts),
            profile,
            handler=recipe.handler,
            kind=recipe.kind,
            zipped_size=function.stat().st_size,
            attempts=[_attempt(attempt) for attempt in recipe.attempts],
            lock=None if recipe.lock is None else read_lock(recipe.lock, environment),
            deep=recipe.deep,
            contracts=recipe.contracts,
        )
        subject.invocations = tuple(Invocation(**invocation) for invocation in recipe.invocations)
        findings, _ = run_checks(subject, all_checks())
    return findings


def _members(content: Content) -> list[Member]:
    natives = (Member(native.path, compile_native(native), native.mode) for native in content.natives)
    files = [*content.members, *natives]
    for distribution in content.distributions:
        files += _installed(distribution, files)
    return files


def _installed(distribution: Distribution, files: list[Member]) -> Iterator[Member]:
    """Yields what an installer writes beside a distribution's own files."""
    root = f"{distribution.root}/" if distribution.root else ""
    stem = distribution.name.replace("-", "_")
    folder = f"{root}{stem}-{distribution.version}.dist-info"
    requires = "".join(f"Requires-Dist: {text}\n" for text in distribution.requires)
    metadata = f"Metadata-Version: 2.1\nName: {distribution.name}\nVersion: {distribution.version}\n{requires}"
    pure = "true" if distribution.tag.endswith("-any") else "false"
    wheel = f"Wheel-Version: 1.0\nGenerator: recipe\nRoot-Is-Purelib: {pure}\nTag: {distribution.tag}\n"
    written = [Member(f"{folder}/METADATA", metadata.encode()), Member(f"{folder}/WHEEL", wheel.encode())]
    patterns = [f"{root}{pattern}" for pattern in distribution.files]
    listed = [member for member in files if any(fnmatchcase(member.path, pattern) for pattern in patterns)]
    rows = [_row(member.path.removeprefix(root), member.content) for member in (*listed, *written)]
    rows += [_row(path, b"") for path in distribution.record_extra]
    record = f"{folder}/RECORD"
    yield from written
    yield Member(record, "".join([*rows, f"{record.removeprefix(root)},,\n"]).encode())


def _row(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"


def _attempt(table: Mapping[str, Any]) -> ImportAttempt:
    """The fields of an attempt, with tables for what it consists of."""
    kinds = {"imports": ImportedModule, "contracts": Contract, "modules": ModuleAttempt}
    parts: dict[str, Any] = {
        name: tuple(kind(**item) for item in table[name]) for name, kind in kinds.items() if name in table
    }
    if "loader" in table:
        parts["loader"] = LoaderReport(**table["loader"])
    return ImportAttempt(**{**table, **parts})
