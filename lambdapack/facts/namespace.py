"""What the statements of one source bind and leave behind, whoever reads them: functions, classes, exports, imports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from lambdapack.facts import syntax, traits
from lambdapack.facts.deferred import DeferredReader
from lambdapack.facts.exports import Exports
from lambdapack.facts.expression import UNKNOWN
from lambdapack.facts.managers import ContextManagers
from lambdapack.facts.program import (
    Block,
    Constant,
    Define,
    Definition,
    Evaluate,
    Statement,
    all_names,
    without_constants,
)
from lambdapack.facts.targets import Targets

_LONGEST_FUNCTION = 8_000  # bytes; what is longer is not followed


class Namespace:
    """Collects them for one source. `members` are the names that classes bind, by class; `lazy_annotations` says that
    annotations are not evaluated, `in_function` that the source is a function which is followed when it is called."""

    def __init__(self, data: bytes, *, in_function: bool) -> None:
        self.targets = Targets(data)
        self.deferred = DeferredReader(data, self.targets)
        self.exports = Exports(data)
        self.managers = ContextManagers(data)
        self.members: dict[str, frozenset[str]] = {}
        self.lazy_annotations = False
        self.in_function = in_function
        self._classes = 0
        self._init: Definition | None = None  # of the class whose body is being read
        self._ended: Definition | None = None  # of the one that was read last

    @property
    def in_class(self) -> bool:
        """True while the body of a class is read."""
        return self._classes > 0

    @contextmanager
    def inside_class(self) -> Iterator[None]:
        """What is bound inside belongs to a class."""
        self._classes += 1
        outer, self._init = self._init, None
        yield
        self._classes -= 1
        self._ended, self._init = self._init, outer

    def define(
        self, name: str, line: int, text: bytes, out: list[Statement], names: set[str], *, decorated: bool
    ) -> None:
        """Binds a function's name: to what can be followed, where it is simple enough."""
        if not decorated and not self.in_function and text.startswith(b"def"):
            text = syntax.trimmed(text)
            if len(text) <= _LONGEST_FUNCTION:
                names.add(name)
                if not self._classes:
                    out.append(Define(Definition(name, line, text)))
                elif name == "__init__" and (b"import" in text or traits.loads_something(text)):
                    self._init = Definition(name, line, text, is_class=True)  # of others nothing is asked
                return
        self.targets.bind(name, names)
        out.append(Constant(name, UNKNOWN))

    def keep_bases(self, bases: bytes, line: int, out: list[Statement]) -> None:
        """Keeps what a class's bases ask of other modules, as the call that its definition is."""
        names = syntax.dotted_bases(bases)
        if names:
            out.append(Evaluate(("call", ("name", "type"), tuple(("name", name) for name in names), (), line)))

    def bind_class(self, name: str, inner: Block, out: list[Statement], names: set[str], *, plain: bool) -> None:
        """Binds a class's name and keeps what its body runs. `plain`: nobody else says what its call does."""
        self.members[name] = own = all_names(inner)
        out.extend(without_constants(inner.statements, own))
        if self._ended is None or not plain or self._classes or self.in_function or "__new__" in own:
            self.targets.bind(name, names)
            out.append(Constant(name, UNKNOWN))
        else:
            names.add(name)
            out.append(Define(replace(self._ended, name=name)))
