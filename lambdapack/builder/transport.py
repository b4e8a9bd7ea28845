"""Fetches a URL to a callable: retries, goes on where a download broke off. Knows nothing about wheels.

How hosts are reached is in `network.py`, who may fetch what in `credentials.py`; urllib3 does not send credentials on
to another host after a redirect.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from lambdapack.builder.credentials import IndexCredentials, Login
from lambdapack.errors import BuildFailed
from lambdapack.network import TIMEOUT, USER_AGENT, Connections, UnusableNetwork, plain_reason

_CHUNK = 1 << 18
_ATTEMPTS = 5
_PAUSE = 0.3  # seconds before the second attempt; each further one waits that much longer
_RETRY = urllib3.Retry(total=3, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
_BROKEN_OFF = (urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError, urllib3.exceptions.SSLError)


class _Stopped(Exception):
    """The download was given up because another one failed."""


@dataclass(slots=True)
class _Download:
    """How far one download has come. `tag`: what the host calls the content (a strong ETag), to go on with the same."""

    url: str
    host: str
    label: str
    received: int = 0
    tag: str | None = None


class Transport:
    """Connections for one fetch; may be used from several threads."""

    def __init__(self, credentials: IndexCredentials) -> None:
        self._credentials = credentials
        self._connections = Connections()
        self._stopped = threading.Event()

    def download(self, url: str, label: str, take: Callable[[bytes], None], restart: Callable[[], None]) -> None:
        """Passes the bytes of `url` to `take`. After a break it goes on where it was if the host can do that, and
        otherwise begins anew after calling `restart`.

        Raises `BuildFailed`, with `label` (what is fetched) and the host.
        """
        host = urlsplit(url).hostname or url
        if os.environ.get("UV_OFFLINE", "").lower() in ("1", "true", "yes", "on", "y", "t"):
            raise BuildFailed(
                f"{label}: is not in the wheel store, and UV_OFFLINE forbids to fetch it from {host}",
                hint="build it once with the network",
            )
        state = _Download(url, host, label)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._go_on(state, take, restart)
                return
            except _Stopped:
                raise BuildFailed(f"{label}: given up after another download failed") from None
            except urllib3.exceptions.LocationParseError as error:
                raise BuildFailed(f"{label}: {host}: not a URL that can be fetched") from error
            except urllib3.exceptions.HTTPError as error:
                if not isinstance(error, _BROKEN_OFF) or attempt == _ATTEMPTS:
                    raise _not_fetched(state, error, attempt) from error
                time.sleep(_PAUSE * attempt)

    def stop(self) -> None:
        """Makes the downloads that still run give up."""
        self._stopped.set()

    def close(self) -> None:
        """Closes all connections."""
        self._connections.close()

    def _go_on(self, state: _Download, take: Callable[[bytes], None], restart: Callable[[], None]) -> None:
        response = self._request(state, self._credentials.known(state.url))
        if response.status in (401, 403):
            login = self._credentials.asked(state.url)
            if login is not None:
                response.close()
                response = self._request(state, login)
        try:
            self._check_answer(state, response)
            if state.received and response.status != 206:
                restart()
                state.received = 0
            tag = response.headers.get("ETag")
            state.tag = tag if tag and not tag.startswith("W/") else None
            for chunk in response.stream(_CHUNK, decode_content=False):
                if self._stopped.is_set():
                    raise _Stopped
                take(chunk)
                state.received += len(chunk)
            response.release_conn()
        finally:
            response.close()

    def _request(self, state: _Download, login: Login | None) -> urllib3.BaseHTTPResponse:
        # Identity: an index that compressed a wheel once more would change the bytes that are hashed.
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if login is not None:
            headers.update(urllib3.make_headers(basic_auth=":".join(login)))
        if state.received and state.tag:
            headers |= {"Range": f"bytes={state.received}-", "If-Range": state.tag}
        try:
            pool = self._connections.pool_for(state.url)
        except UnusableNetwork as error:
            raise BuildFailed(str(error), hint=error.hint) from error
        return pool.request(
            "GET",
            state.url,
            headers=headers,
            preload_content=False,
            decode_content=False,
            retries=_RETRY,
            timeout=TIMEOUT,
        )

    @staticmethod
    def _check_answer(state: _Download, response: urllib3.BaseHTTPResponse) -> None:
        goes_on = f"bytes {state.received}-"
        if response.status == 206 and state.received and response.headers.get("Content-Range", "").startswith(goes_on):
            return
        if response.status != 200:
            advice = "give credentials in netrc or in the index URL" if response.status in (401, 403) else None
            raise BuildFailed(f"{state.label}: {state.host} answered {response.status}", hint=advice)


def _not_fetched(state: _Download, error: urllib3.exceptions.HTTPError, attempts: int) -> BuildFailed:
    words = f"{state.label}: cannot be fetched from {state.host}: {plain_reason(error)}"
    if attempts == 1:
        return BuildFailed(words)
    return BuildFailed(f"{words} ({attempts} attempts)", hint="try again; nothing of it is in the wheel store")
