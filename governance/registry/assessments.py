"""Score a use case and assess its risk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.registry import reassessment, risk
from governance.registry.models import RiskAssessment, Score, UseCase
from governance.registry.risk_standing import decides, judgements
from governance.registry.scoring_content import ModelContent
from governance.registry.scoring_models import model_in_force
from governance.registry.selectors import facts_of
from governance.registry.services import locked_use_case, write_event
from governance.registry.suspending import suspend_forbidden

LONGEST_RATIONALE = 500


def check_can_assess(actor: Actor, use_case: UseCase) -> None:
    if not can_assess(actor, use_case):
        raise NotAllowed("Nothing was saved: its owner or a safety officer assesses it.")


def can_assess(actor: Actor, use_case: UseCase) -> bool:
    manages = actor.may(Permission.USE_CASE_MANAGE, use_case.team)
    return manages or actor.may(Permission.USE_CASE_ASSESS)


@transaction.atomic
def record_score(
    *,
    actor: Actor,
    use_case: UseCase,
    impact: Mapping[str, int],
    effort: Mapping[str, int],
    rationales: Mapping[str, str],
    now: datetime,
    rationale: str = "",
    model_version: int | None = None,
) -> Score:
    """One assessor's scores, each dimension from 1 to 5 with its own sentence.

    Who manages the use case or assesses for the organisation may score; `rationale` is what
    holds for all dimensions together, if anything. `model_version` is the version that was
    read, if known: points mean something else under another.
    """
    locked = locked_use_case(use_case.pk)
    check_can_assess(actor, locked)
    if locked.scoring_rounds.filter(state="open").exists():
        raise WrongState(
            "Nothing was saved: several people are scoring this on their own now, and another "
            "score would lead them. Hand yours in there, or wait until theirs are shown."
        )
    version, content = model_in_force()
    if model_version not in (None, version):
        raise Conflict("Nothing was saved: the scoring model has changed. Read it and score again.")
    points = {**impact, **effort}
    reasons = {key: str(rationales.get(key, "")).strip() for key in content.keys}
    check_score(content, points, reasons)
    impact_total, effort_total = content.totals(points)
    score = Score.objects.create(
        use_case=use_case,
        assessor=actor.user,
        **content.split(points),
        rationales=reasons,
        rationale=rationale.strip(),
        impact_total=impact_total,
        effort_total=effort_total,
        model_version=version,
        threshold=content.threshold,
        at=now,
    )
    after = {
        "impact": score.impact_total,
        "effort": score.effort_total,
        "quadrant": score.quadrant,
        "rationales": reasons,
        "model_version": version,
    }
    write_event(actor, "use_case.scored", use_case, now, after=after, reason=rationale)
    return score


def check_score(
    content: ModelContent, points: Mapping[str, int], reasons: Mapping[str, str]
) -> None:
    """Raise Invalid with a field `<dimension>` or `<dimension>_why` for each gap."""
    problems: dict[str, list[str]] = {}
    for key in content.keys:
        if points.get(key) not in range(1, 6):
            problems[key] = ["Choose 1 to 5."]
        if not reasons[key]:
            problems[f"{key}_why"] = ["Say why, in a sentence."]
        elif len(reasons[key]) > LONGEST_RATIONALE:
            problems[f"{key}_why"] = [f"At most {LONGEST_RATIONALE} characters."]
        elif "\x00" in reasons[key]:
            problems[f"{key}_why"] = ["It holds a character that cannot be kept (NUL)."]
    if problems:
        raise Invalid(
            "Nothing was saved: every dimension has a score from 1 to 5 and a reason.",
            fields=problems,
        )


@transaction.atomic
def assess_risk(
    *, actor: Actor, use_case: UseCase, answers: Mapping[str, bool], now: datetime
) -> RiskAssessment:
    """Answer the questionnaire; tier and class follow from its rules and stand on the use case.

    What was taken off an earlier assessment ends with it; what a person judged worse stays.
    """
    locked = locked_use_case(use_case.pk)
    check_can_assess(actor, locked)
    given = {key: bool(answers.get(key)) for key in risk.QUESTIONS}
    assessed = risk.assess(given)
    assessment = RiskAssessment.objects.create(
        use_case=locked,
        assessor=actor.user,
        questionnaire_version=risk.VERSION,
        answers=given,
        tier=assessed.tier,
        act_class=assessed.act_class,
        fired_rules=fired_rules(assessed),
        facts=facts_of(locked).kept(),
        valid_until=reassessment.valid_until(assessed.tier, now),
        at=now,
    )
    tier = decides(assessment, judgements(locked), locked.mitigations.all())
    UseCase.objects.filter(pk=locked.pk).update(
        tier=tier, act_class=assessed.act_class, version=F("version") + 1
    )
    use_case.tier, use_case.act_class = tier, assessed.act_class
    after = {
        "tier": assessed.tier,
        "decides": tier,
        "act_class": assessed.act_class,
        "rules": [rule.code for rule in assessed.fired],
        "ignored": list(assessed.ignored),
    }
    write_event(actor, "use_case.assessed", use_case, now, after=after)
    locked.tier = tier
    suspend_forbidden(use_case=locked, assessment=assessment, now=now)
    return assessment


def fired_rules(assessed: risk.Assessed) -> list[dict[str, Any]]:
    """The rules as they are kept: what each gave, why, and the answers that fired it."""
    return [
        {
            "code": rule.code,
            "because": rule.because,
            "answers": list(rule.needs),
            "tier": rule.tier,
            "act_class": rule.act_class,
            "basis": rule.basis,
            "area": rule.area,
            "applies_from": rule.applies_from.isoformat() if rule.applies_from else "",
        }
        for rule in assessed.fired
    ]
