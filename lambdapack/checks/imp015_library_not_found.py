"""Code loads a native library by its name, and the library is nowhere.

What it finds
    `ctypes.CDLL("libx.so.1")`, `cdll.LoadLibrary(...)` and `ffi.dlopen(...)` at import, with a name or a path that can
    be worked out (also from a list of candidates, or from what `ctypes.util.find_library` returns), looked for as the
    loader does: `LD_LIBRARY_PATH` (/var/task, /var/task/lib, /opt/lib among others), then the system's folders. No file
    header (`DT_NEEDED`) shows these needs.

Why it fails on Lambda
    "OSError: libx.so.1: cannot open shared object file: No such file or directory".

How to fix it
    Put the library at the root of the artifact, into its `lib/`, or into a layer's `lib/`, built for Amazon Linux and
    together with what it needs itself. Or load it by its full path:
    `ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libx.so.1"))`.

When to ignore it
    As a warning: the call stands in a function or under a condition; the system's copy is not known to be in the
    managed runtime; or the artifact has the library where only code that ran before can have loaded it from.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMP015", "loads a library that is nowhere", needs=("handler",), severities=("error", "warning"))
def library_not_found(subject: Subject) -> Iterator[Hit]:
    said = set()
    for lookup in subject.python.missing_libraries:
        call = lookup.call
        if lookup.wanted in said:
            continue
        said.add(lookup.wanted)
        where = "in a function, " if call.when == "later" else ""
        found = f"; the artifact has {lookup.found}" if lookup.found else ""
        name = lookup.wanted.rpartition("/")[2]
        yield Hit(
            path=call.path,
            message=f"line {call.line}: {where}loads {lookup.wanted}, which the loader does not find on "
            f"{subject.target}{found}",
            fix=f"load {lookup.found} by its full path, or move it to lib/"
            if lookup.found
            else f"pack {name} into lib/ of the artifact or of a layer, built for {subject.target}",
            evidence={
                "soname": name,
                "wanted": lookup.wanted,
                "module": call.module,
                "line": call.line,
                "when": call.when,
                "found": lookup.found,
            },
            severity=Severity.ERROR if lookup.certain else Severity.WARNING,
            chain=call.chain,
        )
