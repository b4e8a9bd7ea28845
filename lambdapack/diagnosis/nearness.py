"""How near a finding is to what a message names: about the very thing, about its package, or about something else."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from lambdapack.finding import Finding

NOTHING, PACKAGE, TARGET, THING = range(4)


def nearness(finding: Finding, named: Mapping[str, str]) -> int:
    """Returns one of the four above. `named` is what a message names, as `naming.derive` completes it."""
    if _contradicts(finding, named):
        return NOTHING
    if _is_the_thing(finding, named):
        return THING
    if any(_evidence(finding, key) and _evidence(finding, key) == named.get(key) for key in ("function", "name")):
        return TARGET
    handler = _evidence(finding, "handler")
    if handler is not None and {handler, handler.rpartition(".")[0]} & {named.get("setting"), named.get("handler")}:
        return TARGET
    if is_about(named.get("top", ""), finding) or is_about(named.get("distribution", ""), finding):
        return PACKAGE
    return NOTHING


def is_about(package: str, finding: Finding) -> bool:
    """True for a finding about a package (its import name, or its distribution's) or what belongs to it."""
    wanted = _normal(package)
    if not wanted:
        return False
    said = (_evidence(finding, key) for key in ("module", "distribution", "name", "requirement", "found"))
    tops = {_normal((text or "").partition(".")[0]) for text in said}
    folder = re.compile(rf"/{re.escape(wanted)}(?:[/.]|-\d|-libs/)")
    return wanted in tops or folder.search(_normal(finding.path or "")) is not None


def _contradicts(finding: Finding, named: Mapping[str, str]) -> bool:
    """True where both name a library, or a file with a version or symbol, and not the same."""
    soname = _evidence(finding, "soname")
    if soname is not None and named.get("soname") is not None and soname != named["soname"]:
        return True
    if _same_file(finding, named):
        return False  # of several needs a finding names one: another one of the same file is the same cause
    for key in ("version", "symbol"):
        said, wanted = _evidence(finding, key), named.get(key)
        if said and wanted and said != wanted and wanted not in finding.evidence.get("symbols", ()):
            return True
    return False


def _is_the_thing(finding: Finding, named: Mapping[str, str]) -> bool:
    path = finding.path or ""
    for key in ("soname", "version", "symbol", "variable"):
        if named.get(key) and _evidence(finding, key) == named[key]:
            return True
    if _same_file(finding, named) or (named.get("path") and path.startswith(named["path"].rstrip("/") + "/")):
        return True
    if named.get("number") and named.get("file") and path.endswith("/" + named["file"]):
        return True
    module = named.get("module", "").replace("/", ".")
    if not module or "soname" in named:
        return False
    place = f"/{module.replace('.', '/')}"
    if path.endswith((place, f"{place}/__init__.py")) or f"{place}." in path:
        return named.get("name") in (None, _evidence(finding, "name")) or _evidence(finding, "name") is None
    if _evidence(finding, "module") != module:
        return False
    return named.get("name") is None or _evidence(finding, "name") in (None, named["name"])


def _same_file(finding: Finding, named: Mapping[str, str]) -> bool:
    path = named.get("path")
    if not path or not finding.path:
        return False
    return path == finding.path or ("/" not in path and posixpath.basename(finding.path) == path)


def _evidence(finding: Finding, key: str) -> str | None:
    value = finding.evidence.get(key)
    return value if isinstance(value, str) else None


def _normal(name: str) -> str:
    return re.sub(r"[-_]+", "-", name).lower()
