"""Paths put together in Python: what is known of them without running anything."""

from __future__ import annotations

import pytest

from lambdapack.facts import syntax
from lambdapack.facts.paths import PathReader, bound_once

FILE = "/var/task/pkg/app.py"
IMPORTED = {"path": "os.path", "Path": "pathlib.Path", "join": "os.path.join", "environ": "os.environ"}


def absolute(dotted: str) -> str:
    head, _, rest = dotted.partition(".")
    head = IMPORTED.get(head, head)
    return f"{head}.{rest}" if rest else head


def read(expression: str, before: str = "") -> str | None:
    data = f"{before}\nRESULT = {expression}\n".encode()
    scope = bound_once(syntax.parse(data), data)
    node = scope["RESULT"]
    assert node is not None
    return PathReader(data, FILE, absolute, (scope,)).read(node)


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ('"bin/tool"', "bin/tool"),
        ("__file__", FILE),
        ("os.path.dirname(__file__)", "/var/task/pkg"),
        ('os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "tool")', "/var/task/pkg/bin/tool"),
        ('join(path.dirname(__file__), "..", "tool")', "/var/task/pkg/../tool"),
        ('Path(__file__).resolve().parent / "bin" / "tool"', "/var/task/pkg/bin/tool"),
        ('str(Path(__file__).parent.parent.joinpath("bin", "tool"))', "/var/task/bin/tool"),
        ('Path(__file__).with_name("tool").as_posix()', "/var/task/pkg/tool"),
        ('os.environ["LAMBDA_TASK_ROOT"] + "/tool"', "/var/task/tool"),
        ('os.path.join(os.environ.get("LAMBDA_TASK_ROOT", "."), "tool")', "/var/task/tool"),
        ('environ["LAMBDA_TASK_ROOT"]', "/var/task"),
        ('Path.cwd() / "tool"', "/var/task/tool"),
        ('os.path.join("/opt", "/bin/tool")', "/bin/tool"),
    ],
)
def test_known(expression: str, path: str) -> None:
    assert read(expression) == path


@pytest.mark.parametrize(
    "expression",
    [
        "name",
        'os.environ["HOME"]',
        'os.path.join(name, "tool")',
        'find("tool")',
        'f"{name}/tool"',
        "Path(__file__).parents[1]",
        'tempfile.mkdtemp() + "/tool"',
        'os.path.join(*parts, "tool")',
    ],
)
def test_not_known(expression: str) -> None:
    assert read(expression) is None


def test_names_that_are_bound_once() -> None:
    assert read('HERE + "/tool"', "HERE = os.path.dirname(__file__)") == "/var/task/pkg/tool"


@pytest.mark.parametrize(
    "before",
    [
        'HERE = "/a"\nHERE = "/b"',
        'HERE = "/a"\nHERE += "/b"',
        'for HERE in ("/a", "/b"): pass',
        'if x:\n    HERE = "/a"\nelse:\n    HERE = "/b"',
        'HERE, THERE = "/a", "/b"',
        "def HERE(): pass",
        'HERE = HERE + "/a"',
        'HERE = "/a"\\nwith open("x") as HERE: pass',
        'HERE = "/a"\\nfrom here import HERE',
    ],
)
def test_names_that_are_not(before: str) -> None:
    assert read('HERE + "/tool"', before) is None


def test_a_function_hides_the_names_it_binds() -> None:
    data = b'TOOL = "/opt/bin/tool"\ndef start(TOOL, *rest, name="x"):\n    PATH = TOOL\n    return PATH\n'
    root = syntax.parse(data)
    inner, outer = bound_once(root.named_children[1], data), bound_once(root, data)
    assert set(inner) >= {"TOOL", "rest", "name", "PATH"}
    path = inner["PATH"]
    assert path is not None
    assert PathReader(data, FILE, absolute, (inner, outer)).read(path) is None
    assert PathReader(data, FILE, absolute, (outer,)).read(path) == "/opt/bin/tool"
