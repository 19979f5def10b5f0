"""The same stream on Dask: threads of this process with a worker process each, or a cluster of machines."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cart_nlp.batch.jobs import BatchError, Job, Outcome, TaggerSource, packed, rejected, unpacked
from cart_nlp.batch.pool import Pool

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

PARTITION = 32
"""Records of a partition: about as many as a worker tags in a fifth of a second."""
PARTITION_BYTES = 8 << 20
AHEAD = 4
"""Partitions a worker that may be under way."""
_PATIENCE, _LONELY = 30, 6
"""Seconds between looks at a partition, and looks without any worker before the run is given up."""


def tag_partition(source: TaggerSource, data: bytes, keep_all: bool, timeout: float) -> list[Outcome]:
    """Tag one partition, on whatever machine: jobs as bytes in, outcomes in their order out.

    A process of its own does it: a record that crashes or stalls it takes nothing of Dask's with it.
    """
    return list(_own_pool(source, keep_all, timeout).outcomes(iter(unpacked(data))))


_pools: dict[int, tuple[tuple[TaggerSource, bool, float], Pool]] = {}
"""Thread of Dask -> what its worker process was made for, and that process."""


def _own_pool(source: TaggerSource, keep_all: bool, timeout: float) -> Pool:
    """The worker process of this thread, made anew where a run asks for another one."""
    wanted, thread = (source, keep_all, timeout), threading.get_ident()
    held, pool = _pools.get(thread, (None, None))
    if pool is None or held != wanted:
        if pool is not None:
            pool.close()
        pool = Pool(source, workers=1, timeout=timeout, keep_all=keep_all)
        _pools[thread] = (wanted, pool)
    return pool


def _close_pools() -> None:
    while _pools:
        _pools.popitem()[1][1].close()


def dask_outcomes(
    source: TaggerSource,
    jobs: Iterable[Job | Outcome | None],
    *,
    keep_all: bool,
    workers: int,
    scheduler: str | None,
    timeout: float,
) -> Iterator[Outcome]:
    """Outcomes in the order of the jobs, tagged on Dask: threads of this process that each have a worker
    process, or the cluster at an address.

    As everywhere, a record that crashes its process or takes longer than `timeout` seconds is tried twice.
    A partition whose Dask worker dies is done again elsewhere; one that takes several workers with it is
    taken apart. Raises BatchError if there is no Dask or no scheduler.
    """
    with contextlib.ExitStack() as stack:
        client = _client(stack, max(1, workers), scheduler)
        send = functools.partial(_submit, client, source, keep_all, timeout)
        running: deque[tuple[list[Job | Outcome], Future | None]] = deque()
        for chunk in _partitions(jobs):
            running.append((chunk, send(chunk)))
            while len(running) > AHEAD * max(1, len(client.ncores())):
                yield from _gathered(client, send, *running.popleft())
        while running:
            yield from _gathered(client, send, *running.popleft())


def _client(stack: contextlib.ExitStack, workers: int, scheduler: str | None) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise BatchError("--engine dask needs dask and distributed; pip install 'cart-nlp[dask]'") from None
    try:
        if scheduler is not None:
            client = _closing(Client)(scheduler, timeout="20s", set_as_default=False)
            return stack.enter_context(client)
        return stack.enter_context(Client(_cluster(stack, workers), set_as_default=False))
    except (OSError, ValueError) as fault:
        where = "a cluster on this machine" if scheduler is None else scheduler or "''"
        said = next(iter(str(fault).splitlines()), type(fault).__name__)
        raise BatchError(f"no Dask scheduler at {where}: {said}") from None


def _closing(kind: type[Client]) -> type[Client]:
    """Dask's client, but closed whatever keeps it from a scheduler.

    Its own closes only after a fault of the network. After another one, as of an address that is none or of
    TLS that is not set up, it would wait for itself at the end of the process, and print a traceback.
    """

    class Closing(kind):  # type: ignore[misc, valid-type]
        async def _ensure_connected(self, timeout: float | None = None) -> None:
            try:
                await super()._ensure_connected(timeout=timeout)
            except (ValueError, TypeError, RuntimeError) as fault:
                raise OSError(str(fault)) from fault

    return Closing


def _cluster(stack: contextlib.ExitStack, workers: int) -> LocalCluster:
    """A scheduler and workers within this process: nothing listens on a port, where anybody on this machine
    could have them run something."""
    import dask
    from distributed import LocalCluster

    pages: dict[str, list[str]] = {
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with dask.config.set(pages):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
        )
    stack.enter_context(cluster)
    stack.callback(_close_pools)
    loop = cluster.loop
    assert loop is not None
    for node in (cluster.scheduler, *cluster.workers.values()):
        loop.add_callback(node.http_server.stop)  # that there is one cannot be turned off
    return cluster


def _partitions(jobs: Iterable[Job | Outcome | None]) -> Iterator[list[Job | Outcome]]:
    chunk: list[Job | Outcome] = []
    size = 0
    for item in jobs:
        if item is None:
            continue
        chunk.append(item)
        size += item.size if isinstance(item, Job) else 0
        if len(chunk) >= PARTITION or size >= PARTITION_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _submit(
    client: Client, source: TaggerSource, keep_all: bool, timeout: float, chunk: list[Job | Outcome]
) -> Future | None:
    """Send the jobs of a partition; one that makes no trial becomes its reject in place."""
    data, todo, refused = packed([item for item in chunk if isinstance(item, Job)])
    told = {outcome.number: outcome for outcome in refused}
    chunk[:] = [told.get(item.number, item) for item in chunk]
    if not todo:
        return None
    return client.submit(tag_partition, source, data, keep_all, timeout, pure=False)


def _result(client: Client, future: Future) -> Any:
    """A partition's records; raises BatchError where no worker has been there for some minutes."""
    lonely = 0
    while True:
        try:
            return future.result(timeout=_PATIENCE)
        except TimeoutError:
            lonely = 0 if client.scheduler_info()["workers"] else lonely + 1
            if lonely >= _LONELY:
                raise BatchError(
                    "the scheduler has had no worker for some minutes; start workers and run again"
                ) from None


def _gathered(
    client: Client,
    send: Callable[[list[Job | Outcome]], Future | None],
    chunk: list[Job | Outcome],
    future: Future | None,
) -> Iterator[Outcome]:
    from distributed import KilledWorker

    done: dict[int, Outcome] = {}
    if future is not None:
        try:
            done = {found.number: Outcome(*found) for found in _result(client, future)}
        except KilledWorker:
            if len(chunk) == 1 and isinstance(chunk[0], Job):
                yield rejected(chunk[0], "tagging it ended every worker process that tried")
                return
            for item in chunk:
                alone: list[Job | Outcome] = [item]
                yield from _gathered(client, send, alone, send(alone))
            return
        except (OSError, ImportError) as fault:
            raise BatchError(f"the tagger cannot be loaded on the workers: {fault}") from None
        finally:
            future.release()
    for item in chunk:
        yield item if isinstance(item, Outcome) else done[item.number]
