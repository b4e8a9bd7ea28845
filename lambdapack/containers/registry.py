"""A registry: requests over the distribution protocol, logged in where it asks for that.

Weighed against maintained libraries (2026): `oras` writes blobs without holding them against their digests and reads no
platforms; `python-dxf` checks and reads platforms, but resumes nothing and knows no `docker login`; both reach hosts
through requests, whose certificates are not the system's. So the protocol is spoken here, over the connections that
wheels are fetched with; the credentials are read by Docker's SDK.

Sources: OCI distribution specification 1.1; token authentication, distribution.github.io/distribution/spec/auth.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import urllib3

from lambdapack.containers.credentials import Credentials, credentials_for
from lambdapack.containers.reference import ImageReference
from lambdapack.errors import MissingRequirement
from lambdapack.network import USER_AGENT, Connections, UnusableNetwork, plain_reason

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LARGEST_MANIFEST = 4 << 20  # bytes; what the specification asks registries to take
_RETRY = urllib3.Retry(
    total=3,
    connect=1,  # where nobody answers, a backend that needs no registry is next
    other=0,  # a certificate does not become right by asking again
    backoff_factor=0.3,
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
)
_TIMEOUT = urllib3.Timeout(connect=8, read=60)
_LOGINS = 3
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"', re.IGNORECASE)
_ECR = re.compile(r"^\d+\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One stored document: its bytes, their digest (`sha256:…`), its media type, and what it says."""

    content: bytes
    digest: str
    media_type: str
    document: dict[str, Any]

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is below the repository, or a whole URL or an absolute path as the registry has given it.
    `body` is sent as it is; a file is sent from its beginning each time."""

    path: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes | BinaryIO | None = None


class Registry:
    """Requests to the repository of one image; may be used from several threads. `writes`: things are put there."""

    def __init__(self, reference: ImageReference, *, writes: bool = False) -> None:
        self.reference = reference
        self._actions, self._doing = ("pull,push", "write") if writes else ("pull", "read")
        self._connections = Connections()
        self._lock = threading.Lock()
        self._authorization: str | None = None
        self._scheme = "https"

    def close(self) -> None:
        """Closes all connections."""
        self._connections.close()

    def manifest(self, wanted: str) -> Manifest:
        """Returns the document of a tag or digest, held against its digest. Raises `MissingRequirement`."""
        accept = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
        with self.open(f"manifests/{wanted}", {"Accept": accept}) as response:
            if response.status != 200:
                raise self.refused(response.status)
            try:
                content = response.read(_LARGEST_MANIFEST + 1)
            except urllib3.exceptions.HTTPError as error:
                raise MissingRequirement(f"{self.reference}: {plain_reason(error)}") from error
            promised = response.headers.get("Docker-Content-Digest")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        for expected in (wanted if ":" in wanted else None, promised):
            if expected is not None and expected.startswith("sha256:") and expected != digest:
                raise MissingRequirement(f"{self.reference}: its manifest arrived damaged: the SHA-256 is another")
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise MissingRequirement(f"{self.reference}: {self.reference.host} does not answer as a registry")
        media_type = str(document.get("mediaType") or media_type)
        if media_type not in (*INDEX_TYPES, *MANIFEST_TYPES):
            raise MissingRequirement(
                f"{self.reference}: is stored as {media_type}, which is no container image that can be read",
                hint="push the image again with a current tool",
            )
        return Manifest(content, digest, media_type, document)

    def open(self, path: str, headers: dict[str, str]) -> AbstractContextManager[urllib3.BaseHTTPResponse]:
        """Gives the unread answer to a request below the image's repository, after logging in if it is asked for."""
        return self.send(Request(path, headers))

    @contextmanager
    def send(self, request: Request) -> Iterator[urllib3.BaseHTTPResponse]:
        """Gives the unread answer to a request. Raises `MissingRequirement` when the registry cannot be reached."""
        try:
            response = self._request(request)
        except UnusableNetwork as error:
            raise MissingRequirement(str(error), hint=error.hint) from error
        except urllib3.exceptions.HTTPError as error:
            raise MissingRequirement(
                f"{self.reference}: {self.reference.host} cannot be reached: {plain_reason(error)}",
                hint="see the network, HTTPS_PROXY, and SSL_CERT_FILE for a company's own certificates",
            ) from error
        try:
            yield response
        finally:
            response.close()
            response.release_conn()

    def _request(self, request: Request) -> urllib3.BaseHTTPResponse:
        """Asks, and logs in when it is told to: several times, since tokens may end before a long download does."""
        for _ in range(_LOGINS):
            used = self._authorization
            response = self._send_somehow(request, used)
            if response.status != 401:
                return response
            response.close()
            with self._lock:
                if self._authorization == used:  # or else another thread has logged in meanwhile
                    self._authorization = self._log_in(response.headers.get("WWW-Authenticate", ""))
                if self._authorization in (None, used):
                    return response
        return self._send_somehow(request, self._authorization)

    def _send_somehow(self, request: Request, authorization: str | None) -> urllib3.BaseHTTPResponse:
        try:
            return self._send(self._url(request.path), request, authorization)
        except urllib3.exceptions.HTTPError:
            if self._scheme == "http" or not _is_loopback(self.reference.host):
                raise
            # As Docker does: a registry on this machine may do without TLS.
            self._scheme = "http"
            return self._send(self._url(request.path), request, authorization)

    def _url(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            return path
        host = f"{self._scheme}://{self.reference.host}"
        return f"{host}{path}" if path.startswith("/") else f"{host}/v2/{self.reference.repository}/{path}"

    def _send(self, url: str, request: Request, authorization: str | None) -> urllib3.BaseHTTPResponse:
        # Identity: what was compressed once more on the way would not be what the digest was taken of.
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **request.headers}
        # urllib3 takes it off when it is sent on to another host; what is uploaded may go to another one at once.
        if authorization is not None and urlsplit(url).netloc == self.reference.host:
            sent["Authorization"] = authorization
        if request.body is not None and not isinstance(request.body, bytes):
            request.body.seek(0)
        pool = self._connections.pool_for(url)
        return pool.request(
            request.method,
            url,
            body=request.body,
            headers=sent,
            preload_content=False,
            retries=_RETRY,
            timeout=_TIMEOUT,
        )

    def _log_in(self, challenge: str) -> str | None:
        """Returns the `Authorization` that answers a challenge; None when there is nothing to answer it with."""
        credentials = credentials_for(self.reference.registry)
        kind = challenge.partition(" ")[0].lower()
        if kind == "basic":
            return None if credentials is None else _basic(credentials)
        parameters = {key.lower(): value for key, value in _PARAMETER.findall(challenge)}
        realm = parameters.get("realm", "")
        if kind != "bearer" or not realm:
            raise MissingRequirement(
                f"{self.reference}: {self.reference.host} asks for a login of an unknown kind ({kind or 'none'})"
            )
        if urlsplit(realm).scheme != "https" and self._scheme == "https":
            raise MissingRequirement(f"{self.reference}: its registry asks for a login over plain HTTP ({realm})")
        parameters.setdefault("scope", f"repository:{self.reference.repository}:{self._actions}")
        fields = {key: parameters[key] for key in ("service", "scope") if key in parameters}
        return f"Bearer {self._token(realm, fields, credentials)}"

    def _token(self, realm: str, fields: dict[str, str], credentials: Credentials | None) -> str:
        pool = self._connections.pool_for(realm)
        headers = {"User-Agent": USER_AGENT}
        if credentials is not None and credentials.identity_token:
            form = {**fields, "grant_type": "refresh_token", "client_id": "lambdapack"}
            body = urlencode({**form, "refresh_token": credentials.identity_token})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            response = pool.request("POST", realm, body=body, headers=headers, retries=_RETRY, timeout=_TIMEOUT)
        else:
            if credentials is not None:
                headers["Authorization"] = _basic(credentials)
            response = pool.request("GET", realm, fields=fields, headers=headers, retries=_RETRY, timeout=_TIMEOUT)
        if response.status != 200:
            raise self.refused(401 if response.status in (400, 401, 403) else response.status)
        try:
            answer = json.loads(response.data)
            token = answer.get("token") or answer.get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not token:
            raise MissingRequirement(f"{self.reference}: {urlsplit(realm).hostname} gives no token")
        return str(token)

    def refused(self, status: int) -> MissingRequirement:
        """Returns what an answer with this status means to the user."""
        if status == 404:
            return MissingRequirement(
                f"{self.reference}: {self.reference.registry} has no such image",
                hint="look for a slip in name and tag; some registries say so of private images, too: docker login",
            )
        if status in (401, 403):
            ecr = _ECR.match(self.reference.registry)
            login = f"docker login {self.reference.registry}"
            if ecr:
                login = (
                    f"aws ecr get-login-password --region {ecr[2]} | "
                    f"docker login --username AWS --password-stdin {self.reference.registry}"
                )
            return MissingRequirement(
                f"{self.reference}: {self.reference.registry} does not let this user {self._doing} it ({status})",
                hint=login,
            )
        if status == 429:
            return MissingRequirement(
                f"{self.reference}: {self.reference.registry} answers that there were too many requests (429)",
                hint=f"wait, or log in: docker login {self.reference.registry}",
            )
        return MissingRequirement(f"{self.reference}: {self.reference.host} answered {status}")


def _basic(credentials: Credentials) -> str:
    return urllib3.make_headers(basic_auth=f"{credentials.username}:{credentials.password}")["authorization"]


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
