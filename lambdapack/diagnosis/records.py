"""Splits what a person pasted into the events it was made of: one record for each thing that was said.

Knows the forms in which Lambda's logs reach people: CloudWatch's console and exports, `aws logs tail`, `sam logs`,
`serverless logs`, the emulator's output, JSON logs of functions and of the platform, answers of invocations. Does not
know what the messages mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from lambdapack.diagnosis.wording import clean, unescape

_TIME = (
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z| ?\(?[+-]\d\d:?\d\d\)?)?"
    r"|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d[,.]\d+|1[4-9]\d{11}(?!\d))"
)
_STREAM = r"\d{4}/\d\d/\d\d/[\w-]*\[(?:\$LATEST|\d+)\][0-9a-f]{8,}"
_HEAD = re.compile(
    rf"^(?:\| )?(?:[\w.-]+ *\| )?(?:{_STREAM} )?(?:\[?(?P<time>{_TIME})\]?(?: \| |, ?| )?)?(?:{_STREAM} ?)?(?:\| )?"
)
_TIME_INSIDE = re.compile(rf"^\[\w+\] +({_TIME})")
_LEVEL = r"\[(?:ERROR|WARN(?:ING)?|INFO|DEBUG|CRITICAL|FATAL)\]"
_NEW_EVENT = re.compile(
    rf"{_LEVEL}|(?:START|END|REPORT) RequestId:|INIT_(?:START|REPORT)\b|LAMBDA_WARNING|RequestId: [0-9a-f-]{{36}}"
    r"|['\"]?(?:errorMessage|errorType)\b|Unable to import module|Runtime\.[A-Z]\w+\b|Function Logs|Response:?$|START$"
    r"|(?:XRAY|LOGS|EXTENSION)\b|Handler '|Task timed out|An error occurred \(|Resource handler returned"
)
_GOES_ON = re.compile(r"\s|Traceback \(most|File \"|During handling of|The above exception|Original error was|~*\^+~*$")
_KEY = re.compile(r"\W*(errorMessage|errorType|requestId|stackTrace)\b")
_TYPE_ALONE = re.compile(r"(?:Runtime|Sandbox|Function|Extension)\.\w+\s*$")
_NOT_A_MESSAGE = re.compile(r"(?:START|END|REPORT) RequestId:|INIT_START\b|XRAY |LOGS |EXTENSION |Function Logs$")
_TRACEBACK = "Traceback (most recent call last)"
_LINKED = re.compile(r"(?:During handling of the above|The above exception was the direct)[^\n]*$")
_RAISED = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|NotFound|Timedout)\b(?=:|\s*$)")
_REQUEST = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_TYPES = (
    re.compile(r"\b((?:Runtime|Sandbox|Function|Extension)\.[A-Z]\w+)"),
    re.compile(rf"^{_LEVEL} +([A-Za-z_][\w.]*(?:Error|Exception|Exit|NotFound)):"),
    re.compile(r"['\"]?errorType['\"]?\s*:\s*['\"]?([\w.]+)"),
)
_TIMES_IN_JSON = ("timestamp", "time", "@timestamp", "eventTime", "Timestamp")
_TEXTS_IN_JSON = (
    *("message", "@message", "msg", "Message", "log", "body", "Payload", "cause", "Cause", "errorMessage", "reason"),
    *("StateReason", "LastUpdateStatusReason", "StatusReason", "ResourceStatusReason", "LogResult", "output"),
)
_JSON_AHEAD = re.compile(r"\{\s*(?:\"|$)|\[\s*\{")
_MOST_JSON_STARTS = 20_000  # a text full of braces must not take forever


@dataclass(frozen=True, slots=True)
class Record:
    """One event. `line` is where it begins, from 1; `time` as it was written, epochs in ISO 8601; `request` is the
    request's ID. None: not said."""

    text: str
    line: int
    time: str | None = None
    error_type: str | None = None
    request: str | None = None


def read_records(raw: str) -> list[Record]:
    """Returns the events of a text in order, without those that only say that an invocation began or ended."""
    return [record for record in _of_text(clean(raw), 1) if record.text]


def _of_text(text: str, line: int) -> Iterator[Record]:
    """Cuts a text at its JSON values, and what is between them into events."""
    plain: list[str] = []
    began, position, starts = line, 0, 0
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        start = _JSON_AHEAD.search(text, position, end)
        value = None
        if start is not None and starts < _MOST_JSON_STARTS:
            starts += 1
            value, after = _json_at(text, start.start())
        if start is None or value is None:
            plain.append(text[position:end])
            position, line = end + 1, line + 1
            continue
        before = text[position : start.start()]
        head = _HEAD.match(before)
        yield from _of_lines([*plain, before] if before.strip() else plain, began)
        time = _time_of(head["time"]) if head and head["time"] else None
        yield from (replace(record, time=record.time or time) for record in _of_json(value, line))
        line += text.count("\n", position, after)
        plain, began, position = [], line, after
    yield from _of_lines(plain, began)


