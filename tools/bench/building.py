"""`lambdapack build` against `uv pip install --target` with `zip -6` of the same requirements, and other programs.

Every run but those with nothing to do gets a source file that no run has seen before. *cold* begins with an empty
store and asks the registry; *warm* has the wheels, as uv has its cache; *nothing changed* comes after a build of the
same. Each is held against the program that does the same work.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lambdapack.importtest import Interpreter, find_interpreter
from tools.bench.measure import Candidate, Series, run_interleaved, run_once
from tools.bench.project import Project, make_project
from tools.bench.rivals import find_uv, rival
from tools.bench.table import Row
from tools.bench.workloads import names

TITLE = "Building"
UNIT = "the program that the line names"
_PIP_OF_PEX = "25.3"  # the one that it brings knows no manylinux_2_34
_SETTLED = 0.1  # seconds after which a file need not be hashed again
# Goals by workload, as ratios: warm and pinned, resolved by uv, nothing changed.
_GOALS: dict[str, tuple[float, float, float]] = {
    "small": (0.25, 0.35, 6),
    "medium": (0.06, 0.09, 6),
    "large": (0.02, 0.03, 6),
}


def rows(folder: Path, rounds: int, chosen: Sequence[str]) -> list[Row]:
    """Measures the chosen workloads."""
    found = []
    for name in names():
        if name in chosen:
            found += _Bench(make_project(name, folder), folder).rows(rounds)
    return found


class _Bench:
    """One workload, built by every program."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.numbers = itertools.count()
        # As installed: with its byte code, which an environment for developing may forbid.
        self.environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "byte-code")}

    def rows(self, rounds: int) -> list[Row]:
        warm = self._run(self._warm(), rounds)
        cold = self._run(self._cold(), max(3, rounds // 2))
        nothing = self._run(self._nothing_changed(), rounds * 2)
        first, resolved, unchanged = _GOALS[self.project.name]
        work, uv, plain = self.project.name, warm["uv + zip -6"], warm["cp of the result"]
        found = [
            Row(f"{work}, warm, against uv + zip -6", warm["pinned"], uv, first),
            Row(f"{work}, warm, resolved by uv, against uv + zip -6", warm["resolved"], uv, resolved),
            Row(f"{work}, warm and inspected, against uv + zip -6", warm["inspected"], uv, None),
            Row(f"{work}, warm, against cp of the result", warm["pinned"], plain, 4.5 if work == "large" else None),
        ]
        found += [
            Row(f"{work}, {name}, against uv + zip -6", warm[name], uv, None)
            for name in ("pip + zip -6", "sam build + zip -6", "pex3 flat-zipped")
            if name in warm
        ]
        found += [
            Row(f"{work}, cold, against pip download", cold["cold"], cold["pip download"], 0.35),
            Row(f"{work}, nothing changed, against python -c pass", nothing["unchanged"], nothing["pass"], unchanged),
            Row(
                f"{work}, nothing changed, against uv + zip -FS",
                nothing["unchanged"],
                nothing["uv + zip -FS"],
                0.5 if work == "large" else None,
            ),
        ]
        return found

    def _run(self, candidates: Sequence[Candidate], rounds: int) -> dict[str, Series]:
        return run_interleaved(candidates, rounds)

    def _warm(self) -> list[Candidate]:
        place = self.project.folder
        source = "cp -R source/. out/"
        zipped = "cd out && zip -q -r -6 ../out.zip ."
        requirements = "-r requirements.txt"
        uv = f"{find_uv()} pip install -q --offline --no-deps --require-hashes --only-binary :all: --target out"
        uv += f" {' '.join(self.project.target)} {requirements}"
        wheels = f"--no-index --find-links wheels --only-binary=:all: --python-version {self.project.python}"
        levels = " ".join(f"--platform manylinux_2_{level}_x86_64" for level in (34, 28, 27, 26, 24, 17, 12, 5))
        pip = f"{rival('pip')} install -q --no-compile --no-deps --target out {wheels} {levels} {requirements}"
        pex = f"{rival('pex3')} venv create --layout flat-zipped -d out.d {requirements} --no-build --wheel"
        pex += f" --pip-version {_PIP_OF_PEX} --python {self._interpreter}"
        # It wants an interpreter of the runtime's version, also to build for another machine.
        path = f"{Path(rival('sam')).parent}:{Path(self._interpreter).parent}"
        sam = f"PATH={path}:$PATH sam build -t template.yaml"
        sam += " && cd .aws-sam/build/Function && zip -q -r -6 ../../../out.zip ."
        shell: dict[str, str] = {
            "uv + zip -6": f"{uv} && {source} && {zipped}",
            "pip + zip -6": f"{pip} && {source} && {zipped}",
            "sam build + zip -6": sam,
            "pex3 flat-zipped": pex,
        }
        self._lambdapack("txt.toml")
        self._download()
        candidates = [self._shell(name, command) for name, command in shell.items()]
        return [
            *(candidate for candidate in candidates if _can_run(candidate)),
            self._own("pinned", "txt.toml", "--no-verify"),
            self._own("resolved", "in.toml", "--no-verify"),
            self._own("inspected", "txt.toml"),
            Candidate(
                "cp of the result",
                lambda: self._fresh(["cp", str(place / "dist/function.zip"), str(place / "out.zip")]),
            ),
        ]

    def _cold(self) -> list[Candidate]:
        """Both ask the same registry, and write what they fetch into an empty folder."""
        command = [rival("pip"), "download", "-q", "--no-deps", "-d", str(self.project.folder / "out")]
        command += ["--only-binary=:all:", "--no-cache-dir", "--python-version", self.project.python]
        command += [f"--platform=manylinux_2_{level}_x86_64" for level in (34, 28, 27, 26, 24, 17, 12, 5)]
        command += ["-r", str(self.project.folder / "requirements.txt")]
        empty = self.folder / "empty"

        def cold() -> Sequence[str]:
            shutil.rmtree(empty, ignore_errors=True)
            return self._fresh(self._build("txt.toml", "--no-verify"))

        return [
            Candidate("pip download", lambda: self._fresh(command)),
            Candidate("cold", cold, {**self.environment, "LAMBDAPACK_CACHE_DIR": str(empty)}),
        ]

    def _nothing_changed(self) -> list[Candidate]:
        uv = f"{find_uv()} pip install -q --offline --no-deps --require-hashes --only-binary :all: --target kept"
        uv += f" {' '.join(self.project.target)} -r requirements.txt"
        again = f"{uv} && cp -R source/. kept/ && cd kept && zip -q -r -6 -FS ../kept.zip ."
        environment = {**self.environment, **self._store}
        run_interleaved([Candidate("build", lambda: self._build("txt.toml"), environment)], 1)
        time.sleep(_SETTLED)
        return [
            Candidate("pass", lambda: [sys.executable, "-c", "pass"]),
            Candidate("unchanged", lambda: self._build("txt.toml"), environment),
            Candidate("uv + zip -FS", lambda: ["sh", "-c", f"cd {self.project.folder} && {again}"]),
        ]

    @property
    def _interpreter(self) -> str:
        major, minor = map(int, self.project.python.split("."))
        found = find_interpreter((major, minor), "x86_64")
        return str(found.path) if isinstance(found, Interpreter) else f"python{self.project.python}"

    @property
    def _store(self) -> Mapping[str, str]:
        return {"LAMBDAPACK_CACHE_DIR": str(self.folder / "store")}

    def _own(self, name: str, config: str, *options: str) -> Candidate:
        return Candidate(name, lambda: self._fresh(self._build(config, *options)), {**self.environment, **self._store})

    def _build(self, config: str, *options: str) -> list[str]:
        return [sys.executable, "-m", "lambdapack", "build", "--config", str(self.project.folder / config), *options]

    def _shell(self, name: str, command: str) -> Candidate:
        return Candidate(name, lambda: self._fresh(["sh", "-c", f"cd {self.project.folder} && {command}"]))

    def _fresh(self, command: list[str]) -> list[str]:
        """Removes what other programs have made, and changes the source."""
        for name in ("out", "out.d", ".aws-sam"):
            shutil.rmtree(self.project.folder / name, ignore_errors=True)
        (self.project.folder / "out.zip").unlink(missing_ok=True)
        self.project.change(f"change {next(self.numbers)}")
        return command

    def _lambdapack(self, config: str) -> None:
        """Fills the store, and uv's cache."""
        run_interleaved([self._own("fill", config, "--no-verify")], 1)

    def _download(self) -> None:
        """Fetches the wheels for pip, and lets uv unpack them into its cache."""
        command = [rival("pip"), "download", "-q", "--no-deps", "-d", str(self.project.folder / "wheels")]
        command += ["--only-binary=:all:", "--python-version", self.project.python]
        command += [f"--platform=manylinux_2_{level}_x86_64" for level in (34, 28, 27, 26, 24, 17, 12, 5)]
        run_interleaved([Candidate("pip", lambda: [*command, "-r", str(self.project.folder / "requirements.txt")])], 1)
        uv = [find_uv(), "pip", "install", "-q", "--no-deps", "--target", str(self.folder / "uv"), *self.project.target]
        run_interleaved([Candidate("uv", lambda: [*uv, "-r", str(self.project.folder / "requirements.txt")])], 1)


def _can_run(candidate: Candidate) -> bool:
    """False, and said, for a program that does not do its work on this machine."""
    command = candidate.prepare()
    if run_once(command, candidate.environment).status == 0:
        return True
    print(f"left out, because it fails here: {candidate.name}: {' '.join(command)}", file=sys.stderr)
    return False
