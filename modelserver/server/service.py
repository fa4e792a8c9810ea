"""The part that both protocols share: admission, analysis and the classification of failures."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .admission import Admission, Full
from .analyze import NotFinite
from .batching import Batcher
from .manifest import Manifest
from .model import Broken, OutOfMemory
from .problems import Problem

log = logging.getLogger(__name__)

# After an out-of-memory the running requests must end first; a new process takes some seconds.
RECOVERY_S = 5


class Service:
    """One model with its queue and its metrics.

    ``ready`` is set once the model is warm; ``stopping`` once the process must
    end, after which nothing begins. ``broken`` is set when the model has failed for
    good; ``stop``, if given, is then called.
    """

    def __init__(self, manifest: Manifest, batcher: Batcher, admission: Admission, device: str, stop: Callable[[], None] | None = None) -> None:
        self.manifest, self.batcher, self.admission, self.device, self.stop = manifest, batcher, admission, device, stop
        self.ready = self.stopping = self.broken = False
        self.registry = CollectorRegistry()
        self.requests = Counter("orak_model_requests_total", "Requests by how they ended.", ["outcome"], registry=self.registry)
        self.duration = Histogram("orak_model_request_duration_seconds", "Time of a request, its waiting included.", registry=self.registry)
        self.audio = Counter("orak_model_audio_seconds_total", "Audio that was analyzed.", registry=self.registry)
        for name, text, value in (
            ("running_requests", "Requests that hold a slot.", lambda: admission.running),
            ("waiting_requests", "Requests in the queue.", lambda: admission.waiting),
            ("reserved_memory_bytes", "Memory that running requests are reckoned to take.", lambda: admission.used),
            ("batch_windows", "Windows that go through the model at once, at most.", lambda: batcher.size),
            ("halved_batches", "Batches that were halved for lack of memory.", lambda: batcher.halved),
        ):
            Gauge(f"orak_model_{name}", text, registry=self.registry).set_function(value)

    def cost(self, samples: int) -> int:
        """Returns the estimated memory of a request in bytes, at least a window's."""
        m = self.manifest
        return round(max(samples, m.window) / m.sample_rate_hz * m.memory_bytes_per_second)

    def check_ready(self) -> None:
        """Raises a Problem unless the service takes work."""
        if not self.ready or self.stopping or self.broken:
            raise Problem(503, "not-ready", "The model is not ready; come back later.", 2)

    def fail(self) -> None:
        """Takes no more work, for good: the supervisor must restart the process."""
        first, self.broken = not self.broken, True
        if first and self.stop:
            self.stop()

    @asynccontextmanager
    async def admitted(self, samples: int) -> AsyncIterator[None]:
        """Holds a place for so much audio; every failure in it becomes a Problem and is counted."""
        try:
            self.check_ready()
        except Problem:
            self.requests.labels("not_ready").inc()
            raise
        try:
            with self.duration.time():
                async with self.admission.enter(self.cost(samples)):
                    yield
        except Full as e:
            self.requests.labels("busy").inc()
            raise Problem(429, "busy", "The queue is full; come back later.", e.retry_after) from e
        except OutOfMemory as e:
            self.requests.labels("out_of_memory").inc()
            log.warning("out of memory with a single window: %s", e)
            raise Problem(503, "out-of-memory", "The device has no memory at the moment; come back later.", RECOVERY_S) from e
        except Broken as e:
            self.requests.labels("broken").inc()
            log.error("the model fails for good, and this process ends: %s", e)
            self.fail()
            raise Problem(503, "not-ready", "The model is not ready; come back later.", RECOVERY_S) from e
        except NotFinite as e:
            self.requests.labels("model_failed").inc()
            raise Problem(422, "model-failed", "The model cannot analyze this recording.") from e
        except Problem:
            self.requests.labels("refused").inc()
            raise
        except Exception as e:
            self.requests.labels("failed").inc()
            log.exception("a request failed")
            raise Problem(500, "failed", "The analysis failed.") from e
        else:
            self.requests.labels("ok").inc()
            self.audio.inc(samples / self.manifest.sample_rate_hz)

    async def infer(self, window: np.ndarray) -> list[np.ndarray]:
        return await self.batcher.run(window)

    def capacity(self) -> dict:
        """Returns the answer of GET /v1/capacity."""
        m, a = self.manifest, self.admission
        return {
            "engine": {"name": m.name, "version": m.version},
            "device": self.device,
            "sample_rate_hz": m.sample_rate_hz,
            "slots": a.slots,
            "running": a.running,
            "queue": a.queue,
            "waiting": a.waiting,
            "memory_bytes": a.memory,
            "memory_bytes_per_second": m.memory_bytes_per_second,
        }


async def cut_short(pending: Awaitable[dict], disconnected: Awaitable[None]) -> dict:
    """Returns the result of pending, unless the caller disconnects first."""
    work, gone = asyncio.ensure_future(pending), asyncio.ensure_future(disconnected)
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Problem(400, "gone", "The caller disconnected.")
        return work.result()
    finally:
        for task in (work, gone):
            task.cancel()
