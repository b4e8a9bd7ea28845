"""Reads a Python module's source into a `Program`, whatever Python version it is written for.

tree-sitter's grammar covers every Python from 2 to today's in one parser and goes on after an error, so the result does
not depend on the Python that runs lambdapack. It does not judge syntax: what it accepts is wider than any one version.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from lambdapack.facts import syntax, traits
from lambdapack.facts.definitions import own_nodes
from lambdapack.facts.expression import REST, UNKNOWN, Expression
from lambdapack.facts.expression_reader import ExpressionReader
from lambdapack.facts.namespace import Namespace
from lambdapack.facts.pieces import cut_module
from lambdapack.facts.program import UNREADABLE, Block, Definition, Function, Program, all_names, imported_names
from lambdapack.facts.skimming import Skimmer
from lambdapack.facts.statements import StatementReader


def read_source(data: bytes, *, intact: bool = True) -> Program:
    """Returns the program of one module's bytes. Bytes that are not UTF-8 are no hindrance: only names must be.

    Of what is not known to be `intact`, functions are parsed, too, although nothing but damages is looked for there.
    """
    program = _skimmed(data if data.endswith(b"\n") else data + b"\n") if intact else None
    return _parsed(data) if program is None else program


def _skimmed(data: bytes) -> Program | None:
    """Reads from the text alone what can be read so; None where that leaves any doubt."""
    pieces = cut_module(data)
    if pieces is None:
        return None
    words = traits.find_words(data)
    opaque = traits.is_opaque(data, words)
    definitions = []
    for piece, text in pieces.texts() if opaque else ():
        if piece.kind in ("FUNCTION", "CLASS"):
            definitions.append(syntax.trimmed(text))
        elif not piece.end and traits.is_opaque(text):
            return None
    skimmer = Skimmer(data, pieces, obscures=traits.is_opaque if opaque else None)
    body = skimmer.read()
    if body is None:
        return None
    opaque_functions = any(map(traits.is_opaque, definitions))
    return _program(
        data, words, skimmer.namespace, body, pieces.loose, opaque=opaque, opaque_functions=opaque_functions
    )


def _parsed(data: bytes) -> Program:
    root = syntax.parse(data)
    words = traits.find_words(data)
    opaque = traits.is_opaque(data, words)
    reader = StatementReader(data, obscures=traits.is_opaque if opaque else None)
    try:
        body = reader.block(root)
    except RecursionError:  # nested deeper than any compiler takes
        return UNREADABLE
    # Methods set attributes on all sorts of objects; modules are filled by functions and by the module itself.
    loose = b"\n".join(text for child, text in syntax.texts(root, data) if not syntax.is_class(child))
    definitions = (syntax.trimmed(text) for child, text in syntax.texts(root, data) if syntax.is_definition(child))
    opaque_functions = opaque and any(map(traits.is_opaque, definitions))
    program = _program(data, words, reader.namespace, body, loose, opaque=opaque, opaque_functions=opaque_functions)
    return replace(program, damaged=root.has_error)


def _program(
    data: bytes,
    words: frozenset[bytes],
    names: Namespace,
    body: Block,
    loose: bytes,
    *,
    opaque: bool,
    opaque_functions: bool,
) -> Program:
    imported = imported_names(body)
    attributes, computed = traits.set_attributes(loose, imported, words)
    mentions = data.count(b"__all__") if b"__all__" in words else 0
    return Program(
        body=body,
        deferred=tuple(names.deferred.imports),
        exports=None if names.exports.names is None else tuple(names.exports.names),
        exports_unknown=names.exports.unknown or mentions > names.exports.understood,
        members=names.members,
        volatile=frozenset(names.targets.volatile) | imported,
        assigned_attributes=attributes | names.targets.attributes,
        computed_attributes=computed,
        opaque=opaque,
        opaque_functions=opaque_functions,
        import_hooks=traits.import_hooks(data, words),
        find_module_hooks=traits.find_module_hooks(data, words),
        loads_libraries=traits.loads_libraries(data),
        damaged=False,
    )


def read_function(definition: Definition) -> Function | None:
    """Returns what a function does when it is called, None if that cannot be followed."""
    data = definition.source
    root = syntax.parse(data)
    node = next((child for child in root.named_children if child.type == "function_definition"), None)
    parameters, suite = (node.child_by_field_name(name) if node else None for name in ("parameters", "body"))
    if parameters is None or suite is None or root.has_error:
        return None
    reader = StatementReader(data, definition.line, in_function=True)
    body = reader.block(suite)
    names, named_only = _parameters(parameters, data, definition.line)
    return Function(
        parameters=names,
        keyword_parameters=named_only,
        body=body,
        local_names=all_names(body) - reader.namespace.targets.global_names,
        volatile=frozenset(reader.namespace.targets.volatile),
        generator=b"yield" in data and any(inner.type == "yield" for inner in own_nodes(suite)),
    )


_Parameters = tuple[tuple[str, Expression | None], ...]


def _parameters(node: Node, data: bytes, line: int) -> tuple[_Parameters, _Parameters]:
    """Returns those that are given by position and those that are given by name alone, with their defaults."""
    reader = ExpressionReader(data, line)
    found: tuple[list[tuple[str, Expression | None]], list[tuple[str, Expression | None]]] = ([], [])
    kind = 0
    for child in node.named_children:
        name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
        match child.type:
            case "identifier":
                found[kind].append((syntax.dotted(child, data), None))
            case "typed_parameter":
                inner = child.named_children[0]
                if inner.type == "identifier":
                    found[kind].append((syntax.dotted(inner, data), None))
                else:  # `*args: int`
                    kind = 1
                    found[1].append((syntax.dotted(inner.named_children[0], data), _rest(inner)))
            case "default_parameter" | "typed_default_parameter" if name is not None and value is not None:
                found[kind].append((syntax.dotted(name, data), reader.read(value)))
            case "list_splat_pattern" | "dictionary_splat_pattern":
                kind = 1
                found[1].append((syntax.dotted(child.named_children[0], data), _rest(child)))
            case "keyword_separator":
                kind = 1
    return tuple(found[0]), tuple(found[1])


def _rest(node: Node) -> Expression:
    """What is known of `*arguments`; of `**keywords` nothing is."""
    return REST if node.type == "list_splat_pattern" else UNKNOWN
