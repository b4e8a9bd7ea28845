"""`lambdapack init`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from lambdapack.errors import EXIT_OK, EXIT_USAGE
from lambdapack.render.text import plain
from lambdapack.workflows.proposal import propose, write_proposal


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".")
@click.option("--dry-run", is_flag=True, help="Print the configuration and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
def command(folder: Path, dry_run: bool, yes: bool) -> int:
    """Write a configuration for the functions found in FOLDER, and show it.

    They are looked for in the files of SAM (template.yaml), CDK (cdk.out), the Serverless Framework and Terraform, and
    where there are none, in the code. It is added to pyproject.toml, or written to lambdapack.toml where there is none.
    """
    proposal = propose(folder)
    click.echo(proposal.text, nl=False)
    for note in proposal.notes:
        click.echo(f"note: {plain(note)}", err=True)
    if dry_run:
        return EXIT_OK
    where = f"{'add this to' if proposal.exists else 'write this to'} {proposal.path}?"
    asks = not yes and sys.stdin.isatty() and not os.environ.get("CI")
    if asks and not click.confirm(where, default=True, err=True):
        return EXIT_USAGE
    write_proposal(proposal)
    click.echo(f"wrote {proposal.path}; next: lambdapack check {proposal.functions[0]}", err=True)
    return EXIT_OK
