"""Sources in, programs out: what the module binds, imports and guards, whatever Python it is written for."""

from __future__ import annotations

import ast
import sys
import sysconfig
from pathlib import Path

import pytest

from lambdapack.facts.program import Block, Constant, Define, For, If, Import, Maybe, Raise, Return, Try, all_names
from lambdapack.facts.source import read_function, read_source


def names(source: str) -> set[str]:
    return set(all_names(read_source(source.encode()).body))


def imports(source: str) -> list[Import]:
    return [item for item in read_source(source.encode()).body.statements if isinstance(item, Import)]


@pytest.mark.parametrize(
    ("source", "bound"),
    [
        ("a = 1", {"a"}),
        ("a = b = 1", {"a", "b"}),
        ("a, (b, *c) = x", {"a", "b", "c"}),
        ("[a, b] = x", {"a", "b"}),
        ("a: int = 1", {"a"}),
        ("a: int", set()),
        ("a.b = 1; a[0] = 2", set()),
        ("a += 1", set()),
        ("def f(x): y = 1", {"f"}),
        ("async def f(): pass", {"f"}),
        ("@decorated\nclass C:\n    m = 1", {"C"}),
        ("import a.b.c", {"a"}),
        ("import a.b as c", {"c"}),
        ("from a import b, c as d", {"b", "d"}),
        ("from a import (b,  # why\n  c,\n)", {"b", "c"}),
        ("for a, b in x:\n    c = 1\nelse:\n    d = 1", {"a", "b", "c", "d"}),
        ("while (n := f()):\n    m = 1", {"n", "m"}),
        ("with a() as b, c() as (d, e):\n    f = 1", {"b", "d", "e", "f"}),
        ("with (a() as b, c() as d):\n    f = 1", {"b", "d", "f"}),
        ("try:\n    a = 1\nexcept E as e:\n    b = 1\nelse:\n    c = 1\nfinally:\n    d = 1", {"a", "b", "c", "d"}),
        ("try:\n    a = 1\nexcept* E:\n    b = 1", {"a", "b"}),
        ("if x:\n    a = 1\nelif y:\n    b = 1\nelse:\n    c = 1", {"a", "b", "c"}),
        ("if (a := 1): pass", {"a"}),
        ("print(a := 1)", {"a"}),
        ("x = [b := 1, (lambda: (c := 1))]", {"x", "b"}),
        ("type A[T] = list[T]", {"A"}),
        ("def f():\n    global g\n    g = 1", {"f", "g"}),
        ("if x:\n    def f(): pass\n    class C: pass", {"f", "C"}),
    ],
)  # fmt: skip
def test_bound_names(source: str, bound: set[str]) -> None:
    assert names(source) == bound


def test_match_binds_at_least_its_captures() -> None:
    source = (
        "match x:\n    case {'k': v, **rest}: a = 1\n    case [first, *others]: b = 1\n    case P(z) as whole: pass"
    )
    assert {"v", "rest", "a", "first", "others", "b", "z", "whole"} <= names(source)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a.b", [Import(1, "a.b", bound="a")]),
        ("import a.b as c, d", [Import(1, "a.b", bound="c"), Import(1, "d", bound="d")]),
        ("from . import a", [Import(1, "", 1, (("a", "a"),))]),
        ("from ..x.y import a as b", [Import(1, "x.y", 2, (("a", "b"),))]),
        ("from ... import *", [Import(1, "", 3, (("*", "*"),))]),
        ("from __future__ import annotations", []),
        ("import \\\n  a", [Import(1, "a", bound="a")]),
        ("x = 1; import a; import b", [Import(1, "a", bound="a"), Import(1, "b", bound="b")]),
    ],
)
def test_imports(source: str, found: list[Import]) -> None:
    assert imports(source) == found


def test_calls_are_kept_with_what_they_are_given() -> None:
    program = read_source(b"x = f('a', b, c=1)\ny = {'k': g(\n  *z)}\nlater = lambda: h()\n")
    assert program.body.statements == (
        Constant("x", ("call", ("name", "f"), (("literal", "a"), ("name", "b")), (("c", ("literal", 1)),), 1)),
        Constant("y", ("some", (("call", ("name", "g"), (), (("**", ("unknown",)),), 2),))),
        Constant("later", ("unknown",)),
    )


