"""Celery: steps of exports, and those whose hint was lost."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from prompts.corrections import revising, services


@shared_task(name="prompts.corrections.tasks.build", queue="packs")
def build(export_id: str) -> None:
    """One step, then a hint at the next; delivered twice, one of them finds it taken."""
    export = services.build_step(export_id=UUID(export_id), now=timezone.now())
    if export is not None and export.is_open:
        build.delay(export_id)


@shared_task(name="prompts.corrections.tasks.sweep", queue="housekeeping")
def sweep() -> None:
    for export_id in services.unfinished():
        build.delay(str(export_id))


@shared_task(name="prompts.corrections.tasks.ask_for_revisions", queue="housekeeping")
def ask_for_revisions() -> None:
    revising.ask_for_revisions(timezone.now())
