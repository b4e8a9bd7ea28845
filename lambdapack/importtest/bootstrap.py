"""Stands in for `/var/runtime/bootstrap` where there is none: sets the search path as it does, and runs AWS's client.

Started by the emulator in a sandbox as `python -I -S -B -u bootstrap.py PLAN`, PLAN being JSON: `path` is `sys.path`
with `*` for the standard library, `site` the folders whose `.pth` files run, `task` the function's folder. Python 3.8
to 3.15, standard library only.
"""

from __future__ import annotations

import importlib
import json
import os
import site
import sys


def main(task: str, path: list[str], folders: list[str]) -> None:
    """Becomes the runtime client."""
    standard_library = list(sys.path)
    sys.path[:] = []
    for entry in path:
        sys.path += standard_library if entry == "*" else [entry]
    for folder in folders:
        site.addsitedir(folder)
    os.environ.setdefault("PYTHONPATH", os.environ["LAMBDA_RUNTIME_DIR"])
    importlib.import_module("awslambdaric.__main__").main([task, os.environ["_HANDLER"]])


if __name__ == "__main__":
    plan = json.loads(sys.argv[1])
    main(plan["task"], plan["path"], plan["site"])
