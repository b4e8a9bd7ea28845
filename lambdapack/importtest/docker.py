"""The docker backend: the handler is loaded in the official base image, or an image artifact in itself.

Files go in by the engine's archive interface, so the engine may be on another machine, or be one that a container
reaches from inside. What may run there, and how it ends, is held by `containers.running` from outside and by
`guardian.py` from inside.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lambdapack.containers.engine import Engine, connect_engine
from lambdapack.containers.images import EngineImage, artifact_image, find_image, pull_into_engine
from lambdapack.containers.running import CannotRun, ContainerPlan, Tmpfs, running
from lambdapack.errors import MissingRequirement
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.facts.invocations import Invocation
from lambdapack.importtest import emulation, guardian, invocation, observation, probe
from lambdapack.importtest.answers import Heard, Scene, account, question, read_answers
from lambdapack.importtest.backend import LAYER_ROOT, MEGABYTE, TASK_ROOT, AttemptRequest, Unavailable
from lambdapack.importtest.docker_dialogue import Answer, Dialogue, NoAnswer
from lambdapack.importtest.in_image import environment, interpreter, proof_of, search_path
from lambdapack.importtest.invocation import InvocationRequest
from lambdapack.importtest.many import load_all
from lambdapack.importtest.process import Ended
from lambdapack.importtest.shipment import Shipment
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

# Lambda runs functions as sbx_user1051; its number is not public. Any that owns nothing does the same.
_USER = (993, 990)
_WORK = "/run/lambdapack"
_PROBE = f"{_WORK}/probe.py"
_EMULATION = f"{_WORK}/emulation.py"
_TEMPORARY = 512 * MEGABYTE  # /tmp, by default (AWS, "Configure ephemeral storage")
_PROCESSES = _OPEN_FILES = 1024  # AWS, "Lambda quotas"
_CPUS = 2.0
_START_SECONDS = 60.0
_GRACE_SECONDS = 15.0
_OTHER_MACHINE = re.compile(r"exec format error", re.IGNORECASE)
_NO_PROGRAM = re.compile(r"no such file or directory", re.IGNORECASE)


@dataclass
class DockerBackend:
    """Runs attempts in containers. `image` overrides the profile's; `progress` hears in one line what takes long."""

    image: str | None = None
    progress: Progress = silent
    name: str = "docker"

    def available(self, profile: RuntimeProfile) -> Unavailable | None:
        """Returns why no attempt can run as things are, or None. Pulls nothing."""
        name = self.image or profile.image
        try:
            with connect_engine() as engine:
                if find_image(engine, name, profile.architecture) is not None:
                    return None
        except MissingRequirement as error:
            return _unavailable(error)
        return Unavailable(
            f"the container engine has no image {name} for {profile.architecture}",
            f"docker pull --platform linux/{profile.architecture.replace('x86_64', 'amd64')} {name}",
        )

    def attempt(self, request: AttemptRequest) -> ImportAttempt:
        """Loads the handler once, in a container of its own."""
        try:
            with connect_engine() as engine, self._image(engine, request) as image:
                return _attempt(engine, image, request)
        except MissingRequirement as error:
            why = _unavailable(error)
            return ImportAttempt("not-run", request.handler, self.name, reason=why.reason, remedy=why.remedy)

    def invoke(self, request: InvocationRequest) -> Invocation:
        """Sends the handler one event through the image's own emulator."""
        attempt = request.attempt
        try:
            with connect_engine() as engine, self._image(engine, attempt) as image:
                return _invoke(engine, image, request)
        except MissingRequirement as error:
            why = _unavailable(error)
            return Invocation("not-run", attempt.handler, self.name, reason=why.reason, remedy=why.remedy)

    @contextmanager
    def _image(self, engine: Engine, request: AttemptRequest) -> Iterator[EngineImage]:
        own, architecture = request.image, request.profile.architecture
        if own is not None:
            with artifact_image(
                engine, own.origin, own.identifier, architecture, self.progress, own.tree.docker_archive
            ) as image:
                yield image
            return
        name = self.image or request.profile.image
        found = find_image(engine, name, architecture)
        yield found or pull_into_engine(engine, name, architecture, self.progress)


def _attempt(engine: Engine, image: EngineImage, request: AttemptRequest) -> ImportAttempt:
    shipment = Shipment(request.mounts)
    with _room(engine, image, request, shipment) as room:
        copy = None if request.image else shipment.copy
        scene = Scene("docker", _proof(image, request), room.version, room.python, copy, _as_on_lambda)

        def load(one: AttemptRequest, _: int) -> ImportAttempt:
            return account(one, _load(room, one), scene)

        attempt = load_all(request, load, at_once=1)  # one container, one dialogue
    return replace(attempt, facts=attempt.facts | _image_facts(image))


def _invoke(engine: Engine, image: EngineImage, request: InvocationRequest) -> Invocation:
    attempt = request.attempt
    with _room(engine, image, attempt, Shipment(attempt.mounts)) as room:
        nonce, told = room.carry_out(
            _EMULATION,
            invocation.question(request),
            folder=attempt.image.folder if attempt.image else TASK_ROOT,
            variables=invocation.variables(request, environment(attempt)),
            seconds=attempt.time_limit + 2 * invocation.GRACE_SECONDS,
        )
        printed = room.dialogue.printed
    found = Invocation("not-run", attempt.handler, "docker", proof=_proof(image, attempt), facts=_image_facts(image))
    return invocation.account(
        request,
        read_answers(told.get("channel", ""), nonce),
        Ended(told["status"], "", told["seconds"], told["stopped"], told.get("peak")),
        log=printed.text("stdout"),
        platform_log=printed.text("stderr"),
        found=found,
    )


