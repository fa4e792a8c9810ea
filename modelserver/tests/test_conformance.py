"""The suite that any server is held to (`orak engine check`), against this one as it is run, with its default model."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def orak(tmp_path_factory) -> Path:
    """The command, as it is in this tree."""
    binary = tmp_path_factory.mktemp("bin") / "orak"
    subprocess.run(["go", "build", "-o", str(binary), "./cmd/orak"], cwd=ROOT, check=True)  # noqa: S607, whichever Go builds the project
    return binary


@pytest.fixture(scope="module")
def url():
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
        yield base
    finally:
        server.terminate()
        assert server.wait(60) in (0, -signal.SIGTERM)


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
