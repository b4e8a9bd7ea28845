"""Makes the small real things the builder's tests need: profiles, wheels, functions, a registry on this machine."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipInfo

from packaging.tags import compatible_tags, cpython_tags
from wheel.wheelfile import WheelFile  # type: ignore[import-untyped]  # ships no types

from lambdapack.builder import WheelStore
from lambdapack.builder.inputs import Inputs, requirement_inputs
from lambdapack.builder.making import wheel_maker
from lambdapack.builder.plan import BuildPlan, FirstPartyFile, ResolvedWheel
from lambdapack.builder.resolutions import Resolution
from lambdapack.builder.resolve import resolve
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.settings import FunctionSettings

OLD_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def make_profile(
    python: tuple[int, int] = (3, 13), architecture: str = "x86_64", glibc: tuple[int, int] = (2, 34)
) -> RuntimeProfile:
    """A profile with the tags of a real target; what the builder does not read is None."""
    machine = "aarch64" if architecture == "arm64" else architecture
    platforms = []
    for minor in range(glibc[1], 16 if machine == "aarch64" else 4, -1):
        platforms.append(f"manylinux_2_{minor}_{machine}")
        if minor in OLD_ALIASES and (machine == "x86_64" or minor == 17):
            platforms.append(f"{OLD_ALIASES[minor]}_{machine}")
    abi = f"cp{python[0]}{python[1]}"
    tags = [*cpython_tags(python, [abi], platforms), *compatible_tags(python, abi, platforms)]
    values: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(RuntimeProfile))
    values |= {
        "runtime": f"python{python[0]}.{python[1]}",
        "architecture": architecture,
        "machine": machine,
        "python": python,
        "glibc": glibc,
        "wheel_tags": tuple(map(str, tags)),
    }
    return RuntimeProfile(**values)


def resolve_lines(folder: Path, *lines: str, profile: RuntimeProfile | None = None) -> dict[str, ResolvedWheel]:
    """Resolves requirement lines; returns the wheels by name."""
    return {wheel.name: wheel for wheel in resolve_inputs(requirement_inputs(folder, strings=lines), profile).wheels}


def resolve_file(file: Path, profile: RuntimeProfile | None = None, **how: Any) -> Resolution:
    """Resolves what a requirement file says."""
    return resolve_inputs(requirement_inputs(file.parent, (file,)), profile, **how)


def resolve_inputs(inputs: Inputs, profile: RuntimeProfile | None = None, **how: Any) -> Resolution:
    """Resolves with a wheel store beside the inputs; native code cannot be built, unless `how` names a `make`."""
    profile, cache = profile or make_profile(), inputs.folder / "cache"
    cache.mkdir(exist_ok=True)
    how.setdefault("make", wheel_maker(profile, WheelStore(cache), folder=inputs.folder).make)
    return resolve(inputs, profile, scratch=cache, **how)


def make_function(folder: Path, **changes: Any) -> FunctionSettings:
    """A function with `folder/source` as its source, which is made when it is not there."""
    (folder / "source").mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "name": "thing",
        "handler": "handler.lambda_handler",
        "runtime": "python3.13",
        "architecture": "x86_64",
        "source": (folder / "source",),
        "shared": (),
        "requirement_files": (),
        "requirement_list": (),
        "exclude": (),
        "package": "zip",
        "output": folder / "dist" / "thing.zip",
    }
    return FunctionSettings(**(values | changes))


def make_wheel(
    folder: Path,
    name: str = "tiny",
    files: Mapping[str, str | bytes] | None = None,
    *,
    version: str = "1.0",
    tag: str = "py3-none-any",
    tag_inside: str | None = None,
    executable: frozenset[str] = frozenset(),
    requires: tuple[str, ...] = (),
) -> ResolvedWheel:
    """Writes a wheel and returns it as if it had been resolved; `executable` names members with mode 0755."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    members: dict[str, str | bytes] = {
        **({f"{name}.py": f"name = {name!r}\n"} if files is None else files),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag_inside or tag}\n",
    }
    with WheelFile(path, "w") as wheel:
        for member, content in members.items():
            entry = ZipInfo(member, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if member in executable else 0o100644) << 16
            wheel.writestr(entry, content.encode() if isinstance(content, str) else content)
    return as_resolved(path)


# A build back end in the project itself: needs no index, and writes a wheel of one module.
_BACKEND = """
import os, zipfile
NAME, VERSION, TAG, REQUIRES = {values}

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    file = f"{{NAME}}-{{VERSION}}-{{TAG}}.whl"
    metadata = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    metadata += "".join(f"Requires-Dist: {{line}}\\n" for line in REQUIRES)
    members = {{
        f"{{NAME}}.py": open(f"{{NAME}}.py").read(),
        f"{{info}}/METADATA": metadata,
        f"{{info}}/WHEEL": f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {{TAG}}\\n",
    }}
    record = "".join(f"{{name}},,\\n" for name in [*members, f"{{info}}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, file), "w") as archive:
        for name, text in [*members.items(), (f"{{info}}/RECORD", record)]:
            archive.writestr(zipfile.ZipInfo(name), text)
    return file
"""


def make_project(
    folder: Path, name: str, *, version: str = "1.0", tag: str = "py3-none-any", requires: tuple[str, ...] = ()
) -> Path:
    """Writes a project that uv can build without an index; its wheel has `tag`, whatever is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {json.dumps(list(requires))}\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "backend.py").write_text(_BACKEND.format(values=repr((name, version, tag, requires))))
    (folder / f"{name}.py").write_text(f"name = {name!r}\n")
    return folder


def make_sdist(folder: Path, name: str, *, version: str = "1.0", tag: str = "py3-none-any") -> Path:
    """Writes an sdist of such a project; its metadata is static, so that uv resolves it without building."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.tar.gz"
    with tempfile.TemporaryDirectory() as temporary:
        project = make_project(Path(temporary, f"{name}-{version}"), name, version=version, tag=tag)
        (project / "PKG-INFO").write_text(f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n")
        with tarfile.open(path, "w:gz") as archive:
            archive.add(project, project.name)
    return path


def as_resolved(path: Path) -> ResolvedWheel:
    """A wheel file as the resolver would name it."""
    name, version = path.name.split("-")[:2]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ResolvedWheel(name, version, path.name, str(path), digest, path.stat().st_size)


def make_plan(
    output: Path,
    *wheels: ResolvedWheel,
    files: Mapping[str, Path] | None = None,
    exclude: tuple[str, ...] = (),
    profile: RuntimeProfile | None = None,
) -> BuildPlan:
    """A plan that was not resolved."""
    target = profile or make_profile()
    return BuildPlan(
        function="thing",
        handler="handler.lambda_handler",
        runtime=target.runtime,
        architecture=target.architecture,
        machine=target.machine,
        python=target.python,
        wheel_tags=target.wheel_tags,
        requirements=(),
        wheels=wheels,
        first_party=tuple(FirstPartyFile(path, source) for path, source in (files or {}).items()),
        exclude=exclude,
        left_out=(),
        output=output,
    )


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word; a subclass may answer otherwise."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        return


@contextmanager
def serve(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """Serves a folder over HTTP on the loopback; gives its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
