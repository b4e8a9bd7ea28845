"""A registry as it is run everywhere (CNCF distribution), started on loopback, filled and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import urllib3

from lambdapack.artifact import ImageTree, open_tree
from tests.recipes.archive import Member
from tests.recipes.image import Image, oci_files, tar


def push(registry: str, files: dict[str, bytes]) -> None:
    """Uploads an OCI layout as `team/app:1`."""
    http = urllib3.PoolManager()
    base = f"http://{registry}/v2/team/app"
    top = json.loads(files["index.json"])["manifests"][0]["digest"]
    documents = []
    for name, content in files.items():
        digest = f"sha256:{name.rpartition('/')[2]}"
        media_type = json.loads(content).get("mediaType") if content.startswith(b"{") else None
        if media_type:
            documents.append((digest, media_type, content))
        elif name.startswith("blobs/"):
            place = http.request("POST", f"{base}/blobs/uploads/").headers["Location"]
            joint = "&" if "?" in place else "?"
            assert http.request("PUT", f"{place}{joint}digest={digest}", body=content).status == 201
    for digest, media_type, content in sorted(documents, key=lambda item: item[0] == top):
        name = "1" if digest == top else digest
        answer = http.request("PUT", f"{base}/manifests/{name}", body=content, headers={"Content-Type": media_type})
        assert answer.status == 201, answer.data
    http.clear()


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_an_image_is_pulled_and_read(
    registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: bool, compressed: bool
) -> None:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    layers = (tar([Member("var/task/handler.py", b"x = 1\n")]), tar([Member("var/task/data.bin", b"d" * 5_000_000)]))
    push(registry, oci_files(Image(layers, command=("handler.lambda_handler",), index=index, compressed=compressed)))
    with open_tree(f"docker://{registry}/team/app:1") as tree:
        assert isinstance(tree, ImageTree)
        assert [entry.path for entry in tree.entries() if entry.is_file] == ["var/task/data.bin", "var/task/handler.py"]
        assert tree.read_bytes(tree.by_path["var/task/handler.py"]) == b"x = 1\n"
        assert tree.config.platforms == (("linux/amd64",) if index else ())
        assert not tree.problems
