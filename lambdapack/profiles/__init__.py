"""What each Lambda runtime offers, as data: `load_profile("python3.13", "x86_64")`. Does not know where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdapack.lazy import lazy_names

if TYPE_CHECKING:
    from lambdapack.profiles.common import CommonFacts, Replacement, load_common_facts
    from lambdapack.profiles.loading import (
        ARCHITECTURES,
        MalformedProfile,
        kept_profile,
        known_runtimes,
        load_profile,
        parse_profile,
        read_profile,
    )
    from lambdapack.profiles.profile import (
        Knowledge,
        Lifecycle,
        Preinstalled,
        Provenance,
        Quotas,
        RuntimeProfile,
        SystemLibrary,
        Version,
    )
    from lambdapack.profiles.standard_library import StandardLibrary, load_standard_library
    from lambdapack.profiles.symbols import PythonSymbols, load_python_symbols, python_symbols
    from lambdapack.profiles.system_symbols import SystemSymbols, load_system_symbols
    from lambdapack.profiles.writing import profile_to_json

__all__ = [
    "ARCHITECTURES",
    "CommonFacts",
    "Knowledge",
    "Lifecycle",
    "MalformedProfile",
    "Preinstalled",
    "Provenance",
    "PythonSymbols",
    "Quotas",
    "Replacement",
    "RuntimeProfile",
    "StandardLibrary",
    "SystemLibrary",
    "SystemSymbols",
    "Version",
    "kept_profile",
    "known_runtimes",
    "load_common_facts",
    "load_profile",
    "load_python_symbols",
    "load_standard_library",
    "load_system_symbols",
    "parse_profile",
    "profile_to_json",
    "python_symbols",
    "read_profile",
]

__getattr__ = lazy_names(
    __name__,
    {
        "common": (
            "CommonFacts",
            "Replacement",
            "load_common_facts",
        ),
        "loading": (
            "ARCHITECTURES",
            "MalformedProfile",
            "kept_profile",
            "known_runtimes",
            "load_profile",
            "parse_profile",
            "read_profile",
        ),
        "profile": (
            "Knowledge",
            "Lifecycle",
            "Preinstalled",
            "Provenance",
            "Quotas",
            "RuntimeProfile",
            "SystemLibrary",
            "Version",
        ),
        "standard_library": (
            "StandardLibrary",
            "load_standard_library",
        ),
        "symbols": (
            "PythonSymbols",
            "load_python_symbols",
            "python_symbols",
        ),
        "system_symbols": (
            "SystemSymbols",
            "load_system_symbols",
        ),
        "writing": ("profile_to_json",),
    },
)
