"""Records what the runtime says of the artifacts in `fixtures/diagnosis`: `python -m tools.record_messages [NAME]...`.

Each artifact is made by its recipe and invoked in a container of its runtime, with the real emulator and the real
client; the log that this leaves is written beside the case as `said.log`. Cases that quote the service itself are left
alone. The images are those that `python -m images.standin VERSION --load` builds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from images.standin.build import image_name
from lambdapack.profiles import load_profile
from lambdapack.workflows.import_test import AttemptOptions
from lambdapack.workflows.inspection import Target
from lambdapack.workflows.invocation import invoke
from tests.recipes.artifact import make_artifact
from tests.recipes.diagnosis import Case, read_cases
from tests.recipes.recipe import read_recipe


def said_by(case: Case, folder: Path, image: str | None = None) -> str:
    """Makes the artifact of a case in a folder, invokes it (default: in the stand-in) and returns what is said."""
    assert case.recipe is not None
    recipe = read_recipe(case.recipe)
    function, layers = make_artifact(recipe, folder)
    target = Target(function, layers, recipe.runtime, recipe.architecture, recipe.handler, cached=False)
    options = AttemptOptions(
        backend="docker",
        image=image or image_name(load_profile(recipe.runtime, recipe.architecture)),
        time_limit=case.timeout,
        environment=case.environment,
        require_sandbox=True,
    )
    invocation = invoke(target, options, "{}").invocation
    if invocation.status == "not-run":
        raise SystemExit(f"{case.name}: {invocation.reason}")
    if "[ERROR]" in invocation.log:
        return invocation.log.strip("\n") + "\n"
    # The process ended, or was ended: then the platform speaks, in its log and in its answer.
    return (
        "\n".join(part.strip("\n") for part in (invocation.log, invocation.platform_log, invocation.payload) if part)
        + "\n"
    )


def main(wanted: list[str]) -> None:
    """Records the named cases, or all of them."""
    for case in read_cases():
        if case.quoted is not None or (wanted and case.name not in wanted):
            continue
        with tempfile.TemporaryDirectory() as folder:
            text = said_by(case, Path(folder))
        case.log.write_bytes(text.encode("utf-8"))
        errors = [line for line in text.splitlines() if "LAMBDA_WARNING" not in line]
        print(f"{case.name}: {errors[0][:160] if errors else 'nothing'}")


if __name__ == "__main__":
    main(sys.argv[1:])
