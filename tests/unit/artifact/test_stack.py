"""Trees mounted on each other."""

from __future__ import annotations

from lambdapack.artifact import Mount, Stack
from tests.unit.memory import MemoryTree, stack_of


def test_function_and_layers_have_their_places() -> None:
    stack = stack_of({"handler.py": "H"}, {"python/a.py": "first", "lib/x.so": ""}, {"python/a.py": "second"})
    assert [located.path for located in stack.files()] == ["/opt/lib/x.so", "/opt/python/a.py", "/var/task/handler.py"]
    located = stack.file("/opt/python/a.py")
    assert located is not None
    assert stack.read_bytes(located) == b"second"


def test_folders_are_implied_by_files() -> None:
    stack = stack_of({"a/b/c.py": ""})
    assert stack.is_folder("/var/task/a/b")
    assert stack.names("/var/task") == {"a"}
    assert stack.names("/var/task/a") == {"b"}
    assert stack.names("/") == {"var"}
    assert not stack.is_folder("/var/task/a/b/c.py")
    assert stack.names("/nowhere") == frozenset()


def test_links_are_followed_inside() -> None:
    stack = stack_of({"v1/m.py": "M", "current": "-> v1", "alias.py": "-> current/m.py", "abs": "-> /var/task/v1"})
    for path in ("/var/task/current/m.py", "/var/task/alias.py", "/var/task/abs/m.py", "/var/task/v1/../current/m.py"):
        located = stack.file(path)
        assert located is not None, path
        assert stack.read_bytes(located) == b"M"
    assert stack.is_folder("/var/task/current")
    assert stack.names("/var/task/current") == {"m.py"}


def test_links_that_lead_nowhere_or_round_and_round() -> None:
    stack = stack_of({"out": "-> ../../etc/passwd", "loop": "-> loop", "a": "-> b", "b": "-> a"})
    for name in ("out", "loop", "a"):
        assert stack.file(f"/var/task/{name}") is None
        assert not stack.is_folder(f"/var/task/{name}")


def test_each_tree_is_read_in_one_pass() -> None:
    asked: list[list[str]] = []

    class Watched(MemoryTree):
        def read(self, wanted):  # type: ignore[no-untyped-def]
            entries = list(wanted)
            asked.append([entry.path for entry in entries])
            return super().read(entries)

    stack = Stack([Mount("/opt", Watched({"b": "2"})), Mount("/var/task", Watched({"a": "1", "c": "3"}))])
    contents = {located.path: stream.read() for located, stream in stack.read(stack.files())}
    assert contents == {"/opt/b": b"2", "/var/task/a": b"1", "/var/task/c": b"3"}
    assert sorted(asked) == [["a", "c"], ["b"]]
