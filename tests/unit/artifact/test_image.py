"""Container images as trees: every layout, merged layers, and damages that must not pass."""

from __future__ import annotations

import gzip
import io
import json
import random
import stat
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from lambdapack.artifact import ImageTree, Mount, Stack, Tree, open_tree
from lambdapack.artifact.inflated import BrokenData, Cursor, Inflated, MemorySource, sha256_of
from lambdapack.errors import UnreadableArtifact, UnreadableMember, UsageError
from tests.recipes.archive import Member
from tests.recipes.image import (
    Image,
    ImageLayout,
    as_json,
    docker_files,
    hard_link,
    oci_files,
    sha256,
    tar,
    write_files,
    write_image,
)

LAYOUTS: tuple[ImageLayout, ...] = ("docker-archive", "oci-archive", "oci")
HANDLER = b"def lambda_handler(event, context):\n    return {}\n"


def opened(path: Path, *layers: bytes, layout: ImageLayout = "docker-archive", compressed: bool = False) -> ImageTree:
    write_image(path / "image", Image(layers, command=("handler.lambda_handler",), compressed=compressed), layout)
    tree = open_tree(path / "image")
    assert isinstance(tree, ImageTree)
    return tree


def contents(tree: Tree) -> dict[str, bytes]:
    """Every file with its content."""
    return {entry.path: stream.read() for entry, stream in tree.read(e for e in tree.entries() if e.is_file)}


def paths(tree: Tree) -> list[str]:
    return [entry.path for entry in tree.entries()]


