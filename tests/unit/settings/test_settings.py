"""Settings: what a configuration may say, and the one line each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.errors import EXIT_USAGE, UsageError
from lambdapack.settings import (
    FunctionSettings,
    Packing,
    RequirementOptions,
    Settings,
    load_settings,
    select_functions,
    with_their_layers,
)

COMPLETE = """
[tool.lambdapack.functions.dashboard]
handler = "handler.lambda_handler"
runtime = "python3.13"
source = ["functions/dashboard"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a function's folder, a shared package and a requirements file; the current folder."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "functions" / "dashboard").mkdir(parents=True)
    (tmp_path / "functions" / "dashboard" / "handler.py").touch()
    (tmp_path / "functions" / "dashboard" / "requirements.txt").touch()
    (tmp_path / "shared").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(project: Path, text: str, name: str = "pyproject.toml") -> Settings:
    (project / name).write_text(text, encoding="utf-8")
    return load_settings(None, project)


def mistake(project: Path, text: str, name: str = "pyproject.toml") -> str:
    with pytest.raises(UsageError) as caught:
        load(project, text, name)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{name}: ")
    assert caught.value.exit_status == EXIT_USAGE
    return message.removeprefix(f"{name}: ")


def changed(line: str) -> str:
    """The complete configuration with one key replaced (or added); an empty value removes the key."""
    key, _, value = line.partition(" = ")
    kept = [old for old in COMPLETE.splitlines() if not old.startswith(f"{key} =")]
    return "\n".join([*kept, line] if value else kept)


# --- what it may say ----------------------------------------------------------------------------------------


def test_a_small_configuration_gets_the_defaults(project: Path) -> None:
    assert load(project, COMPLETE).functions == {
        "dashboard": FunctionSettings(
            name="dashboard",
            handler="handler.lambda_handler",
            runtime="python3.13",
            architecture="x86_64",
            source=(project / "functions" / "dashboard",),
            shared=(),
            requirement_files=(),
            requirement_list=(),
            requirement_options=RequirementOptions(detect=True),
            exclude=(),
            package="zip",
            output=project / "dist" / "dashboard.zip",
        )
    }


def test_every_key_is_read(project: Path) -> None:
    text = COMPLETE + (
        'architecture = "arm64"\nshared = ["shared"]\nrequirements = "functions/dashboard/requirements.txt"\n'
        'exclude = ["**/tests/**"]\npackage = "image"\noutput = "out/it.zip"\n'
    )
    function = load(project, text).functions["dashboard"]
    assert function.architecture == "arm64"
    assert function.shared == (project / "shared",)
    assert function.requirement_files == (project / "functions" / "dashboard" / "requirements.txt",)
    assert function.exclude == ("**/tests/**",)
    assert function.package == "image"
    assert function.output == project / "out" / "it.zip"
    assert load(project, changed('package = "image"')).functions["dashboard"].output.name == "dashboard.tar"


def test_requirements_may_be_a_table(project: Path) -> None:
    (project / "uv.lock").touch()
    table = 'file = "uv.lock", package = "api", extras = ["aws"], groups = ["lambda"], from-source = ["x"]'
    function = load(project, changed(f'requirements = {{ {table}, build-image = "mine:1" }}')).functions["dashboard"]
    assert function.requirement_files == (project / "uv.lock",)
    assert function.requirement_options == RequirementOptions("api", ("aws",), ("lambda",), ("x",), "mine:1")
    function = load(project, changed('requirements = { list = ["six"], extras = [] }')).functions["dashboard"]
    assert (function.requirement_list, function.requirement_options.detect) == (("six",), False)
    function = load(project, changed('requirements = { groups = ["lambda"] }')).functions["dashboard"]
    assert function.requirement_options == RequirementOptions(groups=("lambda",), detect=True)


def test_no_requirements_is_not_the_same_as_none_named(project: Path) -> None:
    assert load(project, COMPLETE).functions["dashboard"].requirement_options.detect
    assert not load(project, changed("requirements = []")).functions["dashboard"].requirement_options.detect


def test_requirements_may_be_listed(project: Path) -> None:
    function = load(project, changed('requirements = ["pydantic==2.12.4", "tool @ file:///tool.whl"]')).functions[
        "dashboard"
    ]
    assert function.requirement_list == ("pydantic==2.12.4", "tool @ file:///tool.whl")
    assert function.requirement_files == ()


def test_functions_inherit_runtime_and_architecture(project: Path) -> None:
    text = """
    [tool.lambdapack]
    runtime = "python3.12"
    architecture = "arm64"
    [tool.lambdapack.functions.a]
    handler = "handler.f"
    source = ["functions/dashboard"]
    [tool.lambdapack.functions.b]
    handler = "handler.f"
    runtime = "python3.14"
    architecture = "x86_64"
    source = ["functions/dashboard"]
    """
    functions = load(project, text).functions
    assert [(f.runtime, f.architecture) for f in functions.values()] == [
        ("python3.12", "arm64"),
        ("python3.14", "x86_64"),
    ]


def test_a_layer_needs_no_handler(project: Path) -> None:
    text = """
    [tool.lambdapack.functions.common]
    package = "layer"
    runtime = "python3.13"
    requirements = ["pydantic"]
    """
    assert load(project, text).functions["common"].handler == ""


def test_lambdapack_toml_is_the_table_itself(project: Path) -> None:
    settings = load(project, COMPLETE.replace("tool.lambdapack.", ""), "lambdapack.toml")
    assert settings.path == project / "lambdapack.toml"
    assert list(settings.functions) == ["dashboard"]


def test_paths_are_seen_from_the_file_wherever_we_stand(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text(changed('source = ["../' + project.name + '/functions/dashboard"]'))
    monkeypatch.chdir(project / "shared")
    settings = load_settings(Path("../pyproject.toml"), Path())
    assert settings.functions["dashboard"].source == (project / "functions" / "dashboard",)


def test_a_linked_package_keeps_its_own_name(project: Path) -> None:
    (project / "linked").symlink_to(project / "shared", target_is_directory=True)
    assert load(project, changed('shared = ["linked"]')).functions["dashboard"].shared == (project / "linked",)


# --- where it is looked for ---------------------------------------------------------------------------------


def test_the_nearest_configuration_above_is_found(project: Path) -> None:
    load(project, COMPLETE)
    (project / "functions" / "pyproject.toml").write_text("[project]\nname = 'unrelated'\n")
    assert load_settings(None, project / "functions" / "dashboard").path == project / "pyproject.toml"


def test_lambdapack_toml_comes_before_pyproject(project: Path) -> None:
    load(project, COMPLETE)
    assert load(project, "", "lambdapack.toml").path == project / "lambdapack.toml"


def test_the_search_ends_at_the_top_of_the_repository(project: Path) -> None:
    load(project, COMPLETE)
    (project / "functions" / ".git").write_text("gitdir: elsewhere\n")
    assert load_settings(None, project / "functions") == Settings(path=None, functions={})


@pytest.mark.parametrize("content", [b"[project]\nname = \n", b"name = '\xff'\n"])
def test_a_broken_file_that_is_not_ours_is_left_alone(project: Path, content: bytes) -> None:
    (project / "pyproject.toml").write_bytes(content)
    assert load_settings(None, project).path is None


def test_a_named_file_may_have_any_name(project: Path) -> None:
    (project / "other.toml").write_text(COMPLETE)
    assert list(load_settings(Path("other.toml"), project).functions) == ["dashboard"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("absent.toml", ["absent.toml", "does not exist"]),
        ("shared", ["shared", "is a folder"]),
        ("pyproject.toml", ["pyproject.toml", "[tool.lambdapack]"]),
    ],
)
def test_a_named_file_must_be_a_configuration(project: Path, config: str, words: list[str]) -> None:
    (project / "pyproject.toml").write_text("[project]\nname = 'unrelated'\n")
    with pytest.raises(UsageError) as caught:
        load_settings(Path(config), project)
    assert all(word in str(caught.value) for word in words)


# --- mistakes -----------------------------------------------------------------------------------------------

WHERE = "tool.lambdapack.functions.dashboard"


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('handlr = "x.y"', "handlr", ["unknown key", "'handler'"]),
        ('arch = "arm64"', "arch", ["unknown key", "'architecture'"]),
        ('colour = "red"', "colour", ["unknown key", "the keys are handler, runtime"]),
        ("handler = 3", "handler", ["a string", "an integer", 'handler = "handler.lambda_handler"']),
        ('handler = " "', "handler", ["empty"]),
        ("handler", "handler", ["missing"]),
        ("runtime", "runtime", ["missing", "python3.13"]),
        ("source", "source", ["missing", "nothing else is packed"]),
        ("runtime = 3.13", "runtime", ["a string", "a float"]),
        ('runtime = "3.13"', "runtime", ["'3.13'", "'python3.13'"]),
        ('runtime = "py312"', "runtime", ["'python3.12'"]),
        ('runtime = "Python 3.9"', "runtime", ["'python3.9'"]),
        ('runtime = "nodejs22.x"', "runtime", ["'nodejs22.x'", "'python3.13'"]),
        ('architecture = "aarch64"', "architecture", ["'aarch64'", "'arm64'"]),
        ('architecture = "ARM64"', "architecture", ["'ARM64'", "'arm64'"]),
        ('architecture = "amd64"', "architecture", ["'amd64'", "'x86_64'"]),
        ('architecture = "riscv64"', "architecture", ["'x86_64'", "'arm64'"]),
        ('source = "functions/dashboard"', "source", ["a list", "a string", 'source = ["functions/dashboard"]']),
        ("source = [1]", "source[0]", ["a string", "an integer"]),
        ('source = [""]', "source[0]", ["empty"]),
        ('source = ["functions/dashbord"]', "source[0]", ["'functions/dashbord'", "'functions/dashboard'"]),
        ('shared = ["shred"]', "shared[0]", ["looked for shred", "'shared'"]),
        ('shared = ["no/such/place"]', "shared[0]", ["'no/such/place'", "looked for no/such/place"]),
        ('shared = ["functions/dashboard/requirements.txt"]', "shared[0]", ["neither a folder nor a .py file"]),
        ('requirements = "requirements.txt"', "requirements", ["'requirements.txt' does not exist"]),
        ('requirements = "pydantic==2.12.4"', "requirements", ['requirements = ["pydantic==2.12.4"]']),
        ('requirements = "shared"', "requirements", ["shared is not a file"]),
        ("requirements = true", "requirements", ["a list", "a boolean"]),
        ('requirements = { files = "uv.lock" }', "requirements.files", ["did you mean 'file'"]),
        ('requirements = { file = "uv.lock" }', "requirements.file", ["'uv.lock' does not exist"]),
        ('requirements = { list = ["six"], file = "x" }', "requirements.list", ["keep one of the two"]),
        ('requirements = { list = ["-r x.txt"] }', "requirements.list[0]", ["not a requirement"]),
        ('requirements = { list = ["six"], extras = "aws" }', "requirements.extras", ['extras = ["aws"]']),
        ('requirements = ["-r requirements.txt"]', "requirements[0]", ["not a requirement"]),
        (
            'requirements = ["functions/dashboard/requirements.txt"]',
            "requirements[0]",
            ["not a requirement", "by a string"],
        ),
        ("exclude = 2026-01-01", "exclude", ["a list of strings", "a date or time"]),
        ('package = "Layer"', "package", ["'Layer'", "did you mean 'layer'?"]),
        ('package = "egg"', "package", ["'zip', 'layer' or 'image'"]),
        ("output = {}", "output", ["a string", "a table"]),
        ('output = "shared"', "output", ["shared is a folder"]),
    ],
)
def test_a_mistake_is_named_with_its_key_and_its_cure(project: Path, line: str, key: str, words: list[str]) -> None:
    message = mistake(project, changed(line))
    assert message.startswith(f"{WHERE}.{key}: ")
    assert [word for word in words if word not in message] == []


