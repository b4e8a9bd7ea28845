"""Where lambdapack keeps what can be had again. Knows no content of that folder."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

CACHE_VARIABLE = "LAMBDAPACK_CACHE_DIR"


def cache_folder() -> Path:
    """Returns where lambdapack keeps what can be had again: `LAMBDAPACK_CACHE_DIR`, or the user's cache folder."""
    configured = os.environ.get(CACHE_VARIABLE)
    return Path(configured).absolute() if configured else user_cache_path("lambdapack", appauthor=False)
