"""Measures the reference model server, in its own process, on the device that it finds.

    python -m bench                       # on a GPU if there is one, else on the CPU
    python -m bench --device cpu --json

Three runs, each with a fresh server and requests of the length that orak sends:

speed    as many concurrent requests as slots: seconds of audio per second
crowd    three workers of four slots: refusals, and whether the server survives
no room  the same crowd, and a device with memory for little more than one window

It asserts nothing and prints figures. See docs/benchmarks.md.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np

from server import manifest

ROOT = Path(__file__).parent.parent
RATE = 16_000
SLOTS, QUEUE = 2, 8
# Three workers of four slots each.
CROWD = 12


@dataclass
class Run:
    """The results of one server."""

    name: str
    answered: dict[str, int]
    seconds: float
    times_real_time: float
    p50_ms: float
    p99_ms: float
    halved_batches: int
    alive: bool
    device: str


def wav(seconds: float) -> bytes:
    """A voice-like sound in noise, as a WAV."""
    n = int(seconds * RATE)
    random, t = np.random.default_rng(1), np.arange(n) / RATE
    phase = 2 * np.pi * np.cumsum(220 * 2 ** (0.5 * np.sin(2 * np.pi * 0.3 * t))) / RATE
    x = sum(np.sin(h * phase) / h for h in range(1, 12)) + 0.1 * random.standard_normal(n)
    data = (x / np.abs(x).max() * 16_000).astype("<i2").tobytes()
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + bytes.fromhex("1000000001000100803e0000007d000002001000") + b"data"
    return head + len(data).to_bytes(4, "little") + data


class Server:
    """A context manager that runs a server."""

    def __init__(self, arguments: list[str]) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.command = [sys.executable, "-m", "server", "--port", str(self.port), "--slots", str(SLOTS), "--queue", str(QUEUE), *arguments]

    def __enter__(self) -> "Server":
        self.process = subprocess.Popen(self.command, cwd=ROOT)
        while True:
            if self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}")
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.1)

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def measure(self, name: str) -> float:
        """A value of the server's metrics."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


async def load(server: Server, requests: int, clients: int, body: bytes, done) -> tuple[Counter, list[float]]:
    """Sends requests until each is answered 200, from so many clients that wait as Retry-After says."""
    answered: Counter = Counter()
    took: list[float] = []
    left = iter(range(requests))
    async with httpx.AsyncClient(base_url=server.url, timeout=300) as client:

        async def one_client() -> None:
            for _ in left:
                began = time.perf_counter()
                while True:
                    answer = await client.post("/v1/analyze", content=body, headers={"content-type": "audio/wav"})
                    answered[str(answer.status_code)] += 1
                    if answer.status_code == 200:
                        break
                    if answer.status_code not in (429, 503):
                        return
                    await asyncio.sleep(float(answer.headers["retry-after"]))
                took.append(time.perf_counter() - began)
                done(answered["200"])

        await asyncio.gather(*(one_client() for _ in range(clients)))
    return answered, took


def run(name: str, args: argparse.Namespace, clients: int, extra: list[str]) -> Run:
    body = wav(args.seconds)

    def progress(n: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{name:8} {n}/{args.requests}", end="", file=sys.stderr, flush=True)

    with Server(["--device", args.device, *extra]) as server:
        began = time.perf_counter()
        answered, took = asyncio.run(load(server, args.requests, clients, body, progress))
        spent = time.perf_counter() - began
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        p50, p99 = (float(np.percentile(took, q)) * 1000 if took else 0.0 for q in (50, 99))
        return Run(
            name=name,
            answered=dict(answered),
            seconds=round(spent, 2),
            times_real_time=round(answered["200"] * args.seconds / spent),
            p50_ms=round(p50),
            p99_ms=round(p99),
            halved_batches=int(server.measure("orak_model_halved_batches")),
            alive=server.process.poll() is None,
            device=device(httpx.get(f"{server.url}/v1/capacity").json()["device"]),
        )


def device(kind: str) -> str:
    if kind != "cuda":
        return kind
    names = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=True).stdout  # noqa: S607, the driver's
    return names.splitlines()[0]


def main() -> None:
    p = argparse.ArgumentParser(prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--requests", type=int, default=200)
    p.add_argument("--seconds", type=float, default=61, help="audio in each")
    p.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    p.add_argument("--batch", type=int, default=8, help="windows that go through the model together, at most")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    described, _ = manifest.load(ROOT / "models/pitch/manifest.json")
    batch = ["--batch", str(args.batch)]
    # The manifest's memory for a window and a half; a batch needs several.
    little = int(1.5 * described.window_s * described.memory_bytes_per_second)
    runs = [run("speed", args, SLOTS, batch), run("crowd", args, CROWD, batch), run("no room", args, CROWD, [*batch, "--memory", str(little)])]
    if args.json:
        print(json.dumps([asdict(r) for r in runs], indent=1))
        return
    print(f"{args.requests} requests of {args.seconds:g} s on {runs[0].device}\n")
    print(f"{'':8} {'x real time':>11} {'p50':>9} {'p99':>9} {'200':>5} {'429':>5} {'503':>5} {'halved':>7}  server")
    for r in runs:
        counts = " ".join(f"{r.answered.get(status, 0):5}" for status in ("200", "429", "503"))
        print(f"{r.name:8} {r.times_real_time:11} {r.p50_ms:6.0f} ms {r.p99_ms:6.0f} ms {counts} {r.halved_batches:7}  {'alive' if r.alive else 'DEAD'}")


if __name__ == "__main__":
    main()
