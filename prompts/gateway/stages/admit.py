"""Let it in: switches, approvals; then, in the first transaction, the call and its hold."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from governance.kernel.canonical import text_digest
from governance.kernel.errors import WrongState
from governance.kernel.statements import is_deadlock
from governance.kernel.terms import Environment, RiskTier, Sensitivity
from governance.model_cards.models import Deployment
from governance.policy.rules import obligations
from governance.registry.models import UseCase
from governance.registry.rules import SERVING_STAGES, Stage
from prompts.gateway.asked import asked_of
from prompts.gateway.context import CallContext, GovernedRequest
from prompts.gateway.conversation import Message, image_urls, kept
from prompts.gateway.gate import MARGIN_SECONDS
from prompts.gateway.governing import Generation, generation_and_time, governing
from prompts.gateway.refusals import (
    ApprovalNotInForce,
    BudgetExceeded,
    CostLimitReached,
    IdempotencyKeyReused,
    StillRunning,
    UseCaseSuspended,
)
from prompts.gateway.restoring import keep_before, kept_values
from prompts.gateway.stages.route import most_input_tokens, route
from prompts.releases.models import Release
from telemetry.chargeback import holds
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call
from telemetry.ledger.rules import OPEN_STATES
from telemetry.ledger.selectors import call_by_idempotency

LEASE = timedelta(minutes=5)


def earlier_call(context: CallContext) -> Call | None:
    """The call that the same idempotency key made before, if there is one."""
    request = context.request
    call = call_by_idempotency(
        key=request.idempotency_key, api_key=context.key, requester=request.person
    )
    if call is None:
        return None
    if call.idempotency_hash != request.body_hash:
        raise IdempotencyKeyReused(
            "This idempotency key was used with another request. Use a new key for a new request."
        )
    return call


def check_admission(context: CallContext) -> None:
    """The kill switch, and the approval of the use case."""
    use_case = context.known_use_case
    if use_case.is_suspended:
        raise UseCaseSuspended(
            f"“{use_case.slug}” is suspended: {use_case.suspension_reason} "
            "A safety officer can resume it."
        )
    is_staging = context.request.environment == Environment.STAGING
    serves = use_case.stage in SERVING_STAGES or (is_staging and use_case.stage == Stage.APPROVED)
    if not serves:
        raise ApprovalNotInForce(_why_it_does_not_serve(use_case))
    if not context.known_governing.stage_is_approved(context.received_at):
        raise ApprovalNotInForce(
            f"The approval of “{use_case.slug}” has ended. Its owner must propose it again."
        )


def _why_it_does_not_serve(use_case: UseCase) -> str:
    """A retired one never answers again; one that is on its way says what is missing."""
    if use_case.stage == Stage.RETIRED:
        return f"“{use_case.slug}” is retired: it answers no more. Ask its team what replaces it."
    return (
        f"“{use_case.slug}” is {use_case.stage}: it answers from the pilot stage on, which "
        "its owner proposes and the board approves."
    )


def admit(context: CallContext) -> str:
    """The first transaction: the call's row, its sealed request, and the hold of attempt 1."""
    call = call_of(context)
    try:
        with transaction.atomic():
            ledger.write_new(call, request_body(context))
            now = context.received_at
            keep_before(context, now, now + retention(context))
            amount = hold_attempt(context, call, 1, _first(context), is_new=True)
    except holds.BudgetExceeded as exceeded:
        raise BudgetExceeded(exceeded.message) from None
    except (IntegrityError, OperationalError) as error:
        # A set locks budgets before it writes rows: with the same key in it, it waited for this
        # call and this call for it.
        if isinstance(error, OperationalError) and not is_deadlock(error):
            raise
        raise StillRunning(
            "The same request arrived twice at once; ask again in a moment.",
            retry_after_seconds=1,
        ) from None
    context.call = call
    return f"{amount} held"


def call_of(context: CallContext) -> Call:
    """The call's row as it is let in, not written yet."""
    request, release = context.request, context.known_release
    end_user = hashlib.sha256(request.end_user.encode()).hexdigest() if request.end_user else ""
    return ledger.new_call(
        use_case=context.known_use_case,
        mode="internal" if request.person else request.mode,
        now=context.received_at,
        call_id=context.call_id,
        api_key=context.key,
        requester=request.person,
        idempotency_key=request.idempotency_key,
        idempotency_hash=request.body_hash,
        lease=lease(context),
        starts=request.mode != "async",
        release_id=release.pk,
        prompt_version_id=release.version_id,
        prompt_label=str(release.version),
        deployment=context.deployments[0],
        sensitivity=context.sensitivity,
        request_hash=text_digest(_request_text(context)),
        stage_trail=[one for one in context.trail if "took_ms" in one],
        redactions=context.redactions,
        findings=context.findings,
        task_id=request.task_id,
        end_user_hash=end_user,
    )