def test_a_function_is_read_when_it_is_called() -> None:
    program = read_source(
        b"import a\n\n\ndef f(x, y=1, *, z: int = 2, **more):\n    v = x\n    import b\n    return v\n"
    )
    define = program.body.statements[-1]
    assert isinstance(define, Define)
    function = read_function(define.function)
    assert function is not None
    assert function.parameters == (("x", None), ("y", ("literal", 1)))
    assert function.keyword_parameters == (("z", ("literal", 2)), ("more", ("unknown",)))
    assert function.local_names == {"v", "b"}
    assert function.body.statements[-2:] == (Import(6, "b", bound="b"), Return(("name", "v")))


@pytest.mark.parametrize("source", ["@d\ndef f(): pass", "async def f(): pass", "class C:\n    def f(self): pass"])
def test_functions_that_are_not_followed(source: str) -> None:
    assert not [item for item in read_source(source.encode()).body.statements if isinstance(item, Define)]


def test_guards() -> None:
    program = read_source(
        b"try:\n    import a\nexcept (ImportError, m.Error) as e:\n    raise\n"
        b"except compute():\n    pass\nexcept:\n    pass\n"
    )
    (statement,) = program.body.statements
    assert isinstance(statement, Try)
    assert [handler.catches for handler in statement.handlers] == [("ImportError", "m.Error"), None, None]
    assert statement.handlers[0].body.statements == (Raise(4, None),)


def test_unparenthesised_except_of_python_3_14() -> None:
    (statement,) = read_source(b"try:\n    import a\nexcept ImportError, OSError:\n    pass\n").body.statements
    assert isinstance(statement, Try)
    assert statement.handlers[0].catches == ("ImportError", "OSError")


def test_suppress_is_a_guard_and_other_context_managers_are_not_known() -> None:
    (guard,) = read_source(b"with contextlib.suppress(ImportError, OSError):\n    import a\n").body.statements
    assert isinstance(guard, Try)
    assert guard.handlers[0].catches == ("ImportError", "OSError")
    _, unknown = read_source(b"with optional():\n    import a\n").body.statements
    assert isinstance(unknown, Maybe)
    _, plain = read_source(b"with warnings.catch_warnings():\n    import a\n").body.statements
    assert isinstance(plain, Import)


def test_imports_in_functions_are_deferred_unless_guarded() -> None:
    source = b"""
def f():
    import a
    if TYPE_CHECKING:
        import typing_only
    try:
        import guarded
    except ImportError:
        import fallback
class C:
    def m(self):
        with x:
            from b import c
    import at_import_time
"""
    program = read_source(source)
    assert [item.module for item in program.deferred] == ["a", "fallback", "b"]
    assert [item.module for item in program.body.statements if isinstance(item, Import)] == ["at_import_time"]
    assert program.members == {"C": frozenset({"m", "at_import_time"})}


def test_conditions_inside_a_class_do_not_bind_module_names() -> None:
    program = read_source(b"class C:\n    if x:\n        y = 1\n        import z\n")
    assert all_names(program.body) == {"C"}
    statement = program.body.statements[0]
    assert isinstance(statement, If)
    assert [item.module for item in statement.branches[0][1].statements if isinstance(item, Import)] == ["z"]


@pytest.mark.parametrize(
    ("source", "exports", "unknown"),
    [
        ("__all__ = ['a', \"b\"]", ("a", "b"), False),
        ("__all__ = ('a',)\n__all__ += ['b']", ("a", "b"), False),
        ("__all__ = ['a']\n__all__.append('b')\n__all__.extend(('c',))", ("a", "b", "c"), False),
        ("__all__ = names()", None, True),
        ("__all__ = ['a'] + x.__all__", None, True),
        ("x = 1", None, False),
    ],
)
def test_exports(source: str, exports: tuple[str, ...] | None, unknown: bool) -> None:
    program = read_source(source.encode())
    assert (program.exports, program.exports_unknown) == (exports, unknown)


@pytest.mark.parametrize(
    ("source", "others"),
    [
        ("import a\na.__all__ = []\n", True),
        ("import a\na.__all__.append('x')\n", True),
        ("setattr(a, '__all__', [])\n", True),
        ("# what follows is its own.\n\n__all__ = []\n", False),
        ("print(a.__all__)\n", False),
    ],
)
def test_what_sets_the_exports_of_others(source: str, others: bool) -> None:
    assert ("__all__" in read_source(source.encode()).assigned_attributes) is others


