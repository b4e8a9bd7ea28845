"""The import test of an opened artifact: brings the runtime's own packages and lets a backend load the handler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lambdapack.builder import CLIENT, WheelStore, fetch_runtime_packages
from lambdapack.errors import MissingRequirement, UsageError
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import AttemptRequest, LocalBackend, unpack_wheels
from lambdapack.progress import Progress
from lambdapack.settings.cache import cache_folder
from lambdapack.workflows.inspection import Opened


@dataclass(frozen=True, slots=True)
class AttemptOptions:
    """How an import test is to run. `environment` is what the function's configuration sets; `require_sandbox` forbids
    to run anything outside of one: for artifacts that somebody else may have made."""

    no_python_downloads: bool = False
    time_limit: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)
    require_sandbox: bool = False


def import_handler(opened: Opened, options: AttemptOptions, progress: Progress) -> ImportAttempt:
    """Loads the handler with the local backend; what the static half found plays no part in it."""
    if opened.handler is None:
        raise UsageError("no handler to import", hint="add --handler module.function")
    if opened.image is not None:
        raise MissingRequirement(
            f"{opened.target.path}: container images cannot be import-tested yet",
            hint="lambdapack inspect reads them",
        )
    store = WheelStore()
    backend = LocalBackend(progress=progress, require_sandbox=options.require_sandbox)
    cache = cache_folder() / "runtime-packages"
    wheels = fetch_runtime_packages((CLIENT,), opened.profile, store, progress)
    request = AttemptRequest(
        mounts={"/var/task": (opened.function,), "/opt": opened.layers},
        profile=opened.profile,
        handler=opened.handler,
        runtime_packages=None if wheels is None else unpack_wheels(wheels, cache),
        time_limit=options.time_limit,
        extra_env=options.environment,
        no_python_downloads=options.no_python_downloads,
    )
    attempt = backend.attempt(request)
    if "preinstalled_not_here" not in attempt.facts:
        return attempt
    # The handler imports what the runtime brings (boto3, as a rule): bring it, too, and try again.
    names = sorted(item.name for item in opened.profile.preinstalled if item.certain and item.name != CLIENT)
    more = fetch_runtime_packages(names, opened.profile, store, progress)
    if more is None:
        return attempt
    return backend.attempt(replace(request, runtime_packages=unpack_wheels([*(wheels or ()), *more], cache)))
