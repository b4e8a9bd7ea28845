"""The command line. `main` is the console script; what takes time to import is imported by the verb that needs it."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Runs the program and ends the process with its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from lambdapack import __version__

        sys.stdout.write(f"lambdapack {__version__}\n")
        return
    # A run of seconds leaves next to no garbage in circles, and looking for it takes a tenth of an inspection.
    gc.disable()
    try:
        if sys.argv[1:2] == ["build"] and _has_nothing_to_do(sys.argv[1:]):
            return
        from lambdapack.cli.app import run
    except KeyboardInterrupt:  # before there was anything to clean up
        sys.exit(130)
    sys.exit(run())


def _has_nothing_to_do(arguments: list[str]) -> bool:
    """Says again what the same build said last time, when nothing has changed since then."""
    from lambdapack.memo import recall

    memo = recall(arguments)
    if memo is None:
        return False
    try:
        sys.stderr.write(memo.err)
        sys.stdout.write(memo.out)
        sys.stdout.flush()
    except (OSError, UnicodeEncodeError):
        return False
    return True
