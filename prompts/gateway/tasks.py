"""Celery: run an accepted call, and settle what was lost."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from prompts.gateway import pipeline
from prompts.gateway.circuits import forget_ends
from prompts.gateway.governing import forget_changes, generation_and_time
from prompts.gateway.runners import forget_runners
from prompts.gateway.stages.settle import settle_lost
from telemetry.chargeback.services import expire_holds
from telemetry.ledger.rules import CallMode, CallState
from telemetry.ledger.selectors import lost_calls


@shared_task(name="prompts.gateway.tasks.run_call", queue="calls")
def run_call(call_id: str) -> None:
    """Run one accepted call; delivered twice, it does its work once."""
    pipeline.carry_on(UUID(call_id))


@shared_task(name="prompts.gateway.tasks.sweep", queue="housekeeping")
def sweep() -> None:
    """Run accepted calls whose hint was lost, fail what a crash left, expire their holds."""
    # The database's clock, as in every lease: a worker whose own is wrong ends nobody's call.
    now = generation_and_time()[1]
    for call in lost_calls(now):
        if call.mode == CallMode.ASYNC and call.state == CallState.ADMITTED:
            pipeline.carry_on(call.pk)
        else:
            settle_lost(call)
    expire_holds(now=now)
    forget_changes(now)
    forget_ends(now)
    forget_runners(now)
