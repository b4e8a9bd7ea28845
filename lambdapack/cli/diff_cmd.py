"""`lambdapack diff`."""

from __future__ import annotations

from dataclasses import asdict

import click

from lambdapack.cli.options import Presentation, presentation_options
from lambdapack.cli.output import progress, text_style
from lambdapack.errors import EXIT_FINDINGS, EXIT_OK
from lambdapack.render.diff_format import diff_to_json, diff_to_text
from lambdapack.workflows.diff import diff


@click.command("diff")
@click.argument("before")
@click.argument("after")
@presentation_options
def command(before: str, after: str, show_as: Presentation) -> int:
    """Say why two artifacts differ: distributions, files, modes, native code, and how the ZIP is written.

    BEFORE and AFTER are ZIPs, layers, folders or container images, as inspect takes them. Exit status 0: they are the
    same; 1: they differ.
    """
    with progress(quiet=show_as.quiet) as tell:
        compared = diff(before, after, progress=tell)
    sides = asdict(compared.before), asdict(compared.after)
    if show_as.form == "json":
        click.echo(diff_to_json(*sides, compared.difference, same=compared.is_same), nl=False, color=True)
    elif not show_as.quiet:
        text = diff_to_text(*sides, compared.difference, text_style(show_as), same=compared.is_same)
        click.echo(text, nl=False, color=True)
    return EXIT_OK if compared.is_same else EXIT_FINDINGS
