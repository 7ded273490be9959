"""What hangs on a use case in the lists: checklist items, metrics, mitigations, disclosure drafts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

BATCH = 2000


def fill(here: Any, use_cases: list[Any]) -> None:
    """One of each for each use case, by bulk_create."""
    from governance.registry.models import ChecklistItem, Disclosure, Mitigation, SuccessMetric
    from governance.registry.rules import PHASES

    today, phases = here.now.date(), list(PHASES)
    rows: dict[Any, Any] = {
        ChecklistItem: lambda one, number: {
            "phase": phases[number % len(phases)],
            "text": "Somebody answers for what it says.",
            "stage": "pilot",
            "owner_id": one.owner_id,
        },
        SuccessMetric: lambda one, number: {"name": "Minutes saved", "target": number % 50},
        Mitigation: lambda one, number: {
            "risk": "It is wrong.",
            "measure": "Somebody reads it first.",
            "owner_id": one.owner_id,
            "due_on": today + timedelta(days=number % 90),
            "created_at": here.now,
        },
        Disclosure: lambda one, number: {
            "language": "en",
            "version": 1,
            "text": "A computer wrote this.",
            "author_id": one.owner_id,
            "created_at": here.now,
        },
    }
    for model, facts in rows.items():
        model._default_manager.bulk_create(
            (model(use_case=one, **facts(one, number)) for number, one in enumerate(use_cases)),
            batch_size=BATCH,
        )
