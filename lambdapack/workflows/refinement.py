"""What changes between the files that a plan names and the artifact: the steps that the configuration asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lambdapack.builder import Draft, WheelStore
from lambdapack.memo import Readings
from lambdapack.progress import Progress
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.byte_code import with_byte_code
from lambdapack.workflows.inspection import Attempt
from lambdapack.workflows.own_files import with_needed_files
from lambdapack.workflows.slimming import slimmed


@dataclass(frozen=True, slots=True)
class Refinement:
    """The steps for one function; `attempt` is its import test, if one was asked for, `root` the folder of the
    configuration."""

    function: FunctionSettings
    store: WheelStore
    root: Path | None
    readings: Readings
    attempt: Attempt | None
    progress: Progress

    def refine(self, draft: Draft) -> Draft:
        """Returns the draft as it is to be written. Each step sees what the ones before it have left."""
        packing = self.function.packing
        if packing.include == "auto":
            self.progress("following the handler's imports")
            draft = with_needed_files(draft, self.function, self.store)
        if packing.slim or packing.sdk == "drop":
            draft = slimmed(draft, self.function, self.store, self.root, self.readings, self.progress)
        if packing.pyc == "reached":
            draft = with_byte_code(
                draft, self.function, self.store, self.root, self.readings, self.progress, self.attempt
            )
        return draft
