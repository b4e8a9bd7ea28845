"""The import test of an opened artifact: which backend runs it, and what that backend is given."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lambdapack.artifact import ImageTree
from lambdapack.builder import CLIENT, WheelStore, fetch_runtime_packages
from lambdapack.cache import cache_folder
from lambdapack.errors import MissingRequirement, UsageError
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import AttemptRequest, LocalBackend, Unavailable, unpack_wheels
from lambdapack.importtest.backend import Backend, ImageArtifact
from lambdapack.importtest.docker import DockerBackend
from lambdapack.importtest.loader import DEBUG, is_told_more, read_debug, read_message
from lambdapack.importtest.rootfs import RootfsBackend
from lambdapack.progress import Progress, silent
from lambdapack.workflows.first_party import first_party_modules
from lambdapack.workflows.image_runtime import interpreter_of_image
from lambdapack.workflows.inspection import Opened, subject_of
from lambdapack.workflows.refusals import forget, keep, recall

AUTO = "auto"
NOT_IN_ITSELF = Unavailable(
    "a container image is tested in itself, not with this machine's interpreter",
    "add --backend docker or rootfs, or name a base image's function by its ZIP",
)


@dataclass(frozen=True, slots=True)
class AttemptOptions:
    """How an import test is to run. `environment` is what the function's configuration sets; `require_sandbox` forbids
    to run anything outside of one: for artifacts that somebody else may have made. `backend` is one of `backend_names`
    or `auto`, the first that can; `image` overrides the runtime's base image, and `rootfs` is a root file system for
    the backend of that name: an archive, an OCI layout or a folder. `all_modules`: import every first-party module too.
    `max_init`: the seconds that loading the handler may take (None: Lambda's own limit). `emulator`: the program
    that invocations go through, instead of the image's or the one that is fetched."""

    no_python_downloads: bool = False
    time_limit: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)
    require_sandbox: bool = False
    backend: str = AUTO
    image: str | None = None
    rootfs: str | None = None
    all_modules: bool = False
    max_init: float | None = None
    emulator: Path | None = None


def import_handler(opened: Opened, options: AttemptOptions, progress: Progress) -> ImportAttempt:
    """Loads the handler with the backend asked for, or the first that can; what the static half found plays no part.

    The attempt is `not-run` when none could, with what each of them lacks.
    """
    if options.rootfs is not None and options.backend not in (AUTO, "rootfs"):
        raise UsageError(f"--rootfs: --backend {options.backend} takes none", hint="use --backend rootfs")
    request = attempt_request(opened, options)
    if options.backend != AUTO:
        return _attempt(options.backend, request, options, progress)
    refused: list[str] = []
    remedies: list[str] = []
    attempt = None
    for name in candidates(options):
        attempt = _refused_lately(name, request, options) or _attempt(name, request, options, progress)
        if attempt.status != "not-run":
            return replace(attempt, choice=_choice(refused))
        refused.append(f"{name}: {attempt.reason}")
        remedies.append(attempt.remedy or "")
    assert attempt is not None
    # What one more option mends goes before what has to be installed.
    remedy = next((text for text in remedies if "--backend" in text), remedies[-1])
    return replace(attempt, reason="; ".join(refused), remedy=remedy)


def _refused_lately(name: str, request: AttemptRequest, options: AttemptOptions) -> ImportAttempt | None:
    """Returns the refusal of a backend that could not get its image a moment ago, and still has it not.

    Otherwise each test on a machine without a registry would first wait for it.
    """
    backend = _FETCHING[name](options, silent) if name in _FETCHING and request.image is None else None
    why = recall(_wanted(name, request, options)) if backend is not None else None
    if backend is None or why is None or backend.available(request.profile) is None:
        return None
    return ImportAttempt("not-run", request.handler, name, reason=why.reason, remedy=why.remedy)


def _wanted(name: str, request: AttemptRequest, options: AttemptOptions) -> str:
    """What a backend fetches, and over which ways."""
    ways = [f"{key}={os.environ[key]}" for key in sorted(os.environ) if key.upper() in _WAYS]
    image = options.rootfs or options.image or request.profile.image
    return "\n".join((name, image, request.profile.architecture, str(options.require_sandbox), *ways))


def _attempt(name: str, request: AttemptRequest, options: AttemptOptions, progress: Progress) -> ImportAttempt:
    """Loads the handler in one backend; where the loader leaves something out, a second time for its debug output."""
    run = _BACKENDS[name]
    attempt = run(request, options, progress)
    if name in _FETCHING and request.image is None:
        key = _wanted(name, request, options)
        if attempt.status != "not-run":
            forget(key)
        elif attempt.client == "":  # nothing was started: not a handler that could not be judged
            keep(key, Unavailable(attempt.reason or "", attempt.remedy or ""))
    report = read_message(attempt.error_message or "") if attempt.status == "failed" else None
    if report is not None and is_told_more(report):
        again = run(replace(request, modules=(), extra_env={**request.extra_env, **DEBUG}), options, progress)
        report = read_debug(report, again.output)
    return replace(attempt, loader=report, max_init=options.max_init)


