"""What a check gets and how it is declared: the subject and the `@check` decorator.

A check may import this module and `finding`, and nothing else of lambdapack: no files, no containers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from lambdapack.artifact import Stack
from lambdapack.facts.commands import Command, read_commands
from lambdapack.facts.context_use import meant_context_attribute
from lambdapack.facts.contracts import ContractFacts, read_contract
from lambdapack.facts.distributions import DistFacts, marker_environment, owners, read_distributions
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.executables import StartRefusal, start_refusal
from lambdapack.facts.extension import describe_native, foreign_extensions
from lambdapack.facts.handler import HandlerFacts, read_handler
from lambdapack.facts.imports import RUNTIME, Explained, ImportFacts
from lambdapack.facts.installation import Changed, Duplicate, Installation
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.layout import Layout
from lambdapack.facts.linking import LoadProblem, NativeFacts
from lambdapack.facts.module_files import reading_ahead
from lambdapack.facts.modules import Module, ModuleFinder, is_of_runtime, is_standard_library
from lambdapack.facts.outcome import Failure
from lambdapack.facts.python_code import PythonCode
from lambdapack.facts.read_ahead import ReadAhead
from lambdapack.facts.required import Required
from lambdapack.facts.startup import ImageStart, names_a_client, read_start
from lambdapack.facts.surroundings import Surroundings, read_surroundings
from lambdapack.facts.wheel_tags import accepted, made_for
from lambdapack.finding import Hit, Severity
from lambdapack.profiles import Replacement, load_common_facts
from lambdapack.profiles.profile import RuntimeProfile

if TYPE_CHECKING:  # what only images, import tests and locks need is loaded with those
    from lambdapack.artifact import ImageConfig
    from lambdapack.facts.attempts import ImportAttempt
    from lambdapack.facts.invocations import Invocation
    from lambdapack.facts.locks import Lock

__all__ = [
    "RUNTIME",
    "Changed",
    "Check",
    "ContractFacts",
    "DistFacts",
    "Duplicate",
    "Explained",
    "Failure",
    "HandlerFacts",
    "Hit",
    "LoadProblem",
    "NativeFinding",
    "Replacement",
    "Severity",
    "Subject",
    "check",
    "describe_native",
    "meant_context_attribute",
]

Need = Literal["handler", "attempt", "invocation", "image"]
SeverityWord = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class NativeFinding:
    """One cause for which the loader refuses native code. `required` is the import that fails because of it, or None
    when nothing certain depends on the file: then it is at most a warning."""

    problem: LoadProblem
    required: Failure | None

    @property
    def severity(self) -> Severity:
        certain = self.problem.certain or self.problem.elsewhere is not None
        return Severity.ERROR if self.required is not None and certain else Severity.WARNING

    @property
    def chain(self) -> tuple[str, ...]:
        """From the handler to the file."""
        modules = (*self.required.chain, self.required.module) if self.required else ()
        files = dict.fromkeys((self.problem.root, self.problem.path))
        return (*modules, *files)


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of the project that an artifact was built from, for better advice; it changes no verdict.

    `removed_by` returns the exclude pattern that takes a path of the artifact out, `first_party` where in the project a
    top-level module stands; both return None where they know nothing.
    """

    removed_by: Callable[[str], str | None] = lambda _: None
    first_party: Callable[[str], str | None] = lambda _: None


