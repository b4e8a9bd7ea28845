"""What a person pastes, in the forms in which Lambda's logs reach people."""

from __future__ import annotations

import json

import pytest

from lambdapack.diagnosis import diagnose
from lambdapack.diagnosis.records import read_records
from lambdapack.diagnosis.wording import decode, unescape, unfolded

LINE = "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'requests'"
ID = "b256388f-2bb3-408c-932c-4cfc57cfdb4c"
STREAM = "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef"
FORMS = {
    "the text alone": "No module named 'requests'",
    "as the runtime client writes it": f"{LINE}\rTraceback (most recent call last):\r\xa0\xa0File",
    "without quotes, as Python 2 says it": "Unable to import module 'app': No module named requests",
    "the console's typographic quotes": "Unable to import module ‘app’: No module named ‘requests’",
    "colours": f"\x1b[31m{LINE}\x1b[0m",
    "colours that lost their escape": f"[31m{LINE}[0m",
    "the answer of an invocation": json.dumps(
        {
            "errorMessage": "Unable to import module 'app': No module named 'requests'",
            "errorType": "Runtime.ImportModuleError",
            "requestId": ID,
            "stackTrace": [],
        },
        indent=2,
    ),
    "the answer cut off": '{"errorMessage": "Unable to import module \'app\': No module named \'requests\'", "errorTy',
    "an answer as Python prints it": "{'errorMessage': \"Unable to import module 'app': No module named 'requests'\"}",
    "a JSON log line": json.dumps({"timestamp": "2026-11-21T05:00:00Z", "level": "ERROR", "message": LINE}),
    "an event of CloudWatch": json.dumps({"events": [{"timestamp": 1795237200000, "message": LINE + "\n"}]}),
    "aws logs tail": f"2026-11-21T05:00:00.123000+00:00 {STREAM} {LINE}",
    "aws logs tail, short": f"2026-11-21T05:00:00 {LINE}",
    "sam logs": f"{STREAM} 2026-11-21T05:00:00.123000 {LINE}",
    "serverless logs": f"2026-11-21 05:00:00.123 (+01:00)\t{ID}\t{LINE}",
    "the console's table": f"1795237200000\t{LINE}",
    "the console, time above message": f"2026-11-21T05:00:00.123+02:00\n{LINE}\n",
    "docker compose": f"lambda-1  | {LINE}",
    "Markdown": "> ```\n> Unable to import module 'app': No module named 'requests'\n> ```",
    "HTML": "Unable to import module &#39;app&#39;: No module named &#39;requests&#39;",
    "JSON pasted out of its quotes": r"\"Unable to import module \'app\': No module named \'requests\'\"",
    "folded between words": "Unable to import\n   module 'app': No\n   module named\n 'requests'",
    "folded within words": "Unable to import modu\nle 'app': No module nam\ned 'requests'",
    "cut at the end": "Unable to import module 'app': No module named 'requests",
    "a Python traceback": (
        'Traceback (most recent call last):\n  File "/var/task/app.py", line 1, in <module>\n    import requests\n'
        "ModuleNotFoundError: No module named 'requests'\n"
    ),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_form_of_one_message(text: str) -> None:
    (problem,) = diagnose(text).problems
    assert problem.pattern == "module-missing"
    assert problem.named["module"] == "requests"


def test_each_error_once_with_count_and_times() -> None:
    other = "[ERROR] KeyError: 'TABLE_NAME'\rTraceback (most recent call last):\r\xa0\xa0File \"/var/task/app.py\""
    log = "\n".join(
        [
            f"2026-11-21T05:00:00Z\tSTART RequestId: {ID} Version: $LATEST",
            f"2026-11-21T05:00:01Z\t{LINE}\rTraceback (most recent call last):",
            f"2026-11-21T05:00:02Z\t{other}",
            f"2026-11-21T05:00:03Z\t{LINE}\rTraceback (most recent call last):",
            f"2026-11-21T05:00:04Z\tREPORT RequestId: {ID}\tDuration: 2.32 ms\tBilled Duration: 3 ms",
        ]
    )
    said = {problem.pattern: problem.message for problem in diagnose(log).problems}
    first = said["module-missing"]
    assert (first.count, first.first, first.last) == (2, "2026-11-21T05:00:01Z", "2026-11-21T05:00:03Z")
    assert said["variable-not-set"].count == 1


def test_a_line_that_came_twice_is_counted_once() -> None:
    line = f"2026-11-21T05:00:01Z\t{LINE}"
    answer = json.dumps({"timestamp": "2026-11-21T05:00:01Z", "errorMessage": LINE, "errorType": "x"})
    (problem,) = diagnose("\n".join([line, line, answer])).problems
    assert problem.message.count == 1


def test_what_follows_from_another_error_is_left_out() -> None:
    log = f"{LINE}\nRequestId: {ID} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n"
    assert [problem.pattern for problem in diagnose(log).problems] == ["module-missing"]
    alone = log.partition("\n")[2]
    assert [problem.pattern for problem in diagnose(alone).problems] == ["runtime-exited"]


def test_tracebacks_of_one_chain_stay_together() -> None:
    first = 'Traceback (most recent call last):\n  File "/var/task/a.py", line 1\nModuleNotFoundError: a b\n'
    second = 'Traceback (most recent call last):\n  File "/var/task/a.py", line 3\nOSError\n'
    chain = f"{first}\nDuring handling of the above exception, another exception occurred:\n\n{second}"
    assert len(read_records(chain)) == 1
    assert len(read_records(chain + chain)) == 2


def test_a_traceback_whose_lines_are_events_of_their_own() -> None:
    lines = ["Traceback (most recent call last):", '  File "/var/task/a.py", line 1', "ImportError: No module named x"]
    text = "\n".join(f"2026-11-21T05:00:0{number}Z {line}" for number, line in enumerate(lines))
    (record,) = read_records(text)
    assert record.error_type == "ImportError"


def test_files_of_powershell() -> None:
    assert decode(LINE.encode("utf-16")) == LINE
    assert decode(b"\xef\xbb\xbf" + LINE.encode()) == LINE


def test_windows_paths_are_no_escapes() -> None:
    assert unescape(r"C:\new\readme") == r"C:\new\readme"
    assert unescape(r"a\nTraceback") == "a\nTraceback"
    assert unfolded("No mod\n  ule") == "No module"


@pytest.mark.parametrize("text", ["{" * 100_000, "[" * 100_000, '{"a":' * 50_000, "\x1b[" * 1000, "'" * 5000])
def test_hostile_text_is_read_to_the_end(text: str) -> None:
    assert diagnose(text).found is False
