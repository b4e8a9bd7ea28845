"""The engine and the catalogue: a broken check is told and hides nothing."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator

import pytest

from lambdapack import catalogue
from lambdapack.catalogue import all_checks
from lambdapack.checking import Check, Hit, Severity, Subject
from lambdapack.engine import run_checks
from lambdapack.profiles import load_profile
from lambdapack.report import BUG_CODE
from tests.unit.memory import stack_of


def _check(code: str, *hits: Hit, needs: tuple[str, ...] = (), error: Exception | None = None) -> Check:
    def run(_: Subject) -> Iterator[Hit]:
        yield from hits
        if error is not None:
            raise error

    return Check(code, "a-name", "a title", "a page", run, needs)  # type: ignore[arg-type]


def _subject(handler: str | None = None) -> Subject:
    return Subject(stack_of({"handler.py": ""}), load_profile("python3.13", "x86_64"), handler=handler)


def test_worst_first_then_by_code_and_place() -> None:
    checks = [
        _check("AAA001", Hit("/b", "m", "f", severity=Severity.WARNING)),
        _check("BBB001", Hit("/z", "m", "f"), Hit("/a", "m", "f")),
    ]
    findings, skipped = run_checks(_subject(), checks)
    assert [(item.code, item.path) for item in findings] == [("BBB001", "/a"), ("BBB001", "/z"), ("AAA001", "/b")]
    assert not skipped


def test_a_crash_is_a_finding_and_hides_nothing() -> None:
    checks = [_check("AAA001", Hit("/a", "m", "f"), error=KeyError("oops")), _check("BBB001", Hit("/b", "m", "f"))]
    findings, _ = run_checks(_subject(), checks)
    assert [item.code for item in findings] == ["AAA001", "BBB001", BUG_CODE]
    bug = next(item for item in findings if item.code == BUG_CODE)
    assert bug.evidence == {"check": "AAA001", "error": "KeyError"}


def test_what_a_check_needs_and_does_not_get_is_told() -> None:
    checks = [_check("AAA001", Hit(None, "m", "f"), needs=("handler",)), _check("BBB001", needs=("attempt",))]
    findings, skipped = run_checks(_subject(), checks)
    assert not findings
    assert [item.code for item in skipped] == ["AAA001"]
    assert run_checks(_subject("handler.h"), checks)[0]


def test_the_catalogue_is_in_order() -> None:
    checks = all_checks()
    assert [check.code for check in checks] == sorted({check.code for check in checks})
    assert {"ELF002": "glibc-too-new", "IMP001": "missing-module"}.items() <= {c.code: c.name for c in checks}.items()


def test_the_catalogue_refuses_disorder(monkeypatch: pytest.MonkeyPatch) -> None:
    class Info:
        name = "helpers"

    monkeypatch.setattr(pkgutil, "iter_modules", lambda _: [Info])
    all_checks.cache_clear()
    with pytest.raises(catalogue.DisorderedCatalogue, match="helpers"):
        all_checks()
    monkeypatch.undo()
    all_checks.cache_clear()
