"""The documentation site: pages that come from the code, and the command blocks of those that are written by hand."""