def test_several_unknown_keys_are_one_line(project: Path) -> None:
    message = mistake(project, changed('handlr = "a"\ncolour = "b"'))
    assert message.startswith(f"{WHERE}: unknown keys 'handlr' (did you mean 'handler'?), 'colour'; ")


def test_a_path_is_too_long(project: Path) -> None:
    assert "does not exist" in mistake(project, changed(f'source = ["{"x" * 5000}"]'))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.lambdapack]\nruntme = 'python3.13'", ["tool.lambdapack.runtme", "'runtime'"]),
        ("[tool.lambdapack]\nruntime = '3.13'", ["tool.lambdapack.runtime", "'python3.13'"]),
        ("[tool.lambdapack]\nfunctions = []", ["tool.lambdapack.functions", "a table", "a list"]),
        ("[tool.lambdapack.functions]\na = 1", ["tool.lambdapack.functions.a", "a table", "an integer"]),
        ("[tool.lambdapack.functions.'a b']", ["tool.lambdapack.functions", "'a b'"]),
        ("[tool.lambdapack.functions.-a]", ["tool.lambdapack.functions", "'-a'"]),
        ("[tool]\nlambdapack = 1", ["tool.lambdapack", "a table", "an integer"]),
        ("\n[tool.lambdapack\n", ["not valid TOML", "line 2"]),
    ],
)
def test_mistakes_above_the_functions(project: Path, text: str, words: list[str]) -> None:
    message = mistake(project, text)
    assert [word for word in words if word not in message] == []