def request_body(context: CallContext) -> ledger.Body:
    """What was asked, to be kept sealed for as long as policy says."""
    return ledger.Body(_request_text(context), context.received_at + retention(context))


def _request_text(context: CallContext) -> str:
    return json.dumps([kept(one) for one in context.messages], ensure_ascii=False)


def lease(context: CallContext) -> timedelta:
    """Nobody takes it for lost while its attempts may still run."""
    return max(LEASE, timedelta(seconds=context.budget_seconds + MARGIN_SECONDS))


def _first(context: CallContext) -> int:
    """Where the first attempt goes; a worker may find only the dearest free, so that is held."""
    if context.request.mode != "async":
        return 0
    ceilings = [most_cost(context, one) for one in context.deployments]
    return ceilings.index(max(ceilings))


def hold_attempt(
    context: CallContext,
    call: Call,
    number: int,
    deployment_index: int,
    *,
    is_new: bool = False,
    messages: list[Message] | None = None,
) -> str:
    """Hold the most that one attempt on that deployment can cost, on every budget above.

    `messages` are those of an attempt that asks with others than the call's: a repair.
    """
    deployment = context.deployments[deployment_index]
    currency = context.prices[deployment.pk].booked_currency
    amount = most_cost(context, deployment, messages)
    _check_cost_limit(context, amount)
    hold = holds.reserve_new if is_new else holds.reserve
    hold(
        call=call,
        attempt=number,
        amount=amount,
        currency=currency,
        now=context.received_at,
    )
    context.held_attempts = max(context.held_attempts, number)
    return f"{amount} {currency}"


def make_room(context: CallContext) -> None:
    """Give back what attempts held that cost nothing, before the next holds; or neither.

    Not of a call that a worker runs: where that worker is lost another begins at the first
    attempt again, and under its hold.
    """
    if context.request.mode == "async":
        return
    free = [one.number for one in context.attempts if not one.is_billed]
    if free:
        holds.give_back(call=context.known_call, attempts=free, now=timezone.now())


def most_cost(
    context: CallContext, deployment: Deployment, messages: list[Message] | None = None
) -> Decimal:
    """The most that one attempt there can cost, in the ledger's currency at the day's rate."""
    prices = context.prices[deployment.pk]
    asked = context.messages if messages is None else messages
    tokens = most_input_tokens(context, messages)
    return prices.booked(prices.ceiling(tokens, context.max_tokens, len(image_urls(asked))))


def _check_cost_limit(context: CallContext, amount: Decimal) -> None:
    """What earlier attempts cost and what this one may stay within what the caller gave."""
    limit = context.request.most_cost
    spent = sum((one.cost for one in context.attempts), Decimal(0))
    if limit is not None and spent + amount > limit:
        raise CostLimitReached(f"This could cost up to {spent + amount}, and {limit} is left.")


def retention(context: CallContext) -> timedelta:
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    return timedelta(days=obligations(context.sensitivity, tier).retention_days)


def resume(call_id: UUID) -> CallContext | None:
    """An accepted call for its worker: run under a lease, or None when there is nothing to do.

    What was approved when it was let in is asked again, because minutes may have passed.
    """
    call = (
        Call.objects.select_related("use_case__team", "api_key", "requester", "deployment")
        .filter(pk=call_id, state__in=OPEN_STATES)
        .first()
    )
    if call is None:
        return None
    seen, now = generation_and_time()
    context = CallContext(
        GovernedRequest(model=call.use_case.slug, person=call.requester, mode="async"),
        call_id=call.pk,
        received_at=now,
    )
    try:
        context.call = ledger.start_call(call=call, now=context.received_at, lease=LEASE)
    except WrongState:
        return None
    _remember(context, call, seen)
    return context


def _remember(context: CallContext, call: Call, seen: Generation) -> None:
    context.use_case, context.key = call.use_case, call.api_key
    context.governing = governing(call.use_case.slug, seen)
    context.release = (
        Release.objects.select_related("version__prompt", "approval", "prompt")
        .filter(pk=call.release_id or 0)
        .first()
    )
    context.messages = json.loads(ledger.held_input(call) or "[]")
    context.sensitivity = Sensitivity(call.sensitivity)
    context.redactions, context.findings = dict(call.redactions), list(call.findings)
    context.placeholders = kept_values(call)
    version = context.known_release.version
    context.asked = asked_of(version.parameters, version.output_contract, {})
    context.held_attempts = 1
    context.trail = list(call.stage_trail)
    context.earlier_stages = len(context.trail)


def check_still_admitted(context: CallContext) -> None:
    """Before a worker asks a provider: the switch, the approvals and the route, again."""
    use_case, release = context.known_use_case, context.known_release
    if use_case.is_suspended:
        raise UseCaseSuspended(f"“{use_case.slug}” was suspended while the call waited.")
    if release.ended_at is not None or release.approval.state != "in_force":
        raise ApprovalNotInForce(f"{release} ended while the call waited.")
    route(context)
