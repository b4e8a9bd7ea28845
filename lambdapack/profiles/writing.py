"""Writes a `RuntimeProfile` as the text of a profile file, which `loading.py` reads back.

Knows the file format only. The text is the same for the same profile on every machine: sorted keys, one entry a line,
so that a change of one fact is a change of one line.
"""

from __future__ import annotations

import json
from typing import Any

from lambdapack.profiles.loading import SCHEMA_VERSION
from lambdapack.profiles.profile import RuntimeProfile

_LINE = 100


def profile_to_json(profile: RuntimeProfile) -> str:
    """Returns the content of the profile's file.

    Raises ValueError for wheel tags that are no product of pairs and platforms.
    """
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "runtime": profile.runtime,
        "architecture": profile.architecture,
        "machine": profile.machine,
        "python": profile.python,
        "operating_system": profile.operating_system,
        "glibc": profile.glibc,
        "symbol_ceilings": dict(profile.symbol_ceilings),
        "symbol_ceilings_newest": dict(profile.symbol_ceilings_newest),
        "libraries": {
            soname: {"in_image": library.in_image, "in_managed": library.in_managed}
            for soname, library in profile.libraries.items()
        },
        "stdlib_modules": sorted(profile.stdlib_modules),
        "builtin_modules": sorted(profile.builtin_modules),
        "preloaded_modules": sorted(profile.preloaded_modules),
        "preinstalled": {
            known.name: {"version": known.version, "modules": known.modules, "certain": known.certain}
            for known in profile.preinstalled
        },
        "extension_suffixes": profile.extension_suffixes,
        "wheel_tags": _factored(profile.wheel_tags),
        "python_path": profile.python_path,
        "path_config_dirs": profile.path_config_dirs,
        "library_path": profile.library_path,
        "system_library_dirs": profile.system_library_dirs,
        "preloaded_libraries": sorted(profile.preloaded_libraries),
        "isa_level": profile.isa_level,
        "image": profile.image,
        "quotas": {
            "zipped_bytes": profile.quotas.zipped_bytes,
            "unzipped_bytes": profile.quotas.unzipped_bytes,
            "image_bytes": profile.quotas.image_bytes,
            "layers": profile.quotas.layers,
            "init_seconds": profile.quotas.init_seconds,
        },
        "lifecycle": {
            "status": profile.lifecycle.status,
            "as_of": profile.lifecycle.as_of,
            "released": profile.lifecycle.released,
            "deprecation": profile.lifecycle.deprecation,
            "block_create": profile.lifecycle.block_create,
            "block_update": profile.lifecycle.block_update,
        },
        "provenance": {
            group: {"source": known.source, "date": known.date, "knowledge": known.knowledge, "note": known.note}
            for group, known in profile.provenance.items()
        },
    }
    return _layout(data, 0) + "\n"


def _factored(tags: tuple[str, ...]) -> dict[str, list[str]]:
    """Splits tags into the pairs and platforms that they are the product of: a tenth of the size, and readable."""
    with_platform: list[str] = []
    platforms: list[str] = []
    with_any: list[str] = []
    for tag in tags:
        pair, platform = tag.rsplit("-", 1)
        if platform == "any":
            with_any.append(pair)
            continue
        if pair not in with_platform:
            with_platform.append(pair)
        if platform not in platforms:
            platforms.append(platform)
    product = [f"{pair}-{platform}" for pair in with_platform for platform in platforms]
    if [*product, *(f"{pair}-any" for pair in with_any)] != list(tags):
        raise ValueError("the wheel tags are not every pair with every platform, followed by those for any platform")
    return {"with_platform": with_platform, "platforms": platforms, "with_any": with_any}


def _layout(value: Any, depth: int) -> str:
    """Returns JSON with what is short on one line and everything else one entry a line."""
    flat = json.dumps(value, sort_keys=True, ensure_ascii=False)
    short = not isinstance(value, dict | list | tuple) or not value or (depth and len(flat) + depth <= _LINE)
    if short:
        return flat
    inner = " " * (depth + 1)
    if isinstance(value, dict):
        entries = [f"{inner}{json.dumps(key)}: {_layout(value[key], depth + 1)}" for key in sorted(value)]
        opening, closing = "{", "}"
    else:
        entries = [f"{inner}{_layout(item, depth + 1)}" for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n" + ",\n".join(entries) + f"\n{' ' * depth}{closing}"
