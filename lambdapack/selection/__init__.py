"""Which findings count: selected and ignored codes, ignores with a reason, findings that were there before.

Judges no artifact. What does not count is kept beside the report with the reason, never dropped; a crash of ours always
counts.
"""

from lambdapack.selection.baseline import Baseline, read_baseline
from lambdapack.selection.codes import expand_codes
from lambdapack.selection.selection import Selection

__all__ = ["Baseline", "Selection", "expand_codes", "read_baseline"]
