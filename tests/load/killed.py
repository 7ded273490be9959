"""Throughput with correctness: calls over HTTP while web and worker processes are killed.

Two web processes and a worker serve clients that turn to the other web process when one is
gone and wait a moment where they are told to, first undisturbed and then while one of the three
is killed (-9) every ten seconds and started again. Afterwards leases run out, the sweeper settles
what was lost, and the ledger and the audit log are verified.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.load.processes import free_port

SECONDS, EVERY_SECONDS, CLIENTS = 60.0, 10.0, 8
SAID = {"model": "licence-review", "variables": {"licence_text": "MIT License"}}


@dataclass
class Running:
    """The processes that serve, each with how it is started again."""

    environment: dict[str, str]
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0

    def start(self, name: str) -> None:
        self.processes[name] = subprocess.Popen(
            [sys.executable, *self._command(name)],
            env=self.environment | ({} if name == "worker" else {"PLACET_PROCESS": "web"}),
            start_new_session=True,
        )

    def _command(self, name: str) -> list[str]:
        if name == "worker":
            celery = ["-m", "celery", "-A", "governance.config", "worker", "--pool=solo"]
            return [
                *celery,
                "--queues=calls",
                "--without-gossip",
                "--without-mingle",
                "-l",
                "error",
            ]
        web = ["-m", "uvicorn", "governance.config.asgi:application", "--host", "127.0.0.1"]
        return [*web, "--port", name, "--no-access-log", "--lifespan", "off", "--log-level=error"]

    def kill_one(self) -> None:
        name = random.choice(list(self.processes))  # noqa: S311  # anybody may be hit
        self.processes[name].kill()
        self.processes[name].wait(30)
        self.kills += 1
        self.start(name)

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait(30)


@contextmanager
def running(server: str, model_url: str) -> Iterator[Running]:
    import os

    from governance.config.embedded import Valkey

    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        broker, more = valkey.url, {"DATABASE_URL": server, "PLACET_MODEL_URL": model_url}
        made = Running(
            os.environ | more | {"CELERY_BROKER_URL": broker, "PLACET_LOG_LEVEL": "ERROR"}
        )
        try:
            for name in (*map(str, made.ports), "worker"):
                made.start(name)
            for port in made.ports:
                _wait_for(port)
            yield made
        finally:
            made.stop()
            valkey.stop()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("The web process does not answer.")


def _said(reply: httpx.Response) -> str:
    """The status, and why where it is a refusal."""
    if reply.is_success:
        return str(reply.status_code)
    body = reply.json()
    return f"{reply.status_code} {body.get('code') or body.get('error', {}).get('code')}"


def load(made: Running, key: str, disturb: Callable[[], None] | None) -> dict[str, Any]:
    """So many clients for so long: replies by status, and the ids of answers that were given."""
    over = threading.Event()
    statuses: dict[str, int] = {}
    given: list[str] = []
    lock = threading.Lock()

    def ask(number: int) -> None:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(headers=headers, timeout=30, trust_env=False) as client:
            while not over.is_set():
                number += 1
                # Every tenth is left to a worker.
                is_async = number % 10 == 0
                path = "api/v1/calls/" if is_async else "v1/chat/completions"
                more = {"prefer": "respond-async"} if is_async else {}
                address = f"http://127.0.0.1:{made.ports[number % 2]}/{path}"
                try:
                    reply = client.post(address, json=SAID, headers=more)
                except httpx.TransportError:
                    continue  # the other one, at once
                if reply.status_code == 503:
                    # As clients do that retry.
                    over.wait(min(float(reply.headers.get("retry-after", "1")), 1.0))
                with lock:
                    said = _said(reply)
                    statuses[said] = statuses.get(said, 0) + 1
                    if reply.status_code == 200:
                        given.append(reply.headers["x-call-id"])

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        asking = [clients.submit(ask, number) for number in range(CLIENTS)]
        while time.monotonic() - began < SECONDS:
            time.sleep(min(EVERY_SECONDS, SECONDS))
            if disturb is not None:
                disturb()
        over.set()
        for one in asking:
            one.result()
    taken = time.monotonic() - began
    answered = statuses.get("200", 0) + statuses.get("202", 0)
    return {"per_second": round(answered / taken, 1), "statuses": statuses, "given": given}


def measure(here: Any, server: str) -> dict[str, Any]:
    """Load twice, settle, verify, print."""
    from django.db import connection

    from governance.access.models import ApiKey
    from governance.registry.models import UseCase
    from telemetry.chargeback.models import Budget
    from tests.factories.chargeback import limit_to
    from tests.factories.organisation import provider

    ApiKey.objects.update(requests_per_minute=1_000_000)
    UseCase.objects.update(oversight="none", tier="minimal")
    for budget in Budget.objects.all():
        limit_to(budget, "1000000")
    connection.close()
    with provider() as scripted, running(server, scripted.url) as made:
        calm = load(made, here.key, None)
        killed = load(made, here.key, made.kill_one)
        wrong = _settle(scripted.url, {*calm["given"], *killed["given"]})
        kills = made.kills
    figures = {
        "undisturbed_per_second": calm["per_second"],
        "killed_per_second": killed["per_second"],
        "ratio": round(killed["per_second"] / max(calm["per_second"], 0.1), 2),
        "kills": kills,
        "statuses": {**killed["statuses"]},
        "wrong": wrong,
    }
    for name, value in figures.items():
        print(f"{name:26}{value}")
    return figures


def _settle(model_url: str, given: set[str]) -> list[str]:
    """What was lost is settled; then everything that does not hold, in sentences."""
    from django.conf import settings
    from django.utils import timezone

    from governance.audit.services import sequence
    from governance.audit.verification import problems
    from telemetry.chargeback.verification import verify
    from telemetry.ledger.models import Call, LedgerEntry
    from telemetry.ledger.rules import OPEN_STATES
    from tests.faults.ground import sweep

    settings.PLACET_MODEL_URL = model_url
    while Call.objects.filter(state__in=OPEN_STATES).exists():
        sweep()
    wrong = [f"{one.check}: {one.what}" for one in verify()]
    sequence(now=timezone.now())
    wrong += [f"audit: {one}" for one in problems()]
    booked = {str(one) for one in LedgerEntry.objects.values_list("call_id", flat=True)}
    if unbooked := given - booked:
        wrong.append(f"{len(unbooked)} answers were given and not booked")
    return wrong


def main() -> None:
    from tests.load.beginning import keep, organisation

    with organisation() as (here, server):
        keep("killed", measure(here, server))


if __name__ == "__main__":
    main()
