"""Finds the checks: every module of the `checks` folder holds exactly one. Refuses to start on any disorder."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import lru_cache

from lambdapack import checks
from lambdapack.checking import Check

_FILE_NAME = re.compile(r"^([a-z]{3}[0-9]{3})_[a-z0-9_]+$")


class DisorderedCatalogue(RuntimeError):
    """A check's file breaks the rules of the folder: a bug of ours, found before anything runs."""


@lru_cache(maxsize=1)
def all_checks() -> tuple[Check, ...]:
    """Returns every check, ordered by code."""
    found: dict[str, Check] = {}
    for info in pkgutil.iter_modules(checks.__path__):
        match = _FILE_NAME.match(info.name)
        if match is None:
            raise DisorderedCatalogue(f"checks/{info.name}.py: the name is not code_name, like elf002_glibc_too_new.py")
        module = importlib.import_module(f"{checks.__name__}.{info.name}")
        declared = [value for value in vars(module).values() if isinstance(value, Check)]
        if len(declared) != 1:
            raise DisorderedCatalogue(f"checks/{info.name}.py: holds {len(declared)} checks, not one")
        item = declared[0]
        if item.code != match[1].upper():
            raise DisorderedCatalogue(f"checks/{info.name}.py: declares {item.code}")
        if item.code in found:
            raise DisorderedCatalogue(f"checks/{info.name}.py: the code {item.code} is taken")
        if not item.documentation:
            raise DisorderedCatalogue(f"checks/{info.name}.py: has no documentation page")
        found[item.code] = item
    return tuple(found[code] for code in sorted(found))
