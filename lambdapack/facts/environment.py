"""Environment variables that a library asks for: what it does where nobody sets them, which is the normal case."""

from __future__ import annotations

from lambdapack.facts.belief import Belief
from lambdapack.facts.calling import Caller
from lambdapack.facts.calls import NOT_KNOWN, absolute_name, value_of
from lambdapack.facts.expression import Expression, inner_expressions, with_inner
from lambdapack.facts.frames import Context
from lambdapack.facts.installed import Installed
from lambdapack.facts.outcome import Failure
from lambdapack.facts.program import Constant
from lambdapack.facts.trampoline import Steps

_LACKS = ("native", "library", "byte-code", "missing-module", "missing-attribute", "syntax")
# Variables with these beginnings may be set by Lambda itself, or by the shell that starts Python.
_RESERVED_VARIABLES = ("AWS", "LAMBDA", "_", "PATH", "LANG", "LC_", "TZ", "LD_", "PYTHON", "HOME", "TMP", "PWD")


class Environment:
    """Answers conditions on the assumption that no variable is set that only a library knows."""

    def __init__(self, belief: Belief, caller: Caller, installed: Installed) -> None:
        self._belief = belief
        self._caller = caller
        self._installed = installed

    def is_a_lack(self, failure: Failure) -> bool:
        """True for what the artifact lacks, whatever is set. An error that code raises may be there to ask for the
        variable; not if its distribution has lost a library."""
        if failure.kind == "raises":
            return failure.path is not None and self._installed.has_lost_libraries(failure.path)
        return failure.kind in _LACKS

    def assume(self, expression: Expression, context: Context) -> Steps:
        """Returns an expression's value if no environment variables are set that only the library asking for them
        knows; `NOT_KNOWN` where no such variable decides it, and for first-party code."""
        if self._belief.is_first_party(context.execution.module):
            return NOT_KNOWN
        assumed = self._without_variables(expression, context)
        if assumed != expression:
            resolved, failures = yield self._caller.resolve(assumed, context)
            return NOT_KNOWN if failures else value_of(resolved, context.values)
        return (yield self._caller.resolve_assuming(expression, context, self._without_variables))

    def note(self, statement: Constant, context: Context) -> Steps:
        """Takes in that a name was bound to something that is not known."""
        assumed = yield self.assume(statement.value, context)
        if assumed is not NOT_KNOWN:
            context.execution.assumed[statement.name] = assumed

    def _without_variables(self, expression: Expression, context: Context) -> Expression:
        execution = context.execution
        match expression:
            case ("name", name) if name in execution.assumed:
                return ("literal", execution.assumed[name])
            case ("compare", ("literal", str(variable)), (("in" | "not in" as sign, ("name", dotted)),)):
                if absolute_name(dotted, execution) == "os.environ" and self._is_private(variable):
                    return ("literal", sign == "not in")
            case ("call", ("name", dotted), (("literal", str(variable)), *default), (), _):
                getter = absolute_name(dotted, execution) in ("os.environ.get", "os.getenv")
                if getter and self._is_private(variable):
                    return default[0] if default else ("literal", None)
        inner = [self._without_variables(item, context) for item in inner_expressions(expression)]
        return with_inner(expression, inner) if inner else expression

    def _is_private(self, variable: str) -> bool:
        reserved = variable.startswith(_RESERVED_VARIABLES) and not variable.startswith("PYTHON_")
        return not reserved and not self._belief.is_named_by_first_party(variable)
