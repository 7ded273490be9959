"""Jobs that arrive while one set of them is worked on are done as the next set.

Whoever comes first works at once, alone: at concurrency 1 nobody waits. Whoever comes while
somebody works queues behind a name, and the first of the queue takes all of it on. What a set
costs once (a statement, a commit, a lock that everybody wants) is paid once for all in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from threading import BoundedSemaphore, Lock
from types import TracebackType
from typing import Generic, TypeVar

from django.db import connection

from prompts.gateway.resting import rest_connection

Job = TypeVar("Job")
Result = TypeVar("Result")
# Of the pool's twenty. To give one back and ask for it again costs more than to keep it.
MOST_KEPT = 8
_keeping = BoundedSemaphore(MOST_KEPT)


class _Waiting(Generic[Job, Result]):
    """One job; its lock is opened when it is done, or when its thread is to take on the queue."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.turn = Lock()
        self.turn.acquire()
        self.is_done = False
        self.results: Sequence[Result] = ()
        self.place = 0
        self.error: BaseException | None = None
        self.frames: TracebackType | None = None

    def result(self) -> Result:
        if self.error is not None:
            # One error for all of them: each raises it as it came, not with the others' frames.
            raise self.error.with_traceback(self.frames)
        return self.results[self.place]


def _wait(turn: Lock) -> None:
    """Few keep their connection meanwhile: whoever works must find one in the pool."""
    if connection.connection is None:
        turn.acquire()
    elif _keeping.acquire(blocking=False):
        try:
            turn.acquire()
        finally:
            _keeping.release()
    else:
        rest_connection()
        turn.acquire()


class Together(Generic[Job, Result]):
    """`work` does a set of jobs, and gives as many results in their order; for all threads.

    What it raises is raised for every job of the set: make results of what befalls one job.
    """

    def __init__(self, work: Callable[[Sequence[Job]], Sequence[Result]], most: int = 64) -> None:
        self._work = work
        self._most = most
        self._lock = Lock()
        self._queues: dict[Hashable, deque[_Waiting[Job, Result]]] = {}

    def do(self, name: Hashable, job: Job) -> Result:
        """The result of this job, worked on in one set with others of that name.

        Work on it begins after this was called, whatever is under way. Whoever stands in a
        transaction works alone: nobody else may go on with what may still be undone.
        """
        if connection.in_atomic_block:
            (result,) = self._work([job])
            return result
        mine: _Waiting[Job, Result] = _Waiting(job)
        with self._lock:
            queue = self._queues.get(name)
            if queue is None:
                self._queues[name] = deque()
                taken = [mine]
            else:
                queue.append(mine)
        if queue is not None:
            _wait(mine.turn)
            if mine.is_done:
                return mine.result()
            taken = self._next_set(name)
        try:
            self._done(taken)
        finally:
            self._hand_on(name)
            for one in taken:
                one.is_done = True
                if one is not mine:
                    one.turn.release()
        return mine.result()

    def _next_set(self, name: Hashable) -> list[_Waiting[Job, Result]]:
        """The first of the queue, which is whoever asks, and those behind it."""
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
                queue[0].turn.release()
            else:
                del self._queues[name]
