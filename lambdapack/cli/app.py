"""The group of verbs, and what every one of them ends with: an exit status and, if need be, one clear line."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
import traceback

import click

from lambdapack import __version__
from lambdapack.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_MISSING,
    EXIT_OK,
    EXIT_TERMINATED,
    EXIT_USAGE,
    LambdapackError,
)

COMPLETION_VARIABLE = "_LAMBDAPACK_COMPLETE"
_VERBS = {
    "init": "write a configuration for the functions found in a repository",
    "check": "build, inspect and import-test a configured function: the one command for CI",
    "build": "build the artifact of a configured function, and inspect it",
    "inspect": "say what will fail on Lambda in an artifact, and why; runs nothing of it",
    "test": "import the handler of an artifact in its runtime",
    "invoke": "run the handler of an artifact with an event, in its runtime's emulator",
    "diagnose": "say what an error message or a log means, which cause the artifact confirms, and the fix",
    "diff": "say why two artifacts differ: distributions, files, native code, bytes",
    "fix": "repair what of an artifact can be repaired for certain, and prove it",
    "why": "say why a distribution, module or file is in an artifact, and what it costs",
    "bundle": "write what a report of a bug needs of an artifact, and none of its code",
    "checks": "list all checks: codes, names, what they say",
    "explain": "print the page of a check: what it finds, why it fails, how to fix it",
    "cache": "show or drop what is kept in the cache folder",
    "completion": "print a script that lets a shell complete verbs and options",
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
    "5 build failed, 70 a bug, 130 interrupted.",
)
@click.version_option(__version__, "-V", "--version", message="lambdapack %(version)s")
def command_line() -> None:
    """Build, inspect and import-test AWS Lambda Python artifacts."""


def run() -> int:
    """Runs the command line and returns the exit status."""
    # A cancelled CI job gets SIGTERM: end as if interrupted, so that temporary files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of any alphabet, on a console of any
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): keep the interpreter from complaining at its end, too.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - stays open until the end
        return EXIT_OK
    except OSError as error:
        say("error", f"the output cannot be written: {error.strerror or error}", None)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        return EXIT_MISSING


def _run() -> int:
    asked = os.environ.get(COMPLETION_VARIABLE)
    if asked:  # by the script that `lambdapack completion` prints
        from click.shell_completion import shell_complete

        return shell_complete(command_line, {}, "lambdapack", COMPLETION_VARIABLE, asked)
    try:
        with command_line.make_context("lambdapack", sys.argv[1:]) as context:
            result = command_line.invoke(context)
        return result if isinstance(result, int) else EXIT_OK
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except LambdapackError as error:
        say("error", f"{error}", error.hint)
        return error.exit_status
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "lambdapack"
        say("error", error.format_message(), f"{where} --help")
        return EXIT_USAGE
    except click.ClickException as error:
        say("error", error.format_message(), None)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        say("interrupted", "nothing was left behind", None)
        return EXIT_INTERRUPTED
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - the last line of defence
        traceback.print_exc()
        say("bug", "this is a bug of lambdapack: please report it with the lines above", None)
        return EXIT_BUG


def say(kind: str, message: str, hint: str | None) -> None:
    """Tells one thing on standard error: what, and what to do about it."""
    from lambdapack.cli.output import colour_on
    from lambdapack.render.text import plain

    click.echo(f"{click.style(kind, fg='red', bold=True)}: {plain(message)}", err=True, color=colour_on(sys.stderr))
    if hint:
        click.echo(f"{click.style('hint', fg='cyan', bold=True)}: {plain(hint)}", err=True, color=colour_on(sys.stderr))
