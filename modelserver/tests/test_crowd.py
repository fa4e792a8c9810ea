import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import numpy as np

from .conftest import INTAKE, make_service, serving, wave

CROWD, SLOTS, QUEUE = 200, 2, 8


def test_a_crowd_is_let_in_by_and_by(folder):
    """200 concurrent requests meet no other refusal than 429, and all succeed, on a real socket."""
    service = make_service(folder, slots=SLOTS, queue=QUEUE)
    most = watch(service.admission)
    with serving(service, INTAKE) as port:
        met = asyncio.run(crowd(f"http://127.0.0.1:{port}"))
    assert met[200] == CROWD
    assert set(met) <= {200, 429}
    assert met[429] > 0, "there was no crowd"
    assert most["running"] <= SLOTS and most["waiting"] <= QUEUE
    assert (service.admission.running, service.admission.waiting, service.admission.used) == (0, 0, 0)


def watch(admission) -> Counter:
    """Records the most concurrent requests, whenever one is admitted or waits."""
    most, take, retry = Counter(), admission._take, admission.retry_after

    def look() -> None:
        most["running"] = max(most["running"], admission.running)
        most["waiting"] = max(most["waiting"], admission.waiting)

    def taken(cost: int) -> None:
        take(cost)
        look()

    def refused() -> int:
        look()
        return retry()

    admission._take, admission.retry_after = taken, refused
    return most


async def crowd(base: str) -> Counter:
    met: Counter = Counter()
    body = wave(np.full(16_000, 8_192))
    async with httpx.AsyncClient(base_url=base, timeout=60, limits=httpx.Limits(max_connections=CROWD)) as client:

        async def one() -> None:
            status = 0
            while status != 200:
                answer = await client.post("/v1/analyze", content=body, headers={"content-type": "audio/wav"})
                status = answer.status_code
                met[status] += 1
                if status not in (200, 429):
                    return
                if status == 429:
                    assert int(answer.headers["retry-after"]) >= 1
                    await asyncio.sleep(0.05)  # sooner than Retry-After: an impolite crowd

        await asyncio.gather(*(one() for _ in range(CROWD)))
    return met


def test_a_server_without_room_lives_and_answers_everybody():
    """A short benchmark: real processes, and onnxruntime's out of memory."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--device", "cpu", "--requests", "16", "--seconds", "55", "--json"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    runs = {r["name"]: r for r in json.loads(done.stdout)}
    assert list(runs) == ["speed", "crowd", "no room"]
    for r in runs.values():
        assert r["alive"]
        assert r["answered"]["200"] == 16
        assert set(r["answered"]) <= {"200", "429", "503"}
    assert runs["speed"]["answered"] == {"200": 16}
    assert runs["crowd"]["answered"].get("429", 0) > 0, "there was no crowd"
    assert runs["no room"]["halved_batches"] > 0, "there was room"
