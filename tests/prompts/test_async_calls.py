"""Accepted calls over HTTP: a Celery worker runs them, and the sweeper what was lost.

Nothing waits by the clock: the worker's own signal says when a task is over.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from celery.contrib.testing.worker import start_worker
from celery.signals import task_postrun
from django.db import connection, connections
from django.utils import timezone

from governance.config import celery_app
from governance.config.embedded import Valkey
from prompts.gateway import tasks
from reviews.decisions import services as decisions
from reviews.queues import services as queues
from reviews.queues.models import Queue
from telemetry.chargeback.models import Budget
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.organisation import GOOD, World, provider, world

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 60  # only a broken worker is waited for that long
CALL = {"model": "licence-review", "variables": {"licence_text": "MIT License"}}


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def http(here: World, live_server: Any) -> Iterator[httpx.Client]:
    """An application with the use case's key."""
    headers = {"authorization": f"Bearer {here.key}"}
    with httpx.Client(
        base_url=live_server.url, headers=headers, timeout=LONGEST_SECONDS, trust_env=False
    ) as client:
        yield client


@contextmanager
def on_broker(url: str) -> Iterator[None]:
    """Publish to, and consume from, that broker; what was left unread is thrown away."""
    before = os.environ.get("CELERY_BROKER_URL")
    os.environ["CELERY_BROKER_URL"] = url  # Celery itself reads it at every connection
    celery_app._after_fork()  # fresh connection pools, as a new process has them
    try:
        yield
    finally:
        if before is None:
            del os.environ["CELERY_BROKER_URL"]
        else:
            os.environ["CELERY_BROKER_URL"] = before
        celery_app._after_fork()


@pytest.fixture
def in_memory() -> Iterator[None]:
    with on_broker("memory://"):
        celery_app.control.purge()  # what other tests of this process sent
        yield
        celery_app.control.purge()


