"""Would the target's Python compile a module? Judged by the target's grammar, whatever Python runs lambdapack.

The parser is ruff's: it knows every grammar from Python 3.7 on and which version added what. Decoding follows PEP 263
and what CPython's importer does; nothing is run.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from lambdapack.facts.compiler import refused_by_compiler
from lambdapack.facts.ruff_server import first_problems
from lambdapack.facts.syntax import parse

# Mistakes that CPython's compiler, not its parser, refuses: late or unknown __future__ imports, two starred targets,
# break, continue, yield, return and await out of place, star imports in functions, a bare except that is not the last,
# global and nonlocal.
_FLAKE8_RULES = ("F404", "F406", "F407", "F621", "F622", "F701", "F702", "F704", "F706", "F707")
_COMPILER_RULES = (*_FLAKE8_RULES, "PLE0117", "PLE0118", "PLE1142", "PLE1700")
_CHECKS_COMMENTS_SINCE = (3, 14)  # an undecodable byte in a comment did no harm before; measured with 3.9 to 3.13
# What tokenize says of an encoding that nobody knows, and of one that contradicts the byte order mark.
_UNFIT_DECLARATIONS = ("unknown encoding", "encoding problem")
_UTF8 = ("utf-8", "utf-8-sig")  # as tokenize spells it


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a module does not compile. `line` counts from 1, 0 where there is no one line."""

    line: int
    message: str


def check_syntax(sources: Sequence[bytes], python: tuple[int, int]) -> list[SyntaxProblem | None]:
    """Returns for each module's bytes the first reason for which this Python refuses to compile them, or None."""
    found: dict[int, SyntaxProblem] = {}
    texts: dict[int, str] = {}
    for number, data in enumerate(sources):
        text = _decode(data, python)
        if isinstance(text, SyntaxProblem):
            found[number] = text
        else:
            texts[number] = text
    parsed = first_problems(list(texts.values()), python=python, rules=_COMPILER_RULES)
    for number, problem in zip(texts, parsed, strict=True):
        if problem is not None:
            found[number] = SyntaxProblem(problem[0], problem[1].replace("`", ""))
            continue
        refused = [SyntaxProblem(line, message) for line, message in refused_by_compiler(sources[number])]
        if refused:
            found[number] = min(refused, key=lambda item: item.line)
    return [found.get(number) for number in range(len(sources))]


def _decode(data: bytes, python: tuple[int, int]) -> str | SyntaxProblem:
    """Returns a module's text, or why it has none."""
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
    return problem or text


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
