"""Messages of real people: the cause that their threads found has to come first, also without the artifact."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from lambdapack.diagnosis import diagnose_log
from lambdapack.diagnosis.catalogue import load_catalogue

POSTS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("posts.toml").read_text("utf-8"))["post"]


@pytest.mark.parametrize("post", POSTS, ids=lambda post: post["source"].removeprefix("https://github.com/"))
def test_the_cause_of_the_thread_comes_first(post: dict[str, Any]) -> None:
    problems = diagnose_log(post["said"]).problems
    assert [problem.causes[0].name for problem in problems][:1] == [post["cause"]]


@pytest.mark.parametrize("post", POSTS, ids=lambda post: post["source"].removeprefix("https://github.com/"))
def test_one_error_is_one_problem(post: dict[str, Any]) -> None:
    assert len(diagnose_log(post["said"]).problems) == 1


def test_there_are_enough_of_them() -> None:
    assert len({post["source"] for post in POSTS}) >= 60
    assert {post["cause"] for post in POSTS} <= load_catalogue().causes.keys()
