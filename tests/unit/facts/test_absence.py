"""Why an import fails: the explanation that the artifact itself gives."""

from __future__ import annotations

import pytest

from tests.unit.memory import import_facts

ELF_X86 = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\0\x3e\0" + b"\0" * 60


def explain(
    files: dict[str, str | bytes], source: str, runtime: str = "python3.13"
) -> list[tuple[str, str, str | None]]:
    facts = import_facts({"handler.py": source + "\ndef h(e, c): pass\n", **files}, runtime=runtime)
    return [(item.absence.kind, item.absence.module, item.absence.path) for item in facts.explained]


@pytest.mark.parametrize(
    ("files", "source", "expected"),
    [
        ({}, "import absent", ("absent", "absent", None)),
        ({"vendor/lib.py": ""}, "import lib", ("elsewhere", "lib", "/var/task/vendor/lib.py")),
        ({"src/lib/__init__.py": ""}, "import lib", ("elsewhere", "lib", "/var/task/src/lib/__init__.py")),
        ({"Lib.py": ""}, "import lib", ("other-spelling", "lib", "/var/task/Lib.py")),
        ({}, "import imp", ("left-standard-library", "imp", None)),
        (
            {"pkg/__init__.py": "", "pkg/_c.cpython-311-x86_64-linux-gnu.so": ELF_X86},
            "from pkg import _c",
            ("wrong-abi", "pkg._c", "/var/task/pkg/_c.cpython-311-x86_64-linux-gnu.so"),
        ),
        (
            {"_c.cp313-win_amd64.pyd": b"MZ"},
            "import _c",
            ("wrong-abi", "_c", "/var/task/_c.cp313-win_amd64.pyd"),
        ),
        (
            # A folder of stubs turns the missing module into an empty namespace package.
            {"pkg/__init__.py": "", "pkg/_c/stub.pyi": "", "pkg/_c.cpython-313t-x86_64-linux-gnu.so": ELF_X86},
            "from pkg._c import name",
            ("wrong-abi", "pkg._c", "/var/task/pkg/_c.cpython-313t-x86_64-linux-gnu.so"),
        ),
    ],
)
def test_explanations(files: dict[str, str | bytes], source: str, expected: tuple[str, str, str | None]) -> None:
    assert explain(files, source) == [expected]


def test_not_yet_in_the_standard_library() -> None:
    assert explain({}, "import tomllib", "python3.10") == [("not-yet-standard-library", "tomllib", None)]


def test_removed_after_it_was_installed() -> None:
    name = "pkg/_c.cpython-313-x86_64-linux-gnu.so"
    files: dict[str, str | bytes] = {
        "pkg/__init__.py": "",
        "pkg-1.0.dist-info/METADATA": "Name: pkg\nVersion: 1.0\n",
        "pkg-1.0.dist-info/RECORD": f"pkg/__init__.py,,\n{name},sha256=x,9\n../../bin/tool,,\n",
    }
    assert explain(files, "from pkg._c import x") == [("removed", "pkg._c", f"/var/task/{name}")]
    assert explain(files, "from pkg import _c") == [("removed", "pkg._c", f"/var/task/{name}")]
