"""`lambdapack diagnose`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lambdapack.cli.options import (
    ArtifactChoice,
    Judging,
    Reporting,
    diagnosis_options,
    only_runtime,
    optional_artifact_options,
)
from lambdapack.cli.output import progress, publish_diagnosis
from lambdapack.diagnosis import diagnose_log
from lambdapack.diagnosis.wording import decode
from lambdapack.errors import EXIT_FINDINGS, EXIT_OK, UsageError
from lambdapack.render.heard import Heard

_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")
_FILE_ENDINGS = (".log", ".txt", ".json", ".jsonl", ".ndjson", ".csv", ".out")
_EVERY_FINDING = Judging(select=(), ignore=(), baseline=None, fail_on="error")


@click.command("diagnose")
@click.argument("text", nargs=-1, metavar="[TEXT|FILE|-]")
@optional_artifact_options
@diagnosis_options
def command(text: tuple[str, ...], chosen: ArtifactChoice, show_as: Reporting) -> int:
    """Say what an error means, what causes it, and how to mend it.

    The error is given as TEXT, as a FILE with a log, or on standard input (-): a pasted CloudWatch stream, what
    `aws logs tail` prints, JSON log lines, the answer of an invocation. With --artifact each cause is held against the
    artifact and confirmed or ruled out; nothing of it is run.

    Exit status: 0 a cause was found, 1 none was.
    """
    log, origin = _read(text)
    with progress(quiet=show_as.quiet) as tell:
        if chosen.artifact:
            # The inspector is loaded only where there is something to inspect.
            from lambdapack.cli.targets import target_of
            from lambdapack.workflows.diagnosing import diagnose_artifact

            found = diagnose_artifact(log, target_of(chosen, _EVERY_FINDING, only_runtime(chosen.runtimes)), tell)
        else:
            found = diagnose_log(log, runtime=only_runtime(chosen.runtimes), architecture=chosen.architecture)
    publish_diagnosis(Heard(found, origin), show_as)
    return EXIT_OK if found.found else EXIT_FINDINGS


def _read(given: tuple[str, ...]) -> tuple[str, str | None]:
    """Returns what is to be diagnosed, and the file it stands in, if any.

    Raises `UsageError` where there is nothing, or no text.
    """
    if given in ((), ("-",)):
        if not given and sys.stdin.isatty():
            raise UsageError("nothing to diagnose", hint="give the error as text, as a file, or on standard input")
        return _text(sys.stdin.buffer.read(), "standard input"), None
    if len(given) == 1 and _may_be_a_file(given[0]):
        path = Path(given[0])
        if path.is_file():
            try:
                return _text(path.read_bytes(), given[0]), given[0]
            except OSError as error:
                raise UsageError(f"{given[0]}: cannot be read: {error.strerror}") from error
        if given[0].endswith(_FILE_ENDINGS):
            raise UsageError(f"{given[0]}: no such file")
    return _text(" ".join(given).encode("utf-8", "surrogateescape"), "the text"), None


def _may_be_a_file(text: str) -> bool:
    return len(text) < 1024 and "\n" not in text and "\0" not in text


def _text(data: bytes, origin: str) -> str:
    if data.startswith(_ARCHIVES):
        raise UsageError(f"{origin}: is an archive and no log", hint=f"lambdapack diagnose LOG --artifact {origin}")
    text = decode(data)
    if not text.strip():
        raise UsageError(f"{origin}: is empty", hint="give the error as text, as a file, or on standard input")
    return text
