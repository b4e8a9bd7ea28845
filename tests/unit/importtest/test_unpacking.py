"""Root file systems out of images: layers, modes, links, nothing outside, and processes that do it at the same time."""

from __future__ import annotations

import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lambdapack.artifact import ImageTree, open_tree
from lambdapack.errors import LambdapackError, MissingRequirement
from lambdapack.importtest import root_source
from lambdapack.importtest.root_source import root_of, unpacked_already
from lambdapack.importtest.rootfs import show_root
from lambdapack.importtest.unpacking import unpack_image
from lambdapack.profiles import load_profile
from lambdapack.progress import silent
from tests.recipes.archive import Member
from tests.recipes.image import Image, docker_files, hard_link, tar, write_files, write_image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX's")

PROFILE = load_profile("python3.13", "x86_64")
Layer = Sequence[Member | tarfile.TarInfo]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path: Path, *layers: Layer) -> Path:
    write_image(
        path, Image(layers=[tar(layer) for layer in layers], environment={"TZ": ":/etc/localtime"}), "docker-archive"
    )
    return path


def unpacked(tmp_path: Path, *layers: Layer, largest: int = 1 << 30) -> Path:
    with open_tree(write(tmp_path / "image.tar", *layers)) as tree:
        assert isinstance(tree, ImageTree)
        return unpack_image(tree, tmp_path / "roots", silent, largest=largest)


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_layers_are_merged_and_whiteouts_applied(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path,
        [Member("a/one", b"1"), Member("a/two", b"2"), Member("b/deep/x", b"x"), Member("c/kept", b"k")],
        [Member("a/.wh.one", b""), Member("b/.wh..wh..opq", b""), Member("b/new", b"n"), Member("a/two", b"22")],
    )
    assert files(root) == {"a/two": b"22", "b/new": b"n", "c/kept": b"k"}
    assert not (root / "b" / "deep").exists()


def test_modes_links_and_times_stay(tmp_path: Path) -> None:
    dated = tarfile.TarInfo("bin/dated")
    dated.mtime, dated.mode = 1_700_000_000, 0o644
    root = unpacked(
        tmp_path,
        [
            Member("bin/tool", b"#!", 0o4755),
            Member("bin/closed", b"", 0o600),
            Member("bin/alias", b"", link="tool"),
            Member("bin/absolute", b"", link="/bin/tool"),
            hard_link("bin/second", "bin/tool"),
            dated,
        ],
    )
    modes = {name: stat.S_IMODE((root / "bin" / name).stat().st_mode) for name in ("tool", "closed", "second")}
    assert modes == {"tool": 0o555, "closed": 0, "second": 0o555}
    assert (root / "bin" / "alias").readlink() == Path("tool")
    assert (root / "bin" / "absolute").readlink() == Path("/bin/tool")
    assert (root / "bin" / "second").read_bytes() == b"#!"
    assert (root / "bin" / "dated").stat().st_mtime == 1_700_000_000


CLIMBING: dict[str, Callable[[str], Layer]] = {
    "absolute link": lambda outside: [Member("etc", b"", link=outside), Member("etc/planted", b"x")],
    "relative link": lambda outside: [Member("etc", b"", link=f"{'../' * 20}{outside}"), Member("etc/planted", b"x")],
    "climbing name": lambda outside: [Member("../planted", b"x"), Member(f"{'../' * 20}{outside}/planted", b"x")],
    "absolute name": lambda outside: [Member(f"{outside}/planted", b"x")],
    "folder turned link": lambda outside: [
        Member("a/", b""),
        Member("a", b"", link=outside),
        Member("a/planted", b"x"),
    ],
    "hard link": lambda outside: [hard_link("planted", f"{outside}/secret"), Member("x", b"")],
    "dots": lambda outside: [Member("deep/..", b"", link=outside), Member("deep/../planted", b"x")],
}


