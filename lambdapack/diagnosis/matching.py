"""Holds records against the patterns: which message each of them is, and what it names.

Knows nothing of artifacts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lambdapack.diagnosed import Message, Nearest
from lambdapack.diagnosis.catalogue import Pattern, expressions, load_catalogue
from lambdapack.diagnosis.naming import Setting, derive, is_kind
from lambdapack.diagnosis.records import Record
from lambdapack.diagnosis.wording import in_one_line, unfolded

_LONGEST = 20_000  # characters of a record that are looked at: a message stands at its beginning or its end
_SHOWN = 600
_FEW = 200  # records; of more, only those with a word like "error" in them are held against the patterns
_NEAREST = 3
_LEAST_LIKENESS = 0.3
_HANDLER = (
    re.compile(r"Unable to import module [`'\"]*([^\s'\"`:]+)", re.IGNORECASE),
    re.compile(r"Syntax error in module [`'\"]*([^\s'\"`:]+)", re.IGNORECASE),
    re.compile(r"missing on module [`'\"]*([^\s'\"`:]+)", re.IGNORECASE),
)
_ERROR = re.compile(
    r"\b(?:error|exception|traceback|fail(?:ed|ure)|fatal|unable to|cannot|could not|couldn't|denied|refused|not found"
    r"|no such|no module|missing|invalid|unsupported|timed out|timeout|signal|exit status|panic|killed|exceed\w*)\b"
    r"|\w(?:Error|Exception)\b|errorMessage|must be smaller|not supported|is not a|has no",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"\[(?:INFO|DEBUG)\]|(?:\[WARN(?:ING)?\].{0,60})?LAMBDA_WARNING|REPORT RequestId")
_SURELY_AN_ERROR = re.compile(r"^\[ERROR\]|Traceback \(most recent call last\)")
_TRACEBACK = "Traceback (most recent call last)"
_RAISED = re.compile(
    r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|NotFound)\b.*(?:\n(?!Traceback|  File|During|The above).*)*",
    re.MULTILINE,
)
# What a person would ask the log for again and again is the same error although it carries another number.
_KEYS = (
    "module",
    "soname",
    "path",
    "version",
    "symbol",
    "name",
    "function",
    "variable",
    "distribution",
    "program",
    "setting",
)


@dataclass(frozen=True, slots=True)
class Matched:
    """A message with the pattern that it is, and what it names, with what follows from that."""

    message: Message
    pattern: Pattern
    named: Mapping[str, str]


def handler_module(text: str) -> str | None:
    """Returns the handler's module (`src.app`), where a text of the runtime client says it."""
    for pattern in _HANDLER:
        match = pattern.search(text)
        if match is not None:
            return match[1].strip("\\.,")
    return None


def recognise(records: Sequence[Record], setting: Setting) -> tuple[list[Matched], list[Message]]:
    """Returns the understood messages, each once, and those that are errors and not understood."""
    known: dict[tuple[str, ...], tuple[Pattern, Mapping[str, str], list[Record]]] = {}
    strange: dict[str, list[Record]] = {}
    few = len(records) <= _FEW
    for record in records:
        if _HARMLESS.match(record.text) or not (few or _ERROR.search(record.text)):
            continue
        own = Setting(handler_module(record.text) or setting.handler_module, setting.profile)
        found = match_record(record.text, own)
        if found is not None:
            pattern, named = found
            key = (pattern.name, *(named.get(name, "") for name in _KEYS))
            known.setdefault(key, (pattern, named, []))[2].append(record)
        elif _ERROR.search(record.text) or len(records) == 1:
            strange.setdefault(in_one_line(record.text)[:200], []).append(record)
    matched = [Matched(_message(said), pattern, named) for pattern, named, said in known.values()]
    if any(not item.pattern.general for item in matched):
        matched = [item for item in matched if not item.pattern.general]
        # Beside an error that is understood, only what surely is another one is worth a word.
        strange = {text: said for text, said in strange.items() if _SURELY_AN_ERROR.search(said[0].text)}
    elif matched:  # several words for one end: the one that says most stands first in the catalogue
        names = [pattern.name for pattern in load_catalogue().patterns]
        matched = [min(matched, key=lambda item: names.index(item.pattern.name))]
    return matched, [_message(said) for said in strange.values()]


