"""Reads a Python module's source into a `Program`, whatever Python version it is written for.

tree-sitter's grammar covers every Python from 2 to today's in one parser and goes on after an error, so the result does
not depend on the Python that runs lambdapack. It does not judge syntax: what it accepts is wider than any one version.
"""

from __future__ import annotations

from tree_sitter import Node

from lambdapack.facts import syntax, traits
from lambdapack.facts.expression import REST, UNKNOWN, Expression
from lambdapack.facts.expression_reader import ExpressionReader
from lambdapack.facts.program import UNREADABLE, Definition, Function, Program, all_names, imported_names
from lambdapack.facts.statements import StatementReader


def read_source(data: bytes, *, intact: bool = True) -> Program:
    """Returns the program of one module's bytes. Bytes that are not UTF-8 are no hindrance: only names must be.

    Of what is not known to be `intact`, functions are parsed, too, although nothing but damages is looked for there.
    """
    root, ends = syntax.parse_outline(data) if intact else (syntax.parse(data), {})
    opaque = traits.is_opaque(data)
    reader = StatementReader(data, ends=ends, obscures=traits.is_opaque if opaque else None)
    try:
        body = reader.block(root)
    except RecursionError:  # nested deeper than any compiler takes
        return UNREADABLE
    imported = imported_names(body)
    # Methods set attributes on all sorts of objects; modules are filled by functions and by the module itself.
    loose = b"\n".join(text for child, text in syntax.texts(root, data) if not syntax.is_class(child))
    attributes, computed = traits.set_attributes(loose, imported)
    definitions = (text for child, text in syntax.texts(root, data) if syntax.is_definition(child))
    return Program(
        body=body,
        deferred=tuple(reader.deferred.imports),
        exports=None if reader.exports.names is None else tuple(reader.exports.names),
        exports_unknown=reader.exports.unknown or data.count(b"__all__") > reader.exports.understood,
        members=reader.members,
        volatile=frozenset(reader.targets.volatile) | imported,
        assigned_attributes=attributes | reader.targets.attributes,
        computed_attributes=computed,
        opaque=opaque,
        opaque_functions=opaque and any(map(traits.is_opaque, definitions)),
        import_hooks=traits.import_hooks(data),
        find_module_hooks=traits.find_module_hooks(data),
        loads_libraries=traits.loads_libraries(data),
        damaged=root.has_error,
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
        local_names=all_names(body) - reader.targets.global_names,
        volatile=frozenset(reader.targets.volatile),
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
