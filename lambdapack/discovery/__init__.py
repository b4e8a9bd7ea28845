"""Finds the Lambda functions of a repository: in the files of SAM, CDK, the Serverless Framework and Terraform, or,
where there are none, by the look of the code. Reads only; what those tools work out when they deploy is not known here.
"""

from __future__ import annotations

from pathlib import Path

from lambdapack.discovery.cloudformation import read_templates
from lambdapack.discovery.code import read_code
from lambdapack.discovery.found import FoundFunction
from lambdapack.discovery.serverless import read_serverless
from lambdapack.discovery.terraform import read_terraform

_READERS = (read_templates, read_serverless, read_terraform, read_code)

__all__ = ["FoundFunction", "discover"]


def discover(folder: Path) -> tuple[FoundFunction, ...]:
    """Returns the functions and layers of the first description that has any: what another tool deploys is not mixed
    with what merely looks like a handler."""
    for read in _READERS:
        found = tuple(read(folder))
        if found:
            return found
    return ()
