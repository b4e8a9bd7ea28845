"""Gives mkdocs the pages that come from the code. Source: "Hooks" and "File.generated" of the mkdocs documentation."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tools.docs.generated import generated_pages  # noqa: E402 - mkdocs loads this file by its path


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Snippets are found wherever mkdocs is started."""
    config.mdx_configs["pymdownx.snippets"]["base_path"] = [str(ROOT / "docs")]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages before the site is put together."""
    for name, text in generated_pages().items():
        files.append(File.generated(config, name, content=text))
    return files
