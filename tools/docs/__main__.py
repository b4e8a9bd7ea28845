"""`python -m tools.docs [PAGE …]`: runs the command blocks of pages and writes what they print into them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tools.docs.blocks import renewed

PAGES = Path(__file__).parents[2] / "docs" / "pages"


def main() -> int:
    """Renews the pages that were named, or all of them."""
    chosen = [Path(name) for name in sys.argv[1:]] or sorted(PAGES.rglob("*.md"))
    for page in chosen:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory(prefix="lambdapack-docs-") as folder:
            made = renewed(text, Path(folder).resolve(), {})
        if made != text:
            page.write_text(made, encoding="utf-8")
            print(f"renewed {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
