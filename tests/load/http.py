"""The governed call over HTTP beside the bare provider and, where it is given, another gateway.

Everything runs as it does in production: two web processes with pooled connections, a durable
database, an answer of 250 tokens from a provider on loopback. The sides take turns in each
round, at 1, 16 and 64 requests at a time; the figures are medians over the rounds.

Beside it stand the gateways of peers.py, in front of the same provider; each side's processes
run all the time, and only one side is asked at a time. CPU is what a side's own processes used
for a call, with our database's. Then the governed call is measured while each second something
that governs calls is written, as boards and administrators do, and all sides answer in streams of
fifty events. At last the governed call asks the provider through litellm's own
call path, as it does where no OpenAI-compatible address is known, beside LiteLLM's proxy once more.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from tests.load import peers
from tests.load.processes import cpu_seconds, free_port, started

WIDTHS = (1, 16, 64)
ROUNDS = 3
SECONDS = 5.0
TEXT = "MIT License. Permission is hereby granted, free of charge, to any person. " * 4


@dataclass(frozen=True)
class Side:
    """Where one side answers, and what it is sent."""

    name: str
    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    processes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Taken:
    """One turn: how long each request took, in seconds, and what did not answer 200."""

    seconds: list[float]
    failed: int
    lasted: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.lasted

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


async def turn(side: Side, width: int, seconds: float = SECONDS) -> Taken:
    """So many requests at a time for so long, on kept-alive connections."""
    taken: list[float] = []
    failed = 0
    connector = aiohttp.TCPConnector(limit=width)
    async with aiohttp.ClientSession(connector=connector, headers=side.headers) as session:
        began_at = time.perf_counter()
        used = cpu_seconds(list(side.processes))

        async def ask() -> None:
            nonlocal failed
            while (began := time.perf_counter()) - began_at < seconds:
                async with session.post(side.url, json=side.body) as reply:
                    await reply.read()
                    if reply.status != 200:
                        failed += 1
                    else:
                        taken.append(time.perf_counter() - began)

        await asyncio.gather(*(ask() for _ in range(width)))
        return Taken(
            taken, failed, time.perf_counter() - began_at, cpu_seconds(list(side.processes)) - used
        )


def _measure(sides: list[Side]) -> dict[str, Any]:
    """Side → width → figures."""
    found: dict[str, dict[int, list[Taken]]] = {one.name: {} for one in sides}
    for side in sides:
        asyncio.run(turn(side, 4, 2.0))  # warm
    for width in WIDTHS:
        for _ in range(ROUNDS):
            for side in sides:
                found[side.name].setdefault(width, []).append(asyncio.run(turn(side, width)))
    return {
        name: {str(width): _figures(turns) for width, turns in widths.items()}
        for name, widths in found.items()
    }


def _answers(side: Side) -> bool:
    """A gateway that cannot do what is asked (Portkey 1.15 on Node 20: streams) is left out."""
    answers = bool(asyncio.run(turn(side, 1, 1.0)).seconds)
    if not answers:
        print(f"{side.name} is left out: it does not answer", file=sys.stderr)
    return answers


def _figures(turns: list[Taken]) -> dict[str, float]:
    def middle(values: list[float]) -> float:
        return round(statistics.median(values), 2)

    return {
        "calls_per_second": middle([one.per_second for one in turns]),
        "p50_ms": middle([one.percentile(0.50) for one in turns if one.seconds]),
        "p95_ms": middle([one.percentile(0.95) for one in turns if one.seconds]),
        "p99_ms": middle([one.percentile(0.99) for one in turns if one.seconds]),
        "cpu_ms_per_call": middle(
            [one.cpu_seconds * 1000 / max(len(one.seconds), 1) for one in turns]
        ),
        "failed": sum(one.failed for one in turns),
    }


def show(figures: dict[str, Any]) -> None:
    print(
        f"{'':18}{'at a time':>10}{'calls/s':>10}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'CPU ms':>10}"
    )
    for name, widths in figures.items():
        for width, row in widths.items():
            told = "".join(f"{row[one]:>10}" for one in list(row)[:5])
            wrong = f"  {row['failed']} failed" if row["failed"] else ""
            print(f"{name:18}{width:>10}{told}{wrong}")


def prepare() -> None:
    """Nobody looks at the use case's answers, it takes any text, and no limit is near."""
    from django.db import connection

    from governance.access.models import ApiKey
    from governance.model_cards.models import Deployment
    from governance.registry.models import UseCase
    from prompts.catalogue.models import PromptVersion
    from prompts.catalogue.sql import WRITABLE_AGAIN
    from telemetry.chargeback.models import Budget
    from tests.factories.chargeback import limit_to

    ApiKey.objects.update(requests_per_minute=1_000_000)
    Deployment.objects.update(concurrency_limit=10_000)
    UseCase.objects.update(oversight="none", tier="minimal")
    for budget in Budget.objects.all():
        limit_to(budget, "1000000")
    with connection.cursor() as cursor:
        cursor.execute(WRITABLE_AGAIN)
    PromptVersion.objects.update(output_contract={"type": "text"})
    connection.close()


