"""What the handler setting's function certainly is, followed through imports to its definition.

Knows what the runtime client calls, from the module that the handler names. Judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.definitions import Binding, read_binding
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.outcome import Execution
from lambdapack.facts.program import Import

_LONGEST_CHAIN = 20  # imports from module to module until the definition; more is a circle


@dataclass(frozen=True, slots=True)
class HandlerTarget:
    """The object that the runtime client calls. `path` and `module`: where it is bound; `name` what it is called there;
    `data` that module's bytes; `chain` the modules that lead to it from the handler's."""

    module: str
    path: str
    name: str
    binding: Binding
    data: bytes
    chain: tuple[str, ...]

    def refusal(self, arguments: int) -> str | None:
        """What Python certainly says of a call with so many positional arguments; None if it may take them."""
        binding = self.binding
        if binding.decorated:
            return None
        if binding.kind == "class" and binding.plain:
            if binding.signature is None:
                return f"{self.name}() takes no arguments"
            said = binding.signature.refusal(arguments + 1)
            return said and f"{self.name}.__init__() {said}"
        if binding.kind != "function" or binding.signature is None:
            return None
        said = binding.signature.refusal(arguments)
        is_lambda = binding.node is not None and binding.node.type == "lambda"
        return said and f"{'<lambda>' if is_lambda else self.name}() {said}"


def find_target(stack: Stack, imports: ImportFacts) -> HandlerTarget | None:
    """Returns what the handler's name certainly leads to, None when that is not certain or the import fails."""
    execution, name = imports.handler_execution, imports.handler.function
    chain: list[str] = []
    while execution is not None and not imports.failures and len(chain) < _LONGEST_CHAIN:
        chain.append(execution.module.name)
        data = _source(stack, imports, execution, name)
        if data is None or execution.module.path is None:
            return None
        binding = read_binding(data, name) or _submodule(imports, execution, name, data)
        if binding is None or _is_replaced(imports, binding):
            return None
        source = _imported_from(execution, binding)
        if source == execution.module.name and binding.name == name:  # from . import name
            binding, source = Binding("module", binding.line), None
        if source is None:
            return HandlerTarget(execution.module.name, execution.module.path, name, binding, data, tuple(chain))
        execution, name = imports.executions.get(source), binding.name
    return None


def _source(stack: Stack, imports: ImportFacts, execution: Execution, name: str) -> bytes | None:
    """Returns the bytes of a module whose names can be told from its source alone."""
    program, path = execution.program, execution.module.path
    if program is None or path is None or program.opaque or program.damaged or imports.is_set_elsewhere(name):
        return None
    located = stack.file(path)
    try:
        return None if located is None else stack.read_bytes(located)
    except UnreadableMember:
        return None


def _submodule(imports: ImportFacts, execution: Execution, name: str, data: bytes) -> Binding | None:
    """What `from package import name` gives where the package itself never speaks of the name."""
    if f"{execution.module.name}.{name}" not in imports.executions or name.encode() in data:
        return None
    module = f"{execution.module.name}.{name}"
    return Binding("module", 0, imported=Import(0, module))


def _is_replaced(imports: ImportFacts, binding: Binding) -> bool:
    """True when a module may have put something else, perhaps callable, into its place in `sys.modules`."""
    if binding.kind != "module" or binding.imported is None:
        return False
    execution = imports.executions.get(binding.imported.module)
    return execution is not None and execution.program is not None and bool(execution.program.import_hooks)


def _imported_from(execution: Execution, binding: Binding) -> str | None:
    """Returns the module that an imported name is defined in; None for what is no such name."""
    statement = binding.imported
    if binding.kind != "import" or statement is None:
        return None
    base = execution.module.package.split(".") if statement.level else []
    parts = [*base[: len(base) - statement.level + 1], *filter(None, [statement.module])]
    return ".".join(parts)
