"""Why the dynamic loader refused a file: from its message, and from the debug output of a second attempt.

The message names the library that is missing and not who needs it, nor where it was looked for; `LD_DEBUG` does
(ld.so(8)). Knows the words of glibc's elf/dl-load.c, dl-version.c and dl-lookup.c.
"""

from __future__ import annotations

import re

from lambdapack.facts.attempts import LoaderReport

DEBUG = {"LD_DEBUG": "libs,files"}
"""The variables for the second attempt; what the loader says then stands in the attempt's output."""

_VERSION = re.compile(r"(\S+): version [`'](\S+)' not found \(required by (\S+)\)")
_ABSENT = re.compile(r"(?:^|[\s'\"])(\S+): cannot open shared object file")
_SYMBOL = re.compile(r"(\S+): undefined symbol: ([^\s,]+)(?:, version (\S+))?")
_OTHER = re.compile(
    r"(/\S+): (?:invalid ELF header|file too short|wrong ELF class: \S+|cannot allocate memory in static TLS block"
    r"|ELF load command [^\n]+|failed to map segment from shared object|cannot enable executable stack [^\n]+)"
)
_NEEDED = re.compile(r"\tfile=(\S+) \[\d+\];  needed by (\S+) \[\d+\]")
_SEARCHED = re.compile(r"\tfind library=(\S+) \[\d+\]; searching")
_TRIED = re.compile(r"\t\s*trying file=(\S+)")
# Folders that the loader tries below each of the search path's, for processors that can do more.
_FOR_PROCESSORS = frozenset(("glibc-hwcaps", "tls", "haswell", "avx512_1", "x86_64", "atomics"))


def read_message(message: str) -> LoaderReport | None:
    """Returns what the message itself says, or None when it is not the loader's."""
    version = _VERSION.search(message)
    if version is not None:
        library = version[1].rpartition("/")[2]
        return LoaderReport(version[0], file=version[3], required_by=version[3], soname=library, version=version[2])
    symbol = _SYMBOL.search(message)
    if symbol is not None:
        return LoaderReport(symbol[0], file=symbol[1], required_by=symbol[1], symbol=symbol[2], version=symbol[3])
    absent = _ABSENT.search(message)
    if absent is not None:
        name = absent[1]
        text = f"{name}: cannot open shared object file"
        return LoaderReport(text, file=name) if "/" in name else LoaderReport(text, soname=name)
    other = _OTHER.search(message)
    return LoaderReport(other[0], file=other[1]) if other is not None else None


def is_told_more(report: LoaderReport) -> bool:
    """True when a second attempt with `DEBUG` tells what the message leaves out."""
    return report.soname is not None and report.required_by is None


def read_debug(report: LoaderReport, output: str) -> LoaderReport:
    """Returns the report with who needed the missing library and where it was looked for."""
    needed_by: str | None = None
    tried: list[str] = []
    searching = False
    for line in output.splitlines():
        needed = _NEEDED.search(line)
        if needed is not None and needed[1] == report.soname:
            needed_by, tried, searching = needed[2], [], False
            continue
        searched = _SEARCHED.search(line)
        if searched is not None:
            searching = searched[1] == report.soname
            continue
        attempt = _TRIED.search(line)
        if attempt is not None and searching and not _FOR_PROCESSORS & set(attempt[1].split("/")):
            tried.append(attempt[1])
    return LoaderReport(
        report.text,
        file=needed_by,
        required_by=needed_by,
        soname=report.soname,
        tried=tuple(dict.fromkeys(tried)),
    )
