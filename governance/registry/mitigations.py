"""Do something about a risk, judge what is left of it, and confirm that judgement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.urls import reverse

from governance.access.models import User
from governance.access.selectors import holders
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.registry.assessments import check_can_assess
from governance.registry.models import Mitigation, ResidualRisk, RiskAssessment, UseCase
from governance.registry.risk_standing import (
    decides,
    is_superseded,
    judgements,
    latest_residual,
    lowest_for,
    may_finish,
    possible_owners,
)
from governance.registry.selectors import facts_of, reasons_due
from governance.registry.services import locked_use_case, text_problems, write_event
from governance.registry.suspending import suspend_forbidden


@transaction.atomic
def add_mitigation(
    *,
    actor: Actor,
    use_case: UseCase,
    risk: str,
    measure: str,
    owner: User | None,
    due_on: date,
    now: datetime,
) -> Mitigation:
    """A measure against a risk in words; while it is open nothing is taken off the tier."""
    locked = locked_use_case(use_case.pk)
    check_can_assess(actor, locked)
    texts = {"risk": risk.strip(), "measure": measure.strip()}
    problems = text_problems(Mitigation, texts)
    problems |= {name: ["Say it in a sentence."] for name, text in texts.items() if not text}
    if owner is None or not possible_owners(locked, now).filter(pk=owner.pk).exists():
        problems["owner"] = ["Choose somebody who sees this use case."]
    if due_on < now.date():
        problems["due_on"] = ["A day to come."]
    if problems or owner is None:
        raise Invalid("Nothing was added: some answers do not fit.", fields=problems)
    made = Mitigation.objects.create(
        use_case=locked, owner=owner, due_on=due_on, created_at=now, **texts
    )
    tier = _settle(use_case, locked)
    after = {**texts, "owner": owner.email, "due_on": due_on, "tier": tier}
    write_event(actor, "use_case.mitigation_added", locked, now, after=after)
    _tell([owner], f"Yours by {due_on}: {made}", locked, now)
    return made


@transaction.atomic
def finish_mitigation(
    *, actor: Actor, mitigation_id: int, evidence: str, now: datetime
) -> Mitigation:
    """Its owner, or who manages the use case, says that it is done and shows by what."""
    found = get_or_404(Mitigation.objects.all(), pk=mitigation_id)
    locked = locked_use_case(found.use_case_id)
    mitigation: Mitigation = Mitigation.objects.select_for_update().get(pk=found.pk)
    if not may_finish(actor, mitigation, locked):
        raise NotAllowed("Nothing was changed: the owner of a mitigation says when it is done.")
    if mitigation.done_at is not None:
        raise WrongState("Nothing was changed: this mitigation is done already.")
    problems = text_problems(Mitigation, {"evidence": evidence.strip()})
    if not evidence.strip():
        problems["evidence"] = ["Say what shows it."]
    if problems:
        raise Invalid("It stays open: say what shows that it is done.", fields=problems)
    mitigation.done_at, mitigation.evidence = now, evidence.strip()
    mitigation.save(update_fields=["done_at", "evidence"])
    after = {"measure": mitigation.measure, "tier": _settle(locked, locked)}
    write_event(actor, "use_case.mitigation_done", locked, now, reason=evidence, after=after)
    _tell([locked.owner], f"Done: {mitigation}", locked, now)
    return mitigation


@transaction.atomic
def judge_residual(
    *, actor: Actor, use_case: UseCase, tier: str, rationale: str, now: datetime
) -> ResidualRisk:
    """What is left, as a person judges it; it decides nothing lower until it is confirmed."""
    locked = locked_use_case(use_case.pk)
    check_can_assess(actor, locked)
    assessment = _holding_assessment(locked, now)
    _check_judgement(assessment, locked, tier, rationale)
    made = ResidualRisk.objects.create(
        assessment=assessment,
        tier=tier,
        rationale=rationale.strip(),
        assessor=actor.user,
        at=now,
    )
    after = {"inherent": assessment.tier, "residual": tier, "tier": _settle(use_case, locked)}
    write_event(actor, "use_case.residual_judged", locked, now, reason=rationale, after=after)
    officers = holders(Permission.USE_CASE_ASSESS, None, now=now)
    others = [one for one in officers if one.pk not in (made.assessor_id, locked.owner_id)]
    suspend_forbidden(use_case=locked, assessment=assessment, now=now)
    _tell(others, f"Confirm the residual risk of {locked}: {tier}", locked, now)
    return made


def _check_judgement(
    assessment: RiskAssessment, use_case: UseCase, tier: str, rationale: str
) -> None:
    problems = text_problems(ResidualRisk, {"rationale": rationale.strip()})
    if not rationale.strip():
        problems["rationale"] = ["Say why that much is left."]
    lowest = lowest_for(assessment, use_case.mitigations.all())
    if tier not in list(RiskTier):
        problems["tier"] = ["Choose a tier."]
    elif RiskTier(tier).level < lowest.level:
        problems["tier"] = [f"The rules allow {lowest} at least, as its mitigations stand."]
    if problems:
        raise Invalid("Nothing was recorded: some answers do not fit.", fields=problems)


@transaction.atomic
def confirm_residual(*, actor: Actor, residual_id: int, now: datetime) -> ResidualRisk:
    """A safety officer who did not judge it stands for it too: from now on it decides."""
    found = get_or_404(ResidualRisk.objects.select_related("assessment"), pk=residual_id)
    locked = locked_use_case(found.assessment.use_case_id)
    left: ResidualRisk = ResidualRisk.objects.select_for_update().get(pk=found.pk)
    _check_can_confirm(actor, left, locked)
    assessment = _holding_assessment(locked, now)
    mitigations = list(locked.mitigations.all())
    if left != latest_residual(assessment, judgements(locked)) or is_superseded(left, mitigations):
        raise WrongState(
            "Nothing was confirmed: something is newer than this judgement. Judge it again."
        )
    if RiskTier(left.tier).level < lowest_for(assessment, mitigations).level:
        raise WrongState("Nothing was confirmed: a mitigation is open. Finish it first.")
    left.confirmed_by, left.confirmed_at = actor.user, now
    left.save(update_fields=["confirmed_by", "confirmed_at"])
    after = {"inherent": assessment.tier, "residual": left.tier, "tier": _settle(locked, locked)}
    write_event(actor, "use_case.residual_confirmed", locked, now, after=after)
    title = f"The residual risk of {locked} is confirmed: {left.tier}"
    people = {one.pk: one for one in (locked.owner, left.assessor)}
    _tell(people.values(), title, locked, now)
    return left


def _check_can_confirm(actor: Actor, left: ResidualRisk, use_case: UseCase) -> None:
    if not actor.may(Permission.USE_CASE_ASSESS):
        raise NotAllowed("Nothing was confirmed: a safety officer confirms residual risks.")
    if actor.user is None or actor.user.pk in (left.assessor_id, use_case.owner_id):
        raise NotAllowed(
            "Nothing was confirmed: a safety officer confirms who neither judged nor owns it."
        )
    if left.confirmed_by_id is not None:
        raise WrongState("Nothing was changed: this is confirmed already.")


def _holding_assessment(use_case: UseCase, now: datetime) -> RiskAssessment:
    """The last assessment; raises unless there is one that holds."""
    assessment: RiskAssessment | None = use_case.risk_assessments.first()
    if assessment is None:
        raise WrongState("Nothing was changed: assess its risk first.")
    reasons = reasons_due(assessment, facts_of(use_case), now)
    if reasons:
        raise WrongState(f"Nothing was changed: assess its risk again, {'; '.join(reasons)}.")
    return assessment


def _settle(shown: UseCase, locked: UseCase) -> str:
    """Put the tier that decides on the use case; that tier, which `shown` gets too."""
    assessment = locked.risk_assessments.first()
    if assessment is None:
        return locked.tier
    tier = decides(assessment, judgements(locked), locked.mitigations.all())
    if tier != locked.tier:
        locked.tier, locked.version = tier, locked.version + 1
        locked.save(update_fields=["tier", "version"])
    shown.tier, shown.version = locked.tier, locked.version
    return tier


def _tell(people: Iterable[User], title: str, use_case: UseCase, now: datetime) -> None:
    url = reverse("registry:detail", args=[use_case.slug])
    notify(users=people, title=title, url=f"{url}#risk", now=now)
