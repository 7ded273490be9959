"""What a fault test stands on: its own PostgreSQL, a database of its own, processes to kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from django.core.management import call_command
from django.db import connection

from governance.config.embedded import Postgres
from tests.load.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 90.0  # only what is broken is waited for that long
CHAT = "licence-review/clerk"


def until(is_so: Callable[[], Any], what: str) -> Any:
    """The first true answer; what never comes true fails the test by its name."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        if found := is_so():
            return found
        time.sleep(0.02)
    raise AssertionError(f"It never happened: {what}.")


@dataclass
class Ground:
    """A cluster of its own, with one prepared database that each test gets a copy of."""

    postgres: Postgres
    key: str = ""
    people: Any = None
    copies: int = 0

    def turn_to(self, name: str) -> None:
        """From here on this process asks that database."""
        connection.close()
        connection.settings_dict |= {
            "NAME": name,
            "USER": "postgres",
            "PASSWORD": "",
            "HOST": str(self.postgres.sockets),
            "PORT": "",
        }

    def copy(self) -> str:
        """A new database as it was prepared; its name."""
        self.copies += 1
        name = f"copy_{self.copies}"
        connection.close()
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "prepared"')
        return name

    def restart(self) -> None:
        """As after a crash: nobody is asked to finish."""
        process = self.postgres.process
        assert process is not None
        lock = (self.postgres.cluster / "postmaster.pid").read_text()
        os.kill(int(lock.splitlines()[0]), signal.SIGQUIT)
        process.wait(LONGEST_SECONDS)
        connection.close()
        self.postgres.start()


@contextmanager
def ground() -> Iterator[Ground]:
    """Started, migrated, with one organisation, whose clerk answers with any text at once."""
    before = dict(connection.settings_dict)
    folder = Path(tempfile.mkdtemp(prefix="placet-faults-"))
    folder.chmod(0o755)
    made = Ground(Postgres(folder))
    try:
        made.postgres.start()
        made.postgres.create_database("prepared")
        made.turn_to("prepared")
        call_command("migrate", verbosity=0)
        _prepare(made)
        yield made
    finally:
        connection.close()
        connection.settings_dict.update(before)
        made.postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(made: Ground) -> None:
    from governance.access.models import ApiKey
    from governance.model_cards.models import Deployment
    from telemetry.chargeback.models import Budget
    from tests.factories.chargeback import limit_to
    from tests.factories.clients import with_clerk

    here = with_clerk({"type": "text"})
    ApiKey.objects.update(requests_per_minute=1_000_000)
    Deployment.objects.update(timeout_seconds=30, concurrency_limit=1000)
    for budget in Budget.objects.all():
        limit_to(budget, "1000")
    made.key, made.people = here.key, here.people


@dataclass
class Place:
    """One database of the ground, and what runs on it."""

    ground: Ground
    name: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.ground.postgres.url(self.name)

    def start(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        environment = os.environ | self.environment | {"DATABASE_URL": self.url} | more
        environment.pop("PYTEST_CURRENT_TEST", None)
        return subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, start_new_session=True
        )

    @contextmanager
    def web(self, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
        """A web server as `make run` starts it, from when it answers, and a client with the key."""
        port = free_port()
        command = ("-m", "uvicorn", "governance.config.asgi:application", "--host", "127.0.0.1")
        options = ("--port", str(port), "--no-access-log", "--lifespan", "off")
        process = self.start(*command, *options, "--log-level=error", PLACET_PROCESS="web", **more)
        headers = {"authorization": f"Bearer {self.ground.key}"}
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}",
                headers=headers,
                timeout=LONGEST_SECONDS,
                limits=httpx.Limits(max_connections=300),
                trust_env=False,
            ) as client:
                until(lambda: process.poll() is not None or _answers(client), "the web answers")
                assert process.poll() is None
                yield process, client
        finally:
            kill(process)

    @contextmanager
    def worker(self, *prefix: str) -> Iterator[subprocess.Popen[bytes]]:
        """A Celery worker of the calls, as production starts it but for its pool."""
        celery = prefix or ("-m", "celery")
        options = ("--pool=solo", "--queues=calls", "--without-gossip", "--without-mingle")
        process = self.start(
            *celery, "-A", "governance.config", "worker", *options, "--loglevel=error"
        )
        try:
            yield process
        finally:
            kill(process)

    def waits_for_a_lock(self) -> bool:
        """Whether somebody else's statement waits for a row that we keep."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            found = admin.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
        return bool(found and found[0])

    @contextmanager
    def keeping(self, statement: str) -> Iterator[None]:
        """A transaction that keeps rows locked for as long as it lasts."""
        with psycopg.connect(self.url) as keeper:
            keeper.execute(statement)
            yield
            keeper.rollback()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait(LONGEST_SECONDS)


def leases_run_out() -> None:
    """As if minutes had passed: nobody was heard of since."""
    from django.db.models import F

    from telemetry.chargeback.models import Hold
    from telemetry.ledger.models import Call

    Call.objects.exclude(lease_until=None).update(lease_until=F("lease_until") - timedelta(hours=1))
    Hold.objects.filter(state="held").update(expires_at=F("expires_at") - timedelta(hours=1))


def sweep() -> None:
    from prompts.gateway import tasks

    leases_run_out()
    tasks.sweep()


def check_sound() -> None:
    """Nothing lost, nothing twice, nothing over budget, and both proofs hold."""
    from django.db.models import F

    from governance.audit.tasks import sequence
    from telemetry.chargeback.models import Budget
    from telemetry.chargeback.verification import verify
    from telemetry.ledger.models import Call
    from telemetry.ledger.rules import OPEN_STATES
    from telemetry.ledger.tasks import seal

    assert not Call.objects.filter(state__in=OPEN_STATES).exists()
    assert not Call.objects.filter(state="delivered", entries=None).exists()
    assert not Budget.objects.filter(hard=True, limit__lt=F("captured") + F("reserved")).exists()
    seal()
    sequence()
    assert verify() == []
    call_command("verify_audit", verbosity=0)
