"""How much a use case may call in a minute: said by its product owner, kept in the audit log."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.registry.models import UseCase
from prompts.gateway.models import UseCaseLimit

MOST_REQUESTS, MOST_TOKENS = 1_000_000, 2_000_000_000


def check_can_limit(actor: Actor, use_case: UseCase) -> None:
    if not actor.may(Permission.USE_CASE_MANAGE, use_case.team):
        raise NotAllowed("Nothing was changed: the use case's product owner sets its limits.")


@transaction.atomic
def set_use_case_limits(
    *,
    actor: Actor,
    use_case: UseCase,
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    now: datetime,
) -> UseCaseLimit:
    """From the next call on; None is no limit beside those of its keys and deployments."""
    check_can_limit(actor, use_case)
    facts = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute}
    most = {"requests_per_minute": MOST_REQUESTS, "tokens_per_minute": MOST_TOKENS}
    faults = {
        name: [f"Give a number from 1 to {most[name]:,}, or none."]
        for name, value in facts.items()
        if value is not None and not 1 <= value <= most[name]
    }
    if faults:
        raise Invalid("Nothing was changed: a limit does not fit.", fields=faults)
    limits, _ = UseCaseLimit.objects.select_for_update().get_or_create(use_case=use_case)
    before = {name: getattr(limits, name) for name in facts}
    if before != facts:
        limits.requests_per_minute, limits.tokens_per_minute = (
            requests_per_minute,
            tokens_per_minute,
        )
        limits.save(update_fields=list(facts))
        record(
            actor=actor,
            action="use_case.limits_changed",
            subject=use_case,
            now=now,
            before=before,
            after=facts,
            team_id=use_case.team_id,
        )
    return limits
