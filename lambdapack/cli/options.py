"""Options that several verbs share, and how they meet the configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from lambdapack.errors import UsageError
from lambdapack.settings import FunctionSettings, load_settings, select_functions
from lambdapack.workflows.inspection import Target

F = TypeVar("F", bound=Callable[..., Any])


def _joined(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The pyproject.toml or lambdapack.toml to use, instead of the nearest one.",
)
output_options = _joined(
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Form of the report.",
    ),
    click.option("-v", "--verbose", is_flag=True, help="Show infos and whole import chains, too."),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing unless the artifact fails."),
)
fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="error",
    show_default=True,
    help="Lowest severity that fails.",
)
target_options = _joined(
    click.argument("artifact"),
    click.option(
        "--runtime",
        help="Lambda runtime, like python3.13. Default: the configuration's, else told by the extension modules.",
    ),
    click.option("--arch", "architecture", help="x86_64 (default) or arm64."),
    click.option("--handler", help="The handler setting, like handler.lambda_handler."),
    click.option(
        "--layer",
        "layers",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A layer's ZIP or folder; repeat in order.",
    ),
    click.option(
        "--function", "function_name", help="Take runtime, architecture and handler from this configured function."
    ),
    config_option,
)
function_options = _joined(
    click.option(
        "--function", "function_names", multiple=True, help="A configured function; repeatable. Default: all of them."
    ),
    config_option,
)
artifact_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the artifact here (one function only).",
)
test_options = _joined(
    click.option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=60.0,
        show_default=True,
        help="Seconds the import may take.",
    ),
    click.option(
        "--env",
        "environment",
        multiple=True,
        metavar="KEY=VALUE",
        help="An environment variable of the function, for the import test; repeatable.",
    ),
    click.option(
        "--no-python-downloads",
        is_flag=True,
        envvar="LAMBDAPACK_NO_PYTHON_DOWNLOADS",
        help="Never fetch an interpreter for the import test.",
    ),
)


def target_of(
    artifact: str,
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: tuple[Path, ...],
    function_name: str | None,
    config: Path | None,
) -> Target:
    """Joins options and configuration, which counts for a configured output or when a function is named."""
    if handler is not None and not handler.strip():
        raise UsageError("--handler is empty", hint="give it as Lambda is given it, like handler.lambda_handler")
    target = Target(artifact, layers, runtime, architecture, handler)
    try:
        settings = load_settings(config, Path.cwd())
    except UsageError:
        if function_name is not None or config is not None:
            raise
        return target  # a mistake in a configuration that nobody referred to is no concern of this artifact
    function: FunctionSettings | None = None
    if function_name is not None:
        function = select_functions(settings, [function_name])[0]
    else:
        resolved = Path(artifact).resolve()
        function = next((item for item in settings.functions.values() if item.output.resolve() == resolved), None)
    if function is None:
        return target
    return replace(
        target,
        runtime=runtime or function.runtime,
        architecture=architecture or function.architecture,
        handler=handler or function.handler or None,
        kind="layer" if function.package == "layer" else "function",
    )
