"""Functions in CloudFormation templates: those of SAM (`template.yaml`), plain ones, and those that CDK writes to
`cdk.out`.

Sources: "AWS::Serverless::Function", "AWS::Lambda::Function" and "Globals section" of the AWS documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lambdapack.discovery.found import FoundFunction, architecture_of, folder_of, is_python, runtime_of, text_of

NAMES = ("template.yaml", "template.yml", "template.json")
_SERVERLESS = "AWS::Serverless::"
_FUNCTIONS = (f"{_SERVERLESS}Function", "AWS::Lambda::Function")
_LAYERS = (f"{_SERVERLESS}LayerVersion", "AWS::Lambda::LayerVersion")


def read_templates(folder: Path) -> Iterator[FoundFunction]:
    """Yields the functions and layers of the templates in a folder, and of those that CDK has written there."""
    for name in NAMES:
        path = folder / name
        if path.is_file():
            yield from _read(path, _parse(path), path.name)
    for path in sorted((folder / "cdk.out").glob("*.template.json")):
        yield from _read(path, _parse(path), f"cdk.out/{path.name}")


def _parse(path: Path) -> Mapping[str, Any]:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        data = json.loads(text) if path.suffix == ".json" else _yaml(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _yaml(text: str) -> Any:
    """YAML with CloudFormation's short forms: `!Ref Name` is read as `{"Ref": "Name"}`, the others as not known."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def tagged(loader: Any, suffix: str, node: Any) -> Any:
        return {"Ref": loader.construct_scalar(node)} if suffix == "Ref" and hasattr(node, "value") else None

    Loader.add_multi_constructor("!", tagged)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _read(path: Path, template: Mapping[str, Any], shown: str) -> Iterator[FoundFunction]:
    resources = _table(template.get("Resources"))
    known = {name: _table(parameter).get("Default") for name, parameter in _table(template.get("Parameters")).items()}
    shared = _table(_table(template.get("Globals")).get("Function"))
    for name, resource in resources.items():
        kind = _table(resource).get("Type")
        properties = _table(_table(resource).get("Properties"))
        if kind in _FUNCTIONS:
            inherited = shared if str(kind).startswith(_SERVERLESS) else {}
            found = _function(path, str(name), _resolved({**inherited, **properties}, known), _table(resource))
            if found is not None:
                yield FoundFunction(origin=f"{shown}: {name}", **found)
        elif kind in _LAYERS:
            source = folder_of(path.parent, properties.get("ContentUri", properties.get("Content")))
            yield FoundFunction(str(name), f"{shown}: {name}", source=source, layer=True)


def _function(path: Path, name: str, said: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any] | None:
    if not is_python(said.get("Runtime")) or "InlineCode" in said or "ZipFile" in _table(said.get("Code")):
        return None  # code that stands in the template itself is not packed
    metadata = _table(resource.get("Metadata"))  # CDK's; newer ones also say where the files were copied from
    original = folder_of(path.parent.parent, metadata.get("aws:asset:original-path"))
    code = metadata.get("aws:asset:path", said.get("CodeUri", said.get("Code")))
    return {
        "name": name,
        "handler": text_of(said.get("Handler")),
        "runtime": runtime_of(said.get("Runtime")),
        "architecture": architecture_of(said.get("Architectures")),
        "source": original or folder_of(path.parent, code),
        "image": said.get("PackageType") == "Image",
    }


def _resolved(value: Any, known: Mapping[str, Any]) -> Any:
    """Replaces references to parameters by their defaults."""
    if isinstance(value, list):
        return [_resolved(item, known) for item in value]
    if isinstance(value, dict):
        name = value.get("Ref")
        return (
            known.get(name) if isinstance(name, str) else {key: _resolved(item, known) for key, item in value.items()}
        )
    return value


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