class Subject:
    """Everything there is to judge: the mounted artifact, the runtime, the facts read from both.

    `zipped_size` is what is uploaded, in bytes, None for a folder. `kind` is `function`, `layer`, `wheel` or `image`.
    `managed` is True for ZIP functions and layers, whose file system is smaller than the container image's. `image` is
    what an image says of itself, None for the others. `handler_given` is False when the handler is the image's command.
    `lock` is what a lock file decided, None when none was given; `deep` asks for every hash that RECORD has.
    `contracts` are names that have to be there, `package.module:Name.attribute`.
    """

    def __init__(
        self,
        stack: Stack,
        profile: RuntimeProfile,
        *,
        handler: str | None,
        handler_given: bool = True,
        kind: Literal["function", "layer", "wheel", "image"] = "function",
        managed: bool = True,
        zipped_size: int | None = None,
        image: ImageConfig | None = None,
        attempts: Sequence[ImportAttempt] = (),
        hints: Hints | None = None,
        lock: Lock | None = None,
        deep: bool = False,
        fast: bool = False,
        known: KnownFacts | None = None,
        contracts: Sequence[str] = (),
    ) -> None:
        self.stack = stack
        self.known = known or KnownFacts()
        self.profile = profile
        self.kind = kind
        self.managed = managed
        self.zipped_size = zipped_size
        self.image = image
        self.handler_given = handler_given and handler is not None
        self.attempts = tuple(attempts)
        self.invocations: tuple[Invocation, ...] = ()
        self.hints = hints or Hints()
        self.lock = lock
        self.deep = deep
        self.fast = fast
        self._contracts = tuple(contracts)
        self.handler: HandlerFacts | None = read_handler(handler, profile) if handler is not None else None

    @cached_property
    def unzipped_size(self) -> int:
        """The bytes of all files, function and layers together, also what a later layer overwrites; of an image, those
        of all its layers."""
        if self.image is not None:
            return self.image.size
        return sum(entry.size for mount in self.stack.mounts for entry in mount.tree.entries() if entry.is_file)

    @property
    def size_limit(self) -> int:
        """Lambda's quota for `unzipped_size`, in bytes."""
        quotas = self.profile.quotas
        return quotas.unzipped_bytes if self.image is None else quotas.image_bytes

    @cached_property
    def own_folders(self) -> tuple[str, ...] | None:
        """The folders of an image that hold the function and what was installed for it, and not the operating system;
        None where all that there is belongs to the function."""
        if self.image is None:
            return None
        system = ("/", "/var/runtime")
        path = self.profile.python_path
        return ("/opt", *(f for f in path if f not in system and not is_standard_library(f) and f != "/opt"))

    def is_own(self, path: str) -> bool:
        """True for a file of the function, its packages or layers; False for one of an image's operating system."""
        folders = self.own_folders
        return folders is None or path.startswith(tuple(f"{folder}/" for folder in folders))

    @cached_property
    def start(self) -> ImageStart | None:
        """How an image starts; None for the others."""
        return read_start(self.stack, self.image, self.profile) if self.image is not None else None

    @cached_property
    def names_a_client(self) -> bool:
        """True when code of an image names Lambda's runtime API or its client."""
        return names_a_client(self.stack, (*(self.own_folders or ()), self.profile.python_path[0]))

    @cached_property
    def damaged(self) -> tuple[tuple[str, str], ...]:
        """Files whose content is not what the archive promises, with the reason. Every member's CRC is checked, unless
        the artifact is too large for Lambda anyway: a few kilobytes can inflate to terabytes."""
        found = dict(self.native.unread)
        _ = self.python.byte_code  # what others read to the end has its checksum compared there
        if self.imports is not None:
            found |= self.imports.unread
        if not self.fast and self.unzipped_size < self.profile.quotas.unzipped_bytes:
            found |= self.known.read_damages(self.stack)
        return tuple(sorted(found.items()))

    @cached_property
    def finder(self) -> ModuleFinder:
        return ModuleFinder(self.stack, self.profile)

    @cached_property
    def native(self) -> NativeFacts:
        return NativeFacts(
            self.stack,
            self.profile,
            managed=self.managed,
            folders=self.own_folders,
            known=self.known,
            key=None if self.surroundings is None else self.surroundings.key,
        )

    @cached_property
    def surroundings(self) -> Surroundings | None:
        """What is there besides the user's own code; None where that cannot be told, or no one asks for it again."""
        if not self.known.is_kept:
            return None
        circumstances = (self.managed, self.own_folders)
        return read_surroundings(self.stack, self.profile, self.finder.path, self._owners, self.known, *circumstances)

    @cached_property
    def distributions(self) -> tuple[DistFacts, ...]:
        return read_distributions(self.stack, self.finder.path, self.known)

    @cached_property
    def layout(self) -> Layout:
        """What of function and layers is hidden, out of reach or overwritten."""
        return Layout(self.stack, self.finder, self.distributions, self.is_own)

    @property
    def linked_libraries(self) -> Mapping[str, str]:
        """Versions of libraries that the runtime's standard modules were seen to use; images have their own."""
        python = ".".join(map(str, self.profile.python))
        return load_common_facts().linked_libraries.get(python, {}) if self.managed else {}

    def brought_module(self, name: str) -> str | None:
        """The file of a top-level module that function or layers bring themselves."""
        module = self.finder.find(name, None)
        path = module.path if module is not None else None
        return path if path is not None and not is_of_runtime(path) else None

    def is_of_runtime(self, name: str) -> bool:
        """True for a top-level module that the runtime brings and the artifact does not."""
        module = self.finder.find(name, None)
        return module is not None and (module.kind == "preinstalled" or is_of_runtime(module.path or ""))

    @property
    def modules_over_standard_library(self) -> tuple[Module, ...]:
        """The artifact's own top-level modules that are found before a standard module of the same name."""
        return self.finder.over_standard_library

    @cached_property
    def installation(self) -> Installation:
        """The function's distributions held against its files, without those of an image's operating system."""
        return Installation(self.stack, (dist for dist in self.distributions if self.is_own(f"{dist.root}/")))

    def misfit(self, dist: DistFacts) -> str | None:
        """What the wheel of a distribution was made for, when the runtime accepts none of its tags."""
        return None if accepted(dist.tags, self.profile) else made_for(dist.tags, self.profile)

    @cached_property
    def requirements(self) -> Required:
        """What installed distributions require of each other, for this runtime."""
        environment = marker_environment(self.profile.python, self.profile.machine)
        facts = (self.distributions, environment, self.profile.preinstalled, self.finder)
        return Required(*facts, self.known, None if self.surroundings is None else self.surroundings.key)

    @cached_property
    def imports(self) -> ImportFacts | None:
        """What importing the handler does; None without a handler."""
        if self.handler is None:
            return None
        with reading_ahead(self.handler.module, self.stack, self.finder, self.known, self._owners) as ahead:
            return self.follow(self.handler, ahead)

    def follow(self, handler: HandlerFacts, ahead: ReadAhead | None = None) -> ImportFacts:
        """What importing a module does, by itself."""
        facts = (self.finder, self.native, self.distributions)
        return ImportFacts(self.stack, self.profile, *facts, handler, self.known, self.surroundings, ahead)

    @cached_property
    def contracts(self) -> tuple[ContractFacts, ...]:
        """The names that the configuration promises, with what is known of each."""
        return tuple(read_contract(text, self.follow) for text in self._contracts)

    @cached_property
    def python(self) -> PythonCode:
        """What is known of Python code beside the import graph."""
        known = (self.stack, self.profile, self.finder, self.imports, self.native)
        return PythonCode(*known, managed=self.managed, is_own=self.is_own)

    @cached_property
    def refused_commands(self) -> tuple[tuple[Command, StartRefusal], ...]:
        """The artifact's own files that first-party code starts as programs and that cannot be started, with why."""
        commands = read_commands(self.stack, self.imports, self.python.handler_target) if self.imports else ()
        refused = ((item, self.start_refusal(item.program)) for item in commands)
        return tuple((command, refusal) for command, refusal in refused if refusal is not None)

    def start_refusal(self, program: str) -> StartRefusal | None:
        """Returns why a file cannot be started as a program on Lambda; None if nothing speaks against it."""
        whole = self.start is not None and self.start.whole
        return start_refusal(self.stack, program, self.profile.machine, whole=whole)

    @cached_property
    def native_findings(self) -> tuple[NativeFinding, ...]:
        """Every reason why native code will not load: what the handler needs first, each cause once."""
        required = self.imports.required_natives if self.imports else {}
        imported = self.imports.extensions if self.imports else frozenset()
        found: dict[tuple[str, str, str], NativeFinding] = {}
        visited: set[str] = set()
        for root in dict.fromkeys((*required, *sorted(imported), *self.native.roots())):
            if root in visited and root not in imported:
                continue
            visited |= self.native.closure(root)
            problems = self.native.import_problems(root) if root in imported else self.native.problems(root)
            for problem in problems:
                key = (problem.kind, problem.path, problem.wanted)
                found.setdefault(key, NativeFinding(problem, required.get(root)))
        return tuple(found.values())

    def is_for_another_machine(self, path: str) -> bool:
        """True for an ELF file of another processor or word size."""
        facts = self.native.elf.get(path)
        return isinstance(facts, ElfFacts) and not facts.fits(self.profile.machine)

    def distribution_of(self, path: str) -> DistFacts | None:
        """The distribution whose RECORD lists a file, or else its neighbours; None for first-party code."""
        if path in self._owners:
            return self._owners[path]
        folder = f"{path.rpartition('/')[0]}/"
        for dist in self.distributions:
            if folder.count("/") > dist.root.count("/") + 1 and any(p.startswith(folder) for p in dist.record or ()):
                return dist
        return None

    @cached_property
    def _owners(self) -> dict[str, DistFacts]:
        return owners(self.distributions)

    @property
    def target(self) -> str:
        """`python3.13 on x86_64`, for messages."""
        return f"{self.profile.runtime} on {self.profile.architecture}"

    def reinstall(self, path: str) -> str:
        """A command that fetches the distribution of a file for this target, or a sentence where it is not known."""
        dist = self.distribution_of(path)
        if dist is None:
            return f"replace the file with one built for {self.target}"
        major, minor = self.profile.glibc[:2]
        level = f"manylinux_{major}_{minor}" if minor >= 28 else "manylinux2014"
        python = ".".join(map(str, self.profile.python))
        return (
            "install the right wheel: uv pip install --target FOLDER --no-deps --only-binary :all: "
            f"--python-version {python} --python-platform {self.profile.machine}-{level} {dist.name}=={dist.version}"
        )

    @cached_property
    def foreign_extensions(self) -> tuple[str, ...]:
        """Extension modules made for another Python or system, reached or not, that nothing else stands in for."""
        found = foreign_extensions(self.stack, self.profile.extension_suffixes)
        return tuple(path for path in found if self.is_own(path))

    def explained(self, *kinds: str) -> Iterator[Explained]:
        """Yields the failed imports that are explained in one of these ways."""
        for item in self.imports.explained if self.imports else ():
            if item.absence.kind in kinds:
                yield item


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its code, its name (from its file), a title that states the bad thing, its page, how bad it is."""

    code: str
    name: str
    title: str
    documentation: str
    run: Callable[[Subject], Iterator[Hit]]
    needs: tuple[Need, ...]
    severities: tuple[SeverityWord, ...] = ("error",)


def check(
    code: str, title: str, *, needs: tuple[Need, ...] = (), severities: tuple[SeverityWord, ...] = ("error",)
) -> Callable[[Callable[[Subject], Iterator[Hit]]], Check]:
    """Declares the generator function below as a check; registers nothing, the catalogue finds it."""

    def declare(run: Callable[[Subject], Iterator[Hit]]) -> Check:
        module = inspect.getmodule(run)
        stem = run.__module__.rpartition(".")[2]
        documentation = inspect.cleandoc((module.__doc__ if module else None) or "")
        return Check(code, stem.partition("_")[2].replace("_", "-"), title, documentation, run, needs, severities)

    return declare