def _image_facts(image: EngineImage) -> dict[str, str]:
    return {"image": image.name, "image_digest": image.digest or image.identifier}


@dataclass(frozen=True, slots=True)
class _Room:
    """A container with the artifact in it, whose guardian listens."""

    dialogue: Dialogue
    python: str
    version: str

    def carry_out(
        self, script: str, asked: Answer, *, folder: str, variables: dict[str, str], seconds: float
    ) -> tuple[str, Answer]:
        """Has a script answer a question; returns the nonce of its answers and what the guardian tells."""
        nonce = secrets.token_hex(16)
        order: Answer = {
            "channel": f"{_WORK}/channel",
            "crash": f"{_WORK}/crash",
            "question": {**asked, "nonce": nonce, "channel": f"{_WORK}/channel"},
            "command": [self.python, "-I", "-S", "-B", "-u", script],
            "folder": folder,
            "environment": variables,
            "seconds": seconds,
        }
        try:
            return nonce, self.dialogue.ask(order, seconds + _GRACE_SECONDS)
        except NoAnswer as silence:
            # The guardian was killed, or does not get to run any more; the container goes in any case.
            return nonce, {"status": -9, "seconds": seconds, "stopped": None if silence.ended else "time"}


@contextmanager
def _room(engine: Engine, image: EngineImage, request: AttemptRequest, shipment: Shipment) -> Iterator[_Room]:
    python = interpreter(request)
    try:
        with running(engine, _plan(image, request, python)) as container:
            dialogue = Dialogue(container)
            here = _greet(dialogue)
            for point in _filled(request):
                container.put(point, shipment.stream(point))
            yield _Room(dialogue, python, here["python"])
    except CannotRun as error:
        raise _explained(error, image.name, python, request.profile) from error


def _plan(image: EngineImage, request: AttemptRequest, python: str) -> ContainerPlan:
    return ContainerPlan(
        image=image.identifier,
        command=[python, "-I", "-S", "-B", "-u", "-c", _source(guardian.__file__)],
        user=_USER,
        environment={},
        folder=request.image.folder if request.image else TASK_ROOT,
        filled=_filled(request),
        tmpfs={"/tmp": Tmpfs(_TEMPORARY), _WORK: Tmpfs(16 * MEGABYTE, 0o700, _USER, executable=False)},
        memory=request.memory_limit,
        cpus=_CPUS,
        processes=_PROCESSES,
        open_files=_OPEN_FILES,
    )


def _filled(request: AttemptRequest) -> list[str]:
    """The folders that the artifact's files go into; an image brings its own."""
    return [point for point in (TASK_ROOT, LAYER_ROOT) if request.mounts.get(point)]


def _greet(dialogue: Dialogue) -> Answer:
    """Gives the guardian the probe's files and learns which interpreter it is."""
    scripts = {_PROBE: probe, f"{_WORK}/observation.py": observation, _EMULATION: emulation}
    files = {path: _source(str(script.__file__)) for path, script in scripts.items()}
    try:
        return dialogue.ask({"files": files}, _START_SECONDS)
    except NoAnswer:
        raise CannotRun(dialogue.printed.text().strip() or "the container ended without a word") from None


def _load(room: _Room, request: AttemptRequest) -> Heard:
    """Has the probe load the handler, and returns what came back."""
    path, packages = search_path(request)
    asked = question(
        request,
        packages=packages,
        client=True,
        path=path,
        site=request.profile.path_config_dirs,
        roots=[TASK_ROOT, LAYER_ROOT],
    )
    folder = request.image.folder if request.image else TASK_ROOT
    nonce, told = room.carry_out(
        _PROBE, asked, folder=folder, variables=environment(request), seconds=request.time_limit
    )
    printed = room.dialogue.printed.text()
    ended = Ended(told["status"], printed, told["seconds"], told["stopped"], told.get("peak"))
    return Heard(read_answers(told.get("channel", ""), nonce), ended, told.get("crash", ""))


def _as_on_lambda(text: str, _: str) -> str:
    return text.replace(_PROBE, "/var/runtime/bootstrap.py")


def _proof(image: EngineImage, request: AttemptRequest) -> str:
    return proof_of(image.name, image.digest or image.identifier, request)


def _explained(error: CannotRun, image: str, python: str, profile: RuntimeProfile) -> MissingRequirement:
    """What the engine's words mean here."""
    text = str(error)
    if _OTHER_MACHINE.search(text):
        return MissingRequirement(
            f"{image}: the container engine's machine cannot run {profile.architecture}",
            hint=f"run the import test on a machine with {profile.architecture}, or register an emulator (qemu) for it",
        )
    if _NO_PROGRAM.search(text):
        return MissingRequirement(f"{image}: has no {python}", hint=f"name an image of {profile.runtime} with --image")
    return MissingRequirement(f"{image}: the container does not start: {text}")


def _unavailable(error: MissingRequirement) -> Unavailable:
    return Unavailable(str(error), error.hint or "see the message of the container engine")


@cache
def _source(path: str) -> str:
    return Path(path).read_text("utf-8")
