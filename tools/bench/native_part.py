"""What of an inspection is about native code, by itself: `python -m tools.bench.native_part ARTIFACT RUNTIME`.

Every native file is inflated and read, and what the loader makes of each is worked out; nothing of an earlier run is
known.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from lambdapack.artifact import Mount, Stack, open_tree
from lambdapack.facts.linking import NativeFacts
from lambdapack.profiles import load_profile


def main() -> None:
    """Judges the native files of a function's ZIP."""
    gc.disable()  # as the command does
    artifact, runtime = sys.argv[1:]
    with open_tree(Path(artifact)) as tree:
        native = NativeFacts(Stack([Mount("/var/task", tree)]), load_profile(runtime, "x86_64"), managed=True)
        problems = [problem for root in native.roots() for problem in native.problems(root)]
    sys.stdout.write(f"{len(native.elf)} native files, {len(problems)} problems\n")


if __name__ == "__main__":
    main()
