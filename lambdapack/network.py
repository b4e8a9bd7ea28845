"""How hosts are reached: proxies and certificates. Knows no credentials and nothing of what is fetched.

As uv and pip do it: proxies from the environment (or the system), certificates from `SSL_CERT_FILE` or
`REQUESTS_CA_BUNDLE` or the system.
"""

from __future__ import annotations

import os
import re
import ssl
import threading
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from lambdapack import __version__

USER_AGENT = f"lambdapack/{__version__}"
TIMEOUT = urllib3.Timeout(connect=20, read=60)


class UnusableNetwork(Exception):
    """The proxy or the certificates that are configured here cannot be used; `hint` as in `LambdapackError`."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Connections:
    """Pools of connections, one for each proxy; may be used from several threads."""

    def __init__(self) -> None:
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._proxies: dict[str, str] | None = None

    def pool_for(self, url: str) -> urllib3.PoolManager:
        """Returns the pool through which a URL is reached. Raises `UnusableNetwork`."""
        with self._lock:
            if self._proxies is None:
                self._proxies = getproxies()
            parts = urlsplit(url)
            proxy = self._proxies.get(parts.scheme) or self._proxies.get("all")
            if proxy and proxy_bypass(parts.netloc.rpartition("@")[2]):
                proxy = None
            if proxy not in self._pools:
                self._pools[proxy] = _make_pool(proxy)
            return self._pools[proxy]

    def close(self) -> None:
        """Closes all connections."""
        for pool in self._pools.values():
            pool.clear()


def plain_reason(error: urllib3.exceptions.HTTPError) -> str:
    """Returns the innermost reason, without the pools and objects that urllib3 prints around it."""
    reason: BaseException = error
    while isinstance(reason, urllib3.exceptions.MaxRetryError) and reason.reason is not None:
        reason = reason.reason
    text = re.sub(r"<[^<>]* object at 0x[0-9a-f]+>:?\s*|HTTPS?Connection(Pool)?\([^)]*\):?\s*", "", str(reason))
    return text.strip() or type(reason).__name__


def _make_pool(proxy: str | None) -> urllib3.PoolManager:
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    try:
        context = ssl.create_default_context(cafile=bundle or None)
    except OSError as error:
        raise UnusableNetwork(f"{bundle}: no certificates can be read from it: {error.strerror or error}") from error
    if proxy is None:
        return urllib3.PoolManager(maxsize=8, ssl_context=context)
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https"):
        raise UnusableNetwork(
            f"the proxy {parts.scheme}://{parts.hostname} cannot be used", hint="only http and https proxies can"
        )
    headers = None
    if parts.username:
        headers = urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return urllib3.proxy_from_url(proxy, maxsize=8, ssl_context=context, proxy_headers=headers)
