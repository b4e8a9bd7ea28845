"""Locks of every tool: what of them is taken, that it is taken exactly, and when they are refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import uv

from lambdapack.builder.inputs import InputKind, Inputs
from lambdapack.builder.resolutions import Resolution
from lambdapack.builder.staleness import pipenv_digest, poetry_digest
from lambdapack.errors import BuildFailed
from tests.unit.builder.makers import make_profile, make_project, make_wheel, resolve_file, resolve_inputs


def resolve_lock(file: Path, kind: InputKind, *, locked: bool = False, **options: Any) -> Resolution:
    python = options.pop("python", (3, 13))
    inputs = Inputs(kind, (file,), (), file.parent, **options)
    return resolve_inputs(inputs, make_profile(python), locked=locked)


def names(resolution: Resolution) -> list[str]:
    return [wheel.label for wheel in resolution.wheels]


def digest_of(folder: Path, name: str, **how: Any) -> str:
    return make_wheel(folder, name, **how).sha256


class TestUv:
    @pytest.fixture
    def workspace(self, tmp_path: Path, links: Path) -> Path:
        """Two members, of which one needs the other, and a lock as uv writes it."""
        for name in ("common", "third", "fast", "tool"):
            make_wheel(links, name)
        top = tmp_path / "workspace"
        make_project(top / "api", "api", requires=("shared", "third"))
        make_project(top / "shared", "shared", requires=("common",))
        with (top / "api" / "pyproject.toml").open("a") as file:
            file.write('[project.optional-dependencies]\nspeed = ["fast"]\n[dependency-groups]\ndev = ["tool"]\n')
            file.write("[tool.uv.sources]\nshared = { workspace = true }\n")
        (top / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["api", "shared"]\n')
        uv_lock(top)
        return top / "uv.lock"

    def test_a_member_and_what_it_needs(self, workspace: Path) -> None:
        found = resolve_lock(workspace, "uv", package="api")
        assert names(found) == ["common 1.0", "shared 1.0", "third 1.0"]
        assert found.folders == (workspace.parent / "shared",)

    def test_its_own_code_where_nothing_else_is_packed(self, workspace: Path) -> None:
        found = resolve_lock(workspace, "uv", package="api", own=True)
        assert names(found) == ["api 1.0", "common 1.0", "shared 1.0", "third 1.0"]

    def test_extras_and_groups(self, workspace: Path) -> None:
        found = resolve_lock(workspace, "uv", package="api", extras=("speed",), groups=("dev",))
        assert {"fast 1.0", "tool 1.0"} <= set(names(found))

    @pytest.mark.parametrize("option", [{"extras": ("no",)}, {"groups": ("no",)}, {"package": "no"}])
    def test_what_it_does_not_have(self, workspace: Path, option: dict[str, Any]) -> None:
        with pytest.raises(BuildFailed, match="no"):
            resolve_lock(workspace, "uv", **{"package": "api", **option})

    def test_a_stale_one_is_refused_when_it_has_to_be_right(self, workspace: Path, links: Path) -> None:
        make_wheel(links, "later")
        assert names(resolve_lock(workspace, "uv", package="api", locked=True))
        project = workspace.parent / "api" / "pyproject.toml"
        project.write_text(project.read_text().replace('"third"', '"third", "later"'))
        assert "later 1.0" not in names(resolve_lock(workspace, "uv", package="api"))
        with pytest.raises(BuildFailed, match=r"uv\.lock: is stale") as caught:
            resolve_lock(workspace, "uv", package="api", locked=True)
        assert caught.value.exit_status == 5
        assert "uv lock" in str(caught.value.hint)

    def test_another_python(self, workspace: Path) -> None:
        with pytest.raises(BuildFailed, match=r"is locked for Python >=3\.11, the target is python3\.9"):
            resolve_lock(workspace, "uv", package="api", python=(3, 9))


class TestPoetry:
    def lock(self, folder: Path, entries: str, *, metadata: str = "") -> Path:
        (folder / "poetry.lock").write_text(f"{entries}\n[extras]\nspeed = ['fast']\n[metadata]\n{metadata}\n")
        return folder / "poetry.lock"

    @staticmethod
    def entry(name: str, digest: str, more: str = 'groups = ["main"]\noptional = false') -> str:
        files = f'files = [{{file = "{name}-1.0-py3-none-any.whl", hash = "sha256:{digest}"}}]'
        return f'[[package]]\nname = "{name}"\nversion = "1.0"\n{more}\n{files}\n'

    def test_groups_extras_and_markers(self, tmp_path: Path, links: Path) -> None:
        def entry(name: str, more: str) -> str:
            return self.entry(name, digest_of(links, name), more)

        lock = self.lock(
            tmp_path,
            entry("one", 'groups = ["main"]\noptional = false')
            + entry("old", 'groups = ["main"]\noptional = false\nmarkers = "python_version < \'3.10\'"')
            + entry("tool", 'groups = ["dev"]\noptional = false')
            + entry("fast", 'groups = ["main"]\noptional = true\nmarkers = "extra == \'speed\'"'),
        )
        make_wheel(links, "one", version="2.0")
        assert names(resolve_lock(lock, "poetry")) == ["one 1.0"]
        assert names(resolve_lock(lock, "poetry", extras=("speed",), groups=("dev",))) == [
            "fast 1.0",
            "one 1.0",
            "tool 1.0",
        ]
        assert names(resolve_lock(lock, "poetry", python=(3, 9))) == ["old 1.0", "one 1.0"]
        options: list[dict[str, Any]] = [{"extras": ("no",)}, {"groups": ("no",)}]
        for option in options:
            with pytest.raises(BuildFailed, match="'no'"):
                resolve_lock(lock, "poetry", **option)

    def test_a_lock_that_does_not_say_groups(self, tmp_path: Path, links: Path) -> None:
        """Those of poetry 1.5 to 1.8: what the project requires, and what that requires."""
        more = "optional = false"
        (tmp_path / "pyproject.toml").write_text(
            "[tool.poetry.dependencies]\npython = '*'\nOne = '*'\n[tool.poetry.group.dev.dependencies]\ntool = '*'\n"
        )
        one = self.entry("one", digest_of(links, "one"), more) + "[package.dependencies]\ntwo = '>=1'\n"
        rest = "".join(self.entry(name, digest_of(links, name), more) for name in ("two", "tool"))
        lock = self.lock(tmp_path, one + rest)
        assert names(resolve_lock(lock, "poetry")) == ["one 1.0", "two 1.0"]
        assert names(resolve_lock(lock, "poetry", groups=("dev",))) == ["one 1.0", "tool 1.0", "two 1.0"]

    def test_the_hash_is_held_against_what_the_index_has(self, tmp_path: Path, links: Path) -> None:
        make_wheel(links, "one")
        lock = self.lock(tmp_path, self.entry("one", "0" * 64))
        with pytest.raises(BuildFailed, match=r"one 1\.0: none of its fitting wheels"):
            resolve_lock(lock, "poetry")

    def test_folders_and_files(self, tmp_path: Path, links: Path) -> None:
        make_project(tmp_path / "beside", "beside")
        wheel = make_wheel(tmp_path / "wheels", "filed")
        lock = self.lock(
            tmp_path,
            '[[package]]\nname = "beside"\nversion = "1.0"\ngroups = ["main"]\nfiles = []\n'
            '[package.source]\ntype = "directory"\nurl = "beside"\n'
            + self.entry("filed", wheel.sha256)
            + f'[package.source]\ntype = "file"\nurl = "wheels/{wheel.filename}"\n',
        )
        assert names(resolve_lock(lock, "poetry")) == ["beside 1.0", "filed 1.0"]

    def test_stale(self, tmp_path: Path, links: Path) -> None:
        project = {"tool": {"poetry": {"dependencies": {"one": "*"}}}}
        entry = self.entry("one", digest_of(links, "one"))
        lock = self.lock(tmp_path, entry, metadata=f'content-hash = "{poetry_digest(project, groups=True)}"')
        (tmp_path / "pyproject.toml").write_text("[tool.poetry.dependencies]\none = '*'\n[tool.other]\nx = 1\n")
        assert names(resolve_lock(lock, "poetry", locked=True)) == ["one 1.0"]
        (tmp_path / "pyproject.toml").write_text("[tool.poetry.dependencies]\none = '*'\ntwo = '*'\n")
        assert names(resolve_lock(lock, "poetry")) == ["one 1.0"]
        with pytest.raises(BuildFailed, match=r"poetry\.lock: is stale"):
            resolve_lock(lock, "poetry", locked=True)

    def test_the_digest_is_poetry_s(self) -> None:
        """Written by poetry 2.5.1 for these two projects, the second of the older form."""
        modern = {
            "project": {
                "name": "po",
                "version": "0.1",
                "requires-python": ">=3.11,<4",
                "dependencies": ["requests==2.32.3"],
                "optional-dependencies": {"fast": ["orjson"]},
            },
            "dependency-groups": {"dev": ["iniconfig"]},
            "tool": {
                "poetry": {
                    "package-mode": False,
                    "group": {"extra": {"dependencies": {"tomli": "^2"}}},
                    "source": [{"name": "mirror", "url": f"{PYPI}/simple/", "priority": "primary"}],
                }
            },
        }
        assert poetry_digest(modern, groups=True) == MODERN
        older = {"tool": {"poetry": {"name": "po", "dependencies": {"python": "^3.11", "six": "1.17.0"}}}}
        assert poetry_digest(older, groups=True) == OLDER


class TestPipenv:
    def lock(self, folder: Path, default: dict[str, Any], **more: Any) -> Path:
        document = {"_meta": {"sources": [], **more.pop("meta", {})}, "default": default, **more}
        (folder / "Pipfile.lock").write_text(json.dumps(document))
        return folder / "Pipfile.lock"

    def test_categories_and_markers(self, tmp_path: Path, links: Path) -> None:
        def entry(name: str, **more: str) -> dict[str, Any]:
            return {name: {"version": "==1.0", "hashes": [f"sha256:{digest_of(links, name)}"], **more}}

        default = entry("one") | entry("win", markers="sys_platform == 'win32'")
        lock = self.lock(tmp_path, default, develop=entry("tool"))
        make_wheel(links, "one", version="2.0")
        assert names(resolve_lock(lock, "pipenv")) == ["one 1.0"]
        assert names(resolve_lock(lock, "pipenv", groups=("develop",))) == ["one 1.0", "tool 1.0"]
        with pytest.raises(BuildFailed, match="'docs'"):
            resolve_lock(lock, "pipenv", groups=("docs",))

    def test_the_hash_is_held_against_what_the_index_has(self, tmp_path: Path, links: Path) -> None:
        make_wheel(links, "one")
        lock = self.lock(tmp_path, {"one": {"version": "==1.0", "hashes": [f"sha256:{'0' * 64}"]}})
        with pytest.raises(BuildFailed, match=r"one 1\.0: none of its fitting wheels"):
            resolve_lock(lock, "pipenv")

    def test_stale(self, tmp_path: Path, links: Path) -> None:
        entry = {"one": {"version": "==1.0", "hashes": [f"sha256:{digest_of(links, 'one')}"]}}
        digest = pipenv_digest({"packages": {"one": "*"}}, [])
        lock = self.lock(tmp_path, entry, meta={"hash": {"sha256": digest}})
        (tmp_path / "Pipfile").write_text('[packages]\none = "*"\n[scripts]\nx = "y"\n')
        assert names(resolve_lock(lock, "pipenv", locked=True)) == ["one 1.0"]
        (tmp_path / "Pipfile").write_text('[packages]\none = "*"\ntwo = "*"\n')
        with pytest.raises(BuildFailed, match=r"Pipfile\.lock: is stale"):
            resolve_lock(lock, "pipenv", locked=True)

    def test_the_digest_is_pipenv_s(self) -> None:
        """Written by pipenv 2026.10.3 for this file."""
        pipfile = {
            "source": [{"url": f"{PYPI}/simple", "verify_ssl": True, "name": "pypi"}],
            "packages": {
                "requests": "==2.32.3",
                "colorama": {"version": "*", "markers": "sys_platform == 'win32'"},
            },
            "dev-packages": {"iniconfig": "*"},
        }
        assert pipenv_digest(pipfile, []) == "7cf63aa051119a9bef6dbac3096cf219e7d7e0b581837026be768d94604ad11b"


class TestPylock:
    def lock(self, folder: Path, packages: str, more: str = "") -> Path:
        (folder / "pylock.toml").write_text(
            f'lock-version = "1.0"\ncreated-by = "test"\n{more}\npackages = [{packages}]\n'
        )
        return folder / "pylock.toml"

    @staticmethod
    def package(folder: Path, name: str, marker: str = "") -> str:
        wheel = make_wheel(folder / "wheels", name)
        place = f'path = "wheels/{wheel.filename}", hashes = {{ sha256 = "{wheel.sha256}" }}'
        condition = f', marker = "{marker}"' if marker else ""
        return f'{{ name = "{name}", version = "1.0"{condition}, wheels = [{{ {place} }}] }},'

    def test_extras_groups_and_markers(self, tmp_path: Path) -> None:
        lock = self.lock(
            tmp_path,
            self.package(tmp_path, "one")
            + self.package(tmp_path, "old", "python_version < '3.10'")
            + self.package(tmp_path, "fast", "'speed' in extras")
            + self.package(tmp_path, "tool", "'dev' in dependency_groups"),
            'extras = ["speed"]\ndependency-groups = ["dev"]',
        )
        assert names(resolve_lock(lock, "pylock")) == ["one 1.0"]
        found = resolve_lock(lock, "pylock", extras=("speed",), groups=("dev",))
        assert names(found) == ["fast 1.0", "one 1.0", "tool 1.0"]
        with pytest.raises(BuildFailed, match="has no extra 'no'; it has speed"):
            resolve_lock(lock, "pylock", extras=("no",))

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ('requires-python = ">=3.14"', "is locked for Python"),
            ("environments = [\"sys_platform == 'win32'\"]", "other environments"),
            ('lock-version = "9"', "pylock"),
        ],
    )
    def test_for_something_else(self, tmp_path: Path, more: str, words: str) -> None:
        lock = self.lock(tmp_path, self.package(tmp_path, "one"), more)
        if "lock-version" in more:
            lock.write_text(lock.read_text().replace('lock-version = "1.0"\n', "", 1))
        with pytest.raises(BuildFailed, match=words):
            resolve_lock(lock, "pylock")

    def test_a_damaged_one(self, tmp_path: Path) -> None:
        (tmp_path / "pylock.toml").write_text("[")
        with pytest.raises(BuildFailed, match="pylock"):
            resolve_lock(tmp_path / "pylock.toml", "pylock")


class TestRequirements:
    def test_they_are_a_lock_when_they_pin_everything(self, tmp_path: Path, links: Path) -> None:
        make_wheel(links, "one", requires=("two",))
        make_wheel(links, "two")
        file = tmp_path / "requirements.txt"
        file.write_text("one==1.0\ntwo==1.0\n")
        assert names(resolve_file(file, locked=True)) == ["one 1.0", "two 1.0"]
        file.write_text("one==1.0\n")
        assert names(resolve_file(file)) == ["one 1.0", "two 1.0"]
        with pytest.raises(BuildFailed, match="is not a lock: two has no pinned version"):
            resolve_file(file, locked=True)

    def test_a_project_without_a_lock_is_none(self, tmp_path: Path, links: Path) -> None:
        make_wheel(links, "one")
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\ndependencies = ["one"]\n')
        assert names(resolve_file(tmp_path / "pyproject.toml")) == ["one 1.0"]
        with pytest.raises(BuildFailed, match="nothing is locked"):
            resolve_file(tmp_path / "pyproject.toml", locked=True)

    def test_extras_and_groups_of_a_project(self, tmp_path: Path, links: Path) -> None:
        for name in ("one", "fast", "tool"):
            make_wheel(links, name)
        (tmp_path / "pyproject.toml").write_text(
            '[project]\nname = "x"\nversion = "1"\ndependencies = ["one"]\n'
            '[project.optional-dependencies]\nspeed = ["fast"]\n[dependency-groups]\ndev = ["tool"]\n'
        )
        found = resolve_lock(tmp_path / "pyproject.toml", "requirements", extras=("speed",), groups=("dev",))
        assert names(found) == ["fast 1.0", "one 1.0", "tool 1.0"]


def uv_lock(folder: Path, options: Sequence[str] = ()) -> None:
    """Locks a project as its author would."""
    command = [uv.find_uv_bin(), "lock", "--quiet", "--no-python-downloads", *options]
    subprocess.run(command, cwd=folder, check=True)


PYPI = "https://" + ".".join(("pypi", "org"))  # as poetry and pipenv had it when they wrote the digests
MODERN = "9cd4df92cf4042887e6e9b9fc402d397db71f9bdb68f7abfdc1d49a8b8542532"
OLDER = "44e5c1aa2a8d56bcbe589aec6a99bef518c0e774954962363d94e8faf217ee8e"