@contextmanager
def provider() -> Iterator[str]:
    """The scripted provider; its `/v1`."""
    port = free_port()
    command = (sys.executable, "-m", "tests.load.scripted", str(port))
    with started(*command, port=port):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def gateway(server: str, folder: str, model_url: str) -> Iterator[tuple[str, int]]:
    """Placet as two web processes; its `/v1` and its process id."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", "governance.config.asgi:application"),
        *("--host", "127.0.0.1", "--port", str(port), "--no-access-log"),
        *("--workers", "2", "--lifespan", "off", "--log-level", "warning"),
    )
    environment = {
        "DATABASE_URL": server,
        "DATA_DIR": folder,
        "PLACET_PROCESS": "web",
        "PLACET_MODEL_URL": model_url,
        "PLACET_LOG_LEVEL": "WARNING",
    }
    with started(*command, port=port, **environment) as process:
        yield f"http://127.0.0.1:{port}/v1", process.pid


def measure(here: Any, server: str) -> dict[str, Any]:
    """Ask every side by turns, print; side → width → figures."""
    prepare()
    governed = {"model": "licence-review", "variables": {"licence_text": TEXT}}
    plain = {"model": "scripted", "messages": [{"role": "user", "content": TEXT}]}
    chat = "/chat/completions"
    with ExitStack() as stack:
        model_url = stack.enter_context(provider())
        url, pid = stack.enter_context(gateway(server, os.environ["DATA_DIR"], model_url))
        postgres = _postgres_of(Path(os.environ["DATA_DIR"]))
        bearer = {"authorization": f"Bearer {here.key}"}
        sides = [Side("governed", f"{url}{chat}", bearer, governed, (pid, postgres))]
        sides += [
            Side(one.name, one.url, one.headers, plain, (one.pid,))
            for one in stack.enter_context(peers.running(model_url))
        ]
        sides.append(Side("bare", f"{model_url}{chat}", {}, plain))
        figures = _measure(sides)
        with changing(server):
            figures |= _measure([replace(sides[0], name="changing")])
        streamed = [
            replace(one, name=f"{one.name}, stream", body=one.body | {"stream": True})
            for one in sides
        ]
        figures |= _measure([one for one in streamed if _answers(one)])
        ask_by_litellm(model_url)
        by_litellm = replace(sides[0], name="by litellm")
        peer = [replace(one, name="its peer") for one in sides if one.name == "litellm"]
        figures |= _measure([by_litellm, *peer])
    show(figures)
    return figures


@contextmanager
def changing(server: str) -> Iterator[None]:
    """Each second something that governs calls is written: every process reads it anew."""
    over = threading.Event()

    def change() -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            while not over.wait(1):
                connection.execute("UPDATE access_team SET name = name")

    with ThreadPoolExecutor(1) as thread:
        ends = thread.submit(change)
        try:
            yield
        finally:
            over.set()
            ends.result()


def ask_by_litellm(model_url: str) -> None:
    """From here on the governed call asks the provider by litellm's own call path."""
    from django.db import connection

    from governance.model_cards.models import Deployment

    Deployment.objects.update(litellm_model="hosted_vllm/scripted", endpoint=model_url)
    connection.close()


def _postgres_of(folder: Path) -> int:
    """The embedded server's process, whose work is the call's too."""
    [found] = folder.rglob("postmaster.pid")
    return int(found.read_text().split()[0])
