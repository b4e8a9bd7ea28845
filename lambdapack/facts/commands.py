"""Which files of the artifact the function starts as programs: `subprocess` and `os` with a path that can be read.

Looks at first-party modules. Knows which of these calls certainly run when the handler is called or imported; judges
neither the files nor the calls.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from lambdapack.artifact import Stack
from lambdapack.facts import syntax
from lambdapack.facts.calls import absolute_name
from lambdapack.facts.handler_target import HandlerTarget
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.outcome import Execution
from lambdapack.facts.paths import PathReader, bound_once

When = Literal["import", "invocation", "perhaps"]

_WORDS = (b"subprocess", b"os.exec", b"os.spawn", b"os.posix_spawn", b"os.popen", b"os.system", b"create_subprocess")
_STARTERS = frozenset(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen"))
_STARTERS |= frozenset(f"os.{name}" for name in ("execv", "execve", "execl", "execle", "posix_spawn"))
_STARTERS |= frozenset(("asyncio.create_subprocess_exec",))
# Statements whose parts certainly run when they are reached.
_PLAIN = frozenset(
    [
        "expression_statement",
        "return_statement",
        "assignment",
        "augmented_assignment",
        "block",
        "with_statement",
        "call",
        "argument_list",
        "attribute",
        "await",
        "parenthesized_expression",
        "list",
        "tuple",
        "keyword_argument",
        "subscript",
        "dictionary",
        "pair",
        "binary_operator",
        "comparison_operator",
        "unary_operator",
        "not_operator",
    ]
)
_ENDS = frozenset(("return_statement", "raise_statement"))
_FUNCTIONS = ("function_definition", "lambda")
_DEEPEST = 5  # functions that call each other
_CATCHERS = frozenset(("OSError", "PermissionError", "Exception", "BaseException", "EnvironmentError", "IOError"))
_SEARCHED = "/opt/bin"  # the only folder of PATH that belongs to the artifact
_WORKING_DIR = "/var/task"


@dataclass(frozen=True, slots=True)
class Command:
    """One start of a file of the artifact at `program`. `path` and `line` say where, `when` it certainly runs
    (`perhaps`: something decides that is not known). `chain` are the modules that lead there."""

    program: str
    path: str
    line: int
    when: When
    chain: tuple[str, ...]


def read_commands(stack: Stack, imports: ImportFacts, target: HandlerTarget | None) -> Iterator[Command]:
    """Yields what first-party code starts of the artifact's own files."""
    for execution, data in imports.first_party_sources:
        path = execution.module.path
        if path is None or not any(word in data for word in _WORDS):
            continue
        root = syntax.parse(data)
        made = [call for call in imports.calls_named(_STARTERS.__contains__) if call.path == path]
        at_import = {call.line for call in map(imports.as_reached, made) if call.when == "import"}
        certain = _certain_calls(root, data, target) if target is not None and target.path == path else frozenset()
        for call, function in _calls(root, None):
            name = _called(call, data)
            if name is None or absolute_name(name, execution) not in _STARTERS:
                continue
            program = _program(stack, call, function, root, data, execution)
            if program is None:
                continue
            line = call.start_point[0] + 1
            when: When = "perhaps"
            if not _is_caught(call, data):
                when = "import" if line in at_import else "invocation" if call.id in certain else "perhaps"
            yield Command(program, path, line, when, (*execution.chain, execution.module.name))


def _calls(node: Node, function: Node | None) -> Iterator[tuple[Node, Node | None]]:
    """Yields every call with the function it stands in."""
    pending = [(node, function)]
    while pending:
        current, within = pending.pop()
        if current.type == "call":
            yield current, within
        inside = current if current.type in _FUNCTIONS else within
        pending += [(child, inside) for child in current.named_children]


def _called(call: Node, data: bytes) -> str | None:
    function = call.child_by_field_name("function")
    if function is None or function.type not in ("identifier", "attribute"):
        return None
    return syntax.dotted(function, data)


def _program(
    stack: Stack, call: Node, function: Node | None, root: Node, data: bytes, execution: Execution
) -> str | None:
    """Returns the file of the artifact that a call starts."""
    arguments = call.child_by_field_name("arguments")
    path = execution.module.path
    if arguments is None or path is None or _has_shell(arguments, data):
        return None
    first = next((child for child in arguments.named_children if child.type != "comment"), None)
    scopes = (*((bound_once(function, data),) if function is not None else ()), bound_once(root, data))
    if first is not None and first.type == "identifier":
        name = syntax.text(first, data)
        first = next((scope[name] for scope in scopes if name in scope), first)  # a command that is put together before
    if first is not None and first.type in ("list", "tuple"):
        first = next((child for child in first.named_children if child.type != "comment"), None)
    if first is None or first.type == "keyword_argument":
        return None
    reader = PathReader(data, path, lambda dotted: absolute_name(dotted, execution), scopes)
    told = reader.read(first)
    if not told:
        return None
    place = posixpath.normpath(posixpath.join(_WORKING_DIR, told)) if "/" in told else f"{_SEARCHED}/{told}"
    located = stack.file(place)
    return located.path if located is not None else None


def _has_shell(arguments: Node, data: bytes) -> bool:
    """True with `shell=`, or with `executable=`, which is started instead of the first argument."""
    names = (child.child_by_field_name("name") for child in arguments.named_children)
    return any(name is not None and syntax.text(name, data) in ("shell", "executable") for name in names)


def _is_caught(call: Node, data: bytes) -> bool:
    """True when a `try` of the same function is ready for a program that cannot be started."""
    node, parent = call, call.parent
    while parent is not None and parent.type not in _FUNCTIONS:
        is_body = parent.type == "try_statement" and parent.child_by_field_name("body") == node
        if is_body and syntax.guards(parent, data) & _CATCHERS:
            return True
        node, parent = parent, parent.parent
    return False


def _certain_calls(root: Node, data: bytes, target: HandlerTarget) -> frozenset[int]:
    """The calls that run whenever the handler is called, also in functions of its module that it certainly calls."""
    functions = {
        syntax.text(name, data): node
        for node in root.named_children
        if node.type == "function_definition" and (name := node.child_by_field_name("name")) is not None
    }
    found: set[int] = set()
    is_plain = target.binding.kind == "function" and not target.binding.decorated
    pending = [(functions.get(target.name) if is_plain else None, 0)]
    while pending:
        function, depth = pending.pop()
        body = function.child_by_field_name("body") if function is not None else None
        if body is None or depth > _DEEPEST:
            continue
        for call in _always_reached(body):
            if call.id not in found:
                found.add(call.id)
                pending.append((functions.get(_called(call, data) or ""), depth + 1))
    return frozenset(found)


def _always_reached(block: Node) -> Iterator[Node]:
    """Yields the calls of a block that run whenever it does: up to the first statement that may leave it."""
    for statement in block.named_children:
        yield from _plain_calls(statement)
        if _may_leave(statement):
            return


def _plain_calls(node: Node) -> Iterator[Node]:
    if node.type == "try_statement":
        body = node.child_by_field_name("body")
        yield from _always_reached(body) if body is not None else ()
        return
    if node.type not in _PLAIN:
        return
    for child in node.named_children:
        yield from _plain_calls(child)
    if node.type == "call":
        yield node


def _may_leave(node: Node) -> bool:
    if node.type in _ENDS:
        return True
    return node.type not in _FUNCTIONS and any(_may_leave(child) for child in node.named_children)
