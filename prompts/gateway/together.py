"""Jobs that arrive while one set of them is worked on are done as the next set.

Whoever comes first works at once, alone: at concurrency 1 nobody waits. Whoever comes while
somebody works queues behind a name, and the first of the queue takes all of it on. What a set
costs once (a statement, a commit, a lock that everybody wants) is paid once for all in it.

In the web server's loop, where calls are many, whoever comes first waits a moment for others, as
PostgreSQL's commit_delay does: a set costs as much as the calls in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from threading import BoundedSemaphore, Lock
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from django.db import connection

from prompts.gateway.waiting import (
    SETS,
    awaited,
    elsewhere,
    gather,
    is_for_a_set,
    is_in_loop,
    rest_connection,
)

Job = TypeVar("Job")
Result = TypeVar("Result")
# Of the pool's twenty. To give one back and ask for it again costs more than to keep it.
MOST_KEPT = 8
_keeping = BoundedSemaphore(MOST_KEPT)


class _Turn(Protocol):
    def wait(self) -> None: ...
    def come(self) -> None: ...


class _OfThread:
    """The turn of a call that has a thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lock.acquire()

    def wait(self) -> None:
        """Few keep their connection meanwhile: whoever works must find one in the pool."""
        if connection.connection is None:
            self._lock.acquire()
        elif _keeping.acquire(blocking=False):
            try:
                self._lock.acquire()
            finally:
                _keeping.release()
        else:
            rest_connection()
            self._lock.acquire()

    def come(self) -> None:
        self._lock.release()


class _OfLoop:
    """The turn of a call in the loop; it comes from there or from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._has_come = asyncio.Event()

    def wait(self) -> None:
        awaited(self._has_come.wait())

    def come(self) -> None:
        if is_in_loop() and asyncio.get_running_loop() is self._loop:
            self._has_come.set()
        else:
            self._loop.call_soon_threadsafe(self._has_come.set)


class _Waiting(Generic[Job, Result]):
    """One job; its turn comes when it is done, or when its call is to take on the queue."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.turn: _Turn = _OfLoop() if is_in_loop() else _OfThread()
        self.is_first = self.is_next = self.is_done = False
        self.results: Sequence[Result] = ()
        self.place = 0
        self.error: BaseException | None = None
        self.frames: TracebackType | None = None

    def result(self) -> Result:
        if self.error is not None:
            # One error for all of them: each raises it as it came, not with the others' frames.
            raise self.error.with_traceback(self.frames)
        return self.results[self.place]


class Together(Generic[Job, Result]):
    """`work` does a set of jobs, and gives as many results in their order; for all threads.

    What it raises is raised for every job of the set: make results of what befalls one job.
    """

    def __init__(self, work: Callable[[Sequence[Job]], Sequence[Result]], most: int = 64) -> None:
        self._work = work
        self._most = most
        self._lock = Lock()
        self._queues: dict[Hashable, deque[_Waiting[Job, Result]]] = {}
        self._worked_on: set[Hashable] = set()

    def do(self, name: Hashable, job: Job) -> Result:
        """The result of this job, worked on in one set with others of that name.

        Work on it begins after this was called, whatever is under way. Whoever stands in a
        transaction works alone: nobody else may go on with what may still be undone.
        """
        if not is_in_loop() and (connection.in_atomic_block or is_for_a_set()):
            (result,) = elsewhere(SETS, self._work, [job])
            return result
        mine: _Waiting[Job, Result] = _Waiting(job)
        self._come_on(name, mine)
        self._wait(name, mine)
        if mine.is_done:
            return mine.result()
        taken = self._next_set(name)
        try:
            elsewhere(SETS, self._done, taken)
        finally:
            self._hand_on(name)
            for one in taken:
                one.is_done = True
                if one is not mine:
                    one.turn.come()
        return mine.result()

    def _come_on(self, name: Hashable, mine: _Waiting[Job, Result]) -> None:
        """Into the queue; whoever comes while nobody works is the next."""
        with self._lock:
            self._queues.setdefault(name, deque()).append(mine)
            if name not in self._worked_on:
                self._worked_on.add(name)
                mine.is_first = mine.is_next = True

    def _wait(self, name: Hashable, mine: _Waiting[Job, Result]) -> None:
        """Whoever is stopped while it waits (its loop ends) leaves the queue to those behind it."""
        try:
            gather() if mine.is_first else mine.turn.wait()
        except BaseException:
            with self._lock:
                is_waiting = mine in self._queues.get(name, ())
                if is_waiting:
                    self._queues[name].remove(mine)
            if is_waiting and mine.is_next:
                self._hand_on(name)
            raise

    def _next_set(self, name: Hashable) -> list[_Waiting[Job, Result]]:
        """The first of the queue, who is whoever asks, and those behind it."""
        with self._lock:
            queue = self._queues[name]
            return [queue.popleft() for _ in range(min(self._most, len(queue)))]

    def _done(self, taken: list[_Waiting[Job, Result]]) -> None:
        try:
            results = self._work([one.job for one in taken])
            if len(results) != len(taken):
                raise RuntimeError(f"{len(results)} results came of {len(taken)} jobs.")
        except BaseException as error:
            for one in taken:
                one.error, one.frames = error, error.__traceback__
            return
        for place, one in enumerate(taken):
            one.results, one.place = results, place

    def _hand_on(self, name: Hashable) -> None:
        """To the first that waits; its place in the queue stays until it takes the queue on."""
        with self._lock:
            queue = self._queues[name]
            if queue:
                queue[0].is_next = True
                queue[0].turn.come()
            else:
                del self._queues[name]
                self._worked_on.remove(name)
