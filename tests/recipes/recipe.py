"""Recipes: what an artifact is made of and what the checks must say about it, read from `recipe.toml`.

`fixtures/README.md` documents the format. An unknown key is an error: a misspelt expectation would
expect nothing.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.recipes.archive import Member
from tests.recipes.image import Image
from tests.recipes.native import Native, Need, Symbols

FIXTURES = Path(__file__).parents[2] / "fixtures"
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_FILE_CONTENTS = ("text", "hex", "size", "copy", "link")
_FILE_TRAITS = (
    *("mode", "deflated", "method", "system"),
    *("encrypted", "damaged", "local_name", "encoding", "declared", "overlaps"),
)
_PLATFORMS = {"x86_64": "amd64", "arm64": "arm64"}
_IMAGE_LISTS = ("entrypoint", "command", "platforms")
_IMAGE_TEXTS = ("architecture", "working_dir", "operating_system", "layer_type")
_IMAGE_KEYS = ("environment", "compressed", "index", "attestations", *_IMAGE_TEXTS, *_IMAGE_LISTS)
_NATIVE_KEYS = tuple(field.name for field in dataclasses.fields(Native))

Table = dict[str, Any]


class BadRecipe(ValueError):
    """A recipe says something that has no meaning."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution. `files` are glob patterns for what its RECORD lists; `record_extra` is listed and not
    there. `root` is the folder it is installed in, relative to the tree's root."""

    name: str
    version: str
    tag: str
    root: str
    requires: tuple[str, ...]
    files: tuple[str, ...]
    record_extra: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What one ZIP holds: the function's or a layer's; in a recipe of an image, what one layer of it holds."""

    members: tuple[Member, ...]
    natives: tuple[Native, ...]
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """A finding that must come. `evidence` has the keys that are compared."""

    code: str
    severity: str
    path: str | None
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One fixture. `attempts` are the fields of `ImportAttempt`s, as if an import test had been run, `invocations`
    those of `Invocation`s. `lock` is a lock file beside the recipe, `deep` asks for every hash, `contracts` has to be
    there.
    `image` is what the image is written with, besides its layers;
    None for ZIPs."""

    folder: Path
    runtime: str
    architecture: str
    handler: str | None
    kind: Literal["function", "layer"]
    function: Content
    layers: tuple[Content, ...]
    attempts: tuple[Table, ...]
    invocations: tuple[Table, ...]
    expect: tuple[Expected, ...]
    image: Image | None = None
    lock: Path | None = None
    deep: bool = False
    contracts: tuple[str, ...] = ()


def recipe_folders() -> list[Path]:
    """Returns every folder with a recipe, in order."""
    return sorted(path.parent for path in FIXTURES.glob("*/*/recipe.toml"))


def read_recipe(folder: Path) -> Recipe:
    """Reads `folder/recipe.toml`. Raises `BadRecipe` for anything unknown."""
    table = tomllib.loads((folder / "recipe.toml").read_text("utf-8"))
    try:
        return _recipe(folder, table)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadRecipe(f"{folder}/recipe.toml: {type(error).__name__}: {error}") from error
    except BadRecipe as error:
        raise BadRecipe(f"{folder}/recipe.toml: {error}") from None


def _recipe(folder: Path, table: Table) -> Recipe:
    content_keys = ("files", "member", "native", "distribution")
    options = ("runtime", "architecture", "handler", "kind", "lock", "deep", "contracts")
    _known(table, *options, "layer", "image", "attempt", "invocation", "expect", *content_keys)
    architecture = table.get("architecture", "x86_64")
    target = f"{_MACHINES[architecture]}-linux-gnu"
    for layer in table.get("layer", ()):
        _known(layer, *content_keys)
    return Recipe(
        folder=folder,
        runtime=table["runtime"],
        architecture=architecture,
        handler=table.get("handler"),
        kind=table.get("kind", "function"),
        function=_content(folder, table, target),
        layers=tuple(_content(folder, layer, target) for layer in table.get("layer", ())),
        attempts=tuple(table.get("attempt", ())),
        invocations=tuple(table.get("invocation", ())),
        expect=tuple(_expected(item) for item in table.get("expect", ())),
        image=_image(table["image"], architecture) if "image" in table else None,
        lock=folder / table["lock"] if "lock" in table else None,
        deep=table.get("deep", False),
        contracts=_texts(table, "contracts"),
    )


