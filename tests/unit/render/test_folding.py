"""Folding: nothing wider than asked that could be folded, nothing lost, commands whole, colours closed at line ends."""

from __future__ import annotations

from lambdapack.render.folding import fold, packed, width_of
from lambdapack.render.text import TextStyle


def test_no_width_leaves_lines_alone() -> None:
    line = "  word" * 100
    assert list(fold(line, None)) == [line]


def test_words_are_kept_below_their_label() -> None:
    line = "  fix: " + "some words to be read " * 10
    lines = list(fold(line.rstrip(), 40))
    assert all(width_of(piece) <= 40 for piece in lines)
    assert all(piece.startswith(" " * 7) for piece in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(line.split())


def test_a_command_has_a_line_of_its_own() -> None:
    command = "uv pip install --target FOLDER --reinstall --only-binary :all: --python-version 3.12 requests"
    lines = list(fold(f"  fix: add it to the requirements, build again: {command}; or attach a layer", 50))
    assert f"       {command}" in lines
    assert lines[-1] == "       or attach a layer"


def test_a_command_that_is_all_of_a_fix_is_not_broken() -> None:
    command = "docker run --rm --platform linux/arm64 --entrypoint python NAME -c 'import handler' and more words"
    assert "\n".join(fold(f"  fix: {command}", 40)).count(command) == 1


def test_a_path_is_not_broken() -> None:
    path = "/var/task/" + "folder/" * 20 + "file.py"
    assert any(path in piece for piece in fold(f"error[IMP001] missing-module  {path}", 60))


def test_colours_end_with_their_line() -> None:
    lines = list(fold(TextStyle(colour=True).paint("dim", "  reached: " + "a > " * 40), 40))
    assert len(lines) > 2
    assert all(piece.lstrip().startswith("\x1b[2m") and piece.endswith("\x1b[0m") for piece in lines)
    assert all(width_of(piece) <= 40 for piece in lines)


def test_parts_are_not_broken() -> None:
    assert list(packed(["ten chars.", "ten chars.", "ten chars."], 24)) == ["ten chars.  ten chars.", "ten chars."]
