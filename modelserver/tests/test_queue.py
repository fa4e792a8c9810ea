import asyncio

import numpy as np
import pytest

from server.admission import Admission, Full
from server.batching import Batcher
from server.model import OutOfMemory


async def hold(admission: Admission, cost: int, entered: list[int], name: int, leave: asyncio.Event) -> None:
    async with admission.enter(cost):
        entered.append(name)
        await leave.wait()


async def let_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_slots_memory_and_queue_are_kept_in_order():
    async def go():
        a, entered, leave = Admission(slots=2, queue=2, memory=100), [], asyncio.Event()
        tasks = [asyncio.create_task(hold(a, cost, entered, i, leave)) for i, cost in enumerate((60, 60, 10, 1))]
        await let_run()
        # The second has no memory; the third would have it, but does not overtake.
        assert entered == [0]
        assert (a.running, a.waiting, a.used) == (1, 2, 60)
        with pytest.raises(Full) as full:
            await tasks[3]
        assert full.value.retry_after >= 1
        leave.set()
        await asyncio.gather(*tasks[:3])
        assert entered == [0, 1, 2]
        assert (a.running, a.waiting, a.used) == (0, 0, 0)

    asyncio.run(go())


def test_one_that_costs_more_than_all_is_let_in_alone():
    async def go():
        a = Admission(slots=4, queue=1, memory=10)
        async with a.enter(1000):
            assert a.used == 10

    asyncio.run(go())


def test_a_caller_that_goes_away_leaves_nothing_behind():
    async def go():
        a, leave = Admission(slots=1, queue=3, memory=10), asyncio.Event()
        first = asyncio.create_task(hold(a, 5, [], 0, leave))
        await let_run()
        second = asyncio.create_task(hold(a, 5, [], 1, leave))
        await let_run()
        second.cancel()
        await let_run()
        assert a.waiting == 0
        # Canceled at the moment of its admission.
        third = asyncio.create_task(hold(a, 5, [], 2, leave))
        await let_run()
        leave.set()
        await first
        third.cancel()
        await let_run()
        assert (a.running, a.waiting, a.used) == (0, 0, 0)

    asyncio.run(go())


class Device:
    """A model on a device with memory for so many windows."""

    def __init__(self, room: int) -> None:
        self.room, self.sizes = room, []

    def run(self, audio: np.ndarray) -> list[np.ndarray]:
        self.sizes.append(len(audio))
        if len(audio) > self.room:
            raise OutOfMemory("no room")
        return [audio * 2]


def test_out_of_memory_halves_the_batch_and_answers_everybody():
    async def go():
        device = Device(room=2)
        b = Batcher(device, limit=8, wait=0.01)
        b.start()
        found = await asyncio.gather(*(b.run(np.full(4, i, np.float32)) for i in range(8)))
        assert [int(f[0][0]) for f in found] == [2 * i for i in range(8)]
        assert b.size == 2
        assert b.halved == 3  # 8, and both of its halves
        await b.run(np.zeros(4, np.float32))
        await b.stop()

    asyncio.run(go())


def test_a_single_window_without_room_is_said_so_and_the_next_is_served():
    async def go():
        device = Device(room=0)
        b = Batcher(device, limit=4, wait=0.01)
        b.start()
        with pytest.raises(OutOfMemory):
            await b.run(np.zeros(4, np.float32))
        device.room = 1
        assert (await b.run(np.ones(4, np.float32)))[0][0] == 2
        await b.stop()

    asyncio.run(go())


def test_windows_of_different_lengths_are_not_mixed():
    async def go():
        device = Device(room=9)
        b = Batcher(device, limit=4, wait=0.01)
        b.start()
        found = await asyncio.gather(b.run(np.ones(4, np.float32)), b.run(np.ones(6, np.float32)), b.run(np.ones(6, np.float32)))
        assert [len(f[0]) for f in found] == [4, 6, 6]
        assert device.sizes == [1, 2]
        await b.stop()

    asyncio.run(go())
