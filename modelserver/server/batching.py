"""Runs windows of all requests through the model in batches."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .model import Model, OutOfMemory

log = logging.getLogger(__name__)


class Batcher:
    """Collects windows of one length for up to ``wait`` seconds, at most ``limit`` of them, and runs them as a batch.

    If the device runs out of memory, the batch is halved, and so are the batches
    after it; the size grows again by one after every hundred successes. A single
    window without room raises OutOfMemory.
    """

    def __init__(self, model: Model, limit: int, wait: float) -> None:
        self.model, self.limit, self.wait = model, limit, wait
        self.size = limit
        self.batches = 0
        self.halved = 0
        self._well = 0
        self._queue: asyncio.Queue[tuple[np.ndarray, asyncio.Future[list[np.ndarray]]]] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """Stops the batcher, after all requests have ended."""
        if self._task:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def warm_up(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.model.warm_up, self.limit)

    async def run(self, window: np.ndarray) -> list[np.ndarray]:
        """Returns the outputs of one window."""
        done: asyncio.Future[list[np.ndarray]] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((window, done))
        return await done

    async def _serve(self) -> None:
        held = None  # a window of another length, which begins the next batch
        while True:
            first = held or await self._queue.get()
            held = None
            batch = [first]
            until = asyncio.get_running_loop().time() + self.wait
            while len(batch) < self.size:
                try:
                    left = until - asyncio.get_running_loop().time()
                    one = await asyncio.wait_for(self._queue.get(), max(left, 0)) if self._queue.empty() else self._queue.get_nowait()
                except TimeoutError:
                    break
                if len(one[0]) != len(first[0]):
                    held = one
                    break
                batch.append(one)
            # Canceled requests need no answer.
            await self._settle([(w, d) for w, d in batch if not d.done()])

    async def _settle(self, batch: list[tuple[np.ndarray, asyncio.Future[list[np.ndarray]]]]) -> None:
        if not batch:
            return
        try:
            self.batches += 1
            audio = np.stack([w for w, _ in batch])
            outputs = await asyncio.get_running_loop().run_in_executor(self._thread, self.model.run, audio)
        except OutOfMemory as e:
            if len(batch) == 1:
                _fail(batch, e)
                return
            self.halved += 1
            half = len(batch) // 2
            self.size, self._well = half, 0
            log.warning("out of memory with %d windows; now %d at once", len(batch), half)
            await self._settle(batch[:half])
            await self._settle(batch[half:])
        except Exception as e:  # the model failed: each request gets the error
            _fail(batch, e)
        else:
            for i, (_, done) in enumerate(batch):
                if not done.done():
                    done.set_result([o[i] for o in outputs])
            self._grow()

    def _grow(self) -> None:
        self._well += 1
        if self._well >= 100 and self.size < self.limit:
            self.size, self._well = self.size + 1, 0


def _fail(batch: list[tuple[np.ndarray, asyncio.Future]], error: Exception) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)