def test_keys_of_lambdapack_toml_have_no_prefix(project: Path) -> None:
    text = changed('handlr = "x"').replace("tool.lambdapack.", "")
    assert mistake(project, text, "lambdapack.toml").startswith("functions.dashboard.handlr: ")


def test_a_file_in_another_encoding(project: Path) -> None:
    (project / "lambdapack.toml").write_bytes(b"# \xff\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_settings(None, project)


def test_two_functions_may_not_write_one_file(project: Path) -> None:
    second = COMPLETE.replace("functions.dashboard", "functions.other")
    message = mistake(project, changed('output = "dist/other.zip"') + second)
    assert message.startswith("tool.lambdapack.functions.other.output: dist/other.zip")
    assert "'dashboard'" in message


# --- choosing functions -------------------------------------------------------------------------------------


@pytest.fixture
def two(project: Path) -> Settings:
    return load(project, COMPLETE + COMPLETE.replace("functions.dashboard", "functions.report"))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([], ["dashboard", "report"]),
        (["report"], ["report"]),
        (["report", "dashboard", "report"], ["report", "dashboard"]),
    ],
)
def test_functions_are_chosen_by_name(two: Settings, names: list[str], chosen: list[str]) -> None:
    assert [function.name for function in select_functions(two, names)] == chosen


