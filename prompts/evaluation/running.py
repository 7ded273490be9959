"""Run a suite in small steps, one case after the other. Whoever dies in one loses no case.

A case's call carries an idempotency key of its run, case and try: a step that is run again after
a crash finds the call that was made, and its cost is booked once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Q

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from prompts.evaluation.models import EvaluationResult, EvaluationRun
from prompts.evaluation.rules import MOST_TRIES, OPEN_STATES, RUN_STATES, ResultState, RunState
from prompts.evaluation.scorers import Answer, scored
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest, Trial
from prompts.gateway.reply import GovernedReply

LEASE = timedelta(minutes=5)
CASES_PER_STEP = 25
STEP_FOR = timedelta(seconds=20)
FIRST_WAIT = timedelta(seconds=30)
SYSTEM = Actor.system("evaluation")
Clock = Callable[[], datetime]
# Nothing is wrong with the case: the run stops until somebody has looked.
STOPPING = (
    "budget_exceeded",
    "cost_limit_reached",
    "use_case_suspended",
    "approval_not_in_force",
    "no_approved_release",
    "price_unknown",
    "model_not_found",
    "sensitivity_not_permitted",
)
PASSING = (
    "no_deployment_available",
    "provider_error",
    "provider_timeout",
    "internal_error",
    "lost",
)
# The answer itself was not fit: that is a finding about the version, no accident.
UNFIT = ("output_contract_failed",)


def run_step(*, run_id: UUID, clock: Clock) -> datetime | None:
    """Some cases of the run; when its next step is due, None when none is."""
    run = _claim(run_id, clock())
    if run is None:
        return None
    team = run.suite.prompt.use_case.team
    if not run.requester.is_active or not run.requester.may(Permission.CALL_TRY, team):
        _stop(run, "Whoever began it may no longer make calls of this use case.", clock())
        return None
    return _give_back(run, _run_cases(run, clock), clock())


@transaction.atomic
def _claim(run_id: UUID, now: datetime) -> EvaluationRun | None:
    """The run under a lease of ours, or None when it is another's, not due or over."""
    found = EvaluationRun.objects.select_for_update(skip_locked=True, of=("self",))
    run = (
        found.select_related("suite__prompt__use_case__team", "version", "requester")
        .filter(pk=run_id, state__in=OPEN_STATES, next_step_at__lte=now)
        .filter(Q(lease_until=None) | Q(lease_until__lt=now))
        .first()
    )
    if run is None:
        return None
    if run.state == RunState.REQUESTED:
        run.state = RunState(RUN_STATES.target(run.state, "start"))
    run.lease_until = now + LEASE
    run.save(update_fields=["state", "lease_until"])
    return run


def _run_cases(run: EvaluationRun, clock: Clock) -> datetime | None:
    """Cases until the step or the run ends; when to go on, if not at once."""
    last, spent = clock() + STEP_FOR, run.spent()
    for result in _waiting(run, clock()):
        now = clock()
        if now >= last or not _still_ours(run, now):
            break
        request = request_of(run, result, run.budget - spent)
        if request is None:
            _error(result, "What this case asks is kept no longer.")
            continue
        reply = pipeline.run(request)
        spent += reply.cost
        again_at = _note(run, result, reply, clock())
        if again_at is not None:
            return again_at
    return None


def _waiting(run: EvaluationRun, now: datetime) -> list[EvaluationResult]:
    waiting = run.results.filter(state=ResultState.WAITING).select_related("case")
    due = waiting.filter(Q(not_before=None) | Q(not_before__lte=now))
    return list(due.order_by("pk")[:CASES_PER_STEP])


def _still_ours(run: EvaluationRun, now: datetime) -> bool:
    """A sign of life; False once somebody cancelled it."""
    running = EvaluationRun.objects.filter(pk=run.pk, state=RunState.RUNNING)
    return bool(running.update(lease_until=now + LEASE))


def request_of(
    run: EvaluationRun, result: EvaluationResult, left: Decimal
) -> GovernedRequest | None:
    """The governed call of a case; None when its texts are destroyed."""
    opened = result.case.opened()
    if opened is None:
        return None
    asked, _ = opened
    prompt = run.suite.prompt
    return GovernedRequest(
        model=f"{prompt.use_case.slug}/{prompt.slug}",
        person=run.requester,
        variables=asked.get("variables", {}),
        messages=asked.get("messages", []),
        environment="staging",
        idempotency_key=f"evaluation:{run.pk}:{result.pk}:{result.tries}",
        body_hash=result.case.content_sha256,
        most_cost=left,
        trial=Trial(run.version_id, run.deployment_id, run.seed),
    )


