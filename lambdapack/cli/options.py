"""Options that several verbs share. Each group reaches its verb as one object, made here from what was given."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lambdapack.errors import UsageError
from lambdapack.finding import Severity
from lambdapack.render.forms import FORMS

if TYPE_CHECKING:
    from lambdapack.selection import Selection

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a result is shown."""

    form: str
    verbose: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Reporting:
    """How reports are shown and where they are written. `chosen_form` is None when none was asked for: text for a
    person then, and annotations where GitHub runs us. `written` are `FORM=FILE`, as they were given."""

    chosen_form: str | None
    written: tuple[str, ...]
    verbose: bool
    quiet: bool
    base: Path | None = None

    def __post_init__(self) -> None:
        if self.base is not None and "markdown" not in self.forms:
            raise UsageError("--base is compared in a markdown report", hint="add --format markdown")
        paths = [path.resolve() for _, path in self.files]
        twice = next((path for path in paths if paths.count(path) > 1), None)
        if twice is not None:
            raise UsageError(f"--report: two reports cannot go into one file: {twice}")

    @property
    def form(self) -> str:
        return self.chosen_form or "text"

    @property
    def files(self) -> tuple[tuple[str, Path], ...]:
        """The forms that are written to files, with the files. Raises `UsageError`."""
        return tuple(map(_form_and_file, self.written))

    @property
    def forms(self) -> tuple[str, ...]:
        """Every form that is to be made."""
        return (self.form, *(form for form, _ in self.files))

    @property
    def annotates(self) -> bool:
        """Whether GitHub Actions runs us and is told, since nothing else was asked for."""
        return self.chosen_form is None and os.environ.get("GITHUB_ACTIONS") == "true"

    @property
    def writes_files(self) -> bool:
        """Whether more is made than what standard output says."""
        return bool(self.written) or self.base is not None or self.annotates

    @property
    def wants_details(self) -> bool:
        """Whether a report needs what drawings and comparisons are made of."""
        return self.base is not None or "html" in self.forms


def _form_and_file(given: str) -> tuple[str, Path]:
    form, equals, name = given.partition("=")
    if form not in FORMS:
        raise UsageError(f"--report {given}: {form} is no form of a report", hint=f"one of {', '.join(FORMS)}")
    if not equals or not name:
        raise UsageError(f"--report {given}: names no file", hint=f"--report {form}=report.{form}")
    return form, Path(name)


@dataclass(frozen=True, slots=True)
class Judging:
    """Which findings count, and from which severity on they fail; raw, as they were given."""

    select: tuple[str, ...]
    ignore: tuple[str, ...]
    baseline: Path | None
    fail_on: str

    @property
    def severity(self) -> Severity:
        return Severity(self.fail_on)

    def selection(self) -> Selection:
        """Reads the baseline and the codes. Raises `UsageError`."""
        from lambdapack.selection import Baseline, Selection, expand_codes, read_baseline  # loads every check

        return Selection(
            select=expand_codes(self.select, "--select") if self.select else None,
            ignore=expand_codes(self.ignore, "--ignore"),
            baseline=read_baseline(self.baseline) if self.baseline is not None else Baseline(),
        )


@dataclass(frozen=True, slots=True)
class ArtifactChoice:
    """An artifact and what is said of it; `runtimes` as often as `--runtime` was given. `artifact` is empty where none
    was given, to a verb that can do without."""

    artifact: str
    runtimes: tuple[str, ...]
    architecture: str | None
    handler: str | None
    layers: tuple[Path, ...]
    function_name: str | None
    profile: Path | None
    config: Path | None


@dataclass(frozen=True, slots=True)
class FunctionChoice:
    """Which configured functions (none: all), where their artifact goes, how many are built at once."""

    names: tuple[str, ...]
    options: tuple[str, ...]
    config: Path | None
    output: Path | None
    jobs: int | None
    locked: bool

    @property
    def function_names(self) -> tuple[str, ...]:
        """The functions that were named, as arguments or by `--function`."""
        return (*self.names, *self.options)


@dataclass(frozen=True, slots=True)
class TestChoice:
    """How an import test is to run."""

    __test__ = False  # no test of pytest's

    backend: str
    image: str | None
    rootfs: str | None
    timeout: float
    all_modules: bool
    max_init: float | None
    environment: tuple[str, ...]
    no_python_downloads: bool

    @property
    def variables(self) -> dict[str, str]:
        """The repeated `--env KEY=VALUE` as a mapping."""
        return environment_of(self.environment)


