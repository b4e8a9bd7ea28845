"""`lambdapack explain`."""

from __future__ import annotations

import difflib

import click

from lambdapack.catalogue import all_checks
from lambdapack.errors import UsageError


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """Print the page of the check CODE, which may also be a name: ELF002, glibc-too-new."""
    checks = {check.code: check for check in all_checks()}
    names = {check.name: check for check in checks.values()}
    found = checks.get(code.upper()) or names.get(code.lower())
    if found is None:
        near = difflib.get_close_matches(code, [*checks, *names], 1)
        raise UsageError(
            f"no check has the code or name {code}",
            hint=f"did you mean {near[0]}?" if near else "lambdapack checks lists them all",
        )
    click.echo(f"{found.code} {found.name}: {found.title}\n\n{found.documentation}")
