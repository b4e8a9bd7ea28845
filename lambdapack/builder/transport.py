"""Fetches a URL to a callable: credentials, retries. Knows nothing about wheels; how hosts are reached: `network.py`.

As uv and pip do it: credentials from netrc and from the index URLs in uv's environment variables. A `pylock.toml` holds
bare URLs, so credentials go by host. They are never written anywhere, and urllib3 does not send them on to another host
after a redirect.
"""

from __future__ import annotations

import netrc
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import urllib3

from lambdapack.errors import BuildFailed
from lambdapack.network import TIMEOUT, USER_AGENT, Connections, UnusableNetwork, plain_reason

_CHUNK = 1 << 18
_ATTEMPTS = 3
_RETRY = urllib3.Retry(total=3, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")


class _Stopped(Exception):
    """The download was given up because another one failed."""


class Transport:
    """Connections for one fetch; may be used from several threads."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._stopped = threading.Event()

    def download(self, url: str, label: str, take: Callable[[bytes], None], restart: Callable[[], None]) -> None:
        """Passes the bytes of `url` to `take`; calls `restart` first when it begins anew after a break.

        Raises `BuildFailed`, with `label` (what is fetched) and the host.
        """
        host = urlsplit(url).hostname or url
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._download_once(url, host, label, take)
                return
            except _Stopped:
                raise BuildFailed(f"{label}: given up after another download failed") from None
            except urllib3.exceptions.LocationParseError as error:
                raise BuildFailed(f"{label}: {host}: not a URL that can be fetched") from error
            except urllib3.exceptions.HTTPError as error:
                broken_off = isinstance(error, (urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError))
                if not broken_off or attempt == _ATTEMPTS:
                    raise BuildFailed(f"{label}: cannot be fetched from {host}: {plain_reason(error)}") from error
                restart()
                time.sleep(0.3 * attempt)

    def stop(self) -> None:
        """Makes the downloads that still run give up."""
        self._stopped.set()

    def close(self) -> None:
        """Closes all connections."""
        self._connections.close()

    def _download_once(self, url: str, host: str, label: str, take: Callable[[bytes], None]) -> None:
        try:
            pool = self._connections.pool_for(url)
        except UnusableNetwork as error:
            raise BuildFailed(str(error), hint=error.hint) from error
        response = pool.request(
            "GET",
            url,
            headers=_headers(url),
            preload_content=False,
            decode_content=False,
            retries=_RETRY,
            timeout=TIMEOUT,
        )
        try:
            if response.status != 200:
                advice = "give credentials in netrc or in the index URL" if response.status in (401, 403) else None
                raise BuildFailed(f"{label}: {host} answered {response.status}", hint=advice)
            for chunk in response.stream(_CHUNK, decode_content=False):
                if self._stopped.is_set():
                    raise _Stopped
                take(chunk)
            response.release_conn()
        finally:
            response.close()


def _headers(url: str) -> dict[str, str]:
    # Identity: an index that compressed a wheel once more would change the bytes that are hashed.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if credentials := _credentials(url):
        headers.update(urllib3.make_headers(basic_auth=":".join(credentials)))
    return headers


def _credentials(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if parts.username:
        return unquote(parts.username), unquote(parts.password or "")
    for index in _index_urls():
        with suppress(ValueError):
            same = urlsplit(index)
            if same.username and (same.scheme, same.hostname, same.port) == (parts.scheme, parts.hostname, parts.port):
                return unquote(same.username), unquote(same.password or "")
    # OSError: there is no such file, or no home folder; either way there are no credentials in it.
    with suppress(OSError, netrc.NetrcParseError):
        found = netrc.netrc(os.environ.get("NETRC") or None).authenticators(parts.hostname or "")
        if found:
            return found[0], found[2] or ""
    return None


def _index_urls() -> Iterator[str]:
    """The URLs in uv's variables; an entry may be `NAME=URL`."""
    for variable in _INDEX_VARIABLES:
        for entry in os.environ.get(variable, "").split():
            yield re.sub(r"^[\w.-]+=(?=https?://)", "", entry)
