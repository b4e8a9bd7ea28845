"""The verbs of several parts: each module joins what the packages below it can do, and does none of it itself."""
