"""`lambdapack checks`."""

from __future__ import annotations

import json

import click

from lambdapack.catalogue import all_checks


@click.command("checks")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(form: str) -> None:
    """List all checks: code, name, what its findings may be, what an artifact does that has one."""
    checks = all_checks()
    if form == "json":
        rows = [
            {"code": check.code, "name": check.name, "title": check.title, "severities": list(check.severities)}
            for check in checks
        ]
        click.echo(json.dumps({"schema_version": 1, "checks": rows}, indent=2, ensure_ascii=False))
        return
    width = max(len(check.name) for check in checks)
    for check in checks:
        severities = ", ".join(check.severities)
        click.echo(f"{check.code}  {check.name:{width}}  {severities:20}  {check.title}")
    click.echo("\nlambdapack explain CODE prints the page of one of them")
