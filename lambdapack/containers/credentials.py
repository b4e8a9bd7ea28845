"""Credentials for registries, as `docker login` and credential helpers keep them. They are never written anywhere.

Docker's SDK reads `config.json` (below `DOCKER_CONFIG` or `~/.docker`) and asks `credsStore` and `credHelpers`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from lambdapack.errors import MissingRequirement


@dataclass(frozen=True, slots=True)
class Credentials:
    """User and password, or an `identity_token` that is exchanged for access."""

    username: str
    password: str
    identity_token: str | None = None


def credentials_for(registry: str) -> Credentials | None:
    """Returns what is configured for a registry, None for nothing. Raises `MissingRequirement` for a broken helper."""
    import docker.auth
    import docker.errors

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a helper that is not there the SDK warns, and then raises
            found = docker.auth.load_config().resolve_authconfig(registry)
    except (docker.errors.DockerException, ValueError) as error:
        raise MissingRequirement(
            f"the credentials for {registry} cannot be read: {error}",
            hint=f"mend Docker's config.json, or log in again: docker login {registry}",
        ) from error
    if not found:
        return None
    token = found.get("IdentityToken")
    username = found.get("username") or found.get("Username") or ""
    password = found.get("password") or found.get("Password") or ""
    return Credentials(username, password, token) if token or username else None
