"""RuntimeProfile: what one Lambda runtime offers on one architecture. Data only; no runtime fact is written in code."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Version = tuple[int, ...]
Knowledge = Literal["confirmed", "derived", "unconfirmed"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a group of facts is from and how sure it is; what rests on an `unconfirmed` group is at most a warning."""

    source: str
    date: str
    knowledge: Knowledge
    note: str = ""


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A shared library of the operating system.

    `in_image`: it is in the container base image. `in_managed`: it is in the managed ZIP runtime; None = not known,
    because no public listing of that file system exists.
    """

    soname: str
    in_image: bool
    in_managed: bool | None


@dataclass(frozen=True, slots=True)
class Preinstalled:
    """A distribution that the runtime brings. `version` is the one last seen, or None; `modules` its top-level names.

    `certain` is False when reports contradict each other or there are none (setuptools on python3.12): a missing
    import that only it could satisfy is at most a warning.
    """

    name: str
    version: str | None
    modules: tuple[str, ...]
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Dates as ISO strings, None where none is set. `status` is `preview`, `supported` or `deprecated` on `as_of`."""

    status: Literal["preview", "supported", "deprecated"]
    as_of: str
    released: str | None
    deprecation: str | None
    block_create: str | None
    block_update: str | None


@dataclass(frozen=True, slots=True)
class Quotas:
    """Sizes in bytes. A function whose unzipped size (with layers) reaches `unzipped_bytes` is refused. `init_seconds`:
    when loading the handler takes longer, it is ended and begun again within the first invocation."""

    zipped_bytes: int
    unzipped_bytes: int
    image_bytes: int
    layers: int
    init_seconds: int


@dataclass(frozen=True, slots=True)
class RuntimeProfile:
    """One runtime on one architecture.

    runtime: Lambda's identifier, e.g. `python3.13`. architecture: Lambda's spelling, `x86_64` or `arm64`.
    machine: the ELF and wheel spelling, `x86_64` or `aarch64`. python: (major, minor).
    glibc: highest `GLIBC_` version. symbol_ceilings: highest version per other versioned prefix (`GLIBCXX`, `CXXABI`,
    `GCC`): proven to be there in every image seen; symbol_ceilings_newest: in the newest one seen.
    libraries: by soname. stdlib_modules: dotted names of every importable standard module and package.
    builtin_modules: the target's `sys.builtin_module_names`. preloaded_modules: standard modules (dotted names too)
    that are imported before the artifact is on `sys.path`, so that a file of the same name in it is never seen.
    extension_suffixes: in the order the import system tries.
    wheel_tags: accepted tags, best first. python_path: `sys.path` while the handler is imported, before `.pth` files;
    path_config_dirs: the directories whose `.pth` files are executed. library_path: `LD_LIBRARY_PATH`, in order.
    system_library_dirs: where the loader looks last. preloaded_libraries: sonames that the process has loaded before
    it opens anything of the artifact. isa_level: the x86-64 level (1 to 4) that every processor is known to have; 0 for
    other machines. image: the official base image.
    provenance: by the name of the field; besides these `libraries.in_managed`, for what is said about the managed
    runtime, and `libraries.in_lang`, for the libraries of `/var/lang/lib`. `symbol_ceilings` stands for both such
    fields; `runtime`, `architecture`, `machine` and `python` are names and have none.
    """

    runtime: str
    architecture: str
    machine: str
    python: tuple[int, int]
    operating_system: str
    glibc: Version
    symbol_ceilings: Mapping[str, Version]
    symbol_ceilings_newest: Mapping[str, Version]
    libraries: Mapping[str, SystemLibrary]
    stdlib_modules: frozenset[str]
    builtin_modules: frozenset[str]
    preloaded_modules: frozenset[str]
    preinstalled: tuple[Preinstalled, ...]
    extension_suffixes: tuple[str, ...]
    wheel_tags: tuple[str, ...]
    python_path: tuple[str, ...]
    path_config_dirs: tuple[str, ...]
    library_path: tuple[str, ...]
    system_library_dirs: tuple[str, ...]
    preloaded_libraries: frozenset[str]
    isa_level: int
    image: str
    quotas: Quotas
    lifecycle: Lifecycle
    provenance: Mapping[str, Provenance]

    @property
    def prefix(self) -> str | None:
        """`sys.prefix`: where the folder of the `lib/python3X.zip` on `sys.path` stands; None without one."""
        zipped = (path for path in self.python_path if path.endswith(".zip"))
        return next((posixpath.dirname(posixpath.dirname(path)) for path in zipped), None)

    @property
    def identifier(self) -> str:
        """`python3.13-x86_64`: the name of the profile's data file."""
        return f"{self.runtime}-{self.architecture}"


def dotted(version: Version) -> str:
    """`2.34`."""
    return ".".join(str(part) for part in version)
