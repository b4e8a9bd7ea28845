"""The same artifact through every backend: the same verdict, and the same words but for where a provider stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdapack.containers.engine import Engine
from lambdapack.importtest import LocalBackend
from lambdapack.profiles import load_profile
from tests.containers.conftest import RUNTIMES, lambdapack, missing
from tests.recipes.native import Native, Need, compile_native

HANDLER = "def lambda_handler(event, context): return 1\n"
LINUX = "x86_64-linux-gnu"
IMPORT_NATIVE = f"import native\nassert native.answer == 42\n{HANDLER}"


def native(target: str = LINUX, **given: Any) -> bytes:
    return compile_native(Native("native.abi3.so", target, **given))


def wants(soname: str, version: str, symbol: str = "anything") -> bytes:
    return native(needs=(Need(soname, {version: (symbol,)}),))


def not_found(library: str, version: str) -> str:
    return f"/lib64/{library}: version `{version}' not found (required by /var/task/native.abi3.so)"


def absent(file: str) -> str:
    return f"{file}: cannot open shared object file: No such file or directory"


# What is in the artifact, and what the loader says; None: it imports.
CASES: dict[str, tuple[Callable[[], dict[str, str | bytes]], str | None]] = {
    "sound": (lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": native()}, None),
    "a symbol of the ceiling": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libc.so.6", "GLIBC_2.17", "clock_gettime")},
        None,
    ),
    "a newer glibc": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libc.so.6", "GLIBC_2.38")},
        not_found("libc.so.6", "GLIBC_2.38"),
    ),
    "a newer glibc by one": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libc.so.6", "GLIBC_2.35")},
        not_found("libc.so.6", "GLIBC_2.35"),
    ),
    "a newer libstdc++": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libstdc++.so.6", "GLIBCXX_3.4.34")},
        not_found("libstdc++.so.6", "GLIBCXX_3.4.34"),
    ),
    "a library that nobody has": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libnone.so.1", "")},
        absent("libnone.so.1"),
    ),
    "a library that Lambda has not": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libgomp.so.1", "")},
        absent("libgomp.so.1"),
    ),
    "musl": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libc.musl-x86_64.so.1", "")},
        absent("libc.musl-x86_64.so.1"),
    ),
    "another machine": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": native("aarch64-linux-gnu")},
        absent("/var/task/native.abi3.so"),
    ),
    "an undefined symbol": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": wants("libc.so.6", "", "no_such_symbol_anywhere")},
        "/var/task/native.abi3.so: undefined symbol: no_such_symbol_anywhere",
    ),
    "no ELF file": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": b"text of a pointer\n" * 40},
        "/var/task/native.abi3.so: invalid ELF header",
    ),
    "an empty file": (
        lambda: {"handler.py": IMPORT_NATIVE, "native.abi3.so": b""},
        "/var/task/native.abi3.so: file too short",
    ),
    "a library beside it": (
        lambda: {
            "handler.py": IMPORT_NATIVE,
            "native.abi3.so": native(needs=(Need("libown.so.1", {"": ("own",)}),)),
            "lib/libown.so.1": native(soname="libown.so.1", defines={"": ("own",)}),
        },
        None,
    ),
    "no such module": (lambda: {"handler.py": "import not_there\n"}, "No module named 'not_there'"),
    "no such name": (
        lambda: {"handler.py": "from helper import gone\n", "helper.py": ""},
        "cannot import name 'gone' from 'helper' (/var/task/helper.py)",
    ),
}

BACKENDS = ("docker", "rootfs", "local")


@pytest.fixture(scope="module")
def runtime() -> str:
    """A runtime that this machine has an interpreter of, so that all backends can be asked."""
    wanted = sorted(RUNTIMES, key=lambda name: name != "python3.13")
    here = [name for name in wanted if LocalBackend().available(load_profile(name, "x86_64")) is None]
    if not here:
        missing(f"there is no interpreter here of any of {', '.join(RUNTIMES)}: uv python install 3.13")
    return here[0]


@pytest.fixture(scope="module")
def saved() -> dict[str, Path]:
    """The archives that were written of images, by name."""
    return {}


@pytest.fixture
def source(
    runtime: str,
    image_of: Callable[[str], str],
    engine: Engine,
    saved: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], list[str | Path]]:
    """Gives the options by which a backend finds the runtime's image."""

    def get(backend: str) -> list[str | Path]:
        name = image_of(runtime)
        if backend == "docker":
            return ["--image", name]
        if backend == "local":
            return []
        if name not in saved:
            saved[name] = tmp_path_factory.mktemp("image") / "image.tar"
            engine.save_image(name, saved[name])
        return ["--rootfs", saved[name]]

    return get


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_every_backend_says_the_same(
    case: str, backend: str, runtime: str, source: Callable[[str], list[str | Path]], tmp_path: Path
) -> None:
    make, words = CASES[case]
    for name, content in make().items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(0o644)
    given: list[str | Path] = [
        "test",
        tmp_path,
        "--runtime",
        runtime,
        "--handler",
        "handler.lambda_handler",
        "--backend",
        backend,
    ]
    done = lambdapack(*given, *source(backend), "--format", "json")
    assert done.returncode == (0 if words is None else 1), done.stderr
    tested = json.loads(done.stdout)["import_test"]
    if words is None:
        assert tested["status"] == "ok"
        return
    assert tested["error_type"] == "Runtime.ImportModuleError"
    assert _common(tested["error_message"]) == f"Unable to import module 'handler': {words}"


def _common(message: str) -> str:
    """The words without the folder that a library of the system was found in."""
    return re.sub(r"/\S*/(lib\S+): version", r"/lib64/\1: version", message)
