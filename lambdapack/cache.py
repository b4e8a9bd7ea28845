"""Where lambdapack keeps what can be had again. Knows no content of that folder."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "LAMBDAPACK_CACHE_DIR"


def cache_folder() -> Path:
    """Returns where lambdapack keeps what can be had again: `LAMBDAPACK_CACHE_DIR`, or the user's cache folder."""
    configured = os.environ.get(CACHE_VARIABLE)
    if configured:
        return Path(configured).absolute()
    from platformdirs import user_cache_path  # takes as long to import as all that a memo needs

    return user_cache_path("lambdapack", appauthor=False)
