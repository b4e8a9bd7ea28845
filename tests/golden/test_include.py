"""`include = "auto"`: the files that the handler needs, what is in doubt with them, and nothing else."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.golden.conftest import Lambdapack

CONFIGURATION = """
[functions.api]
runtime = "python3.13"
handler = "api.handler.handler"
include = "auto"
"""
FILES = {
    "api/__init__.py": "",
    "api/handler.py": """
import logging.config
from typing import TYPE_CHECKING
from common.db import models
if TYPE_CHECKING:
    from common import only_types
FILTER = {"()": "common.logs.Filter"}
def handler(event, context):
    from common import later
    return open("templates/mail.txt").read()
""",
    "billing/__init__.py": "",
    "billing/handler.py": "import common.other",
    "common/__init__.py": "__version__ = '1'\n",
    "common/data/x.json": "{}",
    "common/db/__init__.py": "",
    "common/db/models.py": "def f():\n    from . import deferred\n",
    "common/db/deferred.py": "",
    "common/db/unused.py": "",
    "common/logs.py": "class Filter: ...",
    "common/only_types.py": "",
    "common/other.py": "",
    "common/later.py": "import importlib\ndef g(n):\n    return importlib.import_module(f'common.plugins.{n}')\n",
    "common/plugins/__init__.py": "",
    "common/plugins/a.py": "try:\n    from common import deep\nexcept ImportError:\n    pass\n",
    "common/deep.py": "",
    "templates/mail.txt": "hello",
    "templates/never.json": "",
    "README.md": "",
    "tests/test_api.py": "import api.handler",
}
NEEDED = {
    "api/__init__.py",
    "api/handler.py",
    "common/__init__.py",
    "common/data/x.json",
    "common/db/__init__.py",
    "common/db/deferred.py",
    "common/db/models.py",
    "common/deep.py",
    "common/later.py",
    "common/logs.py",
    "common/plugins/__init__.py",
    "common/plugins/a.py",
    "templates/mail.txt",
    "templates/never.json",  # its folder is named
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    (tmp_path / "lambdapack.toml").write_text(CONFIGURATION)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def built(lambdapack: Lambdapack, project: Path) -> tuple[set[str], dict[str, Any]]:
    """The names in the artifact, and its sidecar."""
    run = lambdapack("build", "--format", "json", cwd=project)
    assert run.status == 0, run.out + run.err
    with zipfile.ZipFile(project / "dist" / "api.zip") as archive:
        names = set(archive.namelist())
    return names, json.loads((project / "dist" / "api.lambdapack.json").read_text())


def test_what_the_handler_needs_with_reasons(lambdapack: Lambdapack, project: Path) -> None:
    names, sidecar = built(lambdapack, project)
    assert names == NEEDED
    included = sidecar["included"]
    assert included.keys() == NEEDED
    assert included["common/db/models.py"] == "imported: api.handler > common.db.models"
    assert included["common/later.py"] == "imported in a function: api.handler > common.later"
    assert included["common/plugins/a.py"].endswith("all of common.plugins is taken")
    assert included["common/logs.py"] == "named in a string of api.handler"
    # What else lies in the project changes neither the bytes nor the digest of the sources.
    write(project, {"billing/more.py": "", "tests/more.py": ""})
    assert built(lambdapack, project)[1] == sidecar


@pytest.mark.parametrize(
    ("code", "doubt"),
    [
        ("import importlib, os\nimportlib.import_module(os.environ.get('X', 'json'))\n", "everything"),
        ("import pkgutil\nfor module in pkgutil.walk_packages(__path__): pass\n", "all of api"),
        (
            "def __getattr__(name):\n    import importlib\n    return importlib.import_module('.' + name, __name__)\n",
            "all of api",
        ),
    ],
)
def test_doubt_takes_more_and_says_so(lambdapack: Lambdapack, project: Path, code: str, doubt: str) -> None:
    write(project, {"api/__init__.py" if "api" in doubt else "top.py": code, "api/sub/extra.py": "import common.other"})
    if doubt == "everything":
        settings = project / "lambdapack.toml"
        settings.write_text(settings.read_text().replace("api.handler.handler", "top.handler"))
        write(project, {"top.py": f"{code}\ndef handler(event, context): ...\n"})
    names, sidecar = built(lambdapack, project)
    assert {"api/sub/extra.py", "common/other.py"} <= names
    assert ("tests/test_api.py" in names) == (doubt == "everything")
    assert doubt in sidecar["included"]["api/sub/extra.py"]


def test_known_names_leave_no_doubt(lambdapack: Lambdapack, project: Path) -> None:
    code = "import importlib\nmodule = importlib.import_module('common.other')\n"
    write(project, {"api/__init__.py": f"{code}def f():\n    __import__('common.db.unused')\n"})
    names, _ = built(lambdapack, project)
    assert names == NEEDED | {"common/other.py", "common/db/unused.py"}


def test_what_exclude_takes_from_the_handler_is_an_error(lambdapack: Lambdapack, project: Path) -> None:
    settings = project / "lambdapack.toml"
    settings.write_text(settings.read_text() + 'exclude = ["common/db/**"]\n')
    run = lambdapack("build", "--format", "json", cwd=project)
    assert run.status == 1
    (error,) = run.errors()
    assert (error["code"], error["evidence"]["module"]) == ("IMP001", "common.db")
    assert "'common/db/**'" in error["fix"]
    assert any("exclude 'common/db/**'" in told for told in run.report["told"])
