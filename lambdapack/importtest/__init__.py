"""Imports the handler in the runtime it will run in, or the nearest thing to it, and says what that proves.

A backend answers an `AttemptRequest` with an `ImportAttempt`. Nothing here judges: checks do.
"""

from lambdapack.importtest.backend import AttemptRequest, Backend, Unavailable
from lambdapack.importtest.interpreters import Interpreter, find_interpreter
from lambdapack.importtest.local import LocalBackend
from lambdapack.importtest.materialise import Materialised, materialise, unpack_wheels

__all__ = [
    "AttemptRequest",
    "Backend",
    "Interpreter",
    "LocalBackend",
    "Materialised",
    "Unavailable",
    "find_interpreter",
    "materialise",
    "unpack_wheels",
]
