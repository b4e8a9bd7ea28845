"""Native code that is built in a build image: a C extension comes out for the target, or it is said why not."""

from __future__ import annotations

import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from images.build.standin import RECIPE_LABEL, digest_of, image_name
from images.standin.archive import write_archive
from lambdapack.builder import WheelStore, ensure_build_image
from lambdapack.builder.choice import Source
from lambdapack.builder.inputs import requirement_inputs
from lambdapack.builder.making import wheel_maker
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.resolve import resolve
from lambdapack.containers.building import LABEL
from lambdapack.containers.engine import Engine
from lambdapack.containers.images import find_image
from lambdapack.errors import BuildFailed, MissingRequirement
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.elf_reading import read_elf
from lambdapack.profiles import load_profile
from lambdapack.settings import CACHE_VARIABLE
from lambdapack.workflows.built_wheels import native_problems
from tests.containers.conftest import lambdapack, missing
from tests.unit.builder.makers import make_wheel

PROFILE = load_profile("python3.13", "x86_64")

MODULE = """
#include <Python.h>
#include <sys/stat.h>
{declarations}
static struct PyModuleDef definition = {{PyModuleDef_HEAD_INIT, "native", 0, -1, 0}};
PyMODINIT_FUNC PyInit_native(void) {{
    struct stat found;
    PyObject *module = PyModule_Create(&definition);
    PyModule_AddIntConstant(module, "answer", stat("/", &found) == 0 ? {answer} : -1);
    return module;
}}
"""

# Calls the compiler by itself: these tests need no index.
BACKEND = """
import os, subprocess, sysconfig, zipfile

def get_requires_for_build_wheel(config_settings=None):
    return {requires!r}

def build_wheel(folder, config_settings=None, metadata_directory=None):
    for command in {commands!r}:
        subprocess.run(command.split(), check=True)
    tag = f"cp313-cp313-{{sysconfig.get_platform().replace('-', '_')}}"
    include = sysconfig.get_path("include")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", f"-I{{include}}", "native.c", "-o", "native.so", *{options!r}],
                   check=True)
    file = f"native-1.0-{{tag}}.whl"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as archive:
        archive.write("native.so", f"native{{suffix}}")
        info = "native-1.0.dist-info"
        archive.writestr(f"{{info}}/METADATA", "Metadata-Version: 2.1\\nName: native\\nVersion: 1.0\\n")
        archive.writestr(f"{{info}}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {{tag}}\\n")
        names = [*archive.namelist(), f"{{info}}/RECORD"]
        archive.writestr(f"{{info}}/RECORD", "".join(f"{{name}},,\\n" for name in names))
    return file
"""

Build = Callable[..., ResolvedWheel]


@pytest.fixture
def image(engine: Engine) -> str:
    name = image_name(PROFILE)
    found = find_image(engine, name, "x86_64")
    if found is None or found.labels.get(RECIPE_LABEL) != digest_of(PROFILE):
        missing(f"the engine has no {name} of this recipe: python -m images.build 3.13 --standin")
    return name


def write_project(
    folder: Path,
    *,
    declarations: str = "",
    answer: str = "42",
    requires: tuple[str, ...] = (),
    commands: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
    files: dict[str, str] | None = None,
) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "native"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    values = {"requires": list(requires), "commands": list(commands), "options": list(options)}
    (folder / "backend.py").write_text(BACKEND.format(**values))
    (folder / "native.c").write_text(MODULE.format(declarations=declarations, answer=answer))
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def build(image: str, tmp_path: Path) -> Build:
    """Builds a project that is made of `how`, in the build image."""

    def run(name: str = "project", **how: object) -> ResolvedWheel:
        store = WheelStore(tmp_path / "store")
        folder = write_project(tmp_path / name, **how)  # type: ignore[arg-type]
        maker = wheel_maker(
            PROFILE, store, folder=tmp_path, judge=lambda wheel: native_problems(wheel, PROFILE), image=image
        )
        return maker.make(Source("native", None, "folder", str(folder)))

    return run


