"""An editable install was packed: a link to code that stayed on the build machine.

What it finds
    `.pth` files with a folder that is not in the artifact, setuptools' `__editable__` finders whose packages are not in
    it, `.egg-link` files, and distributions that `direct_url.json` calls editable and that have no code of their own.
    Where the handler's import fails for it, IMP001 says so as an error and nothing is told here.

Why it fails on Lambda
    Lambda does run the `.pth` files of the function and of `/opt/python`, but `/home/me/project/src` is not there:
    "No module named 'mypackage'". It works on the machine that built it, which is why tests do not find it.

How to fix it
    Install the project itself: `pip install --target FOLDER .` without `-e`, `uv export --no-editable`,
    `uv sync --no-editable`, `poetry build` and the wheel; or name its folder in `shared` of `[tool.lambdapack]`.

When to ignore it
    When nothing imports the package.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("DST011", "is a link to code that was not packed", severities=("warning",))
def editable_leftover(subject: Subject) -> Iterator[Hit]:
    if any(item.fatal and "." not in item.failure.module for item in subject.explained("absent")):
        return
    linked = {}
    for path, place in subject.layout.editable_links():
        dist = subject.distribution_of(path)
        linked[dist.folder if dist else path] = path
        yield _hit(path, place, dist.name if dist else None)
    for dist in subject.distributions:
        if dist.editable and dist.folder not in linked and not any(file.endswith(".py") for file in dist.files):
            yield _hit(f"{dist.folder}/direct_url.json", "the project's own folder", dist.name)


def _hit(path: str, place: str, distribution: str | None) -> Hit:
    return Hit(
        path=path,
        message=f"{distribution or 'an editable install'} leads to {place}, which is not in the artifact",
        fix="install the package itself and not a link to it: pip install without -e, uv export --no-editable",
        evidence={"distribution": distribution, "target": place},
        severity=Severity.WARNING,
    )
