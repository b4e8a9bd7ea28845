"""`lambdapack runtimes`: list, show, scan, diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lambdapack.cli.output import progress
from lambdapack.errors import UsageError
from lambdapack.profiles import ARCHITECTURES, kept_profile, known_runtimes, load_profile, profile_to_json


@click.group("runtimes")
def command() -> None:
    """List the Lambda runtimes, show what one of them offers, or read it from an image."""


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


@command.command("scan")
@click.argument("source", metavar="IMAGE|ROOTFS")
@click.option("--arch", "architecture", help="Which one of an image for several architectures.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the profile here.")
@click.option("--keep", is_flag=True, help="Keep it in the cache folder, where it overrides the one that came along.")
def scan(source: str, architecture: str | None, output: Path | None, keep: bool) -> None:
    """Read what a runtime offers from its image, or from a folder with its root file system, as a profile.

    The image is named as for inspect: an archive, an OCI folder, NAME, docker-daemon:NAME, docker://REGISTRY/NAME.
    Nothing of it is run. inspect, test and invoke take the profile with --profile.
    """
    from lambdapack.workflows.runtime_scan import scan_runtime

    with progress() as tell:
        found = scan_runtime(source, architecture=architecture, progress=tell)
    places = [output] if output is not None else []
    if keep:
        places.append(kept_profile(found.profile.runtime, found.profile.architecture))
    for place in places:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(found.to_json(), encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"{place}: cannot be written: {error.strerror}") from error
        click.echo(f"{place}: {found.profile.identifier}, {found.profile.operating_system}", err=True)
    if not places:
        click.echo(found.to_json(), nl=False)


@command.command("diff")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def diff(first: str, second: str, form: str) -> None:
    """Show what differs between two runtimes: names (python3.13, python3.13-arm64), profile files, images, folders."""
    from lambdapack.workflows.runtime_scan import differences, profile_text

    with progress() as tell:
        found = differences(profile_text(first, tell), profile_text(second, tell))
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for group, change in found.items():
        _show_change(group, change)
    if not found:
        click.echo("no difference")


def _show_change(group: str, change: Any) -> None:
    click.echo(group)
    for sign, names in (("-", change["removed"]), ("+", change["added"])):
        if names:
            click.echo(f"  {sign} {' '.join(names)}")
    for name, (left, right) in change["changed"].items():
        click.echo(f"  {name}: {_short(left)} -> {_short(right)}")


def _short(value: Any, longest: int = 200) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= longest else f"{text[:longest]} …"
