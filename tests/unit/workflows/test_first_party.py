"""What the author wrote: no distribution's modules, and nothing that an import statement cannot spell."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from lambdapack.workflows.first_party import first_party_modules
from lambdapack.workflows.inspection import Target, open_target, subject_of


def test_modules_that_no_distribution_brought(tmp_path: Path) -> None:
    files = {
        "handler.py": "",
        "shared/__init__.py": "",
        "shared/deep/config.py": "",
        "shared/__main__.py": "",
        "my-script.py": "",
        "brought/__init__.py": "",
        "brought/part.py": "",
        "brought-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n",
        "brought-1.0.dist-info/RECORD": "brought/__init__.py,,\nbrought/part.py,,\nbrought-1.0.dist-info/METADATA,,\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with ExitStack() as stack:
        opened = open_target(Target(tmp_path, runtime="python3.13", architecture="x86_64"), stack)
        modules = first_party_modules(subject_of(opened, zipped_size=None))
    assert modules == ("handler", "shared", "shared.deep.config")
