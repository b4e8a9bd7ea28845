"""`lambdapack runtimes list` and `lambdapack runtimes show`."""

from __future__ import annotations

import json

import click

from lambdapack.profiles import ARCHITECTURES, known_runtimes, load_profile, profile_to_json


@click.group("runtimes")
def command() -> None:
    """List the Lambda runtimes, or show what one of them offers."""


@command.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_runtimes(form: str) -> None:
    """List the known runtimes with system, glibc and dates."""
    profiles = [load_profile(runtime, ARCHITECTURES[0]) for runtime in known_runtimes()]
    if form == "json":
        rows = [
            {
                "runtime": profile.runtime,
                "architectures": list(ARCHITECTURES),
                "operating_system": profile.operating_system,
                "glibc": ".".join(map(str, profile.glibc)),
                "status": profile.lifecycle.status,
                "as_of": profile.lifecycle.as_of,
                "deprecation": profile.lifecycle.deprecation,
                "block_update": profile.lifecycle.block_update,
            }
            for profile in profiles
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(f"{'RUNTIME':12} {'SYSTEM':18} {'GLIBC':6} {'STATUS':11} {'DEPRECATION':12} UPDATES BLOCKED")
    for profile in profiles:
        life = profile.lifecycle
        glibc = ".".join(map(str, profile.glibc))
        row = f"{profile.runtime:12} {profile.operating_system:18} {glibc:6} {life.status:11}"
        click.echo(f"{row} {life.deprecation or '-':12} {life.block_update or '-'}")
    click.echo(f"status as of {profiles[0].lifecycle.as_of}; architectures: {', '.join(ARCHITECTURES)}")


@command.command("show")
@click.argument("runtime")
@click.option("--arch", "architecture", default=ARCHITECTURES[0], show_default=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show_runtime(runtime: str, architecture: str, form: str) -> None:
    """Show what RUNTIME offers, with the source of each fact."""
    profile = load_profile(runtime, architecture)
    if form == "json":
        click.echo(profile_to_json(profile), nl=False)
        return
    ceilings = ", ".join(
        f"{name}_{'.'.join(map(str, version))}" for name, version in sorted(profile.symbol_ceilings.items())
    )
    managed = sum(1 for library in profile.libraries.values() if library.in_managed)
    rows = {
        "runtime": f"{profile.runtime} on {profile.architecture}",
        "status": f"{profile.lifecycle.status} as of {profile.lifecycle.as_of}",
        "system": profile.operating_system,
        "glibc": ".".join(map(str, profile.glibc)),
        "symbol ceilings": ceilings,
        "extension suffixes": " ".join(profile.extension_suffixes),
        "system libraries": f"{len(profile.libraries)} in the image, {managed} known to be in the managed runtime",
        "preinstalled": ", ".join(f"{item.name} {item.version or ''}".strip() for item in profile.preinstalled),
        "sys.path": " ".join(profile.python_path),
        "LD_LIBRARY_PATH": ":".join(profile.library_path),
        "image": profile.image,
    }
    for name, value in rows.items():
        click.echo(f"{name:19} {value}")
    click.echo("\nsources")
    for group, provenance in sorted(profile.provenance.items()):
        click.echo(
            f"  {group:20} {provenance.knowledge}, {provenance.date}: {provenance.source}"
            + (f" ({provenance.note})" if provenance.note else "")
        )
