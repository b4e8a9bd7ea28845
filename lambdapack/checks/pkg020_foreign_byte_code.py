"""Compiled Python files that this runtime never uses: dead weight.

What it finds
    `.pyc` files for another Python (`__pycache__/app.cpython-311.pyc` on python3.13), optimised ones (`.opt-1`), ones
    in a `__pycache__` whose source is gone, and ones beside their source, where Python does not look for them. From
    64 KB on.

Why it fails on Lambda
    It does not: this is an info. They count towards the size limit, and every deployment carries them.

How to fix it
    Leave them out, as `lambdapack build` does: `pip install --no-compile` and `PYTHONDONTWRITEBYTECODE=1` where the
    files come from, `zip -r function.zip . -x "*.pyc"` where the archive is made.

When to ignore it
    Whenever size does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_WORDS = {
    "foreign": "for another Python",
    "without-source": "without their source",
    "beside-source": "beside their source",
}
_EXAMPLES = 3
_LEAST = 64 * 1024


@check("PKG020", "has byte code that the runtime never uses", severities=("info",))
def foreign_byte_code(subject: Subject) -> Iterator[Hit]:
    useless = [item for item in subject.python.byte_code if item.state in _WORDS]
    size = sum(item.size for item in useless)
    if size < _LEAST:
        return
    counts = Counter(item.state for item in useless)
    pythons = Counter(item.python for item in useless if item.state == "foreign")
    listed = ", ".join(f"{count} {_WORDS[state]}" for state, count in counts.most_common())
    yield Hit(
        path=useless[0].path,
        message=f"{len(useless)} compiled {'file' if len(useless) == 1 else 'files'} with {size:,} bytes that "
        f"{subject.profile.runtime} never uses: {listed}",
        fix="leave byte code out of the artifact: pip install --no-compile, and exclude __pycache__ and *.pyc",
        evidence={
            "files": len(useless),
            "bytes": size,
            "reasons": dict(counts),
            "pythons": dict(pythons),
            "examples": [item.path for item in useless[:_EXAMPLES]],
        },
        severity=Severity.INFO,
    )
