"""The story of the dashboard function: built right it passes, built wrongly in six ways it fails with the right words.

Every failure is found without running anything, and the import test agrees where an interpreter is there.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lambdapack.importtest import Interpreter
from tests.golden.conftest import DASHBOARD, Lambdapack, Run, rewrite

HANDLER = "handler.lambda_handler"
PYDANTIC_CORE = "pydantic_core/_pydantic_core.cpython-313-x86_64-linux-gnu.so"


def _inspect(lambdapack: Lambdapack, artifact: Path, handler: str = HANDLER) -> Run:
    return lambdapack("inspect", artifact, "--runtime", "python3.13", "--handler", handler, "--format", "json")


def _error_of_import(lambdapack: Lambdapack, artifact: Path, handler: str = HANDLER) -> tuple[str, str]:
    """Imports the handler for real and returns type and text of the error."""
    run = lambdapack(
        "test", artifact, "--backend", "local", "--runtime", "python3.13", "--handler", handler, "--format", "json"
    )
    assert run.status == 1, run.err
    (finding,) = run.report["findings"]
    assert finding["code"] == "RUN001"
    return finding["evidence"]["error_type"], finding["evidence"]["error_message"]


def test_check_builds_inspects_and_imports(lambdapack: Lambdapack, dashboard: Path, python313: Interpreter) -> None:
    run = lambdapack("check", "--config", dashboard, "--format", "json", "--require-test")
    assert run.status == 0, run.out + run.err
    report = run.report
    assert report["verdict"] == "pass"
    assert [item for item in report["findings"] if item["severity"] != "info"] == []
    assert report["written"] is True
    assert report["import_test"]["status"] == "ok"
    assert report["import_test"]["interpreter"] == python313.version
    artifact = dashboard.parent / "dist" / "dashboard.zip"
    with zipfile.ZipFile(artifact) as archive:
        names = archive.namelist()
        assert report["artifact"]["unzipped_size"] == sum(info.file_size for info in archive.infolist())
    assert {"handler.py", "shared/aws_clients.py", PYDANTIC_CORE} <= set(names)
    assert names == sorted(names)
    assert report["artifact"]["zipped_size"] == artifact.stat().st_size


def test_text_ends_in_one_line_with_everything(lambdapack: Lambdapack, dashboard: Path) -> None:
    run = lambdapack("build", "--config", dashboard)
    assert run.status == 0, run.out + run.err
    last = run.out.splitlines()[-1]
    assert last.startswith("ok  ")
    for part in ("dashboard.zip", "python3.13 x86_64", "zipped", "unzipped (", "% of 250 MB)", "sha256:", " s"):
        assert part in last


def test_two_builds_are_byte_identical(lambdapack: Lambdapack, dashboard: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for output in outputs:
        assert lambdapack("build", "--config", dashboard, "-o", output).status == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_shared_left_out(lambdapack: Lambdapack, dashboard: Path) -> None:
    text = dashboard.read_text(encoding="utf-8")
    assert 'shared = ["shared"]' in text
    dashboard.write_text(text.replace('shared = ["shared"]', "shared = []"), encoding="utf-8")
    run = lambdapack("check", "--config", dashboard, "--format", "json")
    assert run.status == 1
    error = run.errors()[0]
    assert (error["code"], error["path"]) == ("IMP001", "/var/task/handler.py")
    assert error["evidence"]["module"] == "shared"
    assert "shared = [...]" in error["fix"]
    assert run.report["written"] is False
    assert not (dashboard.parent / "dist" / "dashboard.zip").exists()


def test_shared_left_out_as_the_import_says_it(
    lambdapack: Lambdapack, good_artifact: Path, tmp_path: Path, python313: Interpreter
) -> None:
    broken = rewrite(good_artifact, tmp_path / "a.zip", lambda n, d: None if n.startswith("shared/") else (n, d))
    assert [error["code"] for error in _inspect(lambdapack, broken).errors()] == ["IMP001"]
    assert _error_of_import(lambdapack, broken) == (
        "Runtime.ImportModuleError",
        "Unable to import module 'handler': No module named 'shared'",
    )


@pytest.fixture(scope="module")
def foreign_wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """pydantic-core's real wheels for another Python and another machine, as `pip download` brings them."""
    folder = tmp_path_factory.mktemp("wheels")
    targets = {"cp311": ("3.11", "manylinux2014_x86_64"), "aarch64": ("3.13", "manylinux2014_aarch64")}
    found = {}
    for name, (python, platform) in targets.items():
        target = ["--python-version", python, "--platform", platform, "--dest", str(folder / name)]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *target]
        done = subprocess.run(
            [*command, "pydantic-core==2.41.5"], capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            pytest.skip(f"needs a package registry: {done.stderr.strip()[-200:]}")
        (found[name],) = (folder / name).glob("*.whl")
    return found


def _with_wheel(artifact: Path, wheel: Path, target: Path) -> Path:
    """Puts another wheel's native part in the place of the right one, as a builder that trusts names would."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [member for member in archive.namelist() if member.endswith(".so")]
        data = archive.read(name)
    return rewrite(artifact, target, lambda n, d: (name, data) if n == PYDANTIC_CORE else (n, d))


def test_wheel_of_another_python(
    lambdapack: Lambdapack,
    good_artifact: Path,
    foreign_wheels: dict[str, Path],
    tmp_path: Path,
    python313: Interpreter,
) -> None:
    broken = _with_wheel(good_artifact, foreign_wheels["cp311"], tmp_path / "b.zip")
    run = _inspect(lambdapack, broken)
    assert run.status == 1
    (error,) = run.errors()
    assert error["code"] == "ELF003"
    assert error["path"] == "/var/task/pydantic_core/_pydantic_core.cpython-311-x86_64-linux-gnu.so"
    assert "Python 3.11" in error["message"]
    assert ".cpython-313-x86_64-linux-gnu.so" in error["message"]
    assert "pydantic-core==2.41.5" in error["fix"]
    assert error["evidence"]["module"] == "pydantic_core._pydantic_core"
    kind, text = _error_of_import(lambdapack, broken)
    assert kind == "Runtime.ImportModuleError"
    assert "pydantic_core._pydantic_core" in text


def test_wheel_of_another_machine(
    lambdapack: Lambdapack,
    good_artifact: Path,
    foreign_wheels: dict[str, Path],
    tmp_path: Path,
    python313: Interpreter,
) -> None:
    broken = _with_wheel(good_artifact, foreign_wheels["aarch64"], tmp_path / "c.zip")
    run = _inspect(lambdapack, broken)
    assert run.status == 1
    (error,) = run.errors()
    assert error["code"] == "ELF001"
    assert error["path"] == "/var/task/pydantic_core/_pydantic_core.cpython-313-aarch64-linux-gnu.so"
    assert error["evidence"]["machine"] == "aarch64"
    assert error["evidence"]["wanted"] == "x86_64"
    kind, text = _error_of_import(lambdapack, broken)
    assert kind == "Runtime.ImportModuleError"
    assert "pydantic_core._pydantic_core" in text


def test_builder_refuses_a_foreign_wheel(
    lambdapack: Lambdapack, dashboard: Path, foreign_wheels: dict[str, Path]
) -> None:
    requirements = dashboard.parent / "functions" / "dashboard" / "requirements.txt"
    requirements.write_text(f"{foreign_wheels['cp311'].as_uri()}\n".replace("file://", "pydantic-core @ file://"))
    old = dashboard.parent / "dist" / "dashboard.zip"
    old.parent.mkdir()
    old.write_bytes(b"PK the old artifact")
    run = lambdapack("build", "--config", dashboard)
    assert run.status == 5
    assert "cp311" in run.err
    assert "python3.13" in run.err
    assert old.read_bytes() == b"PK the old artifact"
    assert [path.name for path in old.parent.iterdir()] == ["dashboard.zip"]


def test_native_part_removed_by_an_exclude_pattern(lambdapack: Lambdapack, dashboard: Path) -> None:
    text = dashboard.read_text(encoding="utf-8")
    dashboard.write_text(text.replace("exclude = [", 'exclude = ["*.so", '), encoding="utf-8")
    run = lambdapack("check", "--config", dashboard, "--format", "json")
    assert run.status == 1
    (error,) = run.errors()
    assert error["code"] == "DST001"
    assert error["path"] == f"/var/task/{PYDANTIC_CORE}"
    assert error["evidence"] == {
        "distribution": "pydantic-core",
        "module": "pydantic_core._pydantic_core",
        "importer": "/var/task/pydantic_core/__init__.py",
    }
    assert "exclude" in error["fix"]
    if run.report["import_test"]["status"] != "not-run":
        assert "No module named 'pydantic_core._pydantic_core'" in run.report["import_test"]["error_message"]


def test_name_that_only_a_class_has(lambdapack: Lambdapack, dashboard: Path) -> None:
    handler = dashboard.parent / "functions" / "dashboard" / "handler.py"
    text = handler.read_text(encoding="utf-8")
    assert "from shared.aws_clients import AWSClients" in text
    handler.write_text(text.replace("import AWSClients", "import AWSClients, get_rds_client"), encoding="utf-8")
    run = lambdapack("check", "--config", dashboard, "--format", "json")
    assert run.status == 1
    (error,) = run.errors()
    assert (error["code"], error["path"]) == ("IMP002", "/var/task/handler.py")
    assert error["evidence"]["name"] == "get_rds_client"
    assert error["evidence"]["found"] == "/var/task/shared/aws_clients.py"
    assert "AWSClients.get_rds_client" in error["message"]
    if run.report["import_test"]["status"] != "not-run":
        assert (
            "cannot import name 'get_rds_client' from 'shared.aws_clients'"
            in run.report["import_test"]["error_message"]
        )


def test_handler_misspelled(lambdapack: Lambdapack, dashboard: Path) -> None:
    text = dashboard.read_text(encoding="utf-8")
    dashboard.write_text(text.replace("handler.lambda_handler", "handler.lambda_handlr"), encoding="utf-8")
    run = lambdapack("check", "--config", dashboard, "--format", "json")
    assert run.status == 1
    (error,) = run.errors()
    assert (error["code"], error["path"]) == ("IMP004", "/var/task/handler.py")
    assert error["evidence"]["function"] == "lambda_handlr"
    assert error["evidence"]["nearest"] == "lambda_handler"
    assert error["fix"] == "set the handler to handler.lambda_handler"
    test = run.report["import_test"]
    if test["status"] != "not-run":
        assert test["error_type"] == "Runtime.HandlerNotFound"
        assert test["error_message"] == "Handler 'lambda_handlr' missing on module 'handler'"


def test_fixture_is_what_make_package_builds() -> None:
    assert (DASHBOARD / "shared" / "aws_clients.py").is_file()
    assert not (DASHBOARD / "functions" / "dashboard" / "shared").exists()
