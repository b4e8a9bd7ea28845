"""What is built on this machine, what is not, and when it is built again."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from lambdapack.builder import WheelStore
from lambdapack.builder.choice import Source
from lambdapack.builder.from_source import WheelMaker
from lambdapack.builder.inputs import requirement_inputs
from lambdapack.builder.sources import SourceTree, tree_digest
from lambdapack.errors import BuildFailed, MissingRequirement
from tests.unit.builder.makers import (
    make_profile,
    make_project,
    make_sdist,
    make_wheel,
    resolve_file,
    resolve_inputs,
    resolve_lines,
)


@pytest.fixture(autouse=True)
def _no_index(links: Path) -> None:
    """Whatever these need is here."""


class Elsewhere:
    """Stands for the container: notes what it is asked for, and gives a wheel for the target."""

    def __init__(self, tag: str = "cp313-cp313-manylinux_2_34_x86_64") -> None:
        self.tag = tag
        self.asked: list[str] = []

    def __call__(self, source: Source, tree: SourceTree, indexes: Sequence[str], out: Path) -> Path:
        self.asked.append(source.label)
        return Path(make_wheel(out, source.name, version=source.version or "1.0", tag=self.tag).location)


def maker(folder: Path, elsewhere: Elsewhere) -> WheelMaker:
    return WheelMaker(make_profile(), WheelStore(folder / "store"), elsewhere, folder)


def project_source(folder: Path, name: str) -> Source:
    return Source(name, None, "folder", str(folder))


def test_plain_python_is_built_here(tmp_path: Path, links: Path) -> None:
    make_sdist(links, "onlysource", version="1.2")
    make_project(tmp_path / "local", "local", requires=("onlysource",))
    resolution = resolve_inputs(requirement_inputs(tmp_path, strings=("./local",)))
    assert [wheel.label for wheel in resolution.wheels] == ["local 1.0", "onlysource 1.2"]
    assert all(wheel.filename.endswith("-py3-none-any.whl") for wheel in resolution.wheels)
    assert resolution.folders == (tmp_path / "local",)


def test_a_repository_at_its_commit(tmp_path: Path) -> None:
    project = make_project(tmp_path / "repository" / "sub", "versioned")
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "one"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (project / "versioned.py").write_text("later = True\n")
    subprocess.run([*git, "commit", "--quiet", "-am", "two"], check=True)
    found = resolve_lines(tmp_path, f"versioned @ git+{project.as_uri()}@{commit}")
    assert b"later" not in Path(found["versioned"].location).read_bytes()


@pytest.mark.parametrize("file", ["module.c", "Cargo.toml", "src/fast.pyx"])
def test_native_code_is_not_built_here(tmp_path: Path, file: str) -> None:
    project = make_project(tmp_path / "native", "native")
    (project / file).parent.mkdir(exist_ok=True)
    (project / file).touch()
    elsewhere = Elsewhere()
    wheel = maker(tmp_path, elsewhere).make(project_source(project, "native"))
    assert elsewhere.asked == ["native"]
    assert wheel.filename == "native-1.0-cp313-cp313-manylinux_2_34_x86_64.whl"


def test_c_files_of_tests_and_examples_are_none(tmp_path: Path) -> None:
    project = make_project(tmp_path / "plain", "plain")
    (project / "tests").mkdir()
    (project / "tests" / "data.c").touch()
    elsewhere = Elsewhere()
    assert maker(tmp_path, elsewhere).make(project_source(project, "plain")).filename == "plain-1.0-py3-none-any.whl"
    assert elsewhere.asked == []


def test_a_wheel_of_this_machine_s_compiler_is_never_used(tmp_path: Path) -> None:
    """The tag would fit the target by its letters."""
    project = make_project(tmp_path / "hidden", "hidden", tag="cp313-cp313-manylinux_2_17_x86_64")
    elsewhere = Elsewhere()
    maker(tmp_path, elsewhere).make(project_source(project, "hidden"))
    assert elsewhere.asked == ["hidden"]


def test_what_was_built_for_something_else_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path / "native", "native")
    (project / "module.c").touch()
    with pytest.raises(BuildFailed, match="manylinux_2_38_x86_64"):
        maker(tmp_path, Elsewhere("cp313-cp313-manylinux_2_38_x86_64")).make(project_source(project, "native"))
    with pytest.raises(BuildFailed, match="linux_x86_64"):
        maker(tmp_path, Elsewhere("cp313-cp313-linux_x86_64")).make(project_source(project, "native"))


def test_the_same_content_is_built_once(tmp_path: Path) -> None:
    project = make_project(tmp_path / "native", "native")
    (project / "module.c").touch()
    elsewhere = Elsewhere()
    first = maker(tmp_path, elsewhere).make(project_source(project, "native"))
    (project / "__pycache__").mkdir()
    (project / "__pycache__" / "x.pyc").touch()
    assert maker(tmp_path, elsewhere).make(project_source(project, "native")) == first
    assert elsewhere.asked == ["native"]
    (project / "module.c").write_text("int changed;")
    maker(tmp_path, elsewhere).make(project_source(project, "native"))
    assert elsewhere.asked == ["native", "native"]


def test_what_was_built_in_another_image_is_not_taken(tmp_path: Path) -> None:
    project = make_project(tmp_path / "native", "native")
    (project / "module.c").touch()
    elsewhere = Elsewhere()
    for place in ("one", "two", "one"):
        WheelMaker(make_profile(), WheelStore(tmp_path / "store"), elsewhere, tmp_path, place).make(
            project_source(project, "native")
        )
    assert elsewhere.asked == ["native", "native"]


def test_a_wheel_that_is_no_longer_in_the_store_is_built_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "plain", "plain")
    make = maker(tmp_path, Elsewhere()).make
    first = make(project_source(project, "plain"))
    Path(first.location).unlink()
    assert make(project_source(project, "plain")).sha256 == first.sha256


def test_what_decides_the_digest(tmp_path: Path) -> None:
    project = make_project(tmp_path / "one", "one")
    before = tree_digest(project)
    (project / "build").mkdir()
    (project / "build" / "left.py").touch()
    assert tree_digest(project) == before
    (project / "one.py").chmod(0o755)
    executable = tree_digest(project)
    (project / "one.py").write_text("name = 'two'\n")
    assert len({before, executable, tree_digest(project)}) == 3


def test_a_project_that_does_not_build_says_why(tmp_path: Path) -> None:
    project = make_project(tmp_path / "broken", "broken")
    (project / "backend.py").write_text("def build_wheel(*_, **__): raise RuntimeError('no such luck')\n")
    with pytest.raises(BuildFailed, match=r"broken: cannot be built: .*no such luck"):
        maker(tmp_path, Elsewhere()).make(project_source(project, "broken"))


def test_an_sdist_whose_hash_is_wrong(tmp_path: Path, links: Path) -> None:
    make_sdist(links, "onlysource")
    (tmp_path / "r.txt").write_text(f"onlysource==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BuildFailed, match=r"onlysource 1\.0: none of its sdist"):
        resolve_file(tmp_path / "r.txt")


def test_without_an_engine_it_is_said_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    project = make_project(tmp_path / "native", "native")
    (project / "module.c").touch()
    with pytest.raises(MissingRequirement, match="native: has native code and no wheel"):
        resolve_lines(tmp_path, "./native")


def test_what_it_is_built_with_may_come_from_an_index_of_the_requirements(
    tmp_path: Path, links: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_FIND_LINKS")
    make_wheel(links, "back_end", files={"back_end.py": (make_project(tmp_path / "x", "x") / "backend.py").read_text()})
    project = make_project(tmp_path / "local", "local")
    (project / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1.0"\n[build-system]\nrequires = ["back-end"]\nbuild-backend = "back_end"\n'
    )
    (project / "x.py").touch()
    (tmp_path / "requirements.txt").write_text("--find-links links\n./local\n")
    assert [wheel.label for wheel in resolve_file(tmp_path / "requirements.txt").wheels] == ["x 1.0"]
