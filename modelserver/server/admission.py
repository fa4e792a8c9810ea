"""Admission control: a bounded number of concurrent requests, a memory budget, and a bounded queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Full(Exception):
    """The queue is full. ``retry_after`` is the time until the next try, in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; come back in {retry_after} s")
        self.retry_after = retry_after


class Admission:
    """Admits requests in the order of their arrival.

    A request costs memory: a fixed number of bytes for each second of audio.
    One that costs more than the whole budget is admitted alone.
    """

    def __init__(self, slots: int, queue: int, memory: int) -> None:
        self.slots, self.queue, self.memory = slots, queue, memory
        self.running = 0
        self.waiting = 0
        self.used = 0
        self._seconds = 1.0  # how long a request takes, smoothed
        self._line: list[tuple[int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def enter(self, cost: int) -> AsyncIterator[None]:
        """Holds a slot and ``cost`` bytes of the budget. Raises Full at once if the queue is full."""
        cost = min(cost, self.memory)
        if self._line or not self._fits(cost):
            await self._wait(cost)
        else:
            self._take(cost)
        began = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self._seconds += 0.2 * (asyncio.get_running_loop().time() - began - self._seconds)
            self.running -= 1
            self.used -= cost
            self._admit()

    def retry_after(self) -> int:
        """The time until the queue should have room again, in whole seconds: 1 to 60."""
        return int(min(max(self._seconds * (self.waiting + 1) / self.slots, 1), 60))

    def _fits(self, cost: int) -> bool:
        return self.running < self.slots and self.used + cost <= self.memory

    def _take(self, cost: int) -> None:
        self.running += 1
        self.used += cost

    async def _wait(self, cost: int) -> None:
        if self.waiting >= self.queue:
            raise Full(self.retry_after())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((cost, turn))
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted and canceled at the same time
                self.running -= 1
                self.used -= cost
            self._line = [entry for entry in self._line if entry[1] is not turn]
            self._admit()
            raise
        finally:
            self.waiting -= 1

    def _admit(self) -> None:
        while self._line and self._fits(self._line[0][0]):
            cost, turn = self._line.pop(0)
            if not turn.done():
                self._take(cost)
                turn.set_result(None)
