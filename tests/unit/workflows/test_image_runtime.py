"""What an image says of its runtime, against what the runtime's profile says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from lambdapack.artifact import ImageConfig, Mount, Stack
from lambdapack.artifact.folder import FolderTree
from lambdapack.catalogue import all_checks
from lambdapack.engine import run_checks
from lambdapack.finding import Finding
from lambdapack.profiles import load_profile
from lambdapack.workflows.image_runtime import handler_of_image, profile_of_image, runtime_of_image
from lambdapack.workflows.inspection import Target, open_target, subject_of
from tests.recipes.archive import Member
from tests.recipes.image import Image, docker_files, tar, write_files, write_image
from tests.recipes.native import Native, compile_native

PROFILE = load_profile("python3.13", "x86_64")
LAMBDA = ("/lambda-entrypoint.sh",)
CLIENT = ("/usr/local/bin/python", "-m", "awslambdaric")


def config(
    entrypoint: tuple[str, ...] = LAMBDA,
    command: tuple[str, ...] = (),
    working_dir: str = "/var/task",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> ImageConfig:
    return ImageConfig("0" * 64, "x86_64", "linux", variables, entrypoint, command, working_dir, "")


def stack(root: Path, *names: str, **contents: bytes) -> Stack:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents.get(path.name.replace(".", "_"), b""))
    return Stack([Mount("/", FolderTree(root))])


@pytest.mark.parametrize(
    ("entrypoint", "command", "handler"),
    [
        (LAMBDA, ("app.handler",), "app.handler"),
        (LAMBDA, ("pkg/app.handler", "more"), "pkg/app.handler"),
        (LAMBDA, (), None),
        (LAMBDA, ("/bin/sh", "-c", "app.handler"), None),
        (CLIENT, ("app.handler",), "app.handler"),
        (CLIENT, (), None),
        ((), (*CLIENT, "app.handler"), "app.handler"),
        (("/entry_script.sh",), ("app.handler",), "app.handler"),
        (("/entry_script.sh",), ("gunicorn", "app.main"), None),
        ((), ("app.py",), None),
        ((), ("python", "app.py"), None),
    ],
)
def test_handler(entrypoint: tuple[str, ...], command: tuple[str, ...], handler: str | None) -> None:
    assert handler_of_image(config(entrypoint, command)) == handler


@pytest.mark.parametrize(
    ("names", "variables", "runtime"),
    [
        (["var/lang/bin/python3.12", "usr/bin/python3.9"], {}, "python3.12"),
        (["var/lang/lib/python3.11/os.py"], {}, "python3.11"),
        (["usr/local/bin/python3.13", "usr/bin/python3.9"], {"PATH": "/usr/local/bin:/usr/bin"}, "python3.13"),
        (["usr/bin/python3.9", "usr/bin/python3.11"], {}, "python3.11"),
        (["opt/venv/bin/python3.12", "usr/bin/python3.9"], {"PATH": "/opt/venv/bin:/usr/bin"}, "python3.12"),
        ([], {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.10"}, "python3.10"),
        ([], {"PYTHON_VERSION": "3.12.7"}, "python3.12"),
        ([], {"PYTHON_VERSION": "2.7"}, None),
    ],
)
def test_runtime(tmp_path: Path, names: list[str], variables: dict[str, str], runtime: str | None) -> None:
    told = runtime_of_image(stack(tmp_path, *names), config(variables=variables))
    assert (told[0] if told else None) == runtime


class TestProfile:
    def test_of_lambdas_own_base(self, tmp_path: Path) -> None:
        image = stack(tmp_path, "var/lang/lib/python3.13/site-packages/x.py")
        found = profile_of_image(PROFILE, image, config())
        assert found.python_path == PROFILE.python_path
        assert found.library_path == PROFILE.library_path
        assert found.libraries == PROFILE.libraries

    def test_variables_win(self, tmp_path: Path) -> None:
        image = stack(tmp_path, "var/lang/lib/python3.13/site-packages/x.py")
        variables = {"PYTHONPATH": "/srv/lib/:", "LD_LIBRARY_PATH": "/lib64:/srv/so", "LAMBDA_TASK_ROOT": "/app"}
        found = profile_of_image(PROFILE, image, config(variables=variables))
        standard = "/var/lang/lib/python3.13"
        assert found.python_path[:3] == ("/app", "/srv/lib", "/var/lang/lib/python313.zip")
        assert found.python_path[3:] == (standard, f"{standard}/lib-dynload", f"{standard}/site-packages")
        assert found.library_path == ("/lib64", "/srv/so")

    def test_of_another_base(self, tmp_path: Path) -> None:
        site = "usr/local/lib/python3.13/site-packages"
        names = (f"{site}/x.py", "usr/lib/python3/dist-packages/y.py", "usr/lib/x86_64-linux-gnu/libz.so.1")
        found = profile_of_image(PROFILE, stack(tmp_path, *names), config(CLIENT, working_dir="/function"))
        assert found.python_path[0] == "/function"
        order = [found.python_path.index(f"/{path}") for path in (site.rpartition("/")[0], site)]
        assert order == sorted(order)
        assert "/usr/lib/python3/dist-packages" in found.python_path
        assert found.library_path == ()
        assert "/usr/lib/x86_64-linux-gnu" in found.system_library_dirs

    def test_its_own_c_library_counts(self, tmp_path: Path) -> None:
        defines = {"GLIBC_2.2.5": ("read",), "GLIBC_2.38": ("strlcpy",), "GLIBC_PRIVATE": ("own",)}
        libc = compile_native(Native(path="libc.so.6", target="x86_64-linux-gnu", soname="libc.so.6", defines=defines))
        image = stack(tmp_path, "lib64/libc.so.6", "var/lang/bin/python3.13", libc_so_6=libc)
        found = profile_of_image(PROFILE, image, config())
        assert found.glibc == (2, 38)
        assert found.libraries == {}

    def test_musl(self, tmp_path: Path) -> None:
        image = stack(tmp_path, "lib/ld-musl-x86_64.so.1", "usr/local/bin/python3.13")
        found = profile_of_image(PROFILE, image, config(CLIENT))
        assert found.extension_suffixes[0] == ".cpython-313-x86_64-linux-musl.so"
        assert "/usr/lib" in found.system_library_dirs or "/lib" in found.system_library_dirs

    def test_the_loaders_configuration(self, tmp_path: Path) -> None:
        names = ("etc/ld.so.conf.d/b.conf", "etc/ld.so.conf.d/a.conf", "etc/ld.so.conf.d/off.txt")
        image = stack(tmp_path, *names, b_conf=b"# note\n/srv/b/\n", a_conf=b"/srv/a\n", off_txt=b"/srv/off\n")
        folders = profile_of_image(PROFILE, image, config()).system_library_dirs
        assert folders[-2:] == ("/srv/a", "/srv/b")


def findings(path: Path, image_bytes: int | None = None) -> list[Finding]:
    with ExitStack() as closing:
        opened = open_target(Target(path, runtime="python3.13"), closing)
        if image_bytes is not None:
            quotas = replace(opened.profile.quotas, image_bytes=image_bytes)
            opened = replace(opened, profile=replace(opened.profile, quotas=quotas))
        found, _ = run_checks(subject_of(opened, zipped_size=None), all_checks())
        return list(found)


def test_the_quota_of_images_counts_what_later_layers_take_away(tmp_path: Path) -> None:
    layers = [tar([Member("var/task/app.py", b"def f(event, context): ...\n"), Member("big", bytes(9000))])]
    layers.append(tar([Member(".wh.big", b"")]))
    write_image(tmp_path / "image", Image(layers, command=("app.f",)), "docker-archive")
    assert findings(tmp_path / "image", 9027) == []
    (found,) = findings(tmp_path / "image", 9026)
    assert (found.code, found.severity, found.evidence) == (
        "PKG001",
        "error",
        {"size": 9027, "limit": 9026, "quota": "image"},
    )


def test_a_layer_that_is_not_what_was_promised(tmp_path: Path) -> None:
    image = Image([tar([Member("var/task/app.py", b"def f(event, context): ...\n")])], command=("app.f",))
    files = docker_files(image)
    name = next(name for name in files if name.endswith("/layer.tar"))
    other = tar([Member("var/task/app.py", b"def f(event, context): pass\n")])
    write_files(tmp_path / "image", {**files, name: other})
    (found,) = findings(tmp_path / "image")
    assert (found.code, found.severity, found.path, found.evidence["layer"]) == ("PKG003", "error", None, name)