def test_an_unknown_function_is_answered_with_the_nearest_and_all(two: Settings) -> None:
    with pytest.raises(UsageError) as caught:
        select_functions(two, ["dashbord"])
    assert [word for word in ("'dashbord'", "'dashboard'", "report") if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("name", "table"),
    [(None, "[tool.lambdapack.functions.NAME]"), ("lambdapack.toml", "[functions.NAME]")],
)
def test_no_function_is_configured(project: Path, name: str | None, table: str) -> None:
    settings = Settings(path=project / name if name else None, functions={})
    with pytest.raises(UsageError) as caught:
        select_functions(settings, [])
    assert table in str(caught.value)


LAYERED = """
[tool.lambdapack]
runtime = "python3.13"
[tool.lambdapack.functions.api]
handler = "handler.f"
source = ["functions/dashboard"]
layers = ["other.zip", "deps"]
[tool.lambdapack.functions.deps]
package = "layer"
requirements = ["requests"]
"""


def test_a_layer_may_be_named(project: Path) -> None:
    settings = load(project, LAYERED)
    api = settings.functions["api"]
    assert api.layers == (project / "other.zip", project / "dist" / "deps.zip")
    assert api.named_layers == (("deps", project / "dist" / "deps.zip"),)
    assert [function.name for function in with_their_layers(settings, [api])] == ["deps", "api"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('package = "layer"', 'handler = "a.b"'), "is no layer"),
        (('package = "layer"', 'package = "layer"\nruntime = "python3.12"'), "layer for python3.12 x86_64"),
        (('handler = "handler.f"', 'handler = "handler.f"\npackage = "image"'), "takes no layers"),
    ],
)
def test_layers_that_cannot_be(project: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load(project, LAYERED.replace(*change))


def test_what_only_images_have(project: Path) -> None:
    text = changed('package = "image"\nimage = "team/api:1"\nbase = "oci:base"')
    assert load(project, text).functions["dashboard"].packing == Packing(image="team/api:1", base="oci:base")
    with pytest.raises(UsageError, match="for container images only"):
        load(project, changed('base = "oci:base"'))