def native_files(wheel: ResolvedWheel) -> dict[str, ElfFacts]:
    found = {}
    with zipfile.ZipFile(wheel.location) as archive:
        for name in archive.namelist():
            if ".so" in name:
                facts = read_elf(archive.read(name))
                assert isinstance(facts, ElfFacts)
                found[name] = facts
    return found


def test_a_c_extension_asks_for_no_newer_glibc_than_the_target_has(build: Build) -> None:
    wheel = build()
    assert wheel.filename.startswith("native-1.0-cp313-cp313-manylinux_2_")
    (facts,) = native_files(wheel).values()
    assert facts.machine == "x86_64"
    assert "libc.so.6" in facts.needed


def test_an_sdist_from_an_index_becomes_a_function_that_runs(
    image: str, image_of: Callable[[str], str], tmp_path: Path, links: Path
) -> None:
    write_project(tmp_path / "native-1.0")
    (tmp_path / "native-1.0" / "PKG-INFO").write_text("Metadata-Version: 2.2\nName: native\nVersion: 1.0\n")
    with tarfile.open(links / "native-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "native-1.0", "native-1.0")
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "handler.py").write_text(
        "import native\nassert native.answer == 42\ndef lambda_handler(event, context):\n    return native.answer\n"
    )
    (project / "lambdapack.toml").write_text(
        '[functions.f]\nhandler = "handler.lambda_handler"\nruntime = "python3.13"\nsource = ["src"]\n'
        f'requirements = {{ list = ["native"], build-image = "{image}" }}\n'
    )
    config = project / "lambdapack.toml"
    run = lambdapack("check", "--config", config, "--backend", "docker", "--image", image_of("python3.13"))
    assert run.returncode == 0, run.stderr
    assert "import test ok" in run.stdout
    first = (project / "dist" / "f.zip").read_bytes()
    (project / "dist" / "f.zip").unlink()
    again = lambdapack("build", "--config", config, "--no-cache")
    assert again.returncode == 0, again.stderr
    assert (project / "dist" / "f.zip").read_bytes() == first


def test_a_library_of_its_own_comes_into_the_wheel(build: Build) -> None:
    wheel = build(
        declarations="int extra(void);",
        answer="extra()",
        commands=("cc -shared -fPIC extra.c -o libextra.so.3 -Wl,-soname,libextra.so.3",),
        options=("libextra.so.3", "-Wl,-rpath,/workshop/source"),
        files={"extra.c": "int extra(void) { return 42; }\n"},
    )
    files = native_files(wheel)
    (library,) = [name for name in files if name.startswith("native.libs/libextra-")]
    (module,) = [facts for name, facts in files.items() if name.startswith("native.cpython")]
    assert library.rpartition("/")[2] in module.needed
    assert any("$ORIGIN" in entry for entry in (*module.rpath, *module.runpath))


def test_a_library_that_lambda_has_not_and_every_linux_has(build: Build) -> None:
    """libGL is one of those that wheels may leave to the system; Lambda's has none."""
    with pytest.raises(BuildFailed, match=r"will not load in python3\.13.*libGL\.so\.1"):
        build(
            declarations="int extra(void);",
            answer="extra()",
            commands=("cc -shared -fPIC extra.c -o libGL.so.1 -Wl,-soname,libGL.so.1",),
            options=("libGL.so.1",),
            files={"extra.c": "int extra(void) { return 42; }\n"},
        )


def test_a_library_that_cannot_be_found(build: Build) -> None:
    with pytest.raises(BuildFailed, match=r"native: does not build: .*libgone\.so\.3"):
        build(
            declarations="int extra(void);",
            answer="extra()",
            commands=("mkdir gone", "cc -shared -fPIC extra.c -o gone/libgone.so.3 -Wl,-soname,libgone.so.3"),
            options=("gone/libgone.so.3",),
            files={"extra.c": "int extra(void) { return 42; }\n"},
        )