@pytest.mark.parametrize(
    ("source", "hooks"),
    [
        ("sys.path.insert(0, x)", {"sys.path"}),
        ("print(sys.path, sys.modules, __path__[0])", set()),
        ("sys.modules[__name__] = x", {"sys.modules"}),
        ("sys.modules[__name__ + '.moves'] = x", {"sys.modules"}),
        ("if sys.modules['a'] == b: pass", set()),
        ("sys.meta_path.append(x)", {"sys.meta_path"}),
        ("__path__ = x", {"__path__"}),
        ("__path__.append(x)", {"__path__"}),
        ("# Turn this module into a package.\n__path__ = []", {"__path__"}),
        ("other.__path__.append(x)", {"__path__", "other.__path__"}),
        ("__path__ = __import__('pkgutil').extend_path(__path__, __name__)", {"__path__", "extend_path"}),
    ],
)
def test_import_hooks(source: str, hooks: set[str]) -> None:
    assert read_source(source.encode()).import_hooks == hooks


@pytest.mark.parametrize(
    "source", ["globals()['x'] = 1", "vars()['x'] = 1", "exec(code)", "sys.modules[__name__].x = 1"]
)
def test_opaque(source: str) -> None:
    assert read_source(source.encode()).opaque


@pytest.mark.parametrize(
    "source",
    [
        'x = f"{"a"}"\nimport after',  # PEP 701, 3.12
        'x = t"{a}"\nimport after',  # PEP 750, 3.14
        "def f[T: int](x: T) -> T: ...\nimport after",  # PEP 695, 3.12
        "match x:\n    case 1: pass\nimport after",  # PEP 634, 3.10
        "print 'python 2'\nimport after",
        "def broken(:\n    pass\nimport after",
        "x = '\xe9'.encode()\nimport after",
        "\ufeffimport after",
    ],
)
def test_any_grammar_leaves_the_imports(source: str) -> None:
    assert "after" in {item.module for item in imports(source)}


def test_nothing_makes_it_crash() -> None:
    for data in (
        b"",
        b"\0",
        b"\xff\xfe\x00",
        b"(" * 5000,
        b"import",
        b"from . import",
        b"except:",
        b"import a" + b"\0" * 10,
    ):
        read_source(data)


def test_it_agrees_with_ast_on_the_standard_library() -> None:
    """Every module-level name and import of this Python's own library, as its own parser sees them."""
    folder = Path(sysconfig.get_path("stdlib"))
    compared = 0
    for path in sorted(folder.glob("*.py")) + sorted(folder.glob("asyncio/*.py")) + sorted(folder.glob("email/*.py")):
        data = path.read_bytes()
        program = read_source(data)
        expected_names, expected_imports = _by_ast(ast.parse(data))
        assert expected_names <= all_names(program.body), path
        assert expected_imports == _modules(program.body), path
        compared += 1
    assert compared > 150, sys.version


def _by_ast(tree: ast.Module) -> tuple[set[str], set[str]]:
    found: set[str] = set()
    modules: set[str] = set()

    def walk(nodes: list[ast.stmt], *, in_class: bool) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                modules.update(alias.name for alias in node.names)
                if not in_class:
                    found.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
                modules.add("." * node.level + (node.module or ""))
                if not in_class:
                    found.update(alias.asname or alias.name for alias in node.names if alias.name != "*")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if not in_class:
                    found.add(node.name)
                if isinstance(node, ast.ClassDef):
                    walk(node.body, in_class=True)
            elif isinstance(node, ast.Assign) and not in_class:
                found.update(
                    n.id
                    for target in node.targets
                    for n in ast.walk(target)
                    if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                )
            for body in ("body", "orelse", "finalbody"):
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    walk(getattr(node, body, []), in_class=in_class)
            for handler in getattr(node, "handlers", []):
                walk(handler.body, in_class=in_class)

    walk(tree.body, in_class=False)
    return found, modules


def _modules(block: Block) -> set[str]:
    found: set[str] = set()
    for statement in block.statements:
        if isinstance(statement, Import):
            found.add("." * statement.level + statement.module)
        elif isinstance(statement, Try):
            for inner in (statement.body, *(h.body for h in statement.handlers), statement.orelse, statement.final):
                found |= _modules(inner)
        elif isinstance(statement, If):
            for _, inner in statement.branches:
                found |= _modules(inner)
        elif isinstance(statement, Maybe | For):
            found |= _modules(statement.body)
    return found