def match_record(text: str, setting: Setting) -> tuple[Pattern, Mapping[str, str]] | None:
    """Returns the first pattern that fits: the error itself goes before what stands around it."""
    catalogue = load_catalogue().patterns
    seen_in_all = _match(in_one_line(text[:_LONGEST]), setting, [item for item in catalogue if item.whole])
    if seen_in_all is not None:
        return seen_in_all
    best: tuple[Pattern, Mapping[str, str]] | None = None
    for part in _parts(text):
        found = _match(part, setting, catalogue)
        if found is not None and not found[0].general:
            return found
        best = best or found
    return best


def _parts(text: str) -> Iterator[str]:
    """Yields what may hold the error, the likeliest place first: the header, the last error raised, all of it."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n{text[-_LONGEST // 2 :]}"
    head, found, rest = text.partition(_TRACEBACK)
    if found:
        if head.strip():
            yield in_one_line(head)
        raised = _RAISED.findall(rest)
        if raised:
            yield in_one_line(raised[-1])
    yield in_one_line(text)
    if "\n" in text:
        yield unfolded(text)


def _match(text: str, setting: Setting, patterns: Sequence[Pattern]) -> tuple[Pattern, Mapping[str, str]] | None:
    for pattern in patterns:
        for expression in expressions(pattern.name):
            for match in expression.finditer(text):
                said = {key: value for key, value in match.groupdict().items() if value}
                if pattern.only is None or is_kind(pattern.only, said, setting):
                    return pattern, derive(said | dict(pattern.named), setting)
    return None


def _message(records: Sequence[Record]) -> Message:
    """Counts what was said; a line that came by two ways (text and JSON, or a log that is doubled) counts once."""
    first = records[0]
    occasions = {(record.time, record.request) for record in records if record.time}
    without = sum(record.time is None for record in records)
    times = [record.time for record in records if record.time]
    ordered = sorted(times) if all(time[:4].isdecimal() for time in times) else times
    text = in_one_line(first.text.partition(f"\n{_TRACEBACK}")[0]) or in_one_line(first.text)
    if text.startswith(_TRACEBACK):
        text = in_one_line((_RAISED.findall(first.text) or [text])[-1])
    return Message(
        text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ...",
        next((record.error_type for record in records if record.error_type), None),
        len({(time or "")[:19] for time, _ in occasions}) + without if occasions else len(records),
        ordered[0] if ordered else None,
        ordered[-1] if ordered else None,
        first.line,
    )


def nearest(text: str) -> tuple[Nearest, ...]:
    """Returns the patterns whose words are most like a text's, the nearest first."""
    words = _words(text)
    found = []
    for pattern in load_catalogue().patterns:
        likeness = max(_likeness(words, _words(_plain(expression))) for expression in (*pattern.match, pattern.title))
        if likeness >= _LEAST_LIKENESS:
            found.append(Nearest(pattern.name, pattern.title, round(likeness, 2)))
    return tuple(sorted(found, key=lambda item: (-item.likeness, item.pattern))[:_NEAREST])


def _plain(expression: str) -> str:
    """A regular expression as the words that it consists of."""
    return re.sub(r"\(\?P?<?\w*>?|<\w+>|\\[a-z]|[\\^$|()?*+\[\]{}:=!]", " ", expression)


def _words(text: str) -> list[str]:
    return [
        word for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in ("the", "and", "for", "that", "with")
    ]


def _likeness(text: Sequence[str], wanted: Sequence[str]) -> float:
    """The share of a pattern's words that stand in a text, also misspelt, when there are enough to tell."""
    if len(wanted) < 2:
        return 0.0
    vocabulary = list(dict.fromkeys(text[:400]))
    hits = sum(1 for word in wanted if word in vocabulary or difflib.get_close_matches(word, vocabulary, 1, 0.8))
    return hits / len(wanted)