def test_what_the_compiler_says_is_passed_on_and_kept(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    with pytest.raises(BuildFailed, match=r"native: does not build: .*undeclared_thing") as caught:
        build(answer="undeclared_thing")
    (log,) = (tmp_path / "cache" / "build-logs").iterdir()
    assert str(log) in str(caught.value.hint)
    assert "$ uv venv" in log.read_text()


def test_what_only_the_back_end_knows_to_need_is_brought(build: Build, links: Path) -> None:
    make_wheel(links, "tool_of_its_own")
    assert build(requires=("tool-of-its-own",)).version == "1.0"


def test_what_it_needs_cannot_be_had(build: Build, links: Path) -> None:
    with pytest.raises(BuildFailed, match="tool-of-nobody"):
        build(requires=("tool-of-nobody",))


def test_the_same_source_is_built_once(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_project(tmp_path / "project")
    store = WheelStore(tmp_path / "store")
    source = Source("native", None, "folder", str(folder))
    first = wheel_maker(PROFILE, store, folder=tmp_path, image=image).make(source)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")  # nobody answers there
    assert wheel_maker(PROFILE, store, folder=tmp_path, image=image).make(source) == first


def test_an_image_that_is_not_there_or_none_to_build_in(
    image: str, image_of: Callable[[str], str], tmp_path: Path
) -> None:
    folder = write_project(tmp_path / "project")
    inputs = requirement_inputs(tmp_path, strings=(str(folder),))
    for name in ("there-is-no-such-image", image_of("python3.13")):
        store = WheelStore(tmp_path / "store")
        maker = wheel_maker(PROFILE, store, folder=tmp_path, image=name)
        with pytest.raises(MissingRequirement, match=name):
            resolve(inputs, PROFILE, scratch=tmp_path, make=maker.make)


def test_no_container_is_left_behind(build: Build, engine: Engine) -> None:
    build()
    with pytest.raises(BuildFailed):
        build("broken", answer="undeclared_thing")
    assert engine.client.api.containers(all=True, filters={"label": LABEL}) == []


def test_the_build_image_is_made_from_the_base_image_once(
    engine: Engine, image_of: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a recipe that needs no network; that of the official image does."""
    recipe = tmp_path / "build.Dockerfile"
    recipe.write_text("ARG BASE\nFROM ${BASE}\nRUN echo made > /tmp/made\nENTRYPOINT []\n")
    monkeypatch.setattr("lambdapack.builder.build_image._DOCKERFILE", recipe)
    profile = replace(PROFILE, image=image_of("python3.13"))
    told: list[str] = []
    made = ensure_build_image(engine, profile, told.append)
    try:
        assert made.name.startswith("lambdapack-build:python3.13-x86_64-")
        assert any("RUN echo made" in line for line in told)
        told.clear()
        assert ensure_build_image(engine, profile, told.append).identifier == made.identifier
        assert told == []
        recipe.write_text(recipe.read_text().replace("echo made", "false"))
        with pytest.raises(MissingRequirement, match=r"cannot be made: .*false") as caught:
            ensure_build_image(engine, profile, told.append)
        assert profile.image in str(caught.value.hint)
    finally:
        engine.client.api.remove_image(made.identifier, force=True)


def test_an_engine_that_runs_nothing_for_the_other_architecture(engine: Engine, tmp_path: Path) -> None:
    if engine.client.api.info()["Architecture"] != "x86_64" or Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("this engine runs arm64, too: needs one on x86_64 without qemu for it")
    arm = load_profile("python3.13", "arm64")
    python = tmp_path / "root" / "var" / "lang" / "bin" / "python3.13"
    python.parent.mkdir(parents=True)
    # The head of a program for AArch64 (e_machine 183), which is as far as the kernel looks.
    python.write_bytes(
        b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0, 64, 0, 0, 64, 56, 0, 0, 0, 0)
    )
    python.chmod(0o755)
    archive, name = tmp_path / "image.tar", "lambdapack-test/arm64:1"
    write_archive(tmp_path / "root", archive, tag=name, architecture="arm64", config={})
    with archive.open("rb") as file:
        engine.client.images.load(file)
    try:
        folder = write_project(tmp_path / "project")
        maker = wheel_maker(arm, WheelStore(tmp_path / "store"), folder=tmp_path, image=name)
        with pytest.raises(MissingRequirement, match="runs nothing for arm64"):
            maker.make(Source("native", None, "folder", str(folder)))
    finally:
        engine.client.api.remove_image(name, force=True)
