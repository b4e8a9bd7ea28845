"""Native code needs a symbol that nothing which is loaded with it defines.

What it finds
    Undefined symbols of extension modules, and of the libraries loaded with them, that no library in their `DT_NEEDED`
    closure defines, nor Python, nor the C library: the module was linked without a library (`-lz`, `-lstdc++`), an
    object file was left out, or a bundled library is of another version than the one that the module was built with.
    Names of Python's C-API that another Python has are ELF007.

Why it fails on Lambda
    Python binds every symbol when it loads a module, whether it is called or not: "undefined symbol: deflateInit_",
    "undefined symbol: __gxx_personality_v0". On the machine where it was built, something else may have loaded the
    library before.

How to fix it
    Install the wheel of the distribution instead of building it, or link the module with the library that defines the
    symbol (`libraries=["z"]` in `setuptools`; C++ modules with `g++`, not `gcc`) and bundle that library. To see who
    wants what: `nm -D --undefined-only FILE.so`, `readelf -d FILE.so | grep NEEDED`; `c++filt` reads C++ names.

When to ignore it
    When it is only a warning: nothing that the handler imports needs the file; or another file of the artifact defines
    the symbol, and other code loads that one before and for everyone (`RTLD_GLOBAL`).
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, NativeFinding, Severity, Subject, check


@check("ELF009", "needs a symbol that nothing defines", severities=("error", "warning"))
def undefined_symbol(subject: Subject) -> Iterator[Hit]:
    by_path: dict[str, list[NativeFinding]] = {}
    for native in subject.native_findings:
        if native.problem.kind == "undefined-symbol":
            by_path.setdefault(native.problem.path, []).append(native)
    for path, found in by_path.items():
        found.sort(key=lambda native: native.severity is not Severity.ERROR)
        first = found[0]
        symbols = [native.problem.wanted for native in found]
        more = f" and {len(symbols) - 1} more" if len(symbols) > 1 else ""
        elsewhere = first.problem.elsewhere
        defined = f"; {elsewhere} defines it, and the file does not need that library" if elsewhere else ""
        yield Hit(
            path=path,
            message=f"needs the symbol {symbols[0]}{more}, which nothing that is loaded with it defines{defined}",
            fix="link it with the library that defines the symbol, and bundle that library; or "
            + subject.reinstall(path),
            evidence={
                "symbol": symbols[0],
                "symbols": symbols,
                "elsewhere": elsewhere,
                "module": first.required.module if first.required else None,
            },
            severity=first.severity,
            chain=first.chain,
        )
