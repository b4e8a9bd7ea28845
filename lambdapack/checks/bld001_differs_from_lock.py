"""The artifact has other distributions than the lock file that was given.

What it finds
    With `--lock FILE` (a `requirements.txt` with pins, `uv.lock`, `poetry.lock`, `pylock.toml`): distributions in
    another version than locked, distributions that are not in the lock, locked ones that are missing. Markers are
    evaluated for the runtime. Extras and dependency groups may be there and need not be; what the runtime brings may be
    missing (an info).

Why it fails on Lambda
    It need not. But what runs is not what was tested: the lock was changed after the build, the folder that was
    packed had older packages in it, or somebody installed by hand.

How to fix it
    Build again from the lock into an empty folder: `lambdapack build`, `uv pip install --target FOLDER -r ...`,
    `pip install --require-hashes --target FOLDER -r requirements.txt`.

When to ignore it
    When the lock is of another project, or the difference was made on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("BLD001", "differs from the lock file", severities=("warning", "info"))
def differs_from_lock(subject: Subject) -> Iterator[Hit]:
    lock = subject.lock
    if lock is None:
        return
    installed = {dist.name: dist for dist in subject.installation.distributions}
    brought = {item.name: item for item in subject.profile.preinstalled}
    for name, dist in sorted(installed.items()):
        locked = lock.packages.get(name)
        if locked is not None and locked.allows(dist.version):
            continue
        wanted = " or ".join(sorted(locked.versions)) if locked else None
        yield Hit(
            path=dist.folder,
            message=f"is not in {lock.path}"
            if wanted is None
            else f"has {name} {dist.version}; {lock.path} says {wanted}",
            fix=f"build again from {lock.path} into an empty folder",
            evidence={
                "distribution": name,
                "version": dist.version,
                "wanted": wanted,
                "difference": "version" if wanted else "extra",
            },
            severity=Severity.WARNING,
        )
    for name, locked in sorted(lock.packages.items()):
        if name in installed or not locked.needed or subject.brought_module(name.replace("-", "_")):
            continue
        wanted = " or ".join(sorted(locked.versions)) or None
        by_runtime = f"; {subject.profile.runtime} brings one of its own" if name in brought else ""
        yield Hit(
            path=None,
            message=f"{name} {wanted or ''}".strip() + f" of {lock.path} is not in the artifact{by_runtime}",
            fix=f"build again from {lock.path} into an empty folder",
            evidence={"distribution": name, "version": None, "wanted": wanted, "difference": "missing"},
            severity=Severity.INFO if name in brought else Severity.WARNING,
        )
