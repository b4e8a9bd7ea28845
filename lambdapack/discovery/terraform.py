"""Functions in Terraform files: `aws_lambda_function` with its archive, and those of terraform-aws-modules/lambda."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lambdapack.discovery.found import FoundFunction, architecture_of, folder_of, is_python, runtime_of, text_of

_REFERENCE = re.compile(r"\$\{(var|local|data)\.([\w.-]+)\}")
_MODULE = "terraform-aws-modules/lambda/aws"


def read_terraform(folder: Path) -> Iterator[FoundFunction]:
    """Yields the functions of the `.tf` files in a folder, and in `terraform` and `infra` below it."""
    for place in (folder, folder / "terraform", folder / "infra"):
        files = sorted(place.glob("*.tf"))
        if files:
            yield from _read(place, files, folder)


def _read(place: Path, files: list[Path], folder: Path) -> Iterator[FoundFunction]:
    blocks = [(path, block) for path in files for block in _blocks(path)]
    scope = _Scope(place, [block for _, block in blocks])
    for path, (kind, labels, body) in blocks:
        shown = path.relative_to(folder).as_posix()
        if kind == "resource" and labels[0] == "aws_lambda_function":
            said = {key: scope.value(value) for key, value in body.items()}
            source = scope.archived(body.get("filename"))
        elif kind == "module" and _MODULE in str(scope.value(body.get("source"))):
            said = {key: scope.value(value) for key, value in body.items()}
            source = folder_of(place, said.get("source_path"))
        else:
            continue
        if is_python(said.get("runtime")):
            yield FoundFunction(
                name=labels[-1],
                origin=f"{shown}: {'.'.join(labels)}",
                handler=text_of(said.get("handler")),
                runtime=runtime_of(said.get("runtime")),
                architecture=architecture_of(said.get("architectures")),
                source=source,
                image=said.get("package_type") == "Image",
            )


Block = tuple[str, tuple[str, ...], Mapping[str, Any]]


def _blocks(path: Path) -> Iterator[Block]:
    import hcl2
    from lark.exceptions import LarkError

    try:
        with path.open(encoding="utf-8") as file:
            data = hcl2.load(file)
    except (LarkError, UnicodeError, OSError):
        return
    for kind, depth in (("variable", 1), ("locals", 0), ("data", 2), ("resource", 2), ("module", 1)):
        for item in data.get(kind, ()):
            yield from _labelled(kind, item, depth, ())


def _labelled(kind: str, item: object, depth: int, labels: tuple[str, ...]) -> Iterator[Block]:
    if not isinstance(item, dict):
        return
    if depth == 0:
        yield kind, labels, item
        return
    for label, inner in item.items():
        yield from _labelled(kind, inner, depth - 1, (*labels, label.strip('"')))


class _Scope:
    """What names stand for in one folder of Terraform files, as far as it is written there."""

    def __init__(self, place: Path, blocks: list[Block]) -> None:
        self._place = place
        self._known: dict[str, Any] = {}
        self._archives: dict[str, Mapping[str, Any]] = {}
        for kind, labels, body in blocks:
            if kind == "variable":
                self._known[f"var.{labels[0]}"] = body.get("default")
            elif kind == "locals":
                self._known |= {f"local.{name}": value for name, value in body.items()}
            elif kind == "data" and labels[0] == "archive_file":
                self._archives[f"data.archive_file.{labels[1]}"] = body

    def value(self, raw: object, depth: int = 3) -> Any:
        """A literal as it is meant; a text with references that are not known keeps them."""
        if isinstance(raw, list):
            return [self.value(item, depth) for item in raw]
        if not isinstance(raw, str):
            return raw
        text = raw[1:-1] if len(raw) > 1 and raw[0] == raw[-1] == '"' else raw
        text = text.replace("${path.module}", ".").replace("${path.root}", ".").replace("${path.cwd}", ".")
        whole = _REFERENCE.fullmatch(text)
        if whole and depth and f"{whole[1]}.{whole[2]}" in self._known:
            return self.value(self._known[f"{whole[1]}.{whole[2]}"], depth - 1)
        return text

    def archived(self, filename: object) -> Path | None:
        """The folder that the archive of a function is made of."""
        reference = _REFERENCE.fullmatch(filename) if isinstance(filename, str) else None
        name = f"{reference[1]}.{reference[2]}".rpartition(".")[0] if reference else ""
        archive = self._archives.get(name, {})
        return folder_of(self._place, self.value(archive.get("source_dir", archive.get("source_file"))))
