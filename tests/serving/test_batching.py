import asyncio
import threading
import time

import numpy as np
import pytest

from attention_ocr.serving.batching import Batcher
from attention_ocr.serving.errors import Code, ServingError


class Doubling:
    """Doubles its rows, and notes how many it was given at once; may be held up.

    A row of -1 fails the whole batch.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, inputs):
        assert self.go.wait(10)
        rows = inputs["x"]
        self.sizes.append(len(rows))
        if (rows == -1).any():
            raise ValueError("a row of -1")
        return {"y": rows * 2}


def run(play, **options):
    """Run a coroutine function with a started batcher of small bounds."""

    async def with_batcher():
        batcher = Batcher(**{"max_batch_size": 4, "max_queue_rows": 8, **options})
        batcher.start()
        try:
            return await play(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(asyncio.wait_for(with_batcher(), 20))


def rows(*values):
    return {"x": np.array(values)}


async def submit(batcher, compute, *values, cost=0):
    return (await batcher.submit(compute, rows(*values), len(values), cost))["y"].tolist()


async def hold(batcher, compute, cost=0):
    """Occupy the batcher; what is submitted meanwhile waits until `compute.go` is set."""
    compute.go.clear()
    first = asyncio.ensure_future(submit(batcher, compute, 0, cost=cost))
    while batcher.queued_rows or not batcher._workers:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    return first


def test_what_waits_is_computed_together_and_everyone_gets_their_rows():
    compute = Doubling()

    async def play(batcher):
        first = await hold(batcher, compute)
        waiting = [
            asyncio.ensure_future(submit(batcher, compute, *v)) for v in ((1, 2), (3,), (4, 5))
        ]
        await asyncio.sleep(0.01)
        assert batcher.queued_rows == 5
        compute.go.set()
        return await asyncio.gather(first, *waiting)

    assert run(play) == [[0], [2, 4], [6], [8, 10]]
    # Five rows are one more than a batch may have; no request is torn apart.
    assert compute.sizes == [1, 3, 2]


def test_without_joining_every_request_is_a_batch():
    compute = Doubling()

    async def play(batcher):
        first = await hold(batcher, compute)
        waiting = [asyncio.ensure_future(submit(batcher, compute, v)) for v in (1, 2, 3)]
        compute.go.set()
        return await asyncio.gather(first, *waiting)

    assert run(play, joining=False) == [[0], [2], [4], [6]]
    assert compute.sizes == [1, 1, 1, 1]


def test_rows_of_other_shapes_and_functions_are_not_joined():
    one, other = Doubling(), Doubling()

    async def play(batcher):
        first = await hold(batcher, one)
        waiting = [
            asyncio.ensure_future(submit(batcher, one, 1)),
            asyncio.ensure_future(batcher.submit(one, {"x": np.ones((1, 2))}, 1)),
            asyncio.ensure_future(submit(batcher, other, 3)),
            asyncio.ensure_future(submit(batcher, one, 4)),
        ]
        await asyncio.sleep(0)
        one.go.set()
        return await asyncio.gather(first, *waiting)

    answers = run(play)
    assert answers[1] == [2]
    assert answers[2]["y"].tolist() == [[2.0, 2.0]]
    assert answers[3:] == [[6], [8]]
    assert one.sizes == [1, 2, 1]
    assert other.sizes == [1]


def test_light_requests_do_not_wait_for_a_heavy_one():
    heavy, light = Doubling(), Doubling()
    order = []

    async def play(batcher):
        async def note(name, compute, cost):
            await batcher.submit(compute, rows(cost), 1, cost)
            order.append(name)

        first = await hold(batcher, heavy, cost=90)
        waiting = [
            asyncio.ensure_future(note(name, heavy, cost)) for name, cost in (("h2", 9), ("h3", 3))
        ]
        for name in ("l1", "l2", "l3"):
            await note(name, light, 1)
        assert not first.done()
        heavy.go.set()
        await asyncio.gather(first, *waiting)

    # Alone, the first heavy one is over the limit; h2 and h3 are over it together.
    run(play, max_batch_cost=10, max_queue_rows=16)
    assert order == ["l1", "l2", "l3", "h2", "h3"]
    assert heavy.sizes == [1, 1, 1]


def test_heavy_requests_take_a_quarter_of_the_queue_and_no_more():
    compute = Doubling()

    async def play(batcher):
        first = await hold(batcher, compute, cost=90)
        waiting = [asyncio.ensure_future(batcher.submit(compute, rows(1), 1, 90)) for _ in range(6)]
        lights = [asyncio.ensure_future(batcher.submit(compute, rows(1), 1, 0)) for _ in range(6)]
        await asyncio.sleep(0)
        compute.go.set()
        await first
        heavy = await asyncio.gather(*waiting, return_exceptions=True)
        refused = [error for error in heavy if isinstance(error, ServingError)]
        assert [error.code for error in refused] == [Code.RESOURCE_EXHAUSTED] * 4
        assert "queue of large images is full: 2 wait" in refused[0].message
        assert len(await asyncio.gather(*lights)) == 6
        assert batcher.queued_rows == 0

    run(play, max_batch_cost=10)


def test_a_batch_waits_for_more_as_long_as_it_was_told():
    compute = Doubling()

    async def play(batcher):
        start_s = time.monotonic()
        first = asyncio.ensure_future(submit(batcher, compute, 1))
        await asyncio.sleep(0.05)
        await asyncio.gather(first, submit(batcher, compute, 2))
        return time.monotonic() - start_s

    assert run(play, timeout_s=0.2) >= 0.2
    assert compute.sizes == [2]


def test_a_full_batch_does_not_wait():
    compute = Doubling()

    async def play(batcher):
        return await asyncio.gather(*(submit(batcher, compute, v, v) for v in (1, 2)))

    assert run(play, timeout_s=15.0) == [[2, 2], [4, 4]]
    assert compute.sizes == [4]


@pytest.mark.parametrize("bound", ["rows", "bytes"])
def test_what_comes_on_top_of_a_full_queue_is_refused_at_once(bound):
    compute = Doubling()
    options = {"max_queue_rows": 3} if bound == "rows" else {"max_queue_bytes": 3 * 8}

    async def play(batcher):
        first = await hold(batcher, compute)
        waiting = [asyncio.ensure_future(submit(batcher, compute, v)) for v in (1, 2, 3)]
        await asyncio.sleep(0)
        with pytest.raises(ServingError, match="The queue is full: 3 images of 24 bytes") as error:
            await submit(batcher, compute, 4)
        assert error.value.code == Code.RESOURCE_EXHAUSTED
        compute.go.set()
        answers = await asyncio.gather(first, *waiting)
        # There is room again.
        return [*answers, await submit(batcher, compute, 5)]

    assert run(play, **options) == [[0], [2], [4], [6], [10]]


def test_a_request_larger_than_a_batch_is_refused():
    async def play(batcher):
        with pytest.raises(ServingError, match="at most 4 images in a request. Received: 5"):
            await submit(batcher, Doubling(), 1, 2, 3, 4, 5)

    run(play)


def test_a_request_that_fails_does_not_fail_those_it_was_joined_with():
    compute = Doubling()

    async def play(batcher):
        first = await hold(batcher, compute)
        waiting = [asyncio.ensure_future(submit(batcher, compute, v)) for v in (1, -1, 3)]
        await asyncio.sleep(0)
        compute.go.set()
        return await asyncio.gather(first, *waiting, return_exceptions=True)

    first, one, failed, three = run(play)
    assert (first, one, three) == ([0], [2], [6])
    assert isinstance(failed, ValueError)


def test_a_request_that_is_given_up_leaves_the_queue():
    compute = Doubling()

    async def play(batcher):
        first = await hold(batcher, compute)
        given_up = asyncio.ensure_future(submit(batcher, compute, 1, 2))
        other = asyncio.ensure_future(submit(batcher, compute, 3))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert batcher.queued_rows == 1
        compute.go.set()
        return await asyncio.gather(first, other)

    assert run(play) == [[0], [6]]
    assert compute.sizes == [1, 1]


def test_what_runs_is_awaited_at_the_end_and_what_waits_is_refused():
    compute = Doubling()

    async def play(batcher):
        first = await hold(batcher, compute)
        waiting = asyncio.ensure_future(submit(batcher, compute, 1))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.05, compute.go.set)
        await batcher.stop()
        return await asyncio.gather(first, waiting, return_exceptions=True)

    first, refused = run(play)
    assert first == [0]
    assert refused.code == Code.UNAVAILABLE


def test_several_threads_compute_at_the_same_time():
    together = threading.Barrier(2)

    def compute(inputs):
        together.wait(10)
        return {"y": inputs["x"]}

    async def play(batcher):
        return await asyncio.gather(submit(batcher, compute, 1), submit(batcher, compute, 2))

    assert run(play, num_threads=2, joining=False) == [[1], [2]]


def test_batches_are_counted():
    sizes = []

    async def play(batcher):
        await submit(batcher, Doubling(), 1, 2)

    run(play, observe=sizes.append)
    assert sizes == [2]


def test_what_is_computed_alone_may_have_outputs_without_rows():
    async def play(batcher):
        outputs = await batcher.submit(lambda _: {"y": np.array(7)}, {"x": np.array(3)}, 1)
        return [outputs["y"].item(), *await submit(batcher, Doubling(), 2)]

    assert run(play) == [7, 4]


def test_a_model_that_loses_rows_harms_its_own_requests_alone():
    compute, losing = Doubling(), Doubling()

    def lose(inputs):
        return {"y": losing(inputs)["y"][:1]}

    async def play(batcher):
        first = await hold(batcher, compute)
        waiting = [asyncio.ensure_future(submit(batcher, lose, v)) for v in (1, 2, 3)]
        await asyncio.sleep(0)
        compute.go.set()
        return [*await asyncio.gather(first, *waiting), await submit(batcher, compute, 4)]

    # Joined they cannot be told apart; each alone they can.
    assert run(play) == [[0], [2], [4], [6], [8]]
    assert losing.sizes == [3, 1, 1, 1]


def test_everyone_is_told_when_it_stops_while_a_failed_batch_is_tried_again():
    compute = Doubling()

    async def play(batcher):
        first = await hold(batcher, compute)
        waiting = [asyncio.ensure_future(submit(batcher, compute, v)) for v in (-1, 2, 3)]
        await asyncio.sleep(0)
        compute.go.set()
        await first
        while len(compute.sizes) < 2:
            await asyncio.sleep(0.001)
        await batcher.stop()
        return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)

    failed, *others = run(play)
    assert isinstance(failed, (ValueError, ServingError))
    for value, other in zip((2, 3), others, strict=True):
        assert other == [2 * value] or other.code == Code.UNAVAILABLE
