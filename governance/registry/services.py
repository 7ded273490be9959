"""Register, score, assess, propose and suspend use cases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.text import slugify

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.terms import Oversight, Sensitivity
from governance.kernel.web import get_or_404
from governance.registry import framework, risk, scoring
from governance.registry.models import (
    ChecklistItem,
    Dataset,
    Measurement,
    RiskAssessment,
    Score,
    SuccessMetric,
    UseCase,
)
from governance.registry.rules import PHASES

EDITABLE = frozenset(
    {
        "title",
        "feature",
        "outcome",
        "benefit",
        "stakeholders",
        "framework_answers",
        "pattern",
        "serving",
        "override_reason",
        "topology",
        "sensitivity",
        "oversight",
        "sample_share",
        "disclosure_text",
        "fallback_text",
        "is_draft",
    }
)
STARTING_CHECKLIST = {
    "planning": "Outcome and owner agreed",
    "data": "Data named, with its lawful basis",
    "model selection": "Model chosen from approved cards",
    "prompting": "Prompt written and approved",
    "safety": "Human oversight set",
    "operations": "Fallback described",
}


def check_can_manage(actor: Actor, team: Team) -> None:
    if not actor.may(Permission.USE_CASE_MANAGE, team):
        raise NotAllowed("Nothing was saved: product owners manage the use cases of their team.")


@transaction.atomic
def start_use_case(
    *,
    actor: Actor,
    title: str,
    team: Team,
    now: datetime,
    owner: User | None = None,
    slug: str = "",
    **facts: Any,
) -> UseCase:
    """A draft with a short name of its own; every later step is saved on it."""
    check_can_manage(actor, team)
    title = title.strip()
    if not title:
        raise Invalid("Nothing was saved: give it a title.", fields={"title": ["Give a title."]})
    use_case = UseCase.objects.create(
        title=title,
        slug=_free_slug(slug or title),
        team=team,
        owner=owner or actor.user,
        created_at=now,
        is_draft=True,
        **facts,
    )
    ChecklistItem.objects.bulk_create(
        ChecklistItem(use_case=use_case, phase=phase, text=text)
        for phase, text in STARTING_CHECKLIST.items()
        if phase in PHASES
    )
    _record(actor, "use_case.created", use_case, now, after={"slug": use_case.slug})
    return use_case


def _free_slug(wanted: str) -> str:
    base = slugify(wanted)[:70] or "use-case"
    taken = set(
        UseCase.objects.filter(slug__regex=rf"^{re.escape(base)}(-\d+)?$").values_list(
            "slug", flat=True
        )
    )
    numbers = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(one for one in numbers if one not in taken)


@transaction.atomic
def save_step(
    *, actor: Actor, use_case: UseCase, version: int, now: datetime, **facts: Any
) -> UseCase:
    """Save some fields. Raises Conflict when somebody else saved since `version` was read."""
    locked = _locked(use_case.pk)
    check_can_manage(actor, locked.team)
    if locked.version != version:
        raise Conflict(
            "Nothing was overwritten: somebody saved this use case while you wrote. "
            "Your text is still on the page; compare it with what is there now and save again."
        )
    unknown = facts.keys() - EDITABLE
    if unknown:
        raise Invalid(f"Nothing was saved: {', '.join(sorted(unknown))} cannot be set here.")
    before = {name: getattr(locked, name) for name in facts}
    _check_facts(facts)
    for name, value in facts.items():
        setattr(locked, name, value)
    locked.version += 1
    locked.save()
    _record(actor, "use_case.changed", locked, now, before=before, after=facts)
    return locked


def _check_facts(facts: Mapping[str, Any]) -> None:
    choices: dict[str, list[str]] = {
        "sensitivity": list(Sensitivity),
        "oversight": list(Oversight),
        "pattern": [*framework.PATTERNS, "none", ""],
        "serving": [*framework.SERVING, ""],
    }
    problems = {
        name: [f"Choose one of {', '.join(filter(None, allowed))}."]
        for name, allowed in choices.items()
        if name in facts and facts[name] not in allowed
    }
    share = facts.get("sample_share")
    if share is not None and not 0 <= Decimal(share) <= 100:
        problems["sample_share"] = ["A share is between 0 and 100 percent."]
    if problems:
        raise Invalid("Nothing was saved: some answers do not fit.", fields=problems)


@transaction.atomic
def record_score(
    *,
    actor: Actor,
    use_case: UseCase,
    impact: Mapping[str, int],
    effort: Mapping[str, int],
    rationale: str,
    now: datetime,
) -> Score:
    """One assessor's scores; who manages it or assesses for the organisation may score."""
    _check_can_assess(actor, use_case)
    if not rationale.strip():
        raise Invalid(
            "Nothing was saved: a score without its reason helps nobody.",
            fields={"rationale": ["Say why."]},
        )
    try:
        totals = (
            scoring.weighted(impact, scoring.IMPACT),
            scoring.weighted(effort, scoring.EFFORT),
        )
    except (KeyError, ValueError):
        raise Invalid("Nothing was saved: score every dimension from 1 to 5.") from None
    score = Score.objects.create(
        use_case=use_case,
        assessor=actor.user,
        impact=dict(impact),
        effort=dict(effort),
        rationale=rationale.strip(),
        impact_total=totals[0],
        effort_total=totals[1],
        at=now,
    )
    after = {"impact": totals[0], "effort": totals[1], "quadrant": score.quadrant}
    _record(actor, "use_case.scored", use_case, now, after=after, reason=rationale)
    return score


