"""What native modules do while they are loaded, beside what the loader sees: import others, ask for metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.elf_texts import asked_metadata
from lambdapack.facts.linking import NativeFacts
from lambdapack.facts.modules import Module

_CFFI = "_cffi_backend"
_NUMPY = frozenset(("numpy.core._multiarray_umath", "numpy._core._multiarray_umath"))


@dataclass(frozen=True, slots=True)
class NativeInit:
    """`imports` are the modules that a native module certainly imports. `numpy` is the newest major version of NumPy
    that it works with, None where it does not use its C interface or any does. `metadata` is the distribution whose
    version it asks for."""

    imports: tuple[str, ...] = ()
    numpy: int | None = None
    metadata: str | None = None


NOTHING = NativeInit()


class NativeInits:
    """Answers for the native modules of one stack. `source` returns a file's bytes, `owner` its distribution."""

    def __init__(
        self,
        native: NativeFacts,
        source: Callable[[str | None], bytes | None],
        owner: Callable[[str], DistFacts | None],
    ) -> None:
        self._native = native
        self._source = source
        self._owner = owner

    def of(self, module: Module) -> NativeInit:
        """Returns what loading a native module does."""
        facts = self._native.elf.get(module.path or "")
        if not isinstance(facts, ElfFacts) or not facts.words or module.name.partition(".")[0] in ("numpy", _CFFI):
            return NOTHING
        owner = self._owner(module.path or "")
        imports = [_CFFI] if _CFFI in facts.words else []
        uses_numpy = facts.words & _NUMPY
        # Some use NumPy only when it is there: then they do not require it.
        if uses_numpy and owner is not None and owner.required_for("numpy"):
            imports.append("numpy")
        metadata = None
        if "importlib.metadata" in facts.words and owner is None:
            metadata = asked_metadata(self._source(module.path) or b"")
        return NativeInit(tuple(imports), 1 if uses_numpy == {"numpy.core._multiarray_umath"} else None, metadata)
