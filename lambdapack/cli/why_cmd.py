"""`lambdapack why`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from lambdapack.cli.options import ArtifactChoice, Judging, Presentation, presentation_options
from lambdapack.cli.output import progress, text_style
from lambdapack.cli.targets import target_of
from lambdapack.errors import UsageError
from lambdapack.presence import Presence
from lambdapack.render.why_format import render_why_json, render_why_text
from lambdapack.settings import load_settings, select_functions
from lambdapack.settings.wording import shown
from lambdapack.workflows.import_test import AttemptOptions, import_handler
from lambdapack.workflows.inspection import Target
from lambdapack.workflows.why import why

_JUDGING = Judging((), (), None, "error")


@click.command("why")
@click.argument("what")
@click.option("--artifact", help="Look into this artifact. Default: the outputs of the configured functions.")
@click.option("--function", "names", multiple=True, help="Look into this function's output only; repeat.")
@click.option("--runtime", help="Lambda runtime of --artifact, where nothing tells it.")
@click.option("--arch", "architecture", help="Architecture of --artifact: x86_64 or arm64.")
@click.option("--handler", help="The handler of --artifact, like handler.lambda_handler.")
@click.option(
    "--layer", "layers", multiple=True, type=click.Path(path_type=Path), help="A layer of --artifact; repeat."
)
@click.option("--test", "measured", is_flag=True, help="Import the handler, to say how long each import takes.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The pyproject.toml or lambdapack.toml to use, instead of the nearest one.",
)
@presentation_options
def command(
    what: str,
    artifact: str | None,
    names: tuple[str, ...],
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: tuple[Path, ...],
    measured: bool,
    config: Path | None,
    show_as: Presentation,
) -> int:
    """Say why WHAT is in an artifact: a distribution, a module, or a path.

    Who brings it, from the handler on; what it costs in bytes and, with --test, in import time; what would drop with
    it.
    """
    if artifact is not None:
        chosen = ArtifactChoice(artifact, (), architecture, handler, layers, names[0] if names else None, None, config)
        targets = [(target_of(chosen, _JUDGING, runtime), Path(artifact))]
    else:
        targets = _configured(names, config)
    answers: list[tuple[str, Presence]] = []
    refused: list[UsageError] = []
    with progress(quiet=show_as.quiet) as tell:
        attempt = partial(import_handler, options=AttemptOptions(require_sandbox=True), progress=tell)
        for target, path in targets:
            try:
                sidecar = path.with_name(f"{path.stem}.lambdapack.json")
                found = why(target, what, sidecar, attempt if measured else None)
                answers.append((target.name or shown(path), found))
            except UsageError as error:
                refused.append(error)
    if not answers:
        raise refused[0]
    if show_as.form == "json":
        click.echo(render_why_json(answers), nl=False, color=True)
    else:
        style = text_style(show_as)
        click.echo(
            "\n".join(render_why_text(name, presence, style) for name, presence in answers), nl=False, color=True
        )
    return 0


def _configured(names: tuple[str, ...], config: Path | None) -> list[tuple[Target, Path]]:
    """The outputs of configured functions that have been built."""
    functions = select_functions(load_settings(config, Path.cwd()), names)
    built = [function for function in functions if function.output.is_file()]
    if not built:
        raise UsageError(f"{functions[0].output}: is not there", hint="lambdapack build")
    return [
        (
            target_of(
                ArtifactChoice(str(function.output), (), None, None, (), function.name, None, config), _JUDGING, None
            ),
            function.output,
        )
        for function in built
    ]
