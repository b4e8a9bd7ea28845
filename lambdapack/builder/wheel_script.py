"""Runs in the build image: makes one wheel of a source, without a network.

Started by the image's own Python, 3.8 or newer, with the standard library and the tools in /opt/lambdapack. What the
project needs to be built is in /workshop/wheels; where something is missing there, /workshop/answer/missing.json lists
all that is needed. The wheel comes to /workshop/answer, and libraries it uses that are not of every Linux come into it
(auditwheel). What compilers say goes to /workshop/answer/log.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORK = Path("/workshop")
ANSWER = WORK / "answer"
TOOLS = "/opt/lambdapack"
ENVIRONMENT = WORK / "environment"
BUILT = WORK / "built"

MISSING, FAILED = 3, 4


def main(source: str) -> int:
    """Builds the wheel of the project in a folder; returns the exit status."""
    sys.path.insert(0, TOOLS)
    from build import BuildBackendException, BuildException, ProjectBuilder

    ANSWER.mkdir(exist_ok=True)
    with (ANSWER / "log").open("wb") as log:

        def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
            log.write(f"$ {' '.join(cmd)}\n".encode())
            log.flush()
            variables = {**os.environ, **(extra_environ or {})}
            subprocess.run(list(cmd), cwd=cwd, env=variables, stdout=log, stderr=subprocess.STDOUT, check=True)

        def install(requirements: Sequence[str]) -> bool:
            if not requirements:
                return True
            offline = ["--offline", "--no-index", f"--find-links={WORK / 'wheels'}", f"--python={python}"]
            try:
                run(["uv", "pip", "install", "--quiet", *offline, *requirements])
            except subprocess.CalledProcessError:
                return False
            return True

        python = ENVIRONMENT / "bin" / "python"
        try:
            run(["uv", "venv", "--quiet", "--offline", f"--python={sys.executable}", str(ENVIRONMENT)])
            builder = ProjectBuilder(source, python_executable=str(python), runner=run)
            needed = sorted(builder.build_system_requires)
            complete = install(needed)
            if complete:
                needed += sorted(builder.get_requires_for_build("wheel"))
                complete = install(needed)
            if not complete:
                (ANSWER / "missing.json").write_text(json.dumps(needed), encoding="utf-8")
                return MISSING
            wheel = Path(builder.build("wheel", str(BUILT)))
            if wheel.name.endswith("-any.whl"):
                shutil.copy(str(wheel), str(ANSWER))
                return 0
            # `-m` reads it from PYTHONPATH; the tool finds patchelf on PATH.
            tools = {"PYTHONPATH": TOOLS}
            run([sys.executable, "-m", "auditwheel", "repair", f"--wheel-dir={ANSWER}", str(wheel)], None, tools)
        except (BuildException, BuildBackendException, subprocess.CalledProcessError, OSError) as error:
            log.write(f"{error}\n".encode())
            return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
