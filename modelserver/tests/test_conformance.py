"""The conformance suite (`orak engine check`) against this server, with its default model."""

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from .conftest import wave

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def orak(tmp_path_factory) -> Path:
    """The command, built from this tree."""
    binary = tmp_path_factory.mktemp("bin") / "orak"
    subprocess.run(["go", "build", "-o", str(binary), "./cmd/orak"], cwd=ROOT, check=True)  # noqa: S607, the Go that builds the project
    return binary


@contextmanager
def running():
    """The server in its own process, ready; it is stopped gracefully."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "server", "--port", str(port)], cwd=ROOT / "modelserver")
    try:
        base = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 60
        while not _ready(base):
            assert server.poll() is None and time.monotonic() < until, "the server does not become ready"
            time.sleep(0.1)
        yield server, port
    finally:
        server.terminate()
        assert server.wait(60) in (0, -signal.SIGTERM)


@pytest.fixture(scope="module")
def url():
    with running() as (_, port):
        yield f"http://127.0.0.1:{port}"


def _ready(base: str) -> bool:
    try:
        return httpx.get(f"{base}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("protocol", ["http", "oip"])
def test_the_server_keeps_the_contract(orak, url, protocol):
    done = subprocess.run([str(orak), "engine", "check", url, "--protocol", protocol, "--json"], capture_output=True, text=True, timeout=300)
    checks = json.loads(done.stdout)["checks"]
    assert [c for c in checks if not c["ok"]] == []
    assert done.returncode == 0, done.stderr
    assert {"a tone", "more at once than it takes"} <= {c["name"] for c in checks}


def test_a_stop_lets_what_has_begun_end():
    body = wave(np.zeros(16_000))
    with running() as (server, port), socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        s.sendall(b"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: %d\r\n\r\n" % len(body))
        s.sendall(body[:100])
        while httpx.get(f"http://127.0.0.1:{port}/v1/capacity").json()["running"] == 0:
            pass
        server.terminate()
        with pytest.raises((httpx.TransportError, AssertionError)):  # it answers so first, and then it is gone
            while True:
                assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
        s.sendall(body[100:])
        assert s.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert server.wait(60) in (0, -signal.SIGTERM)