def _image(table: Table, architecture: str) -> Image:
    _known(table, *_IMAGE_KEYS)
    given = {"architecture": _PLATFORMS[architecture], "command": ["handler.lambda_handler"], **table}
    lists = {key: _texts(given, key) for key in _IMAGE_LISTS if key in given}
    return Image(**(given | lists))


def _content(folder: Path, table: Table, target: str) -> Content:
    named = [_member(folder, path, value) for path, value in table.get("files", {}).items()]
    listed = [
        _member(folder, item["path"], {key: item[key] for key in item if key != "path"})
        for item in table.get("member", ())
    ]
    return Content(
        members=(*named, *listed),
        natives=tuple(_native(item, target) for item in table.get("native", ())),
        distributions=tuple(_distribution(item) for item in table.get("distribution", ())),
    )


def _member(folder: Path, path: str, value: str | Table) -> Member:
    if isinstance(value, str):
        return Member(path, value.encode())
    _known(value, *_FILE_CONTENTS, *_FILE_TRAITS)
    given = [key for key in _FILE_CONTENTS if key in value]
    if len(given) != 1:
        raise BadRecipe(f"{path!r} needs exactly one of {', '.join(_FILE_CONTENTS)}")
    match given[0]:
        case "text":
            content = value["text"].encode()
        case "hex":
            content = bytes.fromhex(value["hex"])
        case "size":
            content = bytes(value["size"])
        case "copy":
            content = (folder / value["copy"]).read_bytes()
        case _:
            content = b""  # a link has its target
    return Member(path, content, **{key: value[key] for key in value if key in ("link", *_FILE_TRAITS)})


def _native(table: Table, target: str) -> Native:
    _known(table, *_NATIVE_KEYS)
    for need in table.get("needs", ()):
        _known(need, "soname", "symbols")
    return Native(
        path=table["path"],
        target=table.get("target", target),
        mode=table.get("mode", 0o755),
        soname=table.get("soname"),
        calls=_texts(table, "calls"),
        needs=tuple(Need(need["soname"], _symbols(need.get("symbols", {}))) for need in table.get("needs", ())),
        defines=_symbols(table["defines"]) if "defines" in table else None,
        weak=frozenset(_texts(table, "weak")),
        rpath=_texts(table, "rpath"),
        runpath=_texts(table, "runpath"),
        truncate=table.get("truncate"),
        level=table.get("level", 0),
        debug=table.get("debug", 0),
        texts=_texts(table, "texts"),
        **{key: table[key] for key in ("strip", "sections", "program", "executable_stack") if key in table},
    )


def _symbols(table: Mapping[str, Sequence[str]]) -> Symbols:
    return {version: tuple(names) for version, names in table.items()}


def _distribution(table: Table) -> Distribution:
    _known(table, "name", "version", "tag", "root", "requires", "files", "record_extra")
    return Distribution(
        name=table["name"],
        version=table.get("version", "1.0"),
        tag=table.get("tag", "py3-none-any"),
        root=table.get("root", ""),
        requires=_texts(table, "requires"),
        files=_texts(table, "files"),
        record_extra=_texts(table, "record_extra"),
    )


def _expected(table: Table) -> Expected:
    _known(table, "code", "severity", "path", "evidence")
    return Expected(table["code"], table["severity"], table.get("path"), table.get("evidence", {}))


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise BadRecipe(f"{key} has to be a list")
    return tuple(value)


def _known(table: Table, *keys: str) -> None:
    unknown = sorted(set(table) - set(keys))
    if unknown:
        raise BadRecipe(f"unknown {', '.join(unknown)}; known: {', '.join(keys)}")


def natives_of_recipes() -> dict[str, Native]:
    """Returns every ELF file of the recipes that is whole, by a name for it."""
    found = {}
    for folder in recipe_folders():
        recipe = read_recipe(folder)
        for content in (recipe.function, *recipe.layers):
            for native in content.natives:
                if "linux" in native.target and native.truncate is None and native.sections:
                    code, file = folder.parent.name.partition("_")[0], native.path.rpartition("/")[2]
                    found[f"{code}/{folder.name}/{file}"] = native
    return found
