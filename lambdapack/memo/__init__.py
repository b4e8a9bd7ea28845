"""Memos: what a finished build read, wrote and said, so that the same build has nothing to do when nothing has changed.

Told from content: a memo holds for files that still have the SHA-256 that they had. Importing this package takes
about as long as starting Python, since that is what a build with nothing to do consists of: no pathlib, no
dataclasses, no regular expressions.
"""

from lambdapack.memo.kept import key_of, read_kept, write_kept
from lambdapack.memo.readings import INDEX_ANSWERS_HOLD, Readings, is_same
from lambdapack.memo.run import Memo, recall, remember
from lambdapack.memo.states import State, signature_of, state_of_file

__all__ = [
    "INDEX_ANSWERS_HOLD",
    "Memo",
    "Readings",
    "State",
    "is_same",
    "key_of",
    "read_kept",
    "recall",
    "remember",
    "signature_of",
    "state_of_file",
    "write_kept",
]
