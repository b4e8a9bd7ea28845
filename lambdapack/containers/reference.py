"""Names of images: `[registry/]repository[:tag][@digest]`, as every container tool reads them.

Source: the grammar of github.com/distribution/reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lambdapack.errors import UsageError

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_HUB = "docker.io"
_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A name in full: `registry` as users write it (`docker.io`, `localhost:5000`), `host` where it answers. `tag` is
    None only beside a `digest` (`sha256:…`)."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def host(self) -> str:
        """Host and port of the registry."""
        return _HUB_HOST if self.registry == _HUB else self.registry

    @property
    def wanted(self) -> str:
        """What the registry is asked for: the digest, or else the tag."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.registry}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> ImageReference:
    """Reads a name; without a registry it is Docker Hub's, without tag and digest `latest`. Raises `UsageError`."""
    first, slash, _ = text.partition("/")
    # A first part is a host only if it looks like one: `team/app` is a repository of Docker Hub.
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    match = _REFERENCE.fullmatch(text if is_host else f"{_HUB}/{text}")
    if match is None:
        lower = text.lower()
        advice = f"did you mean {lower}?" if lower != text and _REFERENCE.fullmatch(f"{_HUB}/{lower}") else None
        raise UsageError(f"{text!r} is not the name of an image", hint=advice or "write REGISTRY/NAME:TAG")
    registry, repository = match["host"], match["repository"]
    if registry in _HUB_NAMES:
        registry = _HUB
        repository = repository if "/" in repository else f"library/{repository}"
    tag = match["tag"] or (None if match["digest"] else "latest")
    return ImageReference(registry, repository, tag, match["digest"])


def looks_like_reference(text: str) -> bool:
    """True for what can only sensibly be an image's name: it has a tag, a digest or a registry, or is one bare word."""
    try:
        parse_reference(text)
    except UsageError:
        return False
    return not text.endswith((".zip", ".whl", ".tar", ".tgz", ".tar.gz"))
