"""How often the answer of an asynchronous call may be fetched: many times, or once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.registry.models import UseCase
from prompts.gateway.models import FETCHES, MANY, ONCE, ResultFetch, ResultPolicy
from prompts.gateway.refusals import ResultGone
from prompts.gateway.reply import GovernedReply
from telemetry.ledger.models import Call
from telemetry.ledger.rules import CallMode


def fetches_of(use_case_id: int) -> str:
    """`once` or `many`; many where nobody has set anything."""
    found = ResultPolicy.objects.filter(use_case_id=use_case_id).values_list("fetches", flat=True)
    return found.first() or MANY


@transaction.atomic
def set_result_policy(
    *, actor: Actor, use_case: UseCase, fetches: str, now: datetime
) -> ResultPolicy:
    """From now on answers of its asynchronous calls are given that often."""
    if not actor.may(Permission.USE_CASE_MANAGE, use_case.team):
        raise NotAllowed("Nothing was changed: the use case's product owner says this.")
    if fetches not in FETCHES:
        raise Invalid("Nothing was changed.", fields={"fetches": ["Choose once or many."]})
    policy, _ = ResultPolicy.objects.select_for_update().get_or_create(use_case=use_case)
    before, policy.fetches = policy.fetches, fetches
    if before != fetches:
        policy.save(update_fields=["fetches"])
        record(
            actor=actor,
            action="result_policy.changed",
            subject=use_case,
            now=now,
            before={"result_fetches": before},
            after={"result_fetches": fetches},
            team_id=use_case.team_id,
        )
    return policy


def fetched(reply: GovernedReply, *, actor: Actor, now: datetime, times: int = 1) -> GovernedReply:
    """The reply, counted where it gives an answer; raises ResultGone where none is left to give.

    `times` is how often under `once`: an answer that was overturned may be fetched again.
    """
    call = reply.call
    if call is None or reply.answer is None or call.mode != CallMode.ASYNC:
        return reply
    if not _count(call, actor, now, times):
        raise ResultGone(
            "This answer was given once, and this use case gives each answer once. "
            "Make the call again if it is lost."
        )
    return reply


@transaction.atomic
def _count(call: Call, actor: Actor, now: datetime, times: int) -> bool:
    """Whether the answer may be given. Under `once` every asking is in the audit log."""
    is_once = fetches_of(call.use_case_id) == ONCE
    fetch, _ = ResultFetch.objects.select_for_update().get_or_create(
        call=call, defaults={"first_at": now}
    )
    is_given = not (is_once and fetch.count >= times)
    fetch.count += is_given
    fetch.refused += not is_given
    fetch.save(update_fields=["count", "refused"])
    if is_once:
        record(
            actor=actor,
            action="call.result_fetched" if is_given else "call.result_refused",
            subject=call,
            now=now,
            after={"given": fetch.count, "refused": fetch.refused},
            team_id=call.team_id,
        )
    return is_given
