"""Queues and what waits in them, built small."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.test import Client

from governance.access.models import Grant, User
from governance.kernel.authority import Actor
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import open_item
from reviews.queues.upkeep import create_queue
from telemetry.ledger import services as ledger
from tests.factories.ledger import (
    NOW,
    body,
    make_call,
    make_deployment,
    make_person,
    make_use_case,
)


def make_queue(slug: str = "answers", **facts: Any) -> Queue:
    known: dict[str, Any] = {
        "name": slug.replace("-", " ").capitalize(),
        "guideline": "Say **what** is fit to leave.",
        "labels": ["wrong", "rude"],
        # At once, so that a test of something else need not wait; those of undo say so.
        "undo_seconds": 0,
        "now": NOW,
    }
    return create_queue(actor=Actor.system("tests"), slug=slug, **(known | facts))


def make_member(queue: Queue, role: str = "reviewer") -> User:
    """Somebody who holds the role on this queue."""
    person = make_person()
    Grant.objects.create(
        user=person,
        role=role,
        scope_type=ContentType.objects.get_for_model(queue),
        scope_id=queue.pk,
        starts_at=NOW - timedelta(days=3650),
        granted_by_label="test",
    )
    return person


def make_item(
    queue: Queue,
    text: str = "the answer",
    *,
    now: datetime = NOW,
    contract: dict[str, Any] | None = None,
    **facts: Any,
) -> ReviewItem:
    """A held answer that waits in this queue."""
    use_case = facts.pop("use_case", None) or queue.use_cases.first()
    if use_case is None:
        use_case = make_use_case()
        queue.use_cases.add(use_case)
    question = json.dumps([{"role": "user", "content": "the question"}])
    call = make_call(use_case, now=now, request=body(question, now), **facts)
    call = ledger.start_call(call=call, now=now, deployment=make_deployment())
    call = ledger.settle_call(call=call, outcome="hold", now=now, response=body(text, now))
    return open_item(call=call, reason="Every answer.", output_contract=contract or {}, now=now)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
