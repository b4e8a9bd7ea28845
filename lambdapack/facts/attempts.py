"""ImportAttempt: what one import of the handler did in a runtime. A fact like any other, never judged here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

# What glibc, CPython and botocore say where there is no network; an exception's line begins at the margin.
_NO_NETWORK = re.compile(
    r"^\S.*(?:Network is unreachable|Temporary failure in name resolution|Name or service not known"
    r"|Could not connect to the endpoint URL|Failed to resolve)",
    re.MULTILINE,
)

Status = Literal["ok", "failed", "not-run"]


@dataclass(frozen=True, slots=True)
class ImportedModule:
    """One import that was really carried out, in order. `importer` is the index of the import that caused it, -1 for
    none; `seconds` includes what it imported in turn, `own_seconds` does not. `path`: the file it came from."""

    name: str
    importer: int
    seconds: float
    own_seconds: float
    path: str | None


@dataclass(frozen=True, slots=True)
class Contract:
    """A name that other code relies on (`shared.config:Config.load`), looked up after the handler was loaded; `error`
    is None when it is there."""

    target: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LoaderReport:
    """Why the dynamic loader refused, from its message and its debug output. `file`: what could not be loaded;
    `required_by`: the file that needed what was missing, which is a library (`soname`), a version in it, or a symbol;
    `tried`: where a library was looked for, in order. None: not said."""

    text: str
    file: str | None = None
    required_by: str | None = None
    soname: str | None = None
    version: str | None = None
    symbol: str | None = None
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleAttempt:
    """One first-party module, imported in a process of its own."""

    name: str
    status: Status
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    reason: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ImportAttempt:
    """The outcome of loading a handler the way the Lambda runtime client does.

    `status`: `ok`, `failed` (the function would not start), or `not-run` (then `reason` and `remedy` say why and what
    to do). `error_type` and `error_message` are worded as CloudWatch shows them
    (`Runtime.ImportModuleError`, `Unable to import module 'handler': ...`). `traceback` is the full chained traceback
    that the runtime client hides. `backend` is where it ran (`docker`, `local`), `proof` one line on what that proves:
    what was emulated and what was not, `choice` why it was this one. `client` names who loaded the handler
    (`awslambdaric 4.2.2`, or `rules of awslambdaric 4.2.2` when it could not be installed). `seconds` is the time of
    the import alone.

    `imports`: every import that took place, failed ones too. `shared_objects`: the libraries mapped at the end.
    `peak_bytes`: the highest resident memory. `untouched_bytes`: the size of the artifact's files that nobody opened or
    mapped; `total_bytes` of all of them. None: not known. `max_init`: the seconds that the import was allowed, None for
    Lambda's own limit. `modules`: with `--all-modules`, the other modules.
    """

    status: Status
    handler: str
    backend: str
    proof: str = ""
    choice: str = ""
    client: str = ""
    interpreter: str = ""
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    output: str = ""
    seconds: float | None = None
    reason: str | None = None
    remedy: str | None = None
    imports: tuple[ImportedModule, ...] = ()
    shared_objects: tuple[str, ...] = ()
    peak_bytes: int | None = None
    untouched_bytes: int | None = None
    total_bytes: int | None = None
    contracts: tuple[Contract, ...] = ()
    loader: LoaderReport | None = None
    max_init: float | None = None
    modules: tuple[ModuleAttempt, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def wants_network(self) -> bool:
        """True where the import failed because it reached nobody: an import test gives no network, and Lambda does.

        Not where Python or the loader found something missing, whatever led there."""
        if self.status != "failed" or (self.error_type or "").startswith(("Runtime.", "Sandbox.")):
            return False
        return _NO_NETWORK.search(f"{self.error_type}: {self.error_message}\n{self.traceback}") is not None

    def long_imports(self, seconds: float) -> tuple[ImportedModule, ...]:
        """Returns the imports that took at least so long, as a tree of their own: an importer takes longer still."""
        kept = [index for index, module in enumerate(self.imports) if module.seconds >= seconds]
        place = {index: at for at, index in enumerate(kept)}
        return tuple(
            replace(module, importer=place.get(module.importer, -1)) for module in map(self.imports.__getitem__, kept)
        )
