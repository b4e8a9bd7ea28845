"""A pytest plugin: the fixture `lambdapack_artifact` builds a configured function once per session.

    def test_the_artifact(lambdapack_artifact):
        assert lambdapack_artifact.passes

Which function and which configuration: `--lambdapack-function NAME` and `--lambdapack-config FILE`, or the settings
`lambdapack_function` and `lambdapack_config` of pytest. It is written to pytest's temporary folder, not to the
configured output.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lambdapack.report import Report

_OPTIONS = {
    "lambdapack_function": "the configured function that the fixture lambdapack_artifact builds",
    "lambdapack_config": "the pyproject.toml or lambdapack.toml that it is configured in",
}


class BuiltArtifact:
    """What was built: `path` is the file, `report` says what its inspection and import test found."""

    def __init__(self, path: Path, report: Report) -> None:
        self.path = path
        self.report = report

    @property
    def passes(self) -> bool:
        """True when nothing in it will fail on Lambda, as far as can be known, and its handler was not seen to fail."""
        return not self.report.failed

    @property
    def imports(self) -> bool:
        """True when the handler was really imported, which may not be possible on every machine."""
        tested = self.report.import_test
        return tested is not None and tested["status"] == "ok"

    def __repr__(self) -> str:
        # What pytest shows of a failed assertion: the findings, as in a terminal.
        from lambdapack.render.text import TextStyle, render_text

        return "\n" + render_text(self.report, TextStyle())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the two options, on the command line and in pytest's configuration."""
    group = parser.getgroup("lambdapack")
    for name, said in _OPTIONS.items():
        group.addoption(f"--{name.replace('_', '-')}", dest=name, default=None, help=said)
        parser.addini(name, said, default=None)


@pytest.fixture(scope="session")
def lambdapack_artifact(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BuiltArtifact:
    """The configured function, built, inspected and import-tested."""
    import lambdapack

    function, config = (request.config.getoption(name) or request.config.getini(name) for name in _OPTIONS)
    place = Path(config) if config else None
    if place is not None and not place.is_absolute():
        place = request.config.rootpath / place
    output = tmp_path_factory.mktemp("lambdapack") / f"{function or 'function'}.zip"
    try:
        report = lambdapack.check(function or None, config=place, output=output)
    except lambdapack.LambdapackError as error:
        pytest.fail(f"{error}" + (f"\nhint: {error.hint}" if error.hint else ""), pytrace=False)
    return BuiltArtifact(output, report)