def _note(
    run: EvaluationRun, result: EvaluationResult, reply: GovernedReply, now: datetime
) -> datetime | None:
    """What became of the case; a time when the run has to wait before its next one."""
    if reply.is_open:
        # A worker died in this very call. The sweeper settles it once its lease has run out.
        result.not_before = now + timedelta(minutes=1)
        result.save(update_fields=["not_before"])
        return None
    refusal = reply.refusal
    code = (reply.call.refusal_code if reply.call else "") or (refusal.code if refusal else "")
    if refusal is not None and code == "rate_limit_exceeded":
        return now + timedelta(seconds=refusal.retry_after_seconds or 60)
    if refusal is not None and code in STOPPING and not reply.cost:
        _stop(run, refusal.message, now)
        return now
    result.cost += reply.cost
    result.call = reply.call
    if code in PASSING and result.tries + 1 < MOST_TRIES:
        result.not_before = now + FIRST_WAIT * 2**result.tries
        result.tries += 1
    elif refusal is not None and not refusal.blocks and code not in UNFIT:
        result.state, result.fault = ResultState.ERROR, refusal.message[:600]
    else:
        blocked = refusal is not None and refusal.blocks
        _score(result, Answer(reply.answer, code, was_blocked=blocked))
    result.save(update_fields=["cost", "call", "state", "fault", "scores", "not_before", "tries"])
    return None


def _score(result: EvaluationResult, answer: Answer) -> None:
    opened = result.case.opened()
    if opened is None:
        result.state, result.fault = ResultState.ERROR, "What is expected is kept no longer."
        return
    result.scores, result.fault = scored(opened[1], answer), ""
    passed = all(one["passed"] for one in result.scores)
    result.state = ResultState.PASSED if passed else ResultState.FAILED


def _error(result: EvaluationResult, sentence: str) -> None:
    result.state, result.fault = ResultState.ERROR, sentence
    result.save(update_fields=["state", "fault"])


@transaction.atomic
def _stop(run: EvaluationRun, because: str, now: datetime) -> None:
    current = _locked(run)
    if current.state != RunState.RUNNING:
        return
    current.state = RunState(RUN_STATES.target(current.state, "stop"))
    current.because, current.lease_until = because[:600], None
    current.save(update_fields=["state", "because", "lease_until"])
    _record("evaluation_run.stopped", current, now, because)


@transaction.atomic
def _give_back(run: EvaluationRun, due_at: datetime | None, now: datetime) -> datetime | None:
    """End the lease; finish the run when no case waits, else say when it goes on."""
    current = _locked(run)
    current.lease_until = None
    waiting = current.results.filter(state=ResultState.WAITING)
    if current.state == RunState.RUNNING and not waiting.exists():
        current.state = RunState(RUN_STATES.target(current.state, "finish"))
        current.finished_at, current.next_step_at = now, None
        _record("evaluation_run.finished", current, now, "")
    elif current.state == RunState.RUNNING:
        first = waiting.aggregate(first=Min("not_before"))["first"]
        is_one_due = waiting.filter(Q(not_before=None) | Q(not_before__lte=now)).exists()
        current.next_step_at = due_at or (now if is_one_due else first)
    current.save(update_fields=["state", "lease_until", "finished_at", "next_step_at"])
    return current.next_step_at if current.state == RunState.RUNNING else None


def _locked(run: EvaluationRun) -> EvaluationRun:
    rows = EvaluationRun.objects.select_for_update(of=("self",)).select_related(
        "suite__prompt__use_case", "version__prompt"
    )
    return rows.get(pk=run.pk)


def _record(action: str, run: EvaluationRun, now: datetime, because: str) -> None:
    tally = run.tally()
    record(
        actor=SYSTEM,
        action=action,
        subject=run,
        now=now,
        reason=because,
        after={
            "passed": tally["passed"],
            "failed": tally["failed"],
            "error": tally["error"],
            "cost": run.spent(),
        },
        team_id=run.suite.prompt.use_case.team_id,
    )


def due(now: datetime) -> list[UUID]:
    """Runs whose next step is due and which nobody runs."""
    found = EvaluationRun.objects.filter(state__in=OPEN_STATES, next_step_at__lte=now)
    free = found.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    return list(free.order_by("next_step_at").values_list("pk", flat=True)[:100])