def environment_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """Turns repeated `--env KEY=VALUE` into a mapping."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--env")
        found[key] = value
    return found


def _group(name: str, kind: type, *options: Callable[[F], F]) -> Callable[[F], F]:
    """Adds options to a verb; their values reach it as one `kind` in the argument `name`."""

    def decorate(verb: F) -> F:
        @functools.wraps(verb)
        def call(**values: Any) -> Any:
            made = kind(**{item.name: values.pop(item.name) for item in fields(kind) if item.name in values})
            return verb(**values, **{name: made})

        for option in reversed(options):
            call = option(call)  # the same function, with the option noted on it
        return call  # type: ignore[return-value]

    return decorate


_config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The pyproject.toml or lambdapack.toml to use, instead of the nearest one.",
)
_verbose_option = click.option("-v", "--verbose", is_flag=True, help="Show infos and whole import chains, too.")
_quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing unless the artifact fails.")
_form_options = (
    click.option(
        "--format",
        "chosen_form",
        type=click.Choice(FORMS),
        help="Form of the report on standard output. Default: text, and annotations where GitHub Actions runs it.",
    ),
    click.option(
        "--report",
        "written",
        multiple=True,
        metavar="FORM=FILE",
        help="Write a report to a file, too: sarif=report.sarif; repeat.",
    ),
)
report_options = _group(
    "show_as",
    Reporting,
    *_form_options,
    click.option(
        "--base",
        type=click.Path(path_type=Path, exists=True),
        metavar="ARTIFACT",
        help="An earlier artifact, whose sizes a markdown report compares.",
    ),
    _verbose_option,
    _quiet_option,
)
diagnosis_options = _group("show_as", Reporting, *_form_options, _verbose_option, _quiet_option)
presentation_options = _group(
    "show_as",
    Presentation,
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Form of the report.",
    ),
    _verbose_option,
    _quiet_option,
)
judging_options = _group(
    "judging",
    Judging,
    click.option("--select", multiple=True, metavar="CODE", help="Run these checks only: ELF002, ELF, a name; repeat."),
    click.option("--ignore", multiple=True, metavar="CODE", help="Count no findings of these checks; repeat."),
    click.option(
        "--baseline",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="An earlier JSON report: what it holds does not count.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "info"]),
        default="error",
        show_default=True,
        help="Lowest severity that fails.",
    ),
)
_about_the_artifact = (
    click.option(
        "--runtime",
        "runtimes",
        multiple=True,
        help="Lambda runtime, like python3.13. Default: the configuration's, else told by the extension modules.",
    ),
    click.option("--arch", "architecture", help="x86_64 (default) or arm64."),
    click.option("--handler", help="The handler setting, like handler.lambda_handler."),
    click.option(
        "--layer",
        "layers",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A layer's ZIP or folder; repeat in order.",
    ),
    click.option(
        "--function", "function_name", help="Take runtime, architecture, handler … from this configured function."
    ),
    click.option(
        "--profile",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file that says what the runtime offers, as runtimes scan writes it.",
    ),
    _config_option,
)
artifact_options = _group("chosen", ArtifactChoice, click.argument("artifact"), *_about_the_artifact)
optional_artifact_options = _group(
    "chosen",
    ArtifactChoice,
    click.option(
        "--artifact",
        default="",
        metavar="ARTIFACT",
        help="The ZIP, folder, wheel or image that the messages came from.",
    ),
    *_about_the_artifact,
)
function_options = _group(
    "chosen",
    FunctionChoice,
    click.argument("names", nargs=-1, metavar="[NAME]..."),
    click.option("--function", "options", multiple=True, metavar="NAME", help="The same as NAME; repeatable."),
    _config_option,
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the artifact here (one function only).",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="How many functions are built at once. Default: as many as there are processors.",
    ),
    click.option("--locked", is_flag=True, help="Fail when the lock is stale, or nothing locks the dependencies."),
)
test_options = _group(
    "test",
    TestChoice,
    click.option(
        "--backend",
        type=click.Choice(["auto", "docker", "rootfs", "local"]),
        default="auto",
        show_default=True,
        help="Where to import it: in the runtime's image by a container engine (docker), in the same image unpacked "
        "here, without an engine (rootfs), or with this machine's interpreter, in a sandbox where one can be made "
        "(local). auto takes the first that can.",
    ),
    click.option("--image", help="The image for docker and rootfs, instead of the runtime's official base image."),
    click.option(
        "--rootfs",
        metavar="SOURCE",
        help="The root file system for --backend rootfs: an archive of docker save, an OCI layout, a folder.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=60.0,
        show_default=True,
        help="Seconds the import may take.",
    ),
    click.option("--all-modules", is_flag=True, help="Import every module of your own, too, each in a fresh process."),
    click.option(
        "--max-init",
        type=click.FloatRange(min=0.0, min_open=True),
        metavar="SECONDS",
        help="Fail when loading the handler takes longer than this.",
    ),
    click.option(
        "--env",
        "environment",
        multiple=True,
        metavar="KEY=VALUE",
        help="An environment variable of the function, for the import test; repeatable.",
    ),
    click.option(
        "--no-python-downloads",
        is_flag=True,
        envvar="LAMBDAPACK_NO_PYTHON_DOWNLOADS",
        help="Never fetch an interpreter for the import test.",
    ),
)
no_cache_option = click.option(
    "--no-cache",
    is_flag=True,
    envvar="LAMBDAPACK_NO_CACHE",
    help="Read, resolve and download everything anew; use nothing that earlier runs have kept, and keep nothing.",
)
sbom_option = click.option("--sbom", is_flag=True, help="Write a bill of materials, too: CycloneDX, NAME.cdx.json.")
exit_zero_option = click.option(
    "--exit-zero", is_flag=True, help="Exit with 0 where findings would make it 1; other failures stay."
)


def only_runtime(runtimes: tuple[str, ...]) -> str | None:
    """Returns the one runtime that was given, or None; several are a `UsageError`."""
    if len(runtimes) > 1 or "all" in runtimes:
        raise UsageError(
            "--runtime: an import test runs on one runtime at a time", hint="lambdapack inspect compares several"
        )
    return runtimes[0] if runtimes else None


compress_option = click.option(
    "--compress",
    type=click.Choice(["usual", "best", "smallest"]),
    default="usual",
    show_default=True,
    help="best: a little smaller than zip -9 makes it, on all cores. smallest: 3 % less; takes as long as zip -9, "
    "once for each distribution.",
)
