"""Functions in the configuration of the Serverless Framework, `serverless.yml`.

Source: "serverless.yml Reference" of the Serverless Framework. A handler is a path there: `src/app.handler` is the
module `src.app` for Lambda, since the whole service folder is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lambdapack.discovery.found import FoundFunction, architecture_of, folder_of, is_python, runtime_of, text_of

NAMES = ("serverless.yml", "serverless.yaml")


def read_serverless(folder: Path) -> Iterator[FoundFunction]:
    """Yields the functions of the service in a folder."""
    for name in NAMES:
        path = folder / name
        if path.is_file():
            yield from _read(path)


def _read(path: Path) -> Iterator[FoundFunction]:
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
    except yaml.YAMLError:
        return
    service = _table(data)
    provider = _table(service.get("provider"))
    if text_of(provider.get("name")) not in (None, "aws"):
        return  # the framework deploys to other clouds, too
    functions = service.get("functions")
    # A list of tables is the same as one table.
    tables = functions if isinstance(functions, list) else [functions]
    for name, said in (item for table in tables for item in _table(table).items()):
        own = _table(said)
        runtime = own.get("runtime", provider.get("runtime"))
        if not is_python(runtime):
            continue
        handler = text_of(own.get("handler"))
        module = text_of(own.get("module"))  # of serverless-python-requirements: a folder that is deployed alone
        yield FoundFunction(
            name=str(name),
            origin=f"{path.name}: functions.{name}",
            handler=handler.replace("/", ".").lstrip(".") if handler else None,
            runtime=runtime_of(runtime),
            architecture=architecture_of(own.get("architecture", provider.get("architecture"))),
            source=folder_of(path.parent, module) if module else path.parent.resolve(),
            image="image" in own,
        )


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
