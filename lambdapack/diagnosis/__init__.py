"""From a log to causes: what the messages are, what each may mean, which cause an artifact confirms or rules out."""

from lambdapack.diagnosis.diagnosing import diagnose, diagnose_log
from lambdapack.diagnosis.examination import Examined
from lambdapack.diagnosis.hints import LogHints, read_hints

__all__ = ["Examined", "LogHints", "diagnose", "diagnose_log", "read_hints"]