@transaction.atomic
def assess_risk(
    *, actor: Actor, use_case: UseCase, answers: Mapping[str, bool], now: datetime
) -> RiskAssessment:
    """Answer the questionnaire; the tier follows from its rules and stands on the use case."""
    _check_can_assess(actor, use_case)
    given = {key: bool(answers.get(key)) for key in risk.QUESTIONS}
    assessed = risk.assess(given)
    fired = [
        {"code": rule.code, "because": rule.because, "answers": list(rule.needs)}
        for rule in assessed.fired
    ]
    assessment = RiskAssessment.objects.create(
        use_case=use_case,
        assessor=actor.user,
        questionnaire_version=risk.VERSION,
        answers=given,
        tier=assessed.tier,
        fired_rules=fired,
        at=now,
    )
    UseCase.objects.filter(pk=use_case.pk).update(tier=assessed.tier, version=F("version") + 1)
    use_case.tier = assessed.tier
    after = {"tier": assessed.tier, "rules": [rule.code for rule in assessed.fired]}
    _record(actor, "use_case.assessed", use_case, now, after=after)
    return assessment


def _check_can_assess(actor: Actor, use_case: UseCase) -> None:
    manages = actor.may(Permission.USE_CASE_MANAGE, use_case.team)
    if not manages and not actor.may(Permission.USE_CASE_ASSESS):
        raise NotAllowed("Nothing was saved: its owner or a safety officer assesses it.")


def propose_stage(
    *, actor: Actor, use_case: UseCase, target: str, reason: str, now: datetime
) -> ChangeRequest:
    """Ask for the next stage; the gate lists what is missing."""
    return open_change(
        actor=actor,
        kind="use_case_stage",
        subject_id=use_case.pk,
        proposal={"target": target},
        title=f"Move {use_case.title} to {target}",
        reason=reason,
        now=now,
    )


@transaction.atomic
def suspend_use_case(*, actor: Actor, use_case_id: int, reason: str, now: datetime) -> UseCase:
    """The kill switch: no call of it is answered from the next one on."""
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was switched: a safety officer suspends use cases.")
    use_case = _locked(use_case_id)
    if use_case.is_suspended:
        raise WrongState(f"Nothing was changed: {use_case} is suspended already.")
    use_case.suspended_at, use_case.suspension_reason = now, reason[:300]
    use_case.save(update_fields=["suspended_at", "suspension_reason"])
    _record(actor, "use_case.suspended", use_case, now, reason=reason)
    return use_case