@pytest.mark.parametrize("layer", CLIMBING.values(), ids=CLIMBING.keys())
def test_nothing_is_written_or_read_outside(tmp_path: Path, layer: Callable[[str], Layer]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    root = unpacked(tmp_path, layer(str(outside)))
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert not (tmp_path / "planted").exists()
    assert not (tmp_path / "roots" / "planted").exists()
    assert b"secret" not in files(root).values()


def test_devices_are_left_out(tmp_path: Path) -> None:
    disk = tarfile.TarInfo("dev/disk")
    disk.type, disk.devmajor, disk.devminor = tarfile.BLKTYPE, 8, 0
    pipe = tarfile.TarInfo("run/pipe")
    pipe.type = tarfile.FIFOTYPE
    root = unpacked(tmp_path, [disk, pipe, Member("x", b"x")])
    assert files(root) == {"x": b"x"}
    assert not (root / "run" / "pipe").exists()


def test_an_image_larger_than_lambda_takes_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match="more than an image on Lambda may have"):
        unpacked(tmp_path, [Member("big", bytes(1000))], largest=999)
    assert not (tmp_path / "roots").exists()


def test_a_layer_with_another_content_is_refused(tmp_path: Path) -> None:
    image = Image(layers=[tar([Member("var/x", b"right")])])
    broken = {
        name: tar([Member("var/x", b"wrong")]) if name.endswith("layer.tar") else content
        for name, content in docker_files(image).items()
    }
    write_files(tmp_path / "image.tar", broken)
    with pytest.raises(LambdapackError, match=r"SHA-256"):
        root_of(str(tmp_path / "image.tar"), PROFILE, silent)
    assert list((tmp_path / "cache").rglob("x")) == []


def test_an_archive_is_unpacked_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "image.tar", [Member("var/x", b"1")])
    assert unpacked_already(str(path), PROFILE) is None
    first = root_of(str(path), PROFILE, silent)
    assert (first.folder / "var/x").read_bytes() == b"1"
    assert first.environment == {"TZ": ":/etc/localtime"}
    with monkeypatch.context() as patch:
        patch.setattr(root_source, "open_tree", None)  # nothing is read again
        assert root_of(str(path), PROFILE, silent) == first
    write(path, [Member("var/x", b"22")])
    second = root_of(str(path), PROFILE, silent)
    assert (second.folder / "var/x").read_bytes() == b"22"
    assert second.digest != first.digest


def test_the_architecture_has_to_be_the_target_s(tmp_path: Path) -> None:
    write_image(tmp_path / "image.tar", Image(layers=[tar([])], architecture="arm64"), "docker-archive")
    with pytest.raises(MissingRequirement, match="arm64, not for x86_64"):
        root_of(str(tmp_path / "image.tar"), PROFILE, silent)


def test_several_processes_unpack_the_same_image(tmp_path: Path) -> None:
    path = write(tmp_path / "image.tar", [Member(f"var/{number}", bytes(1000)) for number in range(500)])
    code = (
        "import sys\nfrom lambdapack.importtest.root_source import root_of\n"
        "from lambdapack.profiles import load_profile\nfrom lambdapack.progress import silent\n"
        f"root = root_of({str(path)!r}, load_profile('python3.13', 'x86_64'), silent)\n"
        "print(len(list((root.folder / 'var').iterdir())))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate() for process in running] == [("500\n", "")] * 4
    assert [path for path in (tmp_path / "cache" / "rootfs").iterdir() if path.name.startswith(".")] == []


def test_a_root_is_shown_with_other_folders_in_it(tmp_path: Path) -> None:
    root, task = tmp_path / "root", tmp_path / "task"
    for folder in ("var/task", "var/lib", "usr/lib", "dev", "proc", "tmp", "opt"):
        (root / folder).mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    steps = list(show_root(root, {"/var/task": task, "/opt": task}))
    assert ("link", "/lib", "usr/lib") in steps
    assert ("read", "/var", str(root / "var")) in steps
    assert steps[-2:] == [("read", "/var/task", str(task)), ("read", "/opt", str(task))]
    assert not {"/dev", "/proc", "/tmp"} & {step[1] for step in steps}


def test_a_place_that_the_root_has_not_or_as_a_link_is_built_up(tmp_path: Path) -> None:
    root, task = tmp_path / "root", tmp_path / "task"
    (root / "var" / "lib").mkdir(parents=True)
    (root / "var" / "task").symlink_to("/etc")
    (root / "opt").symlink_to("/etc")
    steps = list(show_root(root, {"/var/task": task, "/opt": task}))
    assert steps == [
        ("folder", "/var"),
        ("read", "/var/lib", str(root / "var" / "lib")),
        ("read", "/var/task", str(task)),
        ("read", "/opt", str(task)),
    ]
