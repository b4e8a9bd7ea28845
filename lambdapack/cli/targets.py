"""What was said of an artifact on the command line, joined with the configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lambdapack.cli.options import ArtifactChoice, Judging
from lambdapack.errors import UsageError
from lambdapack.profiles import read_profile
from lambdapack.settings import FunctionSettings, load_settings, select_functions
from lambdapack.workflows.inspection import Target


def target_of(chosen: ArtifactChoice, judging: Judging, runtime: str | None) -> Target:
    """Joins options and configuration, which counts for a configured output or when a function is named."""
    if chosen.handler is not None and not chosen.handler.strip():
        raise UsageError("--handler is empty", hint="give it as Lambda is given it, like handler.lambda_handler")
    said = read_profile(chosen.profile) if chosen.profile is not None else None
    target = Target(
        chosen.artifact,
        chosen.layers,
        runtime or (said.runtime if said else None),
        chosen.architecture or (said.architecture if said else None),
        chosen.handler,
        profile=chosen.profile,
        fail_on=judging.severity,
        selection=judging.selection(),
    )
    function = _function_of(chosen)
    if function is None:
        return target
    found = f"settings of function {function.name} (the configuration names this file as its output)"
    return replace(
        target,
        assumed=() if chosen.function_name is not None else (found,),
        layers=chosen.layers or function.layers,
        runtime=target.runtime or function.runtime,
        architecture=target.architecture or function.architecture,
        handler=chosen.handler or function.handler or None,
        kind="function" if function.package == "zip" else function.package,
        selection=target.selection.with_rules(function.ignores),
        contracts=function.contracts,
    )


def _function_of(chosen: ArtifactChoice) -> FunctionSettings | None:
    try:
        settings = load_settings(chosen.config, Path.cwd())
    except UsageError:
        if chosen.function_name is not None or chosen.config is not None:
            raise
        return None  # a mistake in a configuration that nobody referred to is no concern of this artifact
    if chosen.function_name is not None:
        return select_functions(settings, [chosen.function_name])[0]
    resolved = Path(chosen.artifact).resolve()
    return next((item for item in settings.functions.values() if item.output.resolve() == resolved), None)
