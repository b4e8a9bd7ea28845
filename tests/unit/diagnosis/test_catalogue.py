"""The catalogue as data: whatever it names is there."""

from __future__ import annotations

import re

import pytest

from lambdapack.catalogue import all_checks
from lambdapack.diagnosis.catalogue import Pattern, PossibleCause, expressions, load_catalogue
from lambdapack.diagnosis.matching import nearest
from lambdapack.diagnosis.naming import _UNKNOWN, KINDS, Setting, derive, fill, is_kind
from lambdapack.diagnosis.questions import QUESTIONS

CATALOGUE = load_catalogue()
CODES = tuple(check.code for check in all_checks())
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@pytest.mark.parametrize("pattern", CATALOGUE.patterns, ids=lambda pattern: pattern.name)
class TestPattern:
    def test_its_expressions_are_right(self, pattern: Pattern) -> None:
        assert all(not expression.match("") for expression in expressions(pattern.name))

    def test_what_it_names_is_there(self, pattern: Pattern) -> None:
        assert pattern.only is None or pattern.only in KINDS
        assert pattern.causes
        assert pattern.title.endswith(".")

    def test_it_has_a_source(self, pattern: Pattern) -> None:
        assert pattern.sources
        assert not pattern.not_reproduced or any(source.startswith("https://") for source in pattern.sources)


@pytest.mark.parametrize("cause", CATALOGUE.causes.values(), ids=lambda cause: cause.name)
class TestCause:
    def test_its_signs_are_known(self, cause: PossibleCause) -> None:
        for sign in cause.seen:
            assert (sign.code is None) != (sign.ask is None)
            assert sign.ask in (None, "unreadable-artifact", *QUESTIONS)
            assert sign.code is None or any(code.startswith(sign.code) for code in CODES)

    def test_it_can_be_said_of_nothing_in_particular(self, cause: PossibleCause) -> None:
        texts = (cause.says, *cause.looks, *cause.fixes)
        assert {name for text in texts for name in PLACEHOLDER.findall(text)} <= _UNKNOWN.keys()
        assert cause.says.endswith(".")

    def test_it_says_what_to_do(self, cause: PossibleCause) -> None:
        assert cause.fixes
        assert cause.looks


def test_names_are_unique() -> None:
    names = [pattern.name for pattern in CATALOGUE.patterns]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("kind", "named", "handler", "expected"),
    [
        ("handler", {"module": "src"}, "src.app", True),
        ("handler", {"module": "src/app"}, "src.app", True),
        ("handler", {"module": "source"}, "src.app", False),
        ("extension", {"module": "psycopg2._psycopg"}, None, True),
        ("extension", {"module": "some_new.some_new"}, None, True),
        ("extension", {"module": "some_new._native"}, None, True),
        ("extension", {"module": "requests._internal_utils"}, None, False),
        ("extension", {"module": "requests"}, None, False),
        ("extension", {"parent": "werkzeug", "name": "secure_filename"}, None, False),
        ("extension", {"parent": "PIL", "name": "_imaging"}, None, True),
        ("not in every standard library", {"module": "imp"}, None, True),
        ("not in every standard library", {"module": "json"}, None, False),
        ("name that came or went", {"module": "collections", "name": "Mapping"}, None, True),
        ("name that came or went", {"module": "collections", "name": "OrderedDict"}, None, False),
        ("own", {"module": "utils.db"}, None, True),
        ("own", {"module": "shop.db"}, "shop.handlers.web", True),
        ("own", {"module": "pandas"}, "shop.handlers.web", False),
        ("part of a namespace", {"module": "google.cloud.storage"}, None, True),
        ("part of a namespace", {"module": "requests.adapters"}, None, False),
        ("program", {"program": "convert"}, None, True),
        ("program", {"program": "model.bin"}, None, False),
    ],
)
def test_what_kind_of_name_it_is(kind: str, named: dict[str, str], handler: str | None, expected: bool) -> None:
    assert is_kind(kind, named, Setting(handler)) is expected


def test_what_follows_from_a_name() -> None:
    named = derive({"module": "PIL._imaging"}, Setting("src.app"))
    assert (named["top"], named["leaf"], named["distribution"]) == ("PIL", "_imaging", "Pillow")
    assert named["handler_file"] == "src/app.py"
    of_a_file = derive({"path": "/opt/python/cryptography/hazmat/bindings/_rust.abi3.so"}, Setting())
    assert of_a_file["distribution"] == "cryptography"


def test_what_is_not_known_is_left_to_the_reader() -> None:
    assert fill("pip install {distribution} in ${LAMBDA_TASK_ROOT}", {}) == "pip install PACKAGE in ${LAMBDA_TASK_ROOT}"


def test_nothing_comes_near_to_nonsense() -> None:
    assert nearest("lorem ipsum dolor sit amet") == ()
