"""Checks by code, by the beginning of a code, or by name. Knows the catalogue and no finding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from lambdapack.catalogue import all_checks
from lambdapack.errors import UsageError
from lambdapack.report import BUG_CODE

_SHORT_NUMBER = re.compile(r"([A-Z]{3})-?([0-9]{1,3})")


def expand_codes(texts: Iterable[str], place: str) -> frozenset[str]:
    """Returns the codes that are meant by `ELF002`, `ELF`, `glibc-too-new`, several in one text parted by commas.

    `place` is the option or configuration key, for the `UsageError` about what means no check.
    """
    wanted = [part.strip() for text in texts for part in text.split(",")]
    return frozenset(code for text in wanted if text for code in _expand(text, place))


def _expand(text: str, place: str) -> list[str]:
    checks = all_checks()
    found = [check.code for check in checks if check.code.startswith(text.upper()) or check.name == text.lower()]
    if found:
        return found
    if BUG_CODE.startswith(text.upper()):
        raise UsageError(
            f"{place}: {BUG_CODE} says that lambdapack itself has crashed, which cannot be left out",
            hint="report the bug, and leave out the check that its message names",
        )
    known = [name for check in checks for name in (check.code, check.name)]
    short = _SHORT_NUMBER.fullmatch(text.upper())
    padded = f"{short[1]}{int(short[2]):03}" if short else text.upper()
    near = difflib.get_close_matches(padded, known, 1) or difflib.get_close_matches(text.lower(), known, 1)
    advice = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"{place}: no check has the code or name {text}", hint=f"{advice}lambdapack checks lists them all")
