"""The modules of an artifact that no distribution brought: what its author wrote, as import names."""

from __future__ import annotations

from lambdapack.checking import Subject

_LOOKED_AT = ("/var/task", "/opt")


def first_party_modules(subject: Subject) -> tuple[str, ...]:
    """Returns the dotted names of the Python modules below `sys.path` that belong to no distribution, sorted.

    Without programs (`__main__`), and files whose path no import statement can spell.
    """
    roots = [root for root in subject.profile.python_path if root.startswith(_LOOKED_AT)]
    found = set()
    for located in subject.stack.files():
        if not located.path.endswith(".py") or not subject.is_own(located.path):
            continue
        inside = [root for root in roots if located.path.startswith(f"{root}/")]
        if not inside or subject.distribution_of(located.path) is not None:
            continue
        parts = located.path.removesuffix(".py")[len(max(inside, key=len)) + 1 :].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        if parts and parts[-1] != "__main__" and all(part.isidentifier() for part in parts):
            found.add(".".join(parts))
    return tuple(sorted(found))
