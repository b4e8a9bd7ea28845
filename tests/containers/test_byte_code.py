"""Byte code made by the Python of a runtime's image, which is started without an engine and without a sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.importtest.compiling import find_compiler
from lambdapack.profiles import load_profile
from lambdapack.progress import silent


def test_the_images_own_python_compiles(
    served: Callable[[str], str], image_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = served(image_of("python3.14"))
    for variable in ("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    compiler = find_compiler(load_profile("python3.14", "x86_64"), silent, downloads=False, image=image)
    assert image in compiler.name
    version, magic = compiler.identity()
    assert version.startswith("3.14.")
    content = compiler.compile([("/var/task/m.py", b"x = 1\n")])[0]
    assert isinstance(content, bytes)
    assert int.from_bytes(content[:2], "little") == magic
