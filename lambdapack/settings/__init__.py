"""What the user configured: `[tool.lambdapack]` of `pyproject.toml`, or `lambdapack.toml`, and the environment.

Knows the keys, their types and what a path in them refers to, and not who asks. Every mistake is a `UsageError` of one
line: file, dotted key, what is wrong, what to write.
"""

from lambdapack.cache import CACHE_VARIABLE, cache_folder
from lambdapack.settings.functions import ARCHITECTURE_SPELLINGS, DEFAULT_ARCHITECTURE, FunctionSettings, PackageKind
from lambdapack.settings.ignores import Ignore
from lambdapack.settings.loading import Settings, load_settings, select_functions, with_their_layers
from lambdapack.settings.packing import Packing
from lambdapack.settings.requirements import RequirementOptions

__all__ = [
    "ARCHITECTURE_SPELLINGS",
    "CACHE_VARIABLE",
    "DEFAULT_ARCHITECTURE",
    "FunctionSettings",
    "Ignore",
    "PackageKind",
    "Packing",
    "RequirementOptions",
    "Settings",
    "cache_folder",
    "load_settings",
    "select_functions",
    "with_their_layers",
]
