"""The functions that `import lambdapack` offers: the verbs of the command line, for programs and tests.

They return the reports that the command line prints, and raise the errors of `lambdapack.errors` where the command line
ends with a status of its own. They print nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lambdapack.errors import MissingRequirement
from lambdapack.finding import Severity
from lambdapack.report import Report

if TYPE_CHECKING:
    from lambdapack.diagnosed import Diagnosis
    from lambdapack.selection import Selection
    from lambdapack.workflows.inspection import Target

SeverityName = Literal["error", "warning", "info"]
BackendName = Literal["auto", "docker", "rootfs", "local"]
_TEST_CODES = ("RUN", "IMP014")


def inspect(
    artifact: str | Path,
    *,
    runtime: str | None = None,
    architecture: str | None = None,
    handler: str | None = None,
    layers: Iterable[str | Path] = (),
    kind: Literal["function", "layer"] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    baseline: str | Path | None = None,
    fail_on: SeverityName = "error",
    contracts: Iterable[str] = (),
    lock: str | Path | None = None,
    deep: bool = False,
    cached: bool = True,
    details: bool = False,
) -> Report:
    """Says what will fail on Lambda in an artifact, and why; runs nothing of it.

    `artifact` is a ZIP, a wheel, a folder or an image, as `lambdapack inspect` takes it. What is not given is inferred
    where it can be, and told in `Report.assumed`. `contracts` are names that have to be there
    (`shared.config:Config.load`). `details` adds what drawings are made of. The project's configuration plays no part.

    Raises `UnreadableArtifact`, and `UsageError` for what contradicts itself.
    """
    from lambdapack.workflows.inspection import inspect as run

    target = _target(artifact, runtime, architecture, handler, layers, _selection(select, ignore, baseline), fail_on)
    return run(
        replace(
            target,
            kind=kind,
            contracts=tuple(contracts),
            lock=Path(lock) if lock is not None else None,
            deep=deep,
            cached=cached,
            details=details,
        )
    )


def test(
    artifact: str | Path,
    *,
    handler: str | None = None,
    runtime: str | None = None,
    architecture: str | None = None,
    layers: Iterable[str | Path] = (),
    backend: BackendName = "auto",
    image: str | None = None,
    rootfs: str | None = None,
    timeout: float = 60.0,
    max_init: float | None = None,
    environment: Mapping[str, str] | None = None,
    all_modules: bool = False,
    contracts: Iterable[str] = (),
    fail_on: SeverityName = "error",
) -> Report:
    """Imports the handler of an artifact as Lambda would; `Report.import_test` says where and what came of it.

    `timeout` and `max_init` are seconds. With `auto`, nothing runs outside of a container or sandbox; `local` runs it
    on this machine even where no sandbox can be made.

    Raises `MissingRequirement` when it cannot be run here.
    """
    from functools import partial

    from lambdapack.progress import silent
    from lambdapack.workflows.import_test import AUTO, AttemptOptions, import_handler
    from lambdapack.workflows.inspection import inspect as run

    options = AttemptOptions(
        time_limit=timeout,
        environment=dict(environment or {}),
        require_sandbox=backend == AUTO,
        backend=backend,
        image=image,
        rootfs=rootfs,
        all_modules=all_modules,
        max_init=max_init,
    )
    target = _target(artifact, runtime, architecture, handler, layers, None, fail_on)
    attempt = partial(import_handler, options=options, progress=silent)
    report = run(replace(target, contracts=tuple(contracts)), attempt, codes=_TEST_CODES)
    tested = report.import_test
    if tested is not None and tested["status"] == "not-run":
        raise MissingRequirement(f"{artifact}: import test NOT RUN: {tested['reason']}", hint=tested["remedy"])
    return report


test.__test__ = False  # type: ignore[attr-defined]  # pytest: not one of yours


def build(
    function: str | None = None,
    *,
    config: str | Path | None = None,
    output: str | Path | None = None,
    verify: bool = True,
    cached: bool = True,
    fail_on: SeverityName = "error",
) -> Report:
    """Builds the artifact of a configured function, with its layers, and inspects it before it is put in place.

    `function` may be left out where only one is configured. `config` is the configuration file, by default the nearest
    `pyproject.toml` or `lambdapack.toml`; `output` is written instead of the configured one. `Report.artifact.path`
    says where the artifact is, `Report.written` whether it was put there: False when its inspection rejected it.

    Raises `UsageError`, `BuildFailed` and `MissingRequirement`.
    """
    return _build(function, config, output, verify=verify, cached=cached, fail_on=fail_on, tested=False)


def check(
    function: str | None = None,
    *,
    config: str | Path | None = None,
    output: str | Path | None = None,
    cached: bool = True,
    fail_on: SeverityName = "error",
) -> Report:
    """Builds as `build` does, and imports the handler of what was built, too. An import test that cannot be run here is
    told in `Report.import_test`, and is no error."""
    return _build(function, config, output, verify=True, cached=cached, fail_on=fail_on, tested=True)


def diagnose(
    text: str,
    *,
    artifact: str | Path | None = None,
    runtime: str | None = None,
    architecture: str | None = None,
    handler: str | None = None,
    layers: Iterable[str | Path] = (),
) -> Diagnosis:
    """Says what an error message or a log means and what causes it, with the fix; with `artifact`, each cause is
    confirmed on it or ruled out. Nothing of the artifact is run."""
    if artifact is None:
        from lambdapack.diagnosis import diagnose_log

        return diagnose_log(text, runtime=runtime, architecture=architecture)
    from lambdapack.progress import silent
    from lambdapack.workflows.diagnosing import diagnose_artifact

    target = _target(artifact, runtime, architecture, handler, layers, None, "error")
    return diagnose_artifact(text, target, silent)


def _target(
    artifact: str | Path,
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: Iterable[str | Path],
    selection: Selection | None,
    fail_on: SeverityName,
) -> Target:
    from lambdapack.selection import Selection
    from lambdapack.workflows.inspection import Target

    return Target(
        artifact,
        tuple(map(Path, layers)),
        runtime,
        architecture,
        handler,
        fail_on=Severity(fail_on),
        selection=selection or Selection(),
    )


def _selection(select: Iterable[str], ignore: Iterable[str], baseline: str | Path | None) -> Selection:
    from lambdapack.selection import Baseline, Selection, expand_codes, read_baseline

    chosen, left = tuple(select), tuple(ignore)
    return Selection(
        select=expand_codes(chosen, "select") if chosen else None,
        ignore=expand_codes(left, "ignore"),
        baseline=read_baseline(Path(baseline)) if baseline is not None else Baseline(),
    )


def _build(
    function: str | None,
    config: str | Path | None,
    output: str | Path | None,
    *,
    verify: bool,
    cached: bool,
    fail_on: SeverityName,
    tested: bool,
) -> Report:
    from lambdapack.errors import UsageError
    from lambdapack.progress import silent
    from lambdapack.settings import load_settings, select_functions, with_their_layers
    from lambdapack.workflows.import_test import AttemptOptions
    from lambdapack.workflows.several_builds import Job, build_several
    from lambdapack.workflows.verified_build import BuildOptions

    settings = load_settings(Path(config) if config is not None else None, Path.cwd())
    chosen = select_functions(settings, [function] if function is not None else [])
    if len(chosen) > 1:
        names = ", ".join(sorted(item.name for item in chosen))
        raise UsageError(f"several functions are configured: {names}", hint="name the one to build")
    wanted = chosen[0]
    options = BuildOptions(root=settings.folder, fail_on=Severity(fail_on), verify=verify, cached=cached)
    place = Path(output).resolve() if output is not None else None
    jobs = [
        Job(
            item,
            replace(options, output=place if item.name == wanted.name else None),
            AttemptOptions() if tested else None,
        )
        for item in with_their_layers(settings, chosen)
    ]
    made: Report | None = None
    for outcome in build_several(jobs, 1, silent):
        if outcome.built is None:
            assert outcome.error is not None
            raise outcome.error
        if outcome.function.name == wanted.name:
            made = outcome.built.report
    assert made is not None
    return made
