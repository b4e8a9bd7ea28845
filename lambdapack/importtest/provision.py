"""The interpreter's own files and the base libraries, copied where a sandbox can show nothing else.

On Lambda a library is either in the runtime or in the artifact. Here the machine has others, and newer ones; so the
interpreter, its extension modules and every library they load are copied once into the cache, and changed on the way:

- symbol versions that the target's libraries do not have get another name (`masking`), so that the loader refuses what
  Lambda's would refuse;
- libraries that the runtime does not have, but this machine's interpreter needs, get another soname: the interpreter
  still finds them, the artifact does not.

Knows ELF by way of `masking`, the profile, and where libraries stand on this machine. Runs only the interpreter.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lambdapack.cache import cache_folder
from lambdapack.eviction import bound, note_use
from lambdapack.importtest.backend import Unavailable
from lambdapack.importtest.interpreters import Interpreter
from lambdapack.importtest.masking import NotShared, SharedObject
from lambdapack.profiles.profile import RuntimeProfile, Version

_FORMAT = 2
_INTERPRETER = "libpython"
_ANSWER_SECONDS = 10.0
_NUMBERED = re.compile(r"([A-Z]+)_([0-9]+(?:\.[0-9]+)*)")
_LISTED = re.compile(r"\s*(\S+) \(libc6,([^,)]+).*\) => (\S+)")
_LDCONFIG_MACHINES = {"x86-64": "x86_64", "AArch64": "aarch64"}
# ld.so(8): where the loader looks last, with Debian's and Red Hat's places.
_DEFAULT_FOLDERS = (
    "/lib/{machine}-linux-gnu",
    "/usr/lib/{machine}-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
)
# glibc 2.36 made the loader ask for such a version before it accepts a new kind of relocation.
_RELOCATION_VERSIONS = "GLIBC_ABI_"
_RELOCATION_VERSIONS_SINCE = (2, 36)

_QUESTION = """
import json, os, sys
print(json.dumps({
    "library": os.path.dirname(os.__file__), "path": sys.path, "executable": os.path.realpath(sys.executable),
}))
"""


@dataclass(frozen=True, slots=True)
class Provision:
    """What a sandbox shows of this machine. `folder` holds `lib64`, `lang` (the interpreter's private libraries),
    `lib-dynload` and `python`; `library` is the standard library where it really stands; `loader` the path that the
    interpreter wants its loader at. `clamped` are the ceilings that took effect (`glibc 2.34`)."""

    folder: Path
    library: str
    loader: str
    private: tuple[str, ...]
    clamped: tuple[str, ...]


def provide(interpreter: Interpreter, profile: RuntimeProfile) -> Provision | Unavailable:
    """Returns the cached copies for an interpreter and a target, made now if they are not there or out of date."""
    cache = cache_folder() / "sandbox"
    real = interpreter.path.resolve()
    ceilings = _ceilings(profile)
    known = sorted(_shown(profile))
    key = _digest([_FORMAT, str(real), profile.identifier, sorted(ceilings.items()), known])
    index = cache / f"{key}.json"
    found = _read(index)
    if found is not None:
        return found
    try:
        about = _ask(real)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=cache) as name:
            made, sources = _make(Path(name), real, about, profile, ceilings)
            folder = cache / _digest([key, sources])
            if not folder.exists():
                Path(name).chmod(0o755)
                try:
                    Path(name).rename(folder)
                except OSError:  # another process was faster
                    if not folder.exists():
                        raise
            Path(name).mkdir(exist_ok=True)  # what the context manager removes
    except (OSError, ValueError) as error:
        return Unavailable(f"{real} cannot be put into a sandbox: {error}", "use another build of this Python")
    record = {"sources": sources, "provision": asdict(made) | {"folder": str(folder)}}
    temporary = index.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(record), encoding="utf-8")
    temporary.replace(index)
    bound(cache)
    return Provision(folder, made.library, made.loader, made.private, made.clamped)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]


def _read(index: Path) -> Provision | None:
    """What was made earlier, if every file that it was made from is still the same by size and time."""
    try:
        record = json.loads(index.read_text(encoding="utf-8"))
        for path, size, modified in record["sources"]:
            status = Path(path).stat()
            if (status.st_size, status.st_mtime_ns) != (size, modified):
                return None
        data = record["provision"]
        folder = Path(data["folder"])
        if not folder.is_dir():
            return None
        note_use(folder)
        note_use(index)
        return Provision(folder, data["library"], data["loader"], tuple(data["private"]), tuple(data["clamped"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask(python: Path) -> dict[str, Any]:
    command = [str(python), "-I", "-S", "-c", _QUESTION]
    done = subprocess.run(command, capture_output=True, timeout=_ANSWER_SECONDS, check=False)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _ceilings(profile: RuntimeProfile) -> dict[str, Version]:
    """The highest version per prefix. Of libstdc++ the newest seen: what only an older patch level lacks may load."""
    return {**profile.symbol_ceilings, **profile.symbol_ceilings_newest, "GLIBC": profile.glibc}


def _shown(profile: RuntimeProfile) -> frozenset[str]:
    """The sonames that the artifact may find: all that the runtime has or may have."""
    return frozenset(
        name for name, library in profile.libraries.items() if library.in_managed is not False and library.in_image
    ) | {name for name, library in profile.libraries.items() if library.in_managed}


def _make(
    folder: Path, python: Path, about: dict[str, Any], profile: RuntimeProfile, ceilings: Mapping[str, Version]
) -> tuple[Provision, list[list[Any]]]:
    """Copies and changes; returns what was made and what of: path, size, time of each source."""
    copies = _Copies(folder, _shown(profile))
    loader = copies.interpreter(python)
    for entry in about["path"]:
        if entry.endswith("/lib-dynload"):
            for path in sorted(Path(entry).glob("*.so")):
                copies.add(path, f"lib-dynload/{path.name}")
    copies.complete()
    clamped = copies.write(ceilings)
    sources = [[str(path), (status := path.stat()).st_size, status.st_mtime_ns] for path in copies.sources]
    private = tuple(sorted(place.removeprefix("lang/") for place in copies.places if place.startswith("lang/")))
    return Provision(folder, about["library"], loader, private, clamped), sources


class _Copies:
    """The files to copy, each with its place below `folder`, until they are written. `shown`: the sonames that keep
    their name; the interpreter's own library keeps it as well, since extension modules may be linked against it."""

    def __init__(self, folder: Path, shown: Collection[str]) -> None:
        self.folder = folder
        self.shown = shown
        self.places: dict[str, tuple[Path, SharedObject]] = {}
        self.renamed: dict[str, str] = {}
        self._settled: set[str] = set()
        self._listed = _listed_libraries(platform.machine())

    @property
    def sources(self) -> list[Path]:
        return sorted({source for source, _ in self.places.values()})

    def interpreter(self, python: Path) -> str:
        """Adds the interpreter and its loader; returns the path that the first wants the second at."""
        self.add(python, "python")
        loader = self.places["python"][1].interpreter if "python" in self.places else None
        if loader is None:
            raise ValueError("it has no dynamic section that can be read")
        self._settled.add(Path(loader).name)
        self.add(Path(loader).resolve(), f"lib64/{Path(loader).name}")
        return loader

    def add(self, source: Path, place: str) -> None:
        """Adds one file; one that is no shared object is left out."""
        try:
            self.places[place] = (source, SharedObject.read(source))
        except (NotShared, OSError):
            return

    def complete(self) -> None:
        """Adds the libraries that the runtime has and this machine, too, and all that the files so far need."""
        for soname in sorted(self.shown):
            if not soname.startswith(_INTERPRETER):  # another Python's may stand in the system's folders
                self._take(soname, ())
        pending = list(self.places.values())
        while pending:
            source, shared = pending.pop()
            folders = [folder.replace("$ORIGIN", str(source.parent)) for folder in shared.search]
            for soname in shared.needed:
                added = self._take(soname, folders)
                if added is not None:
                    pending.append(added)

    def _take(self, soname: str, folders: Sequence[str]) -> tuple[Path, SharedObject] | None:
        if soname in self._settled or "/" in soname:
            return None
        source = self._find(soname, folders)
        if source is None:
            return None
        self._settled.add(soname)
        if soname in self.shown and not soname.startswith(_INTERPRETER):
            place = f"lib64/{soname}"
        elif soname.startswith(_INTERPRETER) or not soname.startswith("lib"):
            place = f"lang/{soname}"
        else:
            self.renamed[soname] = f"lxb{soname[3:]}"
            place = f"lang/{self.renamed[soname]}"
        self.add(source.resolve(), place)
        if place in self.places and self.places[place][1].soname not in {soname, None}:
            del self.places[place]  # `libz.so.1.2.11` is the file behind `libz.so.1`, and nobody needs it by that name
        return self.places.get(place)

    def _find(self, soname: str, folders: Sequence[str]) -> Path | None:
        defaults = [
            pattern.format(folder=folder, machine=platform.machine())
            for folder in ("/lib", "/usr/lib")
            for pattern in _DEFAULT_FOLDERS
        ]
        listed = [str(Path(self._listed[soname]).parent)] if soname in self._listed else []
        for folder in (*folders, *listed, *defaults):
            path = Path(folder, soname)
            if path.is_file():
                return path
        return None

    def write(self, ceilings: Mapping[str, Version]) -> tuple[str, ...]:
        """Writes every file under its new names; returns the ceilings that hide something, as `glibc 2.34`."""
        versions = [version for _, shared in self.places.values() for version in shared.versions]
        asked = {version.text for version in versions if not version.defined}
        names: dict[str, str] = {}
        hidden: set[str] = set()
        for version in versions:
            match = _NUMBERED.fullmatch(version.text)
            if match is not None:
                ceiling = ceilings.get(match[1])
                above = ceiling is not None and tuple(map(int, match[2].split("."))) > ceiling
                prefix = match[1]
            else:
                prefix = "GLIBC"
                above = version.text.startswith(_RELOCATION_VERSIONS) and version.text not in asked
                above = above and ceilings[prefix] < _RELOCATION_VERSIONS_SINCE
            if above:
                names[version.text] = f"M{version.text[1:]}"
                hidden |= {prefix} if version.defined else set()
        for place, (_, shared) in self.places.items():
            shared.rename(lambda name: names.get(name, name), lambda name: self.renamed.get(name, name))
            if place == "lib64/libc.so.6":
                shared.retell_release(".".join(map(str, ceilings["GLIBC"])))
            target = self.folder / place
            target.parent.mkdir(exist_ok=True)
            target.parent.chmod(0o755)  # whatever the umask: Lambda's user reads it, too
            target.write_bytes(shared.data)
            target.chmod(0o755)
            del shared.data[:]
        return tuple(
            f"{'glibc' if prefix == 'GLIBC' else prefix} {'.'.join(map(str, ceilings[prefix]))}"
            for prefix in sorted(hidden, key=lambda prefix: (prefix != "GLIBC", prefix))
        )


def _listed_libraries(machine: str) -> dict[str, str]:
    """What ldconfig(8) has in its cache for a machine: soname → path; empty where there is no ldconfig."""
    found: dict[str, str] = {}
    for program in ("/sbin/ldconfig", "/usr/sbin/ldconfig"):
        try:
            done = subprocess.run([program, "-p"], capture_output=True, timeout=_ANSWER_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            match = _LISTED.fullmatch(line)
            if match is not None and _LDCONFIG_MACHINES.get(match[2].strip()) == machine:
                found.setdefault(match[1], match[3])
        break
    return found
