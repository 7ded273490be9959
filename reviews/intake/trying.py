"""What a rule would have done with the latest calls; nothing is saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from governance.access.models import User
from reviews.intake.models import conditions_of
from reviews.intake.rules import Rule
from reviews.intake.selectors import facts_of
from reviews.intake.services import RuleFacts
from telemetry.ledger.models import Call

MOST_TRIED = 1000
LATELY = timedelta(days=30)
MOST_SHOWN = 10


@dataclass(frozen=True)
class Trial:
    """Counts over the latest calls in the person's reach; `missed` by condition."""

    looked_at: int
    matched: int
    taken: int
    missed: tuple[tuple[str, int], ...]
    examples: tuple[UUID, ...]


def trial(user: User, facts: RuleFacts, now: datetime, number: int = 1) -> Trial:
    """As if the rule, as its version `number`, had been the first of all; two queries."""
    rule = Rule(
        slug="trial",
        number=number,
        position=0,
        conditions=conditions_of(dict(facts.conditions)),
        effect=facts.effect,
        share=facts.share,
        queue=facts.queue.pk,
    )
    calls = (
        Call.objects.visible_to(user)
        .live()
        .filter(admitted_at__gte=now - LATELY)
        .select_related("use_case")
        .order_by("-admitted_at")[:MOST_TRIED]
    )
    missed: Counter[str] = Counter()
    looked, matched, taken = 0, 0, []
    for call in calls:
        looked += 1
        misses = rule.conditions.misses(facts_of(call))
        missed.update(misses)
        matched += not misses
        if not misses and rule.draws(call.pk):
            taken.append(call.pk)
    words = tuple((name.replace("_", " "), count) for name, count in missed.most_common())
    return Trial(looked, matched, len(taken), words, tuple(taken[:MOST_SHOWN]))
