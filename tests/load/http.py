"""The governed call over HTTP beside the bare provider and, where it is given, another gateway.

Everything runs as it does in production: two web processes with pooled connections, a durable
database, an answer of 250 tokens from a provider on loopback. The sides take turns in each
round, at 1, 16 and 64 requests at a time; the figures are medians over the rounds.

`PLACET_BENCH_PEER=name=http://127.0.0.1:4000,key` adds a gateway that somebody started, in
front of the same provider (its port is printed): it is asked for the model "scripted".
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

WIDTHS = (1, 16, 64)
ROUNDS = 3
SECONDS = 5.0
PROVIDER_PORT = 8911
TEXT = "MIT License. Permission is hereby granted, free of charge, to any person. " * 4


@dataclass(frozen=True)
class Side:
    """Where one side answers, and what it is sent."""

    name: str
    url: str
    key: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Taken:
    """One turn: how long each request took, in seconds, and what did not answer 200."""

    seconds: list[float]
    failed: int
    lasted: float

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
    headers = {"authorization": f"Bearer {side.key}"}
    connector = aiohttp.TCPConnector(limit=width)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        started = time.perf_counter()

        async def ask() -> None:
            nonlocal failed
            while (began := time.perf_counter()) - started < seconds:
                async with session.post(side.url, json=side.body) as reply:
                    await reply.read()
                    if reply.status != 200:
                        failed += 1
                    else:
                        taken.append(time.perf_counter() - began)

        await asyncio.gather(*(ask() for _ in range(width)))
        return Taken(taken, failed, time.perf_counter() - started)


def measure(sides: list[Side]) -> dict[str, Any]:
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


def _figures(turns: list[Taken]) -> dict[str, float]:
    def middle(values: list[float]) -> float:
        return round(statistics.median(values), 2)

    return {
        "calls_per_second": middle([one.per_second for one in turns]),
        "p50_ms": middle([one.percentile(0.50) for one in turns if one.seconds]),
        "p95_ms": middle([one.percentile(0.95) for one in turns if one.seconds]),
        "p99_ms": middle([one.percentile(0.99) for one in turns if one.seconds]),
        "failed": sum(one.failed for one in turns),
    }


def show(figures: dict[str, Any]) -> None:
    print(f"{'':12}{'at a time':>10}{'calls/s':>10}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}")
    for name, widths in figures.items():
        for width, row in widths.items():
            told = "".join(f"{row[one]:>10}" for one in list(row)[:4])
            wrong = f"  {row['failed']} failed" if row["failed"] else ""
            print(f"{name:12}{width:>10}{told}{wrong}")


@contextmanager
def started(*command: str, port: int, **environment: str) -> Iterator[None]:
    """A process for as long as it is needed, from when its port answers."""
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"{process.args} does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prepare() -> str:
    """A use case whose answers nobody looks at and that takes any text; its key."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from governance.access.models import ApiKey
    from governance.model_cards.models import Deployment
    from governance.registry.models import UseCase
    from prompts.catalogue.models import PromptVersion
    from prompts.catalogue.sql import WRITABLE_AGAIN
    from telemetry.chargeback.models import Budget
    from tests.factories.chargeback import limit_to
    from tests.factories.organisation import world

    call_command("migrate", verbosity=0)
    here = world()
    ApiKey.objects.update(requests_per_minute=1_000_000)
    Deployment.objects.update(concurrency_limit=10_000)
    UseCase.objects.update(oversight="none", tier="minimal")
    for budget in Budget.objects.all():
        limit_to(budget, "1000000")
    with connection.cursor() as cursor:
        cursor.execute(WRITABLE_AGAIN)
    PromptVersion.objects.update(output_contract={"type": "text"})
    connection.close()
    return here.key


def run(server: str, folder: Path) -> dict[str, Any]:
    """Against the database at that address; it is migrated and filled first."""
    key = prepare()
    port = free_port()
    governed = {"model": "licence-review", "variables": {"licence_text": TEXT}}
    plain = {"model": "scripted", "messages": [{"role": "user", "content": TEXT}]}
    provider = f"http://127.0.0.1:{PROVIDER_PORT}/v1"
    sides = [
        Side("governed", f"http://127.0.0.1:{port}/v1/chat/completions", key, governed),
        Side("bare", f"{provider}/chat/completions", "none", plain),
    ]
    if given := os.environ.get("PLACET_BENCH_PEER"):
        name, _, rest = given.partition("=")
        address, _, peer_key = rest.partition(",")
        sides.insert(1, Side(name, f"{address}/v1/chat/completions", peer_key or "none", plain))
    scripted = (sys.executable, "-m", "tests.load.scripted", str(PROVIDER_PORT))
    web = (
        *(sys.executable, "-m", "uvicorn", "governance.config.asgi:application"),
        *("--host", "127.0.0.1", "--port", str(port), "--no-access-log"),
        *("--workers", "2", "--lifespan", "off", "--log-level", "warning"),
    )
    environment = {
        "DATABASE_URL": server,
        "DATA_DIR": str(folder),
        "PLACET_PROCESS": "web",
        "PLACET_MODEL_URL": provider,
        "PLACET_LOG_LEVEL": "WARNING",
    }
    with started(*scripted, port=PROVIDER_PORT), started(*web, port=port, **environment):
        figures = measure(sides)
    show(figures)
    return figures


def main() -> None:
    from governance.config.embedded import Postgres

    with tempfile.TemporaryDirectory(prefix="placet-bench-") as name:
        folder = Path(name)
        os.environ |= {
            "DATA_DIR": name,
            "PLACET_TEST": "1",
            "DJANGO_SETTINGS_MODULE": "governance.config.settings",
        }
        (folder / "static").mkdir()
        postgres = Postgres(folder)
        postgres.start()
        postgres.create_database()
        try:
            os.environ["DATABASE_URL"] = postgres.url()
            print(json.dumps(run(postgres.url(), folder)))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