class TestLayouts:
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("compressed", [False, True])
    def test_is_recognised_and_read(self, tmp_path: Path, layout: ImageLayout, compressed: bool) -> None:
        lower = tar([Member("var/task/", b"", 0o755), Member("var/task/handler.py", b"old")])
        upper = tar([Member("var/task/handler.py", HANDLER, 0o640)])
        with opened(tmp_path, lower, upper, layout=layout, compressed=compressed) as tree:
            assert contents(tree) == {"var/task/handler.py": HANDLER}
            assert tree.by_path["var/task/handler.py"].permissions == 0o640
            assert not tree.problems
            config = tree.config
        assert (config.architecture, config.command, config.entrypoint, config.working_dir) == (
            "x86_64",
            ("handler.lambda_handler",),
            ("/lambda-entrypoint.sh",),
            "/var/task",
        )
        assert config.size == len(HANDLER) + len(b"old")

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_may_be_named_by_its_form(self, tmp_path: Path, layout: ImageLayout) -> None:
        write_image(tmp_path / "image", Image([tar([Member("a", b"1")])]), layout)
        with open_tree(Path(f"{layout}:{tmp_path / 'image'}")) as tree:
            assert contents(tree) == {"a": b"1"}

    def test_the_archive_of_docker_save_in_the_oci_layout(self, tmp_path: Path) -> None:
        image = Image([tar([Member("a", b"1")])], index=True, attestations=1)
        files = oci_files(image)
        layer = f"blobs/sha256/{sha256(image.layers[0])}"
        entry = {"Config": f"blobs/sha256/{sha256(image.config)}", "RepoTags": [image.name], "Layers": [layer]}
        write_files(tmp_path / "image", {**files, "manifest.json": as_json([entry])})
        with open_tree(Path(f"docker-archive:{tmp_path / 'image'}")) as tree:
            assert isinstance(tree, ImageTree)
            assert contents(tree) == {"a": b"1"}
            assert (tree.config.index, tree.config.attestations) == ("application/vnd.oci.image.index.v1+json", 1)

    def test_an_archive_in_gzip(self, tmp_path: Path) -> None:
        write_image(tmp_path / "image.tar", Image([tar([Member("a", b"1")])], compressed=True), "docker-archive")
        packed = tmp_path / "image.tar.gz"
        packed.write_bytes(gzip.compress((tmp_path / "image.tar").read_bytes()))
        with open_tree(packed) as tree:
            assert contents(tree) == {"a": b"1"}

    def test_a_layer_that_comes_twice_is_a_link(self, tmp_path: Path) -> None:
        image = Image([tar([Member("a", b"1")])] * 2)
        files = docker_files(image)
        manifest = json.loads(files.pop("manifest.json"))
        first = manifest[0]["Layers"][0]
        manifest[0]["Layers"] = [first, "second/layer.tar"]
        members = [Member(name, content) for name, content in files.items()]
        members += [Member("second/layer.tar", b"", link=f"../{first}"), Member("manifest.json", as_json(manifest))]
        (tmp_path / "image.tar").write_bytes(tar(members))
        with open_tree(tmp_path / "image.tar") as tree:
            assert contents(tree) == {"a": b"1"}

    def test_one_of_several_images(self, tmp_path: Path) -> None:
        first, second = (Image([tar([Member(name, b"")])], name=f"{name}:1") for name in "ab")
        files, more = docker_files(first), docker_files(second)
        both = json.loads(files["manifest.json"]) + json.loads(more["manifest.json"])
        path = tmp_path / "image.tar"
        write_files(path, {**files, **more, "manifest.json": as_json(both)})
        with pytest.raises(UsageError, match=r"2 images; it has a:1, b:1"):
            open_tree(path)
        with pytest.raises(UsageError, match="of the name c"):
            open_tree(Path(f"docker-archive:{path}:c"))
        with open_tree(Path(f"docker-archive:{path}:b:1")) as tree:
            assert paths(tree) == ["b"]

    def test_an_architecture_is_chosen_from_an_index(self, tmp_path: Path) -> None:
        images = [
            Image([tar([Member(name, b"")])], architecture=name, index=True, name=name) for name in ("amd64", "arm64")
        ]
        layouts = [oci_files(image) for image in images]
        tops = [json.loads(files["index.json"])["manifests"][0] for files in layouts]
        path = tmp_path / "image"
        write_files(path, {**layouts[0], **layouts[1], "index.json": as_json({"schemaVersion": 2, "manifests": tops})})
        for architecture, name in ((None, "amd64"), ("x86_64", "amd64"), ("arm64", "arm64")):
            with open_tree(path, architecture=architecture) as tree:
                assert isinstance(tree, ImageTree)
                assert paths(tree) == [name]
                assert tree.config.platforms == ("linux/amd64", "linux/arm64")
        with open_tree(Path(f"oci-archive:{path}:arm64")) as tree:
            assert paths(tree) == ["arm64"]

    def test_platforms_that_are_named_and_not_stored(self, tmp_path: Path) -> None:
        write_image(tmp_path / "image", Image([tar([Member("a", b"")])], index=True, platforms=["linux/arm64"]), "oci")
        with open_tree(tmp_path / "image", architecture="arm64") as tree:
            assert isinstance(tree, ImageTree)
            assert (tree.config.architecture, tree.config.platforms) == ("x86_64", ("linux/amd64", "linux/arm64"))

    @pytest.mark.parametrize("name", ["docker-daemon:", "docker://", "docker://UPPER", "docker://a b"])
    def test_a_name_that_names_nothing(self, name: str) -> None:
        with pytest.raises(UsageError):
            open_tree(name)

    def test_a_tar_without_an_image(self, tmp_path: Path) -> None:
        (tmp_path / "x.tar").write_bytes(tar([Member("handler.py", HANDLER)]))
        for name in ("{}", "docker-archive:{}", "oci-archive:{}"):
            with pytest.raises(UnreadableArtifact, match=r"x\.tar"):
                open_tree(Path(name.format(tmp_path / "x.tar")))
        with pytest.raises(UnreadableArtifact, match="takes a folder"):
            open_tree(Path(f"oci:{tmp_path / 'x.tar'}"))
        with pytest.raises(UnreadableArtifact, match="no such file"):
            open_tree(Path(f"docker-archive:{tmp_path / 'none.tar'}"))


