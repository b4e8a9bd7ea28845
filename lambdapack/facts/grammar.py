"""Would the target's Python compile a module? Judged by the target's grammar, whatever Python runs lambdapack.

The parser is ruff's: it knows every grammar from Python 3.7 on and which version added what. Decoding follows PEP 263
and what CPython's importer does; nothing is run.
"""

from __future__ import annotations

import io
import json
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ruff import find_ruff_bin
from tree_sitter import Node

from lambdapack.errors import MissingRequirement
from lambdapack.facts.compiler import refused_by_compiler
from lambdapack.facts.syntax import parse

# Mistakes that CPython's compiler, not its parser, refuses: late or unknown __future__ imports, two starred targets,
# break, continue, yield, return and await out of place, star imports in functions, a bare except that is not the last,
# global and nonlocal.
_COMPILER_RULES = "F404,F406,F407,F621,F622,F701,F702,F704,F706,F707,PLE0117,PLE0118,PLE1142,PLE1700"
_CHECKS_COMMENTS_SINCE = (3, 14)  # an undecodable byte in a comment did no harm before; measured with 3.9 to 3.13
_SECONDS = 60
# What tokenize says of an encoding that nobody knows, and of one that contradicts the byte order mark.
_UNFIT_DECLARATIONS = ("unknown encoding", "encoding problem")
_UTF8 = ("utf-8", "utf-8-sig")  # as tokenize spells it


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a module does not compile. `line` counts from 1, 0 where there is no one line."""

    line: int
    message: str


def check_syntax(data: bytes, python: tuple[int, int]) -> SyntaxProblem | None:
    """Returns the first reason for which this Python refuses to compile a module's bytes, or None."""
    nul = data.find(b"\0")
    if nul >= 0:
        return SyntaxProblem(data.count(b"\n", 0, nul) + 1, "source code cannot contain null bytes")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        text, problem = data.decode("utf-8", "replace"), _undecodable(data, python)
        if problem is None and any(words in str(error) for words in _UNFIT_DECLARATIONS):
            return SyntaxProblem(1, str(error))
    else:
        try:
            text, problem = data.decode(encoding), None
        except UnicodeDecodeError as error:
            text, problem = data.decode(encoding, "replace"), _undecodable(data, python)
            if encoding not in _UTF8:  # of a declared encoding every byte counts, also in comments
                problem = SyntaxProblem(data.count(b"\n", 0, error.start) + 1, str(error))
        except (LookupError, ValueError):  # a codec that does not make text, like rot13
            return SyntaxProblem(1, f"encoding problem: {encoding}")
    if problem is not None:
        return problem
    found = [SyntaxProblem(line, message) for line, message in refused_by_compiler(data)]
    return _parse(text, python) or min(found, key=lambda item: item.line, default=None)


def _undecodable(data: bytes, python: tuple[int, int]) -> SyntaxProblem | None:
    """Finds the first byte that is not UTF-8, unless it stands in a comment that this Python does not decode."""
    comments = [] if python >= _CHECKS_COMMENTS_SINCE else list(_comments(data))
    start = 0
    while start < len(data):
        try:
            data[start:].decode("utf-8")
        except UnicodeDecodeError as error:
            position = start + error.start
            if not any(begin <= position < end for begin, end in comments):
                line = data.count(b"\n", 0, position) + 1
                return SyntaxProblem(line, f"byte {data[position]:#04x} is not UTF-8, and no encoding is declared")
            start = position + 1
        else:
            break
    return None


def _comments(data: bytes) -> Iterator[tuple[int, int]]:
    pending: list[Node] = [parse(data)]
    while pending:
        node = pending.pop()
        if node.type == "comment":
            yield node.start_byte, node.end_byte
        pending.extend(node.children)


def _parse(text: str, python: tuple[int, int]) -> SyntaxProblem | None:
    command = [
        find_parser(),
        "check",
        "--isolated",
        "--no-cache",
        "--ignore-noqa",
        "--quiet",
        f"--target-version=py{python[0]}{python[1]}",
        f"--select={_COMPILER_RULES}",
        "--output-format=json",
        "--stdin-filename=module.py",
        "-",
    ]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None  # no proof
    try:
        problems = json.loads(done.stdout)
    except ValueError:
        raise MissingRequirement(f"ruff cannot parse: {done.stderr.decode(errors='replace').strip()}") from None
    for problem in sorted(problems, key=lambda item: item["location"]["row"]):
        return SyntaxProblem(problem["location"]["row"], str(problem["message"]).replace("`", ""))
    return None


@cache
def find_parser() -> str:
    """Returns the path of ruff. Raises `MissingRequirement` when it is not installed."""
    try:
        return str(find_ruff_bin())
    except FileNotFoundError as error:
        raise MissingRequirement(
            "ruff is not installed, so no syntax can be judged", hint="pip install ruff"
        ) from error
