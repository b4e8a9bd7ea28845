"""What is read of a module must be the same whether it is skimmed, or parsed as a whole."""

from __future__ import annotations

import re
import sysconfig
import zipfile
from itertools import islice
from pathlib import Path

import pytest

from lambdapack.facts import source
from lambdapack.facts.distributions import record_hash
from lambdapack.facts.pieces import cut_module
from lambdapack.facts.program import Program
from lambdapack.facts.source import read_source
from lambdapack.workflows.inspection import Target, inspect

_FILES = 800


def _read_whole(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Program:
    with monkeypatch.context() as patch:
        patch.setattr(source, "cut_module", lambda _: None)
        return read_source(data)


def _installed() -> list[Path]:
    paths = sorted({path for name in ("stdlib", "purelib") for path in Path(sysconfig.get_path(name)).rglob("*.py")})
    return list(islice(paths, 0, None, max(1, len(paths) // _FILES)))


def test_all_that_is_installed_here_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    skimmed = 0
    paths = _installed()
    for path in paths:
        data = path.read_bytes()
        program = read_source(data)
        whole = _read_whole(data, monkeypatch)
        # What Python would not compile may look whole, as long as nobody looks into functions.
        assert program == whole or (whole.damaged and not program.damaged), path
        skimmed += cut_module(data) is not None
    assert skimmed > 0.9 * len(paths)


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
        "def f():\n    return dict(\na = 1,\nb = 2\n)\nimport seen\n",  # arguments that look like assignments
        "x = dict(\na = 1,\nb = 2\n)\nimport seen\n",
        'x = [\n\'a\',\n"""b\nimport hidden\n"""\n]\nimport seen\n',
        "def f():\n\tpass\n\timport inner\nimport seen\n",
        "def f():\n    if 1: import inner\n    def g():\n        import deeper\nimport seen\n",
        "def f():\n    global made\n    made = 1\n",
        "async def f(a=(b := 1)):\n    await a\nimport seen",
        "if True:\n    def f():\n        pass\nelse:\n    import seen\n",
        "def f():\r\n    pass\r\nimport seen\r\n",
        "def f():\r    pass\rimport seen\r",
        '"""\ndef f() -> x:\n\ntext\n"""\nimport seen\nX = 1\n',
        "@one\n# why\n@two.three\ndef f():\n    pass\n\n@one\n\nclass C:\n    @one\n    # why\n    def m(self): ...\n",
        "class C:\n    @property\n    # why\n    def a(self): pass\n    @call(1)\n    def b(self, x=g()): pass\n",
        "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield\n\nwith f():\n    import seen\n",
        "try: x: int = 1\nexcept E: pass\nelse: y = 2\nfinally: z = 3\n",
        "x = 1 + \\\n    2\nfrom a import \\\n    b\nfrom c import (d, # (\n  e as f,\n)\n",
        "from . import g\nfrom .h import *\nfrom .. i import j\nfrom .import k\nimport l, m.n as o, p.q\n",
        "x: list[\n    int\n] = f()\ny: int | None\nz: 'int | None' = None\n",
        "from __future__ import annotations\ndef f(a: int | g() = 1) -> h(1): pass\nx: int | f() = 1\n",
        "def f(a: int | None, b=c | d) -> str | None: pass\n",
        "a = 'x\\n'; b = 1\nc = r'x'\nd = b'x'\ne = 'x' 'y'\nf = 'é'\ng = 10L\nh = 0x1_f\ni = 1e5\nj = 1j\nk = ...\n",
        "a = print\nb = True\nc = {'k': (1)}\nd = [f(1)]\ne = [int | str]\nf = {1, 2}\ng = -1\nh = a.b.c\ni\n",
        "__all__ = ['a', \"b\",  # c\n 'd']\n__all__ += ['e']\n",
        "__all__ = ['a' 'b']\n",
        "a = ['x']\nfor i in a: f(i)\nb = ['%s' % x, a / b]\nfor i in b: pass\n",
        "c = [1]\nc.append(2)\nd = [i for i in c]\n",
        "__all__ = []\n",
        "__all__: list[str] = ['a', b]\n",
        "class C(Base, metaclass=M(1)):\n    import a\n    x = f(1)\n    y: int = 1\n    class D:\n        z = 1\n",
        "class C[T: (int, str)](Base): pass\nclass D[T]:\n    def m[U](self, x: U) -> list[\n        U]: return x\n",
        "class C:\n    x = [y := 1]\n",
        "f'{x[\"a\"]}'\nf'''{\n'''a'''}'''\nimport seen\n",
        "x = '''\nimport hidden\n'''.strip()\nimport seen\n",
        "globals()['x'] = 1\nimport seen\nif a:\n    exec(b)\n    y = 1\ndef f():\n    globals()['z'] = 1\n",
        "def f(): pass\n# exec(x)\nclass C: pass\n# globals()['y'] = 1\n",
        "if x:\n    pass\n# between\nelse:\n    import seen\n",
        "for x in y:\n    import a\nelse:\n    import b\nwhile c: import d\n",
        "match x:\n    case y: import seen\nmatch = 1\nmatch(x)\ntype X = int\ntype = 2\n",
        "def f():\n    pass\n  # odd\n\x0c\nimport seen\n",
        "\ufeffimport seen\n",
        "print 'old'\nexec 'x' in y\n",
        "def f(a, (b, c)): pass\nimport seen\n",
        "if 1:\n\tx = 1\n        y = 2\n",
        "x = y = z = 1\nx, y = 1, 'two'\n(x) = 3\n*x, = y\nx += 1\ndel x, y\n",
    ],
)
def test_layouts_that_may_mislead_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_source(text.encode()) == _read_whole(text.encode(), monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    '''not closed\n",
        "x = (1,\nimport a\n",
        "def f():\n    pass\n)\n",
        "@alone\nx = 1\n",
        "x = 'not closed\n",
        "  x = 1\n",
        "def f():\n    return tasks.async(1)\n",
    ],
)
def test_what_is_laid_out_like_nothing_known_is_not_cut(text: str) -> None:
    assert cut_module(text.encode()) is None


def test_only_what_is_more_than_plain_is_parsed() -> None:
    text = (
        "'''Text.'''\nimport a\nfrom b import (c,\n  d)\nX = 'x'\n\n\ndef f(y=1):\n    return g(y)\n\n\n"
        "class C(B):\n    z = None\n\n    @property\n    def m(self):\n        return h()\n\n\nlog = get(1)\n"
    )
    pieces = cut_module(text.encode())
    assert pieces is not None
    assert pieces.rest.text == b"log = get(1)\n"


def test_lines_are_those_of_the_file() -> None:
    text = (
        "import a\n\n\ndef f():\n    import b\n\n\nclass C:\n    '''doc\n    '''\n\n    x = g(1)\n\n"
        "    @h(2)\n    def m(self):\n        pass\n\ny = i(3)\n"
    )
    program = read_source(text.encode())
    lines = re.findall(r"'name', '(\w)'\), \(\('literal', \d\),\), \(\), (\d+)", str(program.body.statements))
    assert lines == [("g", "12"), ("h", "14"), ("i", "18")]
    assert [item.line for item in program.deferred] == [5]


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
