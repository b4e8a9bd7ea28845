"""Every module by itself: in a process of its own, from one copy of the artifact."""

from __future__ import annotations

from collections.abc import Callable

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import Unavailable

Try = Callable[..., ImportAttempt]

FILES = {
    "handler.py": "def f(event, context): return event\n",
    "tasks/__init__.py": "",
    "tasks/sound.py": "import sys\nassert 'tasks.broken' not in sys.modules and 'handler' not in sys.modules\n",
    "tasks/broken.py": "import gone\n",
    "tasks/leaves.py": "import os\nos._exit(3)\n",
}
MODULES = ("tasks.broken", "tasks.leaves", "tasks.sound")


def outcomes(seen: ImportAttempt) -> list[tuple[str, str, str | None, str | None]]:
    return [(module.name, module.status, module.error_type, module.error_message) for module in seen.modules]


EXPECTED = [
    ("tasks.broken", "failed", "ModuleNotFoundError", "No module named 'gone'"),
    ("tasks.leaves", "failed", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
    ("tasks.sound", "ok", None, None),
]


def test_each_module_is_imported_by_itself(attempt: Try, minor: int) -> None:
    seen = attempt(FILES, modules=MODULES, minor=minor)
    assert seen.status == "ok"
    assert outcomes(seen) == EXPECTED
    assert 'File "/var/task/tasks/broken.py", line 1' in (seen.modules[0].traceback or "")


def test_also_when_the_handler_fails_and_without_a_sandbox(attempt: Try, no_sandbox: Unavailable) -> None:
    seen = attempt(FILES, "handler.nothing", modules=MODULES)
    assert seen.error_type == "Runtime.HandlerNotFound"
    assert outcomes(seen) == EXPECTED
