"""A native module was built for NumPy 1, and the artifact has NumPy 2.

What it finds
    Extension modules that the handler's import reaches, made with the headers of NumPy 1 only, beside a NumPy of
    version 2 or newer. What was built with the headers of NumPy 2 works with both.

Why it fails on Lambda
    NumPy 2 changed its binary interface: "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.2 as it
    may crash", "ImportError: numpy.core.multiarray failed to import", or "ValueError: numpy.dtype size changed, may
    indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject". Older versions of a package say
    `numpy>=1.17` without an upper bound, so installers take the newest NumPy.

How to fix it
    Install `numpy<2`, or a version of the package that was built for NumPy 2; then build anew from one lock.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("ELF013", "was built for an older NumPy", needs=("handler",))
def built_for_older_numpy(subject: Subject) -> Iterator[Hit]:
    for failure in subject.imports.fatal if subject.imports else ():
        if failure.kind != "native-api":
            continue
        dist = subject.distribution_of(failure.path or "")
        name = dist.name if dist else failure.module.partition(".")[0]
        yield Hit(
            path=failure.path,
            message=f"is built for NumPy 1, and the artifact has NumPy {failure.name}, which refuses it",
            fix=f"install numpy<2, or a version of {name} that is built for NumPy 2",
            evidence={"module": failure.module, "distribution": name, "numpy": failure.name},
            chain=failure.chain,
        )
