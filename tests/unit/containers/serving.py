"""A registry on loopback: the distribution protocol over the blobs of an OCI layout, with faults on request."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD, IDENTITY = "ada", "pa:ss", "an-identity-token"


@dataclass
class Served:
    """What is served and how. `files` are those of an OCI layout. `login` is `basic`, `bearer` or none; a token is good
    for `token_uses` requests. The first `broken` answers with a blob end half way. `redirect` sends blobs on to another
    name of this host. `requests` are method, path and headers of all that came in."""

    files: Mapping[str, bytes]
    tag: str = "1"
    login: str = ""
    anonymous: bool = False
    token_uses: int = 1000
    broken: int = 0
    ranges: bool = True
    redirect: bool = False
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def blobs_asked_for(self) -> list[str]:
        return [path.rpartition("/")[2] for _, path, _ in self.requests if "/blobs/" in path]

    @property
    def top(self) -> str:
        """The digest that the tag stands for."""
        return str(json.loads(self.files["index.json"])["manifests"][0]["digest"])


class _Handler(BaseHTTPRequestHandler):
    served: Served
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_: object) -> None:
        """The tests' output stays clean."""

    def _answer(self, method: str, body: bytes) -> None:
        served = self.served
        parts = urlsplit(self.path)
        with served.lock:
            served.requests.append((method, self.path, {key.lower(): value for key, value in self.headers.items()}))
        if parts.path == "/token":
            self._token(parse_qs(body.decode() if method == "POST" else parts.query))
            return
        if not self._is_let_in() and not parts.path.startswith("/elsewhere/"):
            realm = f"http://{served.host}/token"
            challenge = f'Bearer realm="{realm}",service="tests"' if served.login == "bearer" else 'Basic realm="tests"'
            self._send(401, b"{}", {"WWW-Authenticate": challenge})
            return
        kind, _, wanted = parts.path.removeprefix("/elsewhere").removeprefix("/v2/team/app/").partition("/")
        digest = served.top if kind == "manifests" and wanted == served.tag else wanted
        content = served.files.get(f"blobs/sha256/{digest.removeprefix('sha256:')}")
        if content is None:
            self._send(404, b"{}")
        elif kind == "manifests":
            self._send(200, content, {"Content-Type": json.loads(content).get("mediaType", "application/json")})
        elif served.redirect and not parts.path.startswith("/elsewhere/"):
            self._send(307, b"", {"Location": f"http://localhost:{served.port}/elsewhere{parts.path}"})
        else:
            self._blob(content)

    def _is_let_in(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.served.login == "basic":
            return given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.served.login == "bearer":
            with self.served.lock:
                left = self.served.tokens.get(given.removeprefix("Bearer "), 0)
                self.served.tokens[given.removeprefix("Bearer ")] = left - 1
            return left > 0
        return True

    def _token(self, fields: Mapping[str, list[str]]) -> None:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        known = (
            self.headers.get("Authorization") == basic
            or fields.get("refresh_token") == [IDENTITY]
            or (self.served.anonymous and "Authorization" not in self.headers)
        )
        if not known or fields.get("scope") != ["repository:team/app:pull"] or fields.get("service") != ["tests"]:
            self._send(401, b"{}")
            return
        with self.served.lock:
            token = f"token-{len(self.served.tokens)}"
            self.served.tokens[token] = self.served.token_uses
        self._send(200, json.dumps({"access_token": token}).encode())

    def _blob(self, content: bytes) -> None:
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.served.ranges else 0
        rest = content[start:]
        with self.served.lock:
            breaks = self.served.broken > 0
            self.served.broken -= breaks
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2] if breaks else rest)
        self.close_connection = breaks

    def _send(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """Serves until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": served}))
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
