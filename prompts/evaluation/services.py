"""Write suites and cases, make a case of a decided answer, begin, stop and resume runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import digest, text_digest
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.terms import Sensitivity, cannot_be_kept, name_fault
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment
from governance.model_cards.selectors import callable_deployments
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.catalogue.rendering import value_problems
from prompts.evaluation.models import (
    EvaluationCase,
    EvaluationResult,
    EvaluationRun,
    EvaluationSuite,
)
from prompts.evaluation.rules import MOST_CASES, RUN_STATES, TAGS, RunState
from prompts.evaluation.scorers import problems_of, versions_of
from reviews.decisions.models import ReviewDecision

RUN = "prompts.evaluation.tasks.run"
MOST_BUDGET = Decimal(10_000)
LONGEST_INPUT = 200_000


def check_can_write(actor: Actor, prompt: Prompt) -> None:
    if actor.user is None or not actor.may(Permission.PROMPT_AUTHOR, prompt.use_case.team):
        raise NotAllowed("Nothing was saved: the engineers of its team write a prompt's cases.")


def check_can_run(actor: Actor, prompt: Prompt) -> None:
    if actor.user is None or not actor.may(Permission.CALL_TRY, prompt.use_case.team):
        raise NotAllowed("Nothing was begun: you may not make calls of this use case.")


@transaction.atomic
def create_suite(
    *, actor: Actor, prompt: Prompt, name: str, now: datetime, purpose: str = ""
) -> EvaluationSuite:
    """Raises Invalid for a name that is taken or does not fit."""
    check_can_write(actor, prompt)
    name, purpose = name.strip(), purpose.strip()
    problems = [] if 0 < len(name) <= 120 else ["Give a name of at most 120 characters."]
    if not problems and (fault := name_fault(name)):
        problems = [fault]
    if prompt.suites.filter(name=name).exists():
        problems = ["This prompt has a suite of that name."]
    if problems:
        raise Invalid(f"Nothing was saved. {problems[0]}", fields={"name": problems})
    suite = EvaluationSuite.objects.create(
        prompt=prompt, name=name, purpose=purpose[:500], created_by=actor.user, created_at=now
    )
    record(
        actor=actor,
        action="evaluation_suite.created",
        subject=suite,
        now=now,
        after={"prompt": prompt.slug},
        team_id=prompt.use_case.team_id,
    )
    return suite


@transaction.atomic
def add_case(
    *,
    actor: Actor,
    suite: EvaluationSuite,
    name: str,
    tags: Sequence[str],
    asked: dict[str, Any],
    expectations: list[dict[str, str]],
    now: datetime,
    decision: ReviewDecision | None = None,
) -> EvaluationCase:
    """A case; with `decision` it ends with that decision's call, whose sensitivity it keeps.

    `asked` is {"variables": {…}, "messages": […]}, `expectations` as scorers.py takes them.
    Raises Invalid, field by field, and Conflict when the suite has this very case.
    """
    prompt = suite.prompt
    check_can_write(actor, prompt)
    _check_case(suite, name, tags, asked, expectations)
    call = decision.item.call if decision is not None else None
    case = EvaluationCase(
        suite=suite,
        name=name.strip(),
        tags=sorted(set(tags)),
        content_sha256=digest([asked_digest(asked), expectations]),
        sensitivity=call.sensitivity if call else prompt.use_case.sensitivity,
        call=call,
        decision=decision,
        created_by=actor.user,
        created_at=now,
        keep_until=call.payload.keep_until if call else None,
    )
    case.seal(asked, expectations)
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError:
        raise Conflict("Nothing was saved: this very case is in the suite already.") from None
    record(
        actor=actor,
        action="evaluation_case.added",
        subject=case,
        now=now,
        after={
            "suite": suite.name,
            "prompt": prompt.slug,
            "tags": case.tags,
            "content_sha256": case.content_sha256,
            "decision": decision.pk if decision else None,
        },
        team_id=prompt.use_case.team_id,
    )
    return case


def asked_digest(asked: dict[str, Any]) -> str:
    """Of an input; numbers with a decimal point are taken as they are written."""
    return text_digest(json.dumps(asked, sort_keys=True, ensure_ascii=False))


def _check_case(
    suite: EvaluationSuite,
    name: str,
    tags: Sequence[str],
    asked: dict[str, Any],
    expectations: list[dict[str, str]],
) -> None:
    faults: dict[str, list[str]] = {}
    if not 0 < len(name.strip()) <= 150:
        faults["name"] = ["Give a name of at most 150 characters."]
    elif fault := name_fault(name.strip()):
        faults["name"] = [fault]
    if not tags or set(tags) - set(TAGS):
        faults["tags"] = [f"Choose one or more of {', '.join(TAGS)}."]
    if problems := problems_of(expectations):
        faults["expectations"] = problems
    if problems := _problems_of_input(suite.prompt, asked):
        faults["asked"] = problems
    if suite.cases.filter(retired_at=None).count() >= MOST_CASES:
        faults["name"] = [f"A suite holds at most {MOST_CASES:,} cases."]
    if faults:
        said = " ".join(one for messages in faults.values() for one in messages)
        raise Invalid(f"Nothing was saved. {said}", fields=faults)


def _problems_of_input(prompt: Prompt, asked: dict[str, Any]) -> list[str]:
    """By the newest version, as the author has it before them."""
    variables, messages = asked.get("variables", {}), asked.get("messages", [])
    if set(asked) - {"variables", "messages"} or not isinstance(variables, dict):
        return ["An input has variables, and messages where the prompt takes them."]
    written = f"{variables}{messages}"
    if len(written) > LONGEST_INPUT or cannot_be_kept(written):
        return [f"At most {LONGEST_INPUT:,} characters, none of them a null."]
    if not isinstance(messages, list) or not all(
        isinstance(one, dict)
        and set(one) == {"role", "content"}
        and one["role"] in ("user", "assistant", "system")
        and isinstance(one["content"], str)
        for one in messages
    ):
        return ["A message has a role and a content, both texts."]
    newest: PromptVersion | None = prompt.versions.first()
    if newest is None:
        return ["Write a version of the prompt first."]
    return value_problems(newest.variables, variables)


@transaction.atomic
def retire_case(*, actor: Actor, case_id: int, now: datetime) -> EvaluationCase:
    """It is in no later run; those before keep it."""
    rows = EvaluationCase.objects.select_for_update(of=("self",)).select_related(
        "suite__prompt__use_case__team"
    )
    case: EvaluationCase = get_or_404(rows, pk=case_id)
    check_can_write(actor, case.suite.prompt)
    if case.retired_at is not None:
        raise WrongState("Nothing was changed: this case is retired already.")
    case.retired_at = now
    case.save(update_fields=["retired_at"])
    record(
        actor=actor,
        action="evaluation_case.retired",
        subject=case,
        now=now,
        team_id=case.suite.prompt.use_case.team_id,
    )
    return case


@transaction.atomic
def begin_run(
    *,
    actor: Actor,
    suite: EvaluationSuite,
    version: PromptVersion,
    deployment: Deployment,
    budget: Decimal,
    now: datetime,
    seed: int = 0,
) -> EvaluationRun:
    """A run over the suite's cases as they are now; a worker takes it up.

    Raises WrongState while the use case is suspended, Invalid for what cannot be run.
    """
    check_can_run(actor, suite.prompt)
    # As it stands now, whenever the page or the caller read it.
    use_case = UseCase.objects.get(pk=suite.prompt.use_case_id)
    if use_case.is_suspended:
        raise WrongState(f"Nothing was begun: “{use_case.slug}” is suspended.")
    cases = list(suite.cases.filter(retired_at=None, destroyed_at=None))
    _check_run(suite, version, deployment, budget, seed, cases)
    run = EvaluationRun.objects.create(
        suite=suite,
        version=version,
        deployment=deployment,
        requester=actor.user,
        seed=seed,
        budget=budget,
        currency=settings.PLACET_CURRENCY,
        facts=_facts(version, deployment, cases, seed),
        created_at=now,
        next_step_at=now,
    )
    EvaluationResult.objects.bulk_create(EvaluationResult(run=run, case=one) for one in cases)
    after = {"version": str(version), "deployment": deployment.slug, "cases": len(cases)}
    _record(actor, "evaluation_run.requested", run, now, after=after | {"budget": budget})
    _hint(run.pk)
    return run


def _check_run(
    suite: EvaluationSuite,
    version: PromptVersion,
    deployment: Deployment,
    budget: Decimal,
    seed: int,
    cases: list[EvaluationCase],
) -> None:
    faults: dict[str, list[str]] = {}
    if version.prompt_id != suite.prompt_id:
        faults["version"] = ["Choose a version of this prompt."]
    if not callable_deployments([deployment.pk]):
        faults["deployment"] = ["It cannot be called now."]
    needed = Sensitivity(suite.prompt.use_case.sensitivity)
    if not Sensitivity(deployment.sensitivity_ceiling).permits(needed):
        faults["deployment"] = [f"It may only see {deployment.sensitivity_ceiling} content."]
    if not budget.is_finite() or not 0 < budget <= MOST_BUDGET:
        faults["budget"] = [f"Give an amount of more than 0 and at most {MOST_BUDGET:,}."]
    if not 0 <= seed < 2**31:
        faults["seed"] = ["A whole number of at least 0."]
    if not cases:
        faults["version"] = ["The suite has no case; write one first."]
    if faults:
        said = " ".join(one for messages in faults.values() for one in messages)
        raise Invalid(f"Nothing was begun. {said}", fields=faults)


def _facts(
    version: PromptVersion, deployment: Deployment, cases: list[EvaluationCase], seed: int
) -> dict[str, Any]:
    """What another run must have in common to say the same."""
    used = {one["scorer"] for case in cases for one in (case.opened() or ({}, []))[1]}
    return {
        "version_sha256": version.content_hash,
        "suite_sha256": digest(sorted(one.content_sha256 for one in cases)),
        "cases": len(cases),
        "seed": int(version.parameters.get("seed", seed)),
        "deployment": deployment.slug,
        "model": deployment.litellm_model,
        "model_card": str(deployment.card),
        "scorers": versions_of(used),
    }


@transaction.atomic
def resume_run(*, actor: Actor, run_id: UUID, now: datetime) -> EvaluationRun:
    """Go on where it was stopped; what was scored stays."""
    run = _moved(actor, run_id, "resume")
    run.because, run.next_step_at = "", now
    run.save(update_fields=["state", "because", "next_step_at"])
    _record(actor, "evaluation_run.resumed", run, now)
    _hint(run.pk)
    return run


@transaction.atomic
def cancel_run(*, actor: Actor, run_id: UUID, now: datetime) -> EvaluationRun:
    """No further case begins; what was scored stays, and says so."""
    run = _moved(actor, run_id, "cancel")
    run.finished_at, run.next_step_at = now, None
    run.save(update_fields=["state", "finished_at", "next_step_at"])
    _record(actor, "evaluation_run.cancelled", run, now)
    return run


def _moved(actor: Actor, run_id: UUID, action: str) -> EvaluationRun:
    rows = EvaluationRun.objects.select_for_update(of=("self",)).select_related(
        "suite__prompt__use_case__team", "version__prompt"
    )
    run: EvaluationRun = get_or_404(rows, pk=run_id)
    check_can_run(actor, run.suite.prompt)
    run.state = RunState(RUN_STATES.target(run.state, action))
    return run


def _hint(run_id: UUID) -> None:
    name = str(run_id)
    transaction.on_commit(lambda: current_app.send_task(RUN, [name], queue="checks"), robust=True)


def _record(actor: Actor, action: str, run: EvaluationRun, now: datetime, **facts: Any) -> None:
    team_id = run.suite.prompt.use_case.team_id
    record(actor=actor, action=action, subject=run, now=now, team_id=team_id, **facts)
