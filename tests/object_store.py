"""A store that speaks as much of the protocol of Google Cloud Storage as TensorFlow's `gs://` does.

TensorFlow has the addresses of the store built in. It is reached as an HTTPS proxy, which curl
takes from the environment, with its own certificate; nothing leaves this machine.
"""

import json
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

_HOSTS = ("www.googleapis.com", "storage.googleapis.com")


class ObjectStore:
    """The objects of a running store, and how processes reach it.

    Attributes:
        objects: Contents by `bucket/name`.
        environment: Variables of processes that use the store.
    """

    def __init__(self, port: int, certificate: Path) -> None:
        self.objects: dict[str, bytes] = {}
        proxy = f"http://127.0.0.1:{port}"
        self.environment = {
            "https_proxy": proxy,
            "HTTPS_PROXY": proxy,
            # Workers connect directly.
            "no_proxy": "127.0.0.1,localhost",
            "CURL_CA_BUNDLE": str(certificate),
            "GOOGLE_AUTH_TOKEN_FOR_TESTING": "token",
            "NO_GCE_CHECK": "true",
            "GCS_RETRY_CONFIG_MAX_RETRIES": "1",
        }


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run a store, or skip the test where no certificate can be made."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command `openssl`")
    key, certificate = _make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    store = ObjectStore(server.server_port, certificate)
    server.context, server.store, server.uploads = context, store, {}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "store.key", folder / "store.pem"
    names = ",".join(f"DNS:{host}" for host in _HOSTS)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=store", "-addext", f"subjectAltName={names}"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection: `CONNECT`, then requests over TLS."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ssl.SSLError, ConnectionError, ValueError):
            self.close_connection = True

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        # The server closes only what the connection was before TLS.
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    @property
    def _objects(self) -> dict[str, bytes]:
        objects: dict[str, bytes] = self.server.store.objects
        return objects

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if not url.path.startswith("/storage/v1/b/"):
            self._send_content(unquote(url.path.removeprefix("/")))
            return
        bucket, kind, name = self._split(url.path)
        if not kind:
            self._answer({"name": bucket, "location": "US"})
        elif not name:
            self._answer(self._list(bucket, parse_qs(url.query)))
        elif (content := self._objects.get(f"{bucket}/{name}")) is not None:
            self._answer(self._describe(name, content))
        else:
            self._answer({}, 404)

    def do_POST(self) -> None:
        url, content = urlsplit(self.path), self._body()
        query = parse_qs(url.query)
        if url.path.startswith("/upload/"):
            bucket, _, _ = self._split(url.path.removeprefix("/upload"))
            upload = str(len(self.server.uploads))
            self.server.uploads[upload] = f"{bucket}/{query['name'][0]}"
            location = f"https://{_HOSTS[0]}/upload/session/{upload}"
            self._answer({}, headers={"Location": location})
        elif match := re.fullmatch(r"/storage/v1/b/(.+)/o/(.+)/rewriteTo/b/(.+)/o/(.+)", url.path):
            source, target = (f"{match[i]}/{unquote(match[i + 1])}" for i in (1, 3))
            self._objects[target] = self._objects[source]
            self._answer({"done": True})
        else:
            self._answer({"received": len(content)}, 400)

    def do_PUT(self) -> None:
        name = self.server.uploads[self.path.rpartition("/")[2]]
        self._objects[name] = self._body()
        self._answer({"name": name})

    def do_DELETE(self) -> None:
        bucket, _, name = self._split(urlsplit(self.path).path)
        found = self._objects.pop(f"{bucket}/{name}", None)
        self._answer({}, 404 if found is None else 204)

    @staticmethod
    def _split(path: str) -> tuple[str, str, str]:
        bucket, _, rest = path.removeprefix("/storage/v1/b/").partition("/")
        kind, _, name = rest.partition("/")
        return bucket, kind, unquote(name)

    @staticmethod
    def _describe(name: str, content: bytes) -> dict[str, str]:
        updated = "2026-01-01T00:00:00.000Z"
        return {"name": name, "size": str(len(content)), "generation": "1", "updated": updated}

    def _list(self, bucket: str, query: dict[str, list[str]]) -> dict[str, Any]:
        prefix, delimiter = (query.get(key, [""])[0] for key in ("prefix", "delimiter"))
        items, prefixes = [], set()
        for address, content in sorted(dict(self._objects).items()):
            own, _, name = address.partition("/")
            if own != bucket or not name.startswith(prefix):
                continue
            rest = name[len(prefix) :]
            if delimiter and delimiter in rest:
                prefixes.add(prefix + rest.partition(delimiter)[0] + delimiter)
            else:
                items.append(self._describe(name, content))
        return {"items": items, "prefixes": sorted(prefixes)}

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _send_content(self, name: str) -> None:
        content = self._objects.get(name)
        if content is None:
            self._answer({}, 404)
            return
        status = 200
        if match := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
            start, stop = int(match[1]), int(match[2]) + 1
            if start >= len(content):
                self._answer({}, 416)
                return
            content, status = content[start:stop], 206
        self._send(content, status)

    def _answer(
        self, document: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self._send(b"" if status == 204 else json.dumps(document).encode(), status, headers or {})

    def _send(self, content: bytes, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
