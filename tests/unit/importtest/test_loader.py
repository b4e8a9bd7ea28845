"""Reading the loader's words: which file, which library, which version, and where it was looked for."""

from __future__ import annotations

import pytest

from lambdapack.facts.attempts import LoaderReport
from lambdapack.importtest.loader import is_told_more, read_debug, read_message

PREFIX = "Unable to import module 'handler': "

MESSAGES = {
    "/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /var/task/a/ext.abi3.so)": {
        "file": "/var/task/a/ext.abi3.so",
        "required_by": "/var/task/a/ext.abi3.so",
        "soname": "libc.so.6",
        "version": "GLIBC_2.38",
    },
    "libpq.so.5: cannot open shared object file: No such file or directory": {"soname": "libpq.so.5"},
    "/var/task/ext.so: cannot open shared object file: No such file or directory": {"file": "/var/task/ext.so"},
    "/var/task/ext.so: undefined symbol: no_such": {
        "file": "/var/task/ext.so",
        "required_by": "/var/task/ext.so",
        "symbol": "no_such",
    },
    "/var/task/ext.so: undefined symbol: SSL_new, version OPENSSL_1_1_0": {
        "file": "/var/task/ext.so",
        "required_by": "/var/task/ext.so",
        "symbol": "SSL_new",
        "version": "OPENSSL_1_1_0",
    },
    "/var/task/ext.so: wrong ELF class: ELFCLASS32": {"file": "/var/task/ext.so"},
    "/var/task/ext.so: invalid ELF header": {"file": "/var/task/ext.so"},
    "/var/task/libgomp.so.1: cannot allocate memory in static TLS block": {"file": "/var/task/libgomp.so.1"},
}


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_of_the_loader(message: str) -> None:
    report = read_message(PREFIX + message)
    assert report is not None
    fields = ("file", "required_by", "soname", "version", "symbol")
    assert {name: value for name in fields if (value := getattr(report, name))} == MESSAGES[message]


@pytest.mark.parametrize("message", ["No module named 'x'", "cannot import name 'a' from 'b' (/var/task/b.so)", ""])
def test_other_messages_are_not_the_loader_s(message: str) -> None:
    assert read_message(PREFIX + message) is None


DEBUG = """
         2:\tfind library=libgone.so.3 [0]; searching
         2:\t search path=/elsewhere\t\t(LD_LIBRARY_PATH)
         2:\t  trying file=/elsewhere/libgone.so.3
a line of the handler's own
         2:\tfile=libmid.so.1 [0];  needed by /var/task/ext.abi3.so [0]
         2:\tfind library=libmid.so.1 [0]; searching
         2:\t  trying file=/var/task/lib/libmid.so.1
         2:\tfile=libgone.so.3 [0];  needed by /var/task/lib/libmid.so.1 [0]
         2:\tfind library=libgone.so.3 [0]; searching
         2:\t  trying file=/lib64/glibc-hwcaps/x86-64-v3/libgone.so.3
         2:\t  trying file=/lib64/libgone.so.3
         2:\t  trying file=/opt/lib/libgone.so.3
         2:\t  trying file=/lib64/libgone.so.3
"""


def test_debug_output_tells_who_needs_a_library_and_where_it_was_looked_for() -> None:
    report = LoaderReport("libgone.so.3: cannot open shared object file", soname="libgone.so.3")
    assert is_told_more(report)
    told = read_debug(report, DEBUG)
    assert (told.file, told.required_by) == ("/var/task/lib/libmid.so.1",) * 2
    assert told.tried == ("/lib64/libgone.so.3", "/opt/lib/libgone.so.3")
    assert not is_told_more(told)
