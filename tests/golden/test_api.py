"""The Python API and the pytest plugin, from the installed wheel, as another project uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
BROKEN = "import not_there\ndef lambda_handler(event, context): ...\n"
CONFIGURATION = """
[functions.first]
handler = "handler.lambda_handler"
runtime = "python3.13"
source = ["src"]
"""
SCRIPT = """
import json, sys
before = set(sys.modules)
import lambdapack
light = sorted({name.partition(".")[0] for name in sys.modules if name not in before})
report = lambdapack.inspect("src", runtime="python3.13", handler="handler.lambda_handler", ignore=["SHD"])
ignored = lambdapack.inspect("src", runtime="python3.13", handler="handler.lambda_handler", ignore=["IMP001"])
found = lambdapack.diagnose(
    "Unable to import module 'handler': No module named 'not_there'",
    artifact="src", runtime="python3.13", handler="handler.lambda_handler",
)
try:
    lambdapack.inspect("nowhere.zip")
    status = None
except lambdapack.UnreadableArtifact as error:
    status = error.exit_status
built = lambdapack.build(config="lambdapack.toml")
print(json.dumps({
    "light": light, "place": lambdapack.__file__, "codes": [item.code for item in report.findings],
    "failed": report.failed, "ignored": ignored.failed, "found": found.found, "status": status,
    "written": built.written,
}))
"""
TYPED = """
import lambdapack
from lambdapack import Report, Severity

report: Report = lambdapack.inspect("a.zip", runtime="python3.13", handler="a.b")
errors: list[str] = [finding.message for finding in report.findings if finding.severity is Severity.ERROR]
reveal_type(lambdapack.build("name").written)
lambdapack.inspect(1)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds nothing but the installed wheel of this project."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "handler.py").write_text(BROKEN)
    (tmp_path / "lambdapack.toml").write_text(CONFIGURATION)
    return tmp_path


def run(installed: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with the wheel before everything else, and without the repository."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "NO_COLOR": "1", "MYPYPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def test_the_functions(installed: Path, project: Path) -> None:
    done = run(installed, project, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert Path(said["place"]).is_relative_to(installed)
    assert said["light"] == ["__future__", "lambdapack"]
    assert (said["codes"], said["failed"], said["ignored"]) == (["IMP001"], True, False)
    assert (said["found"], said["status"], said["written"]) == (True, 3, False)
    assert done.stderr == ""


def test_every_public_name_is_there(installed: Path, project: Path) -> None:
    done = run(
        installed, project, "-c", "import lambdapack; [getattr(lambdapack, name) for name in lambdapack.__all__]"
    )
    assert done.returncode == 0, done.stderr
    missing = run(installed, project, "-c", "import lambdapack; lambdapack.deploy")
    assert "has no attribute 'deploy'" in missing.stderr


def test_it_is_typed(installed: Path, project: Path) -> None:
    (project / "user.py").write_text(TYPED)
    done = run(installed, project, "-m", "mypy", "--strict", "--cache-dir", str(project / "cache"), "user.py")
    lines = [line for line in done.stdout.splitlines() if line.startswith("user.py")]
    assert [line for line in lines if 'Revealed type is "bool | None"' in line or "builtins.bool" in line]
    errors = [line for line in lines if " error: " in line]
    assert len(errors) == 1, done.stdout
    assert 'Argument 1 to "inspect"' in errors[0]


def test_the_pytest_fixture(installed: Path, project: Path) -> None:
    (project / "test_artifact.py").write_text(
        "def test_it(lambdapack_artifact):\n    assert lambdapack_artifact.passes\n"
        "def test_again(lambdapack_artifact):\n    assert lambdapack_artifact.path.is_file()\n"
    )
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0")
    broken = run(installed, project, *arguments)
    assert broken.returncode == 1
    assert "error[IMP001] missing-module  /var/task/handler.py" in broken.stdout
    (project / "src" / "handler.py").write_text("def lambda_handler(event, context): ...\n")
    good = run(
        installed, project, *arguments, "--lambdapack-config", "lambdapack.toml", "--lambdapack-function", "first"
    )
    assert good.returncode == 0, good.stdout
    nothing = run(installed, project, *arguments, "--lambdapack-function", "second")
    assert nothing.returncode == 1
    assert "second" in nothing.stdout
    assert "Traceback" not in nothing.stdout
