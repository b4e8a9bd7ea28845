"""Names of images, as container tools read them."""

from __future__ import annotations

import pytest

from lambdapack.containers import ImageReference, looks_like_reference, parse_reference
from lambdapack.errors import UsageError

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("python", ImageReference("docker.io", "library/python", "latest", None)),
        ("python:3.13", ImageReference("docker.io", "library/python", "3.13", None)),
        ("team/app", ImageReference("docker.io", "team/app", "latest", None)),
        ("docker.io/python", ImageReference("docker.io", "library/python", "latest", None)),
        ("index.docker.io/team/app:1", ImageReference("docker.io", "team/app", "1", None)),
        ("localhost/app", ImageReference("localhost", "app", "latest", None)),
        ("127.0.0.1:5000/team/app:v1.2_3", ImageReference("127.0.0.1:5000", "team/app", "v1.2_3", None)),
        ("[::1]:5000/app", ImageReference("[::1]:5000", "app", "latest", None)),
        (f"public.ecr.aws/lambda/python@{DIGEST}", ImageReference("public.ecr.aws", "lambda/python", None, DIGEST)),
        (
            f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b/c:d@{DIGEST}",
            ImageReference("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "a/b/c", "d", DIGEST),
        ),
    ],
)
def test_a_name_in_full(text: str, wanted: ImageReference) -> None:
    assert parse_reference(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "UPPER", "a b", "app:", "app@sha256:12", "/abs/path", "./x", "../x", "a//b", "-x"]
)
def test_no_name(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)
    assert not looks_like_reference(text)


def test_a_slip_is_named() -> None:
    with pytest.raises(UsageError) as raised:
        parse_reference("MyApp:1")
    assert raised.value.hint == "did you mean myapp:1?"


def test_where_docker_hub_answers() -> None:
    assert parse_reference("python").host == "registry-1.docker.io"
    assert parse_reference("quay.io/a/b").host == "quay.io"


@pytest.mark.parametrize("text", ["dist/function.zip", "pkg-1.0-py3-none-any.whl", "image.tar"])
def test_the_name_of_a_file_is_no_image(text: str) -> None:
    assert not looks_like_reference(text)