@pytest.fixture(params=["embedded", "given"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A broker with a server: Valkey out of its wheel, and the one that is named."""
    if request.param == "given":
        url = os.environ.get("PLACET_TEST_BROKER_URL", "")
        if not url:
            pytest.skip("PLACET_TEST_BROKER_URL names no Redis or RabbitMQ to test against")
        with on_broker(url):
            celery_app.control.purge()
            yield url
        return
    valkey = Valkey(tmp_path)
    valkey.start()
    try:
        with on_broker(valkey.url):
            yield valkey.url
    finally:
        valkey.stop()


@contextmanager
def worker() -> Iterator[Callable[[], str]]:
    """A worker of the queue `calls`; what it gives waits until one task more is over."""
    over: queue.Queue[str] = queue.Queue()

    def note(args: Any = (), state: str = "", **_: Any) -> None:
        connections.close_all()  # the worker's thread has connections of its own
        over.put(state)

    task_postrun.connect(note, sender=tasks.run_call, weak=False)
    try:
        with start_worker(
            celery_app,
            perform_ping_check=False,
            queues=["calls"],
            shutdown_timeout=LONGEST_SECONDS,
        ):
            yield lambda: over.get(timeout=LONGEST_SECONDS)
    finally:
        task_postrun.disconnect(note, sender=tasks.run_call)


def accepted(http: httpx.Client, **headers: str) -> str:
    """The address of a call that was let in."""
    answer = http.post("/api/v1/calls/", json=CALL, headers={"prefer": "respond-async"} | headers)
    assert (answer.status_code, answer.json()["state"]) == (202, "admitted")
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.json()["output"] is None
    return answer.headers["location"]


def approve(here: World) -> None:
    reviewer, now = here.people.actor("reviewer"), timezone.now()
    here.people.users["reviewer"].forget_reaches()
    item = queues.claim_next(actor=reviewer, queue=Queue.objects.get(), now=now)
    assert item is not None
    decisions.decide(actor=reviewer, item_id=item.pk, verdict="approve", now=now)


def nobody_was_heard_of() -> None:
    """The leases of all open calls ran out."""
    Call.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def run_to_its_decision(here: World, http: httpx.Client) -> None:
    with worker() as task_over:
        address = accepted(http)
        assert task_over() == "SUCCESS"
    held = http.get(address).json()
    assert (held["state"], held["mode"], held["output"]) == ("held", "async", None)
    assert held["review"]["id"]
    approve(here)
    left = http.get(address).json()
    assert (left["state"], left["output"]) == ("released", GOOD)


def test_a_worker_runs_an_accepted_call_and_a_person_releases_it(
    here: World, http: httpx.Client, settings: Any, in_memory: None
) -> None:
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        run_to_its_decision(here, http)
    assert len(model.asked) == LedgerEntry.objects.count() == 1
    assert not Budget.objects.exclude(reserved=0).exists()


@pytest.mark.broker
def test_the_same_on_a_broker_with_a_server(
    here: World, http: httpx.Client, settings: Any, broker: str
) -> None:
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        run_to_its_decision(here, http)
    assert len(model.asked) == 1


def test_a_repeated_request_is_the_same_call(
    http: httpx.Client, settings: Any, in_memory: None
) -> None:
    with provider() as model, worker() as task_over:
        settings.PLACET_MODEL_URL = model.url
        address = accepted(http, **{"idempotency-key": "one"})
        task_over()
        again = http.post(
            "/api/v1/calls/",
            json=CALL,
            headers={"prefer": "respond-async", "idempotency-key": "one"},
        )
    assert (again.status_code, again.json()["state"]) == (202, "held")
    assert address.endswith(f"/{again.json()['id']}/")
    assert len(model.asked) == 1


def test_a_call_is_cancelled_while_it_waits_and_never_runs(
    http: httpx.Client, settings: Any, in_memory: None
) -> None:
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        address = accepted(http)
        assert Budget.objects.exclude(reserved=0).exists()
        cancelled = http.post(f"{address}cancel/").json()
        assert (cancelled["state"], cancelled["refusal"]["code"]) == ("failed", "cancelled")
        with worker() as task_over:
            assert task_over() == "SUCCESS"
    assert model.asked == []
    assert not Budget.objects.exclude(reserved=0).exists()
    assert http.post(f"{address}cancel/").status_code == 409


def test_a_call_that_runs_cannot_be_cancelled(
    http: httpx.Client, settings: Any, in_memory: None
) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        may_answer.wait(LONGEST_SECONDS)
        return GOOD

    with provider(slow) as model, worker() as task_over:
        settings.PLACET_MODEL_URL = model.url
        address = accepted(http)
        assert asked.wait(LONGEST_SECONDS)
        refused = http.post(f"{address}cancel/")
        may_answer.set()
        assert task_over() == "SUCCESS"
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert http.get(address).json()["state"] == "held"


def test_a_provider_that_is_down_fails_the_call_and_costs_nothing(
    http: httpx.Client, settings: Any, in_memory: None
) -> None:
    with provider(500) as model, worker() as task_over:
        settings.PLACET_MODEL_URL = model.url
        address = accepted(http)
        assert task_over() == "SUCCESS"
    failed = http.get(address).json()
    assert (failed["state"], failed["refusal"]["code"]) == ("failed", "provider_error")
    assert failed["output"] is None
    assert LedgerEntry.objects.count() == 0
    assert not Budget.objects.exclude(reserved=0).exists()


def test_a_call_whose_hint_was_lost_is_run_by_the_sweeper(
    http: httpx.Client, settings: Any
) -> None:
    with provider() as model, on_broker("redis://127.0.0.1:1/0"):
        settings.PLACET_MODEL_URL = model.url
        address = accepted(http)
        tasks.sweep()
        assert http.get(address).json()["state"] == "admitted"  # its lease still lives
        nobody_was_heard_of()
        tasks.sweep()
        tasks.sweep()
    assert http.get(address).json()["state"] == "held"
    assert len(model.asked) == 1


@contextmanager
def worker_process(model_url: str, broker_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as production starts it, on the test's database, to be killed."""
    facts = connection.settings_dict
    address = f"postgresql://{facts['USER']}@/{facts['NAME']}?host={quote(facts['HOST'])}"
    if facts["PORT"]:
        address += f"&port={facts['PORT']}"
    environment = os.environ | {
        "DATABASE_URL": address,
        "CELERY_BROKER_URL": broker_url,
        "PLACET_MODEL_URL": model_url,
    }
    command = [sys.executable, "-m", "celery", "-A", "governance.config", "worker"]
    options = ["--pool=solo", "--queues=calls", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [*command, *options, "--loglevel=error"], cwd=ROOT, env=environment, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(LONGEST_SECONDS)


@pytest.mark.broker
def test_a_worker_that_crashes_leaves_an_open_call_that_is_settled(
    http: httpx.Client, broker: str
) -> None:
    asked, is_over = threading.Event(), threading.Event()

    def never() -> int:
        asked.set()
        is_over.wait(LONGEST_SECONDS)
        return 500

    with provider(never) as model, worker_process(model.url, broker) as process:
        address = accepted(http)
        assert asked.wait(LONGEST_SECONDS)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(LONGEST_SECONDS)
        is_over.set()
        assert http.get(address).json()["state"] == "running"
        tasks.sweep()
        assert http.get(address).json()["state"] == "running"  # its lease still lives
        nobody_was_heard_of()
        tasks.sweep()
    lost = http.get(address).json()
    assert (lost["state"], lost["refusal"]["code"]) == ("failed", "lost")
    assert Budget.objects.exclude(reserved=0).exists()  # it may have been billed: suspense
    celery_app.control.purge()