@transaction.atomic
def resume_use_case(*, actor: Actor, use_case_id: int, reason: str, now: datetime) -> UseCase:
    """Take the kill switch back."""
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was switched: a safety officer resumes use cases.")
    use_case = _locked(use_case_id)
    if not use_case.is_suspended:
        raise WrongState(f"Nothing was changed: {use_case} is not suspended.")
    use_case.suspended_at, use_case.suspension_reason = None, ""
    use_case.save(update_fields=["suspended_at", "suspension_reason"])
    _record(actor, "use_case.resumed", use_case, now, reason=reason)
    return use_case


@transaction.atomic
def add_metric(
    *,
    actor: Actor,
    use_case: UseCase,
    name: str,
    unit: str,
    baseline: Decimal | None,
    target: Decimal | None,
    now: datetime,
) -> SuccessMetric:
    check_can_manage(actor, use_case.team)
    metric = SuccessMetric.objects.create(
        use_case=use_case, name=name, unit=unit, baseline=baseline, target=target
    )
    after = {"metric": name, "baseline": baseline, "target": target}
    _record(actor, "use_case.metric_added", use_case, now, after=after)
    return metric


@transaction.atomic
def measure(
    *,
    actor: Actor,
    metric: SuccessMetric,
    value: Decimal,
    on: date,
    now: datetime,
    source: str = "",
) -> Measurement:
    check_can_manage(actor, metric.use_case.team)
    measured = Measurement.objects.create(metric=metric, value=value, on=on, source=source)
    after = {"metric": metric.name, "value": value, "on": on}
    _record(actor, "use_case.measured", metric.use_case, now, after=after)
    return measured


@transaction.atomic
def register_dataset(
    *,
    actor: Actor,
    name: str,
    source: str,
    sensitivity: str,
    now: datetime,
    use_cases: tuple[UseCase, ...] = (),
    **facts: Any,
) -> Dataset:
    if not actor.may(Permission.DATASET_MANAGE):
        raise NotAllowed("Nothing was saved: data stewards register datasets.")
    if Dataset.objects.filter(name=name).exists():
        raise Invalid("Nothing was saved: a dataset has this name.", fields={"name": ["Taken."]})
    dataset = Dataset.objects.create(
        name=name, source=source, sensitivity=Sensitivity(sensitivity), owner=actor.user, **facts
    )
    dataset.use_cases.set(use_cases)
    after = {"sensitivity": sensitivity, "use_cases": [one.slug for one in use_cases]}
    record(actor=actor, action="dataset.registered", subject=dataset, now=now, after=after)
    return dataset


@transaction.atomic
def name_datasets(
    *, actor: Actor, use_case: UseCase, dataset_ids: Iterable[int], now: datetime
) -> UseCase:
    """Say which registered datasets the use case rests on; replaces those named before."""
    locked = _locked(use_case.pk)
    if not actor.may(Permission.DATASET_MANAGE):
        check_can_manage(actor, locked.team)
    named = list(Dataset.objects.filter(pk__in=set(dataset_ids)))
    before = {"datasets": list(locked.datasets.values_list("name", flat=True))}
    after = {"datasets": [one.name for one in named]}
    if before != after:
        locked.datasets.set(named)
        _record(actor, "use_case.datasets_named", locked, now, before=before, after=after)
    return locked


@transaction.atomic
def tick_item(*, actor: Actor, item_id: int, evidence: str, now: datetime) -> ChecklistItem:
    """Mark a checklist item done, with its evidence."""
    item: ChecklistItem = get_or_404(
        ChecklistItem.objects.select_for_update(of=("self",)).select_related("use_case__team"),
        pk=item_id,
    )
    check_can_manage(actor, item.use_case.team)
    item.done_at, item.done_by, item.evidence = now, actor.user, evidence[:300]
    item.save(update_fields=["done_at", "done_by", "evidence"])
    _record(actor, "use_case.item_done", item.use_case, now, after={"item": item.text})
    return item


def _locked(use_case_id: int) -> UseCase:
    found: UseCase = get_or_404(
        UseCase.objects.select_for_update(of=("self",)).select_related("team"), pk=use_case_id
    )
    return found


def _record(
    actor: Actor,
    action: str,
    use_case: UseCase,
    now: datetime,
    *,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=use_case,
        now=now,
        before=before,
        after=after,
        reason=reason,
        team_id=use_case.team_id,
    )
