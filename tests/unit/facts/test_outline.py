"""What is read of a module must be the same with and without its outline."""

from __future__ import annotations

import sysconfig
import zipfile
from itertools import islice
from pathlib import Path

import pytest

from lambdapack.facts import syntax
from lambdapack.facts.distributions import record_hash
from lambdapack.facts.outline import blank_functions
from lambdapack.facts.program import Program
from lambdapack.facts.source import read_source
from lambdapack.workflows.inspection import Target, inspect

_FILES = 400


def _read_whole(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Program:
    with monkeypatch.context() as patch:
        patch.setattr(syntax, "blank_functions", lambda _: None)
        return read_source(data)


def test_all_that_is_installed_here_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    for path in islice(paths, 0, None, max(1, len(paths) // _FILES)):
        data = path.read_bytes()
        assert read_source(data) == _read_whole(data, monkeypatch), path


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    x = '''\nimport hidden\n'''\n\nimport seen\n",  # a string that is not indented
        'def f():\n    x = \'"""\'\n    y = """\nimport hidden\n"""\n\nimport seen\n',
        "class A:\n    '''\n  def f():\n    text\n    '''\n    import seen\n    def g(self):\n        '''doc'''\n",
        "def f(\n    a=(1,\n    2),  # ):\n):\n    return a\nimport seen\n",
        "def f(): return 1\nimport seen\n",
        "def f():  # say\n    # nothing\n\n    pass\nimport seen\n",
        "def f():\n    return (\na,\n)\nimport seen\n",
        "def f():\n\tpass\n\timport inner\nimport seen\n",
        "def f():\n    if 1: import inner\n    def g():\n        import deeper\nimport seen\n",
        "def f():\n    global made\n    made = 1\n",
        "async def f(a=(b := 1)):\n    await a\nimport seen",
        "if True:\n    def f():\n        pass\nelse:\n    import seen\n",
        "def f():\r\n    pass\r\nimport seen\r\n",
        "def f():\r    pass\rimport seen\r",
        '"""\ndef f() -> x:\n\ntext\n"""\nimport seen\nX = 1\n',
    ],
)
def test_layouts_that_may_mislead_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_source(text.encode()) == _read_whole(text.encode(), monkeypatch)


def test_what_is_damaged_in_a_function_is_still_seen() -> None:
    assert read_source(b"def f():\n    x = (1,\n\nimport seen\n").damaged


def test_code_that_was_python_once_is_seen_as_damaged() -> None:
    assert read_source(b"def f():\n    return tasks.async(1)\n").damaged
    assert not read_source(b"async def f():\n    'async'\n    async with a: pass\n").damaged


@pytest.mark.parametrize("recorded", [b"def f():\n    return 1\n", b"def f():\n    return 1 1\n"])
def test_damage_in_a_function_of_a_distribution_is_found_by_its_record(tmp_path: Path, recorded: bytes) -> None:
    broken = b"def f():\n    return 1 1\n"
    path = tmp_path / "function.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("handler.py", "import fast\ndef lambda_handler(event, context): pass\n")
        archive.writestr("fast.py", broken)
        archive.writestr("fast-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: fast\nVersion: 1\n")
        record = f"fast.py,{record_hash(recorded)},{len(recorded)}\nfast-1.dist-info/METADATA,,\n"
        archive.writestr("fast-1.dist-info/RECORD", record)
    target = Target(path, runtime="python3.13", handler="handler.lambda_handler", cached=False)
    codes = {finding.code for finding in inspect(target).findings}
    # What a wheel was published with has been compiled by somebody; what has changed since was not.
    assert ("IMP007" in codes) is (recorded != broken)


def test_an_outline_keeps_places_and_leaves_out_bodies() -> None:
    data = b"def f(a):\n    # some\n    return a + 1\n\nX = 1\n"
    outline = blank_functions(data)
    assert outline is not None
    assert len(outline.text) == len(data)
    assert outline.text.index(b"X = 1") == data.index(b"X = 1")
    assert outline.text.count(b"\n", 0, outline.text.index(b"X")) == data.count(b"\n", 0, data.index(b"X"))
    assert b"return" not in outline.text
    assert {data[:end] for end in outline.ends.values()} == {b"def f(a):\n    # some\n    return a + 1\n\n"}
