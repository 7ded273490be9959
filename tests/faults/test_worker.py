"""Workers killed at each stage of a call, a broker that is lost, a clock that is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from governance.config.embedded import Valkey
from tests.factories.organisation import Provider
from tests.faults.ground import CHAT, LONGEST_SECONDS, Place, kill, sweep, until

pytestmark = pytest.mark.faults
SAID = {"model": CHAT, "messages": [{"role": "user", "content": "The printer is broken."}]}
QUEUED = 150
LOCK_CALLS = "SELECT 1 FROM ledger_call FOR UPDATE"
LOCK_BUDGETS = "SELECT 1 FROM chargeback_budget FOR UPDATE"


def accept(client: httpx.Client) -> str:
    reply = client.post("/api/v1/calls/", json=SAID, headers={"prefer": "respond-async"})
    assert (reply.status_code, reply.json()["state"]) == (202, "admitted"), reply.text
    return str(reply.json()["id"])


class Gate:
    """A provider's answer that waits until it may leave."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.asked.set()
        self.may_answer.wait(LONGEST_SECONDS)
        return "Keep the notice."


@pytest.fixture
def gate(model: Provider) -> Iterator[Gate]:
    made = Gate()
    model.answers[:] = [made]
    yield made
    made.may_answer.set()


def books_the_bill(place: Place) -> None:
    """Finance finds the provider's bill of a call that was lost."""
    from decimal import Decimal

    from django.utils import timezone

    from telemetry.chargeback.services import resolve_suspense
    from telemetry.ledger.models import Call

    resolve_suspense(
        actor=place.ground.people.actor("finance"),
        call=Call.objects.get(),
        attempt=1,
        billed=Decimal("0.00001"),
        reason="On the bill.",
        now=timezone.now(),
    )


def test_a_worker_killed_before_it_has_begun_leaves_the_call_to_the_next(
    place: Place, model: Provider, broker: Valkey
) -> None:
    from telemetry.ledger.models import Call, LedgerEntry

    with place.web() as (_, client):
        accept(client)
    with place.keeping(LOCK_CALLS), place.worker() as process:
        until(place.waits_for_a_lock, "the worker begins")
        kill(process)
    sweep()
    assert Call.objects.get().state == "delivered"
    assert len(model.asked) == LedgerEntry.objects.count() == 1


@pytest.mark.parametrize("stage", ["invoke", "settle", "settle the budget"])
def test_a_worker_killed_later_leaves_a_failed_call_and_a_hold_to_be_explained(
    place: Place, model: Provider, broker: Valkey, gate: Gate, stage: str
) -> None:
    from telemetry.chargeback.models import Hold
    from telemetry.ledger.models import Call, LedgerEntry

    locks = {"settle": LOCK_CALLS, "settle the budget": LOCK_BUDGETS}
    with place.web() as (_, client):
        accept(client)
    with place.worker() as process:
        assert gate.asked.wait(LONGEST_SECONDS)
        with ExitStack() as kept:
            if stage in locks:
                kept.enter_context(place.keeping(locks[stage]))
                gate.may_answer.set()
                until(place.waits_for_a_lock, "the worker settles")
            kill(process)
    gate.may_answer.set()
    until(lambda: not place.waits_for_a_lock(), "the killed worker's statement is over")
    sweep()
    call = Call.objects.get()
    assert (call.state, call.refusal_code) == ("failed", "lost")
    assert len(model.asked) == 1 and not LedgerEntry.objects.exists()
    assert {one.state for one in Hold.objects.all()} == {"suspense"}
    books_the_bill(place)
    sweep()
    assert LedgerEntry.objects.count() == 1


def test_a_broker_lost_with_queued_calls_loses_none_and_runs_none_twice(
    place: Place, model: Provider, broker: Valkey
) -> None:
    """Some hints are in the broker's file, some are gone, some come twice; all calls run once."""
    from telemetry.ledger.models import Call, LedgerEntry

    with place.web() as (_, client):
        for _ in range(QUEUED):
            accept(client)
        assert broker.process is not None
        broker.process.kill()
        broker.process.wait(LONGEST_SECONDS)
        late = accept(client)  # let in without a broker
    broker.start()
    with place.worker():
        sweep()  # runs what has no hint, while the worker runs what has one
        sweep()
        until(
            lambda: not Call.objects.exclude(state="delivered").exists(), "every call is delivered"
        )
    assert Call.objects.get(pk=late).state == "delivered"
    assert len(model.asked) == LedgerEntry.objects.count() == QUEUED + 1


@contextmanager
def skewed(place: Place, minutes: int) -> Iterator[Any]:
    with place.worker("-m", "tests.faults.skewed", str(minutes)) as process:
        yield process


@pytest.mark.parametrize("minutes", [-30, 30])
def test_a_worker_whose_clock_is_wrong_neither_takes_nor_leaves_a_lease(
    place: Place, model: Provider, broker: Valkey, gate: Gate, minutes: int
) -> None:
    """Leases follow the database's clock: nobody ends a call that runs."""
    from prompts.gateway import tasks
    from telemetry.ledger.models import Call

    with place.web() as (_, client):
        accept(client)
    with skewed(place, minutes):
        assert gate.asked.wait(LONGEST_SECONDS)
        tasks.sweep()  # by a clock that is right
        assert Call.objects.get().state == "running"
        with _clock(minutes):
            tasks.sweep()  # by one that is wrong
        assert Call.objects.get().state == "running"
        gate.may_answer.set()
        until(lambda: Call.objects.get().state == "delivered", "it is delivered")
    assert len(model.asked) == 1


@contextmanager
def _clock(minutes: int) -> Iterator[None]:
    from datetime import timedelta

    from django.utils import timezone

    right: Callable[[], Any] = timezone.now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: right() + timedelta(minutes=minutes))
        yield