class TestLayers:
    def test_whiteouts(self, tmp_path: Path) -> None:
        lower = tar([Member("a/gone", b"1"), Member("a/kept", b"2"), Member("b/x/deep", b"3")])
        upper = tar([Member("a/.wh.gone", b""), Member(".wh.b", b""), Member(".wh..wh.plnk", b""), Member(".wh.", b"")])
        with opened(tmp_path, lower, upper) as tree:
            assert contents(tree) == {"a/kept": b"2"}

    def test_an_opaque_folder_hides_what_lies_below_and_nothing_of_its_own_layer(self, tmp_path: Path) -> None:
        lower = tar([Member("task/old.py", b"1"), Member("task/pkg/old.py", b"1"), Member("other", b"2")])
        upper = tar([Member("task/new.py", b"3"), Member("task/.wh..wh..opq", b""), Member("task/pkg/new.py", b"4")])
        with opened(tmp_path, lower, upper) as tree:
            assert contents(tree) == {"other": b"2", "task/new.py": b"3", "task/pkg/new.py": b"4"}

    def test_a_whiteout_spares_later_layers(self, tmp_path: Path) -> None:
        layers = [tar([Member("a", b"1")]), tar([Member(".wh.a", b"")]), tar([Member("a", b"2")])]
        with opened(tmp_path, *layers) as tree:
            assert contents(tree) == {"a": b"2"}

    def test_a_file_in_place_of_a_folder_and_back(self, tmp_path: Path) -> None:
        folder, file = tar([Member("x/", b"", 0o755), Member("x/y/z", b"1")]), tar([Member("x", b"2")])
        with opened(tmp_path, folder, file) as tree:
            assert contents(tree) == {"x": b"2"}
        with opened(tmp_path, file, folder) as tree:
            assert contents(tree) == {"x/y/z": b"1"}
            assert tree.by_path["x"].is_directory
        with opened(tmp_path, file, tar([Member("x/y", b"3")])) as tree:
            assert contents(tree) == {"x/y": b"3"}

    def test_a_folder_again_keeps_its_files_and_takes_the_mode(self, tmp_path: Path) -> None:
        layers = [tar([Member("x/", b"", 0o755), Member("x/a", b"1")]), tar([Member("x/", b"", 0o700)])]
        with opened(tmp_path, *layers) as tree:
            assert contents(tree) == {"x/a": b"1"}
            assert tree.by_path["x"].permissions == 0o700

    def test_links(self, tmp_path: Path) -> None:
        lower = tar(
            [
                Member("usr/lib64/libc.so.6", b"elf", 0o755),
                Member("lib64", b"", 0o777, link="usr/lib64"),
                hard_link("usr/lib64/libc-2.34.so", "usr/lib64/libc.so.6"),
            ]
        )
        # What a layer puts below a link lands in the link's folder; hard links may lead to a lower layer.
        upper = tar([Member("lib64/libz.so.1", b"z"), hard_link("copy", "./lib64/libc.so.6")])
        with opened(tmp_path, lower, upper, compressed=True) as tree:
            assert contents(tree) == {
                "copy": b"elf",
                "usr/lib64/libc-2.34.so": b"elf",
                "usr/lib64/libc.so.6": b"elf",
                "usr/lib64/libz.so.1": b"z",
            }
            assert tree.by_path["lib64"].link == "usr/lib64"
            assert tree.by_path["copy"].size == 3
            assert tree.by_path["copy"].permissions == 0o755
            found = Stack([Mount("/", tree)]).file("/lib64/libz.so.1")
            assert found is not None
            assert found.path == "/usr/lib64/libz.so.1"

    def test_a_hard_link_to_nothing(self, tmp_path: Path) -> None:
        with opened(tmp_path, tar([hard_link("a", "none"), hard_link("b", "../none")])) as tree:
            assert paths(tree) == []
            assert {(problem.kind, problem.path) for problem in tree.problems} == {
                ("unreadable", "a"),
                ("unreadable", "b"),
                ("unsafe-path", "../none"),
            }

    def test_links_in_a_circle(self, tmp_path: Path) -> None:
        lower = tar([Member("a", b"", link="b"), Member("b", b"", link="a")])
        with opened(tmp_path, lower, tar([Member("a/x", b"1")])) as tree:
            assert b"1" in contents(tree).values()

    def test_names(self, tmp_path: Path) -> None:
        layer = tar(
            [
                Member("./a", b"1"),
                Member("/abs", b"2"),
                Member("c/../d", b"3"),
                Member("../out", b"4"),
                Member("./", b""),
            ]
        )
        with opened(tmp_path, layer) as tree:
            assert contents(tree) == {"a": b"1", "abs": b"2", "d": b"3"}
            assert [(problem.kind, problem.path) for problem in tree.problems] == [("unsafe-path", "../out")]

    def test_a_name_that_is_no_utf8(self, tmp_path: Path) -> None:
        layer = tar([Member("caf\udce9", b"1")])
        assert b"caf\xe9" in layer
        with opened(tmp_path, layer) as tree:
            assert contents(tree) == {"caf\\xe9": b"1"}
            assert [problem.kind for problem in tree.problems] == ["non-utf8-name"]

    def test_devices_are_no_files(self, tmp_path: Path) -> None:
        device = tarfile.TarInfo("dev/null")
        device.type = tarfile.CHRTYPE
        with opened(tmp_path, tar([device])) as tree:
            (entry,) = tree.entries()
            assert stat.S_ISCHR(entry.mode)
            assert not entry.is_file

    def test_a_sparse_file(self, tmp_path: Path) -> None:
        sparse = tarfile.TarInfo("disk")
        sparse.size = 512
        sparse.pax_headers = {"GNU.sparse.map": "4,2,1020,1", "GNU.sparse.size": "1024", "GNU.sparse.name": "disk"}
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.addfile(sparse, io.BytesIO(b"abc".ljust(512, b"\0")))
        with opened(tmp_path, written.getvalue()) as tree:
            assert contents(tree) == {"disk": b"\0" * 4 + b"ab" + b"\0" * 1014 + b"c" + b"\0" * 3}


