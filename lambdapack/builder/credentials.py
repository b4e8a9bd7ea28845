"""Credentials for package indexes, as uv finds them: in index URLs, the environment, netrc, a keyring, uv's own store.

A lock holds bare URLs, so credentials go by host (scheme, name and port, which is uv's rule). They are kept in memory
only and written nowhere.
"""

from __future__ import annotations

import json
import netrc
import os
import re
import subprocess
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lambdapack.builder.uv_command import find_uv
from lambdapack.errors import LambdapackError

Login = tuple[str, str]
"""User and password."""

_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_NAMED = re.compile(r"^(?P<name>[\w.-]+)=(?=https?://)")
_OPTION = re.compile(r"^(?:-i|-f|--index-url|--extra-index-url|--find-links)[\s=]+(?P<url>\S+)$")
_PROGRAM_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Index:
    url: str = field(repr=False)
    name: str | None = None


class IndexCredentials:
    """What is known of the indexes of one build; may be used from several threads."""

    def __init__(self) -> None:
        self._indexes = [index for variable in _INDEX_VARIABLES for index in _entries(os.environ.get(variable, ""))]
        self._keyring = os.environ.get("UV_KEYRING_PROVIDER")
        self._folders: list[Path] = []
        self._answers: dict[tuple[str | None, ...], Login | None] = {}
        self._lock = threading.Lock()

    def add_options(self, options: Iterable[str]) -> None:
        """Adds the indexes that lines of requirement files name (`--index-url …`)."""
        for line in options:
            if match := _OPTION.match(line):
                self._indexes.append(_Index(match["url"]))

    def add_settings(self, folder: Path) -> None:
        """Adds the indexes of uv's settings as they count in a folder; they are read when a login is wanted."""
        self._folders.append(folder)

    def _read_settings(self) -> None:
        folders, self._folders = self._folders, []
        for table in (table for folder in folders for table in _settings(folder)):
            for entry in table.get("index", ()):
                if isinstance(entry, dict) and isinstance(entry.get("url"), str):
                    self._indexes.append(_Index(entry["url"], entry.get("name")))
            for key in ("index-url", "extra-index-url", "find-links"):
                value = table.get(key, ())
                self._indexes += [_Index(url) for url in ([value] if isinstance(value, str) else value)]
            self._keyring = self._keyring or table.get("keyring-provider")

    def known(self, url: str) -> Login | None:
        """Returns the login for a URL that has to be asked of nobody."""
        with self._lock:
            self._read_settings()
        parts = urlsplit(url)
        if parts.username:
            return unquote(parts.username), unquote(parts.password or "")
        for index in self._same_host(url):
            user, password = _login_of(index)
            if user and password is not None:
                return user, password
        # OSError: there is no such file, or no home folder; either way there are no credentials in it.
        with suppress(OSError, netrc.NetrcParseError):
            found = netrc.netrc(os.environ.get("NETRC") or None).authenticators(parts.hostname or "")
            if found:
                return found[0], found[2] or ""
        user = next((user for user, _ in map(_login_of, self._same_host(url)) if user), None)
        # A token may stand in the place of the user, with no password.
        return (user, "") if user and not self._keyring else None

    def asked(self, url: str) -> Login | None:
        """Returns the login that a keyring or uv's own store has for a URL, once the host has refused to go without.

        The programs are asked once for each host."""
        realm = _realm(url)
        with self._lock:
            if realm not in self._answers:
                self._answers[realm] = self._from_keyring(url) or _from_uv(url)
            return self._answers[realm]

    def _from_keyring(self, url: str) -> Login | None:
        if self._keyring != "subprocess":
            return None
        for index in self._same_host(url):
            user, _ = _login_of(index)
            if not user:
                continue  # uv asks a keyring for a user's password only
            parts = urlsplit(index.url)
            host = parts.netloc.rpartition("@")[2]
            for service in (parts._replace(netloc=host).geturl(), host):
                password = _output(["keyring", "get", service, user])
                if password:
                    return user, password
        return None

    def _same_host(self, url: str) -> Iterator[_Index]:
        for index in self._indexes:
            with suppress(ValueError):
                if _realm(index.url) == _realm(url):
                    yield index


def _realm(url: str) -> tuple[str | None, ...]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, str(port)


def _entries(text: str) -> Iterator[_Index]:
    """The URLs of a variable, parted by spaces; an entry may be `NAME=URL`."""
    for entry in text.replace(",", " ").split():
        match = _NAMED.match(entry)
        yield _Index(entry[match.end() :], match["name"]) if match else _Index(entry)


def _login_of(index: _Index) -> tuple[str | None, str | None]:
    """User and password of an index: `UV_INDEX_NAME_USERNAME` and `…_PASSWORD`, or those in its URL."""
    parts = urlsplit(index.url)
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password is not None else None
    if index.name:
        prefix = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", index.name.upper())
        user = os.environ.get(f"{prefix}_USERNAME", user)
        password = os.environ.get(f"{prefix}_PASSWORD", password)
    return user, password


def _settings(folder: Path) -> Iterator[Mapping[str, Any]]:
    """uv's settings: those of the nearest project, then the user's and the system's."""
    if "UV_CONFIG_FILE" in os.environ:
        places = [Path(folder, os.environ["UV_CONFIG_FILE"])]
    else:
        own = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
        above = [place / name for place in (folder, *folder.parents) for name in ("uv.toml", "pyproject.toml")]
        nearest = next((path for path in above if _table(path) is not None), None)
        places = [*([nearest] if nearest else []), Path(own, "uv/uv.toml"), Path("/etc/uv/uv.toml")]
    for path in places:
        table = _table(path)
        if table is not None:
            yield table
            pip = table.get("pip")
            if isinstance(pip, dict):
                yield pip


def _table(path: Path) -> Mapping[str, Any] | None:
    """uv's part of a file; None where there is none, or it cannot be read: uv itself says so."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if path.name != "pyproject.toml":
        return document
    table = document.get("tool", {}).get("uv")
    return table if isinstance(table, dict) else None


def _from_uv(url: str) -> Login | None:
    """What `uv auth login` has kept."""
    try:
        command = [find_uv(), "auth", "helper", "--protocol=bazel", "get"]
    except LambdapackError:
        return None
    answer = _output(command, json.dumps({"uri": url}))
    with suppress(ValueError, KeyError, IndexError, TypeError, AttributeError):
        kind, _, value = json.loads(answer or "")["headers"]["Authorization"][0].partition(" ")
        if kind.lower() == "basic":
            import base64

            user, _, password = base64.b64decode(value).decode().partition(":")
            return user, password
    return None


def _output(command: list[str], given: str = "") -> str | None:
    """What a program prints, None when it is not there, fails, or takes too long."""
    try:
        run = subprocess.run(
            command, input=given, capture_output=True, encoding="utf-8", timeout=_PROGRAM_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return run.stdout.strip() if run.returncode == 0 else None
