"""Reading hashes and index options out of requirement files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.builder.requirements import read_details
from lambdapack.errors import BuildFailed

ONE, TWO = "1" * 64, "2" * 64


def test_hashes_are_found_through_includes_and_continued_lines(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.txt").write_text(
        f"Some.Thing[extra]==1 ; python_version > '3' --hash=sha256:{ONE}\n-r more.txt\n"
    )
    (tmp_path / "r.txt").write_text(
        f"# --hash=sha256:{TWO}\n-rsub/more.txt\n--requirement=sub/more.txt\n"
        f"other==2 \\\n  --hash=sha256:{ONE} \\\n  --hash=sha256:{TWO.upper()}  # why\nplain\n"
    )
    details = read_details((tmp_path / "r.txt",), (), tmp_path)
    assert details.hashes == {"some-thing": {ONE}, "other": {ONE, TWO}}


def test_index_options_are_kept_with_absolute_folders(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("--index-url https://index.invalid/simple\n-f wheels\n--no-index\nthing\n")
    details = read_details((tmp_path / "r.txt",), (), tmp_path)
    assert details.index_options == [
        "--index-url https://index.invalid/simple",
        f"--find-links {(tmp_path / 'wheels').resolve().as_uri()}",
        "--no-index",
    ]


def test_a_hash_that_cannot_be_held_against_a_wheel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="thing"):
        read_details((), ("thing==1 --hash=sha512:00",), tmp_path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(BuildFailed, match=r"r\.txt"):
        read_details((tmp_path / "r.txt",), (), tmp_path)
