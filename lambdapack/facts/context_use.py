"""What the handler's function reads from its context object that no version of the runtime client gives it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from lambdapack.facts.attribute_use import read_attribute_uses
from lambdapack.facts.handler_target import HandlerTarget
from lambdapack.profiles import load_common_facts

_CONTEXT = 1  # the position of the parameter, whatever its name


@dataclass(frozen=True, slots=True)
class UnknownAttribute:
    """`parameter.name`, read at `line`. `meant` is the attribute that has this name elsewhere, or almost this one.

    `certain`: every invocation gets there with the object that Lambda made. `doubtful`: other code had the object
    before, and may have set the attribute.
    """

    parameter: str
    name: str
    line: int
    meant: str | None
    certain: bool
    doubtful: bool


def meant_context_attribute(name: str, *, guess: bool = True) -> str | None:
    """Returns the attribute of Lambda's context that was meant by a name that it does not have; `guess`: also one that
    is merely spelled alike."""
    known = load_common_facts()
    meant = known.context_renamed.get(name)
    if meant is None and guess:
        near = difflib.get_close_matches(name.lower(), sorted(known.context_attributes), 1, 0.8)
        meant = near[0] if near else None
    return meant


def unknown_attributes(target: HandlerTarget, is_set: Callable[[str], bool]) -> tuple[UnknownAttribute, ...]:
    """Returns the first read of every unknown attribute; a certain one comes before. `is_set` says whether some code
    sets an attribute of this name."""
    binding = target.binding
    if binding.kind != "function" or binding.node is None or binding.signature is None:
        return ()
    if len(binding.signature.positional) <= _CONTEXT:
        return ()
    parameter = binding.signature.positional[_CONTEXT]
    known = load_common_facts()
    found: dict[str, UnknownAttribute] = {}
    uses = read_attribute_uses(binding.node, parameter, target.data)
    for use in sorted(uses, key=lambda item: (not item.certain, item.line)):
        if use.name in known.context_attributes or use.name.startswith("_") or is_set(use.name):
            continue
        doubtful = binding.decorated or use.handed_on
        meant = meant_context_attribute(use.name, guess=not doubtful)
        certain = use.certain and not doubtful
        found.setdefault(use.name, UnknownAttribute(parameter, use.name, use.line, meant, certain, doubtful))
    return tuple(sorted(found.values(), key=lambda item: item.line))
