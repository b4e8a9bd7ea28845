"""The command line. `main` is the console script; what takes time to import is imported by the verb that needs it."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from typing import NoReturn


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
    _leave(run())


def _leave(status: int) -> NoReturn:
    """Ends the process as Python does, but without taking all objects apart, which is a tenth of an inspection."""
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):  # whoever read it has gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


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
