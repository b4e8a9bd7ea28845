"""`lambdapack completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lambdapack.cli.app import COMPLETION_VARIABLE


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print a script that lets SHELL complete verbs and options.

    bash: eval "$(lambdapack completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc; fish: lambdapack
    completion fish > ~/.config/fish/completions/lambdapack.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "lambdapack", COMPLETION_VARIABLE).source())
