"""`lambdapack cache`."""

from __future__ import annotations

import click

from lambdapack.settings import cache_folder
from lambdapack.workflows.caching import LARGEST, cache_parts, clean_cache, prune_cache


@click.group("cache")
def command() -> None:
    """Show or drop what lambdapack keeps: facts of artifacts, wheels, images. All of it can be had again.

    It is kept in the user's cache folder, or in LAMBDAPACK_CACHE_DIR.
    """


@command.command("dir")
@click.option("-v", "--verbose", is_flag=True, help="Also say what is in it.")
def folder(verbose: bool) -> None:
    """Print the folder."""
    click.echo(str(cache_folder()))
    for part in cache_parts() if verbose else ():
        click.echo(f"{_megabytes(part.size):>12}  {part.name}")


@command.command("prune")
@click.option(
    "--days",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Keep what was used within so many days.",
)
@click.option(
    "--max-size",
    type=click.IntRange(min=0),
    default=LARGEST // 1_000_000,
    show_default=True,
    metavar="MB",
    help="Then drop what was used longest ago, until so much is left.",
)
def prune(days: int, max_size: int) -> None:
    """Drop what was not used for some time; what was used within the last hour stays."""
    click.echo(f"freed {_megabytes(prune_cache(days, max_size * 1_000_000))}")


@command.command("clean")
def clean() -> None:
    """Drop everything."""
    click.echo(f"freed {_megabytes(clean_cache())}")


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
