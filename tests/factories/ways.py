"""The two ways in which a call runs: with a thread of its own, and in the web server's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prompts.gateway.waiting import in_loop

WAYS = ("thread", "loop")
Run = Callable[[Callable[[], Any]], Any]


@contextmanager
def run_by(way: str) -> Iterator[Run]:
    """What runs work that way; all in one loop."""
    if way == "thread":
        yield lambda work: work()
        return
    with asyncio.Runner() as runner:
        yield lambda work: runner.run(in_loop(work))
