"""The metadata of a distribution is there, its code is not.

What it finds
    A `.dist-info` folder whose `RECORD` lists modules, none of which is in the artifact, and whose top-level names
    the artifact does not have anywhere else either.

Why it fails on Lambda
    `importlib.metadata` reports the distribution as installed, and every import of it ends in "No module named ...".
    Code that asks the metadata first takes the wrong way, and where the runtime has a package of the name (`urllib3`),
    its version is not the one that the metadata tell. If the handler's import needs it, IMP001 or DST001 says so.

How to fix it
    Install the distribution again into an empty folder, or remove its `.dist-info` as well. If the code is to come from
    a layer, give the layer to the inspection with `--layer`.

When to ignore it
    When only the metadata is wanted, for instance for its entry points.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("DST005", "has its metadata but not its code", severities=("warning",))
def metadata_without_package(subject: Subject) -> Iterator[Hit]:
    for item in subject.installation.gone():
        if item.left:
            continue
        inside = (path.removeprefix(f"{item.dist.root}/").split("/")[0] for path in item.paths)
        tops = sorted({name.partition(".")[0] for name in inside})
        if any(subject.brought_module(top) for top in tops):
            continue
        instead = any(subject.is_of_runtime(top) for top in tops)
        yield Hit(
            path=item.dist.folder,
            message=f"says that {item.dist.name} {item.dist.version} is installed, "
            f"but none of its {len(item.paths)} modules is there ({', '.join(tops[:3])})"
            + (f"; what is imported is {subject.profile.runtime}'s own" if instead else ""),
            fix=f"install {item.dist.name} again into an empty folder, or remove its metadata, too",
            evidence={"distribution": item.dist.name, "version": item.dist.version, "modules": tops},
            severity=Severity.WARNING,
        )
