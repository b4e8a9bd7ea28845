"""The real loader of this machine, made to refuse what the runtime's would: in its own words, for every runtime."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest.sandbox import sandbox_trouble
from tests.recipes.native import Native, Need, compile_native

Try = Callable[..., ImportAttempt]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs a Linux loader"),
    pytest.mark.skipif(sandbox_trouble() is not None, reason=f"needs a sandbox: {sandbox_trouble()}"),
]

HANDLER = {"handler.py": "import ext\ndef f(event, context): return ext.answer\n"}


@pytest.fixture
def extension(tmp_path: Path) -> Callable[..., None]:
    """Puts an extension module beside the handler: `extension(("libc.so.6", "GLIBC_2.38", "strlcpy"))`."""

    def put(*wanted: tuple[str, str, str]) -> None:
        folder = tmp_path / "tree0"
        folder.mkdir()
        needs = tuple(Need(soname, {version: (symbol,)}) for soname, version, symbol in wanted)
        native = Native("ext.abi3.so", f"{platform.machine()}-linux", needs=needs)
        (folder / "ext.abi3.so").write_bytes(compile_native(native))

    return put


REFUSED = [
    (13, "libc.so.6", "GLIBC_2.35", "epoll_pwait2"),
    (13, "libc.so.6", "GLIBC_2.36", "arc4random"),
    (13, "libm.so.6", "GLIBC_2.35", "hypot"),
    (13, "libstdc++.so.6", "GLIBCXX_3.4.34", "_ZSt19__throw_out_of_range"),
    (11, "libc.so.6", "GLIBC_2.28", "fcntl64"),
    (11, "libm.so.6", "GLIBC_2.29", "pow"),
    (11, "libstdc++.so.6", "GLIBCXX_3.4.26", "_ZNSt10filesystem4pathdVERKS0_"),
    (11, "libstdc++.so.6", "CXXABI_1.3.13", "_ZSt15__alloc_on_move"),
    (9, "libc.so.6", "GLIBC_2.34", "pthread_create"),
]


@pytest.mark.parametrize(("minor", "soname", "version", "symbol"), REFUSED)
def test_a_version_above_the_ceiling_is_refused_in_the_loader_s_words(
    attempt: Try, extension: Callable[..., None], minor: int, soname: str, version: str, symbol: str
) -> None:
    extension((soname, version, symbol))
    seen = attempt(HANDLER, minor=minor)
    assert seen.error_type == "Runtime.ImportModuleError"
    assert seen.error_message == (
        f"Unable to import module 'handler': /lib64/{soname}: version `{version}' not found "
        "(required by /var/task/ext.abi3.so)"
    )


ACCEPTED = [
    (13, "libc.so.6", "GLIBC_2.34", "pthread_create"),
    (13, "libm.so.6", "GLIBC_2.29", "pow"),
    (11, "libc.so.6", "GLIBC_2.25", "getrandom"),
    (11, "libstdc++.so.6", "GLIBCXX_3.4.22", "_ZSt20__throw_length_errorPKc"),
    (9, "libm.so.6", "GLIBC_2.23", "fesetmode"),
]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines began with other versions")
@pytest.mark.parametrize(("minor", "soname", "version", "symbol"), ACCEPTED)
def test_a_version_that_the_runtime_has_is_found(
    attempt: Try, extension: Callable[..., None], minor: int, soname: str, version: str, symbol: str
) -> None:
    extension((soname, version, symbol))
    seen = attempt(HANDLER, minor=minor)
    # Whether the library has this symbol is another matter; the loader asks for the version first.
    assert "not found (required by" not in (seen.error_message or "")
    assert "cannot open shared object" not in (seen.error_message or "")


@pytest.mark.parametrize(
    ("minor", "soname", "user"),
    [(13, "libexpat.so.1", "pyexpat"), (11, "libssl.so.3", "ssl"), (13, "libtcl8.6.so", "sys")],
)
def test_a_library_of_the_interpreter_that_lambda_has_not_is_hidden_from_the_artifact(
    attempt: Try, extension: Callable[..., None], minor: int, soname: str, user: str
) -> None:
    extension((soname, "", "anything"))
    handler = {"handler.py": f"import {user}\nprint('works')\nimport ext\n"}
    seen = attempt(handler, minor=minor)
    assert seen.output.startswith("works")
    assert seen.error_message == (
        f"Unable to import module 'handler': {soname}: cannot open shared object file: No such file or directory"
    )


def test_the_libc_tells_the_runtime_s_release(attempt: Try, minor: int) -> None:
    code = "import os, platform\nprint(os.confstr('CS_GNU_LIBC_VERSION'), *platform.libc_ver())\n"
    seen = attempt({"handler.py": code + "def f(event, context): pass\n"}, minor=minor)
    release = "2.34" if minor >= 12 else "2.26"
    if f"clamped to glibc {release}" in seen.proof:
        assert seen.output == f"glibc {release} glibc {release}\n"
    else:
        assert seen.output.startswith("glibc 2.")