def _json_at(text: str, start: int) -> tuple[Any, int]:
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    return (value, end) if value else (None, start)


def _of_json(value: Any, line: int) -> Iterator[Record]:
    """Finds the errors in an object: an error as such, or a text that is a log of its own."""
    if isinstance(value, list):
        for item in value:
            yield from _of_json(item, line)
        return
    if not isinstance(value, dict):
        return
    time = next((_time_of(str(value[key])) for key in _TIMES_IN_JSON if value.get(key)), None)
    kind = value.get("errorType") or value.get("error_type") or value.get("ErrorType")
    said = value.get("errorMessage")
    if isinstance(said, str):
        text = "\n".join(filter(None, (unescape(clean(said)), _stack(value.get("stackTrace")))))
        yield _record(text, line, time, kind if isinstance(kind, str) else None, value.get("requestId"))
        return
    if isinstance(kind, str) and "status" in value:
        yield _record(f"Status: {value['status']} Error Type: {kind}", line, time, kind, value.get("requestId"))
        return
    for key, item in value.items():
        is_log = isinstance(item, str) and key in _TEXTS_IN_JSON
        inner = _of_text(clean(item), line) if is_log else _of_json(item, line)
        yield from (replace(found, line=line, time=found.time or time) for found in inner)


def _stack(frames: Any) -> str:
    """Returns a stack trace: lines, or file, line, function and code as older clients send them."""
    if not isinstance(frames, list):
        return clean(frames) if isinstance(frames, str) else ""
    lines = [", ".join(map(str, frame)) if isinstance(frame, list) else str(frame) for frame in frames]
    return clean("\n".join(line.rstrip() for line in lines))


def _of_lines(lines: list[str], first: int) -> Iterator[Record]:
    said: list[str] = []
    began, time = first, None
    waiting: str | None = None  # a time that stands on a line of its own belongs to the next
    for number, line in enumerate(lines, first):
        head = _HEAD.match(line)
        assert head is not None  # every part of it may be empty
        message = line[head.end() :]
        at = _time_of(head["time"]) if head["time"] else None
        if at is not None and not message.strip():
            waiting = at
            continue
        if (at or waiting or not said or _NEW_EVENT.match(message) or _is_another(message, said)) and not (
            said and _belongs(message, said)
        ):
            if said:
                yield _record("\n".join(said), began, time)
            said, began, time = [message], number, at or waiting
        else:
            said.append(message)
        waiting = None
    if said:
        yield _record("\n".join(said), began, time)


def _belongs(message: str, said: list[str]) -> bool:
    """True for a line that goes on with the event before it, although it has a time of its own."""
    if message.startswith(_TRACEBACK):
        return not _is_another(message, said)
    if _TYPE_ALONE.match(message):
        return True
    key = _KEY.match(message)
    if key is not None:  # an object that is no JSON any more: its parts belong together
        return _KEY.match(said[-1]) is not None and not any(key[1] in line for line in said)
    if _GOES_ON.match(message):
        return True
    within = any(line.startswith((_TRACEBACK, "  File ")) for line in said)
    return within and said[-1].startswith((" ", 'File "')) and _RAISED.match(message) is not None


def _is_another(message: str, said: list[str]) -> bool:
    """True for a traceback that is not the next link of the one before it."""
    if not message.startswith(_TRACEBACK) or not any(line.startswith(_TRACEBACK) for line in said):
        return False
    before = next((line for line in reversed(said) if line.strip()), "")
    return _LINKED.match(before) is None


def _record(text: str, line: int, time: str | None, error_type: str | None = None, request: object = None) -> Record:
    text = unescape(text).strip()
    if _NOT_A_MESSAGE.match(text):
        text = "\n".join(text.split("\n")[1:]).strip()  # what has no mark of its own may follow on the next line
    inside = _TIME_INSIDE.match(text)
    found = _REQUEST.search(text)
    return Record(
        text,
        line,
        time or (_time_of(inside[1]) if inside else None),
        error_type or type_in(text),
        request if isinstance(request, str) and request else (found[0] if found else None),
    )


def type_in(text: str) -> str | None:
    """Returns the type of the error that a text is about, or None."""
    for pattern in _TYPES:
        match = pattern.search(text)
        if match is not None:
            return match[1]
    raised = [match[0] for line in text.split("\n") if (match := _RAISED.match(line)) is not None]
    return raised[-1] if raised else None


def _time_of(text: str) -> str:
    """Returns a time as it was written, milliseconds since 1970 as ISO 8601."""
    if text.isdecimal() and len(text) == 13:
        return datetime.fromtimestamp(int(text) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text
