"""Bodies that are slow or cut off, and URLs: on real sockets."""

import gzip
import http.server
import socket
import threading
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient

from server import app
from server.body import Intake

from .conftest import INTAKE, make_service, serving, wave

RECORDING = wave(np.full(1600, 16_384))


def begin(port: int) -> socket.socket:
    """A connection that declared a recording, and has sent half of it."""
    s = socket.create_connection(("127.0.0.1", port), timeout=30)
    s.sendall(b"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(RECORDING))
    s.sendall(RECORDING[:1000])
    return s


def answer(s: socket.socket) -> bytes:
    got = b""
    while part := s.recv(65536):
        got += part
    return got


def test_a_slow_caller_loses_its_slot(folder):
    service = make_service(folder, slots=1, queue=0)
    with serving(service, Intake(1 << 20, 0.2)) as port, begin(port) as slow:
        got = answer(slow)
        assert got.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in got
        with begin(port) as quick:
            quick.sendall(RECORDING[1000:])
            assert answer(quick).startswith(b"HTTP/1.1 200 ")


def test_a_caller_that_goes_away_amid_its_body_leaves_its_slot_and_no_stack(folder, caplog):
    service = make_service(folder, slots=1, queue=0)
    with serving(service, INTAKE) as port:
        with begin(port):
            until(lambda: service.admission.running == 1)
        until(lambda: service.admission.running == 0)
    assert "failed" not in caplog.text


def until(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Store(http.server.BaseHTTPRequestHandler):
    """A store with a recording, and with answers that must be refused."""

    def do_GET(self) -> None:
        kind = self.path.rpartition("/")[2]
        body = gzip.compress(RECORDING) if kind == "packed" else RECORDING
        self.send_response({"elsewhere": 302, "missing": 404}.get(kind, 200))
        if kind == "elsewhere":
            self.send_header("Location", "/recordings/one")
        if kind == "packed":
            self.send_header("Content-Encoding", "gzip")
        if kind == "long":
            self.send_header("Content-Length", str(1 << 30))
        elif kind != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100] if kind == "cut" else body)

    def log_message(self, *_) -> None: ...


@pytest.fixture(scope="module")
def store():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/recordings/one", 200),
        ("/recordings/elsewhere", 400),
        ("/recordings/missing", 400),
        ("/recordings/packed", 400),
        ("/recordings/endless", 400),
        ("/recordings/cut", 400),
        ("/recordings/long", 413),
        ("/private/one", 400),
        ("/recordings/../private/one", 400),
        ("/recordings/%2e%2e/private/one", 400),
        ("/recordings/%252e%252e/private/one", 400),
        ("/recordings/..\\private/one", 400),
        ("/recordings/one\r\nX: y", 400),
    ],
)
def test_only_what_was_allowed_is_fetched(folder, store, path, status):
    with TestClient(app.build(make_service(folder), Intake(1 << 20, 5, (f"{store}/recordings/",)))) as client:
        while client.get("/readyz").status_code != 200:
            pass
        got = client.post("/v1/analyze", json={"url": store + path})
        assert got.status_code == status, got.text
        assert got.headers["content-type"] == "application/json" if status == 200 else "application/problem+json"


def test_a_store_that_is_away_is_said_so(folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{s.getsockname()[1]}/"
    with TestClient(app.build(make_service(folder), Intake(1 << 20, 5, (gone,)))) as client:
        while client.get("/readyz").status_code != 200:
            pass
        got = client.post("/v1/analyze", json={"url": gone + "one"})
        assert (got.status_code, got.json()["type"]) == (400, "urn:orak:model-server:url")


@pytest.mark.parametrize("prefix", ["https://store.example", "store.example/", "file:///recordings/", "https:///recordings/", ""])
def test_a_beginning_that_other_hosts_have_too_is_refused(prefix):
    with pytest.raises(ValueError, match="--allow-url"):
        Intake(1, 1, (prefix,))
