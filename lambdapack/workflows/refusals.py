"""What could not be had a moment ago, so that a choice among backends does not wait for it each time anew.

Knows a key and a reason, kept for a few minutes in the cache; whether things have changed meanwhile, the caller asks.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

from lambdapack.importtest import Unavailable
from lambdapack.settings import cache_folder

FOLDER = "refusals"
_KEPT_SECONDS = 600.0


def recall(key: str) -> Unavailable | None:
    """Returns why it could not be had, if that was not long ago."""
    try:
        path = _path(key)
        if not 0 <= time.time() - path.stat().st_mtime < _KEPT_SECONDS:
            return None
        told = json.loads(path.read_text("utf-8"))
        return Unavailable(str(told["reason"]), str(told["remedy"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(key: str, why: Unavailable) -> None:
    """Notes a refusal; where the cache cannot be written, nothing is noted."""
    path = _path(key)
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps({"reason": why.reason, "remedy": why.remedy}), "utf-8")
        scratch.replace(path)
    except OSError:
        return


def forget(key: str) -> None:
    """It could be had."""
    _path(key).unlink(missing_ok=True)


def _path(key: str) -> Path:
    return cache_folder() / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