def backend_names() -> tuple[str, ...]:
    """The words for `--backend`, in the order in which `auto` tries them."""
    return tuple(_BACKENDS)


def attempt_request(opened: Opened, options: AttemptOptions) -> AttemptRequest:
    """Returns what every backend is asked. Raises `UsageError` when there is no handler."""
    if opened.handler is None:
        raise UsageError("no handler to import", hint="add --handler module.function")
    image = None
    if opened.image is not None and isinstance(opened.function, ImageTree):
        python = interpreter_of_image(opened.stack, opened.image, opened.profile.python)
        if python is None:
            raise MissingRequirement(
                f"{opened.target.path}: has no {opened.profile.runtime} that could import the handler"
            )
        image = ImageArtifact(
            origin=str(opened.target.path),
            tree=opened.function,
            identifier=f"sha256:{opened.image.digest}",
            python=python,
            environment=opened.image.environment,
            folder=opened.image.working_dir,
        )
    modules: tuple[str, ...] = ()
    if options.all_modules:
        modules = first_party_modules(subject_of(opened, zipped_size=None))
    return AttemptRequest(
        modules=modules,
        mounts={} if image else {"/var/task": (opened.function,), "/opt": opened.layers},
        profile=opened.profile,
        handler=opened.handler,
        time_limit=options.time_limit,
        extra_env=options.environment,
        contracts=opened.target.contracts,
        no_python_downloads=options.no_python_downloads,
        image=image,
    )


def candidates(options: AttemptOptions) -> tuple[str, ...]:
    """The backends to try: what was asked for by name is not replaced by something else."""
    if options.rootfs is not None:
        return ("rootfs",)
    return ("docker", "rootfs") if options.image is not None else tuple(_BACKENDS)


def _choice(refused: list[str]) -> str:
    return f"the first that can; not {'; not '.join(refused)}" if refused else "the first that can"


def _in_docker(request: AttemptRequest, options: AttemptOptions, progress: Progress) -> ImportAttempt:
    return docker_backend(options, progress).attempt(request)


def docker_backend(options: AttemptOptions, progress: Progress) -> DockerBackend:
    """Returns the backend of that name."""
    return DockerBackend(image=options.image, progress=progress)


def _in_root_file_system(request: AttemptRequest, options: AttemptOptions, progress: Progress) -> ImportAttempt:
    return root_backend(options, progress).attempt(request)


def root_backend(options: AttemptOptions, progress: Progress) -> RootfsBackend:
    """Returns the backend of that name; where it is asked for by name, a plain chroot will do."""
    return RootfsBackend(
        source=options.rootfs or options.image,
        progress=progress,
        own_emulator=options.emulator is None,
        require_sandbox=options.require_sandbox and options.backend == AUTO,
    )


def _on_this_machine(request: AttemptRequest, options: AttemptOptions, progress: Progress) -> ImportAttempt:
    """Brings what the runtime has beside the standard library, since this machine has it not."""
    backend = LocalBackend(progress=progress, require_sandbox=options.require_sandbox)
    if request.image is not None:
        why = NOT_IN_ITSELF
        return ImportAttempt("not-run", request.handler, backend.name, reason=why.reason, remedy=why.remedy)
    # The client alone is small; what else the runtime brings (boto3, as a rule) comes when the handler asks for it.
    attempt = backend.attempt(_with_packages(request, (CLIENT,), progress))
    if "preinstalled_not_here" not in attempt.facts:
        return attempt
    complete = with_runtime_packages(request, progress)
    return attempt if complete.runtime_packages is None else backend.attempt(complete)


def with_runtime_packages(request: AttemptRequest, progress: Progress) -> AttemptRequest:
    """Returns the request with all packages that the runtime certainly brings; without any where they cannot be had."""
    names = sorted(item.name for item in request.profile.preinstalled if item.certain)
    return _with_packages(request, names, progress)


def _with_packages(request: AttemptRequest, names: Sequence[str], progress: Progress) -> AttemptRequest:
    wheels = fetch_runtime_packages(names, request.profile, WheelStore(), progress)
    folder = None if wheels is None else unpack_wheels(wheels, cache_folder() / "runtime-packages")
    return replace(request, runtime_packages=folder)


_BACKENDS: dict[str, Callable[[AttemptRequest, AttemptOptions, Progress], ImportAttempt]] = {
    "docker": _in_docker,
    "rootfs": _in_root_file_system,
    "local": _on_this_machine,
}

# Those that may have to fetch an image first.
_FETCHING: dict[str, Callable[[AttemptOptions, Progress], Backend]] = {
    "docker": docker_backend,
    "rootfs": root_backend,
}
_WAYS = {"DOCKER_HOST", "DOCKER_CONTEXT", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"}