class TestDamages:
    def test_a_truncated_layer(self, tmp_path: Path) -> None:
        layer = tar([Member("a", b"1" * 5000), Member("b", b"2" * 5000)])
        for cut in (layer[:4000], layer[:6000], layer[:600], layer[:100]):
            with pytest.raises(UnreadableArtifact, match=r"cut short|damaged"):
                opened(tmp_path, cut)

    @pytest.mark.parametrize("layout", LAYOUTS[:2])
    def test_a_truncated_archive(self, tmp_path: Path, layout: ImageLayout) -> None:
        write_image(tmp_path / "image", Image([tar([Member("a", bytes(50_000))])]), layout)
        data = (tmp_path / "image").read_bytes()
        for length in (len(data) // 2, 20_000, 700):
            (tmp_path / "image").write_bytes(data[:length])
            with pytest.raises(UnreadableArtifact):
                open_tree(tmp_path / "image")

    def test_a_damaged_header(self, tmp_path: Path) -> None:
        layer = bytearray(tar([Member("a", b"1"), Member("b", b"2")]))
        layer[1024 + 10] ^= 1
        with pytest.raises(UnreadableArtifact, match="damaged"):
            opened(tmp_path, bytes(layer))

    @pytest.mark.parametrize("at", [100, -30, -6])
    def test_a_damaged_gzip_stream(self, tmp_path: Path, at: int) -> None:
        image = Image([tar([Member("a", random.Random(1).randbytes(3000))])], compressed=True)
        files = oci_files(image)
        name = next(name for name, content in files.items() if content[:2] == b"\x1f\x8b")
        data = bytearray(files[name])
        data[at] ^= 0xFF
        write_files(tmp_path / "image", {**files, name: bytes(data)})
        with pytest.raises(UnreadableArtifact, match=r"damaged|cut short|something else"):
            open_tree(tmp_path / "image")

    def test_a_cut_gzip_stream(self, tmp_path: Path) -> None:
        files = docker_files(Image([tar([Member("a", bytes(9000))])], compressed=True))
        name = next(name for name, content in files.items() if content[:2] == b"\x1f\x8b")
        write_files(tmp_path / "image", {**files, name: files[name][:-12]})
        with pytest.raises(UnreadableArtifact, match="cut short"):
            open_tree(tmp_path / "image")

    @pytest.mark.parametrize("compressed", [False, True])
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_another_layer_than_the_digests_promise(
        self, tmp_path: Path, layout: ImageLayout, compressed: bool
    ) -> None:
        image = Image([tar([Member("a", b"1")])], compressed=compressed)
        files = docker_files(image) if layout == "docker-archive" else oci_files(image)
        other = tar([Member("a", b"2")])
        whole = gzip.compress(image.layers[0], mtime=0) if compressed else image.layers[0]
        name = next(name for name, content in files.items() if content == whole)
        files[name] = gzip.compress(other, mtime=0) if compressed else other
        write_files(tmp_path / "image", files, folder=layout == "oci")
        with open_tree(tmp_path / "image") as tree:
            assert {(problem.kind, problem.path) for problem in tree.problems} == {("wrong-digest", name)}
            assert contents(tree) == {"a": b"2"}

    def test_a_config_or_manifest_that_is_another(self, tmp_path: Path) -> None:
        files = oci_files(Image([tar([])]))
        documents = [name for name, content in files.items() if name.startswith("blobs") and content[:1] == b"{"]
        assert len(documents) == 2
        for name in documents:
            write_files(tmp_path / "image", {**files, name: files[name] + b" "})
            with pytest.raises(UnreadableArtifact, match="SHA-256"):
                open_tree(tmp_path / "image")

    def test_what_is_missing(self, tmp_path: Path) -> None:
        for files in (docker_files(Image([tar([])])), oci_files(Image([tar([])]))):
            for name in files:
                if name in ("oci-layout", "index.json", "manifest.json"):
                    continue
                write_files(tmp_path / "image", {key: value for key, value in files.items() if key != name})
                with pytest.raises(UnreadableArtifact, match="is missing"):
                    open_tree(tmp_path / "image")

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("manifest.json", b"{"),
            ("manifest.json", b"[]"),
            ("manifest.json", b"{}"),
            ("index.json", b"[]"),
            ("index.json", as_json({"manifests": [{"digest": "sha256:../../etc/passwd"}]})),
            ("index.json", as_json({"manifests": []})),
        ],
    )
    def test_manifests_without_sense(self, tmp_path: Path, name: str, content: bytes) -> None:
        write_files(tmp_path / "image", {name: content})
        with pytest.raises(UnreadableArtifact):
            open_tree(tmp_path / "image")

    def test_a_file_that_shrank_meanwhile(self, tmp_path: Path) -> None:
        with opened(tmp_path, tar([Member("a", b"1" * 70_000)])) as tree:
            (tmp_path / "image").write_bytes(b"")
            with pytest.raises(UnreadableMember, match="a: the archive is cut short"):
                contents(tree)

    def test_zstd_needs_a_python_that_has_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "compression.zstd", None)
        with pytest.raises(UnreadableArtifact, match=r"zstd.*3\.14"):
            opened(tmp_path, b"\x28\xb5\x2f\xfd" + bytes(20))

    def test_zstd(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        layer = tar([Member("a", b"1" * 9000)])

        class File(io.BytesIO):
            def __init__(self, stream: Cursor) -> None:
                assert stream.read(4) == b"\x28\xb5\x2f\xfd"
                super().__init__(layer)

        monkeypatch.setitem(sys.modules, "compression.zstd", SimpleNamespace(ZstdFile=File, ZstdError=OSError))
        with opened(tmp_path, b"\x28\xb5\x2f\xfd" + bytes(20)) as tree:
            assert contents(tree) == {"a": b"1" * 9000}


class TestInflated:
    def test_any_place_in_any_order(self) -> None:
        chance = random.Random(7)
        data = b"".join(chance.randbytes(3000) + bytes(20_000) for _ in range(400))
        packed = gzip.compress(data[:5_000_000]) + gzip.compress(b"") + gzip.compress(data[5_000_000:]) + bytes(512)
        source = Inflated(MemorySource(packed))
        for _ in range(300):
            at, size = chance.randrange(len(data) + 1000), chance.choice((1, 512, 70_000, 3_000_000))
            assert source.read_at(at, size) == data[at : at + size]
        assert sha256_of(source) == sha256(data)
        assert source.read_at(len(data), 1) == b""

    def test_more_than_is_kept_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lambdapack.artifact.inflated._FIRST_BLOCK", 1000)
        monkeypatch.setattr("lambdapack.artifact.inflated._BLOCKS_BEFORE_GROWTH", 8)
        monkeypatch.setattr("lambdapack.artifact.inflated._KEPT", 2500)
        data = random.Random(3).randbytes(100_000)
        source = Inflated(MemorySource(gzip.compress(data)))
        assert source.read_at(0, len(data)) == data
        for at in (99_990, 0, 50_000, 3, 70_001):
            assert source.read_at(at, 5000) == data[at : at + 5000]

    def test_what_follows_the_stream(self) -> None:
        with pytest.raises(BrokenData, match="something else"):
            Inflated(MemorySource(gzip.compress(b"x") + b"\0\0junk")).read_at(0, 10)

    def test_members_that_end_where_a_block_was_cut(self) -> None:
        stretches = [b"x = 1\n" * 700_000, b"y" * 3_000_000, b"end"]
        packed = b"".join(gzip.compress(stretch) for stretch in stretches)
        assert Inflated(MemorySource(packed)).read_at(0, 10_000_000) == b"".join(stretches)
