"""What holds for all tests."""

from __future__ import annotations

import os

# pytest-xdist tells its workers the width of the terminal; the program would fold what it prints to them.
os.environ.pop("COLUMNS", None)
