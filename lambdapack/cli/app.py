"""The group of verbs, and what every one of them ends with: an exit status and, if need be, one clear line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback

import click

from lambdapack import __version__
from lambdapack.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE, LambdapackError

_VERBS = {
    "check": "build, inspect and import-test a configured function: the one command for CI",
    "build": "build the artifact of a configured function, and inspect it",
    "inspect": "say what will fail on Lambda in an artifact, and why; runs nothing of it",
    "test": "import the handler of an artifact in its runtime",
    "explain": "print the page of a check: what it finds, why it fails, how to fix it",
    "runtimes": "list the Lambda runtimes, or show what one of them offers",
}


class _LazyGroup(click.Group):
    """Imports a verb's module when the verb is used: `lambdapack explain` has no need of uv."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        command: click.Command = importlib.import_module(f"lambdapack.cli.{name}_cmd").command
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _VERBS:
            import difflib

            near = difflib.get_close_matches(args[0], _VERBS, 1)
            raise click.UsageError(
                f"no such command: {args[0]}" + (f"; did you mean {near[0]}?" if near else ""), context
            )
        return super().resolve_command(context, args)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit status: 0 clean, 1 findings, 2 wrong usage, 3 unreadable artifact, 4 something is missing here, "
    "5 build failed.",
)
@click.version_option(__version__, "-V", "--version", message="lambdapack %(version)s")
def command_line() -> None:
    """Build, inspect and import-test AWS Lambda Python artifacts."""


def run() -> int:
    """Runs the command line and returns the exit status."""
    try:
        result = command_line.main(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except LambdapackError as error:
        _say("error", f"{error}", error.hint)
        return error.exit_status
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "lambdapack"
        _say("error", error.format_message(), f"{where} --help")
        return EXIT_USAGE
    except click.ClickException as error:
        _say("error", error.format_message(), None)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted", "nothing was left behind", None)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): keep the interpreter from complaining at its end, too.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - stays open until the end
        return 0
    except Exception:  # noqa: BLE001 - the last line of defence
        traceback.print_exc()
        _say("bug", "this is a bug of lambdapack: please report it with the lines above", None)
        return EXIT_BUG


def _say(kind: str, message: str, hint: str | None) -> None:
    click.echo(f"{click.style(kind, fg='red', bold=True)}: {message}", err=True, color=_colour_on(sys.stderr))
    if hint:
        click.echo(f"{click.style('hint', fg='cyan', bold=True)}: {hint}", err=True, color=_colour_on(sys.stderr))


def _colour_on(stream: object) -> bool:
    from lambdapack.cli.output import colour_on

    return colour_on(stream)
