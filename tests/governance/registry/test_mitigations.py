"""What is done about a risk, what is left of it, and which tier decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.audit.registries import PackScope, evidence_sections
from governance.home.models import Notification
from governance.home.selectors import waiting_for
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from governance.registry import assessments, mitigations, residual, services
from governance.registry.models import Mitigation, ResidualRisk, RiskAssessment, UseCase
from governance.registry.risk import FLOOR, ActClass
from governance.registry.subjects import StageSubject
from tests.factories.ledger import make_person, make_team
from tests.factories.registry import tier_of

JSON = "application/json"
TIERS = st.sampled_from(list(RiskTier))
HIGH, LIMITED, MINIMAL = RiskTier.HIGH, RiskTier.LIMITED, RiskTier.MINIMAL


# The rules


@pytest.mark.parametrize(
    ("inherent", "act_class", "open_count", "done", "lowest"),
    [
        (HIGH, "minimal", 0, 1, LIMITED),
        (HIGH, "minimal", 1, 1, HIGH),
        (HIGH, "minimal", 0, 0, HIGH),
        (HIGH, "high_risk", 0, 3, HIGH),
        (HIGH, "", 0, 1, HIGH),
        (LIMITED, "transparency", 0, 1, LIMITED),
        (LIMITED, "minimal", 0, 1, MINIMAL),
        (MINIMAL, "minimal", 0, 1, MINIMAL),
        (RiskTier.UNACCEPTABLE, "prohibited", 0, 9, RiskTier.UNACCEPTABLE),
    ],
)
def test_how_little_may_be_left(
    inherent: RiskTier, act_class: str, open_count: int, done: int, lowest: RiskTier
) -> None:
    found = residual.lowest_residual(inherent, act_class, open_count=open_count, done=done)
    assert found == lowest


@pytest.mark.parametrize(
    ("left", "is_confirmed", "lowest", "decides"),
    [
        (None, False, LIMITED, HIGH),
        (LIMITED, False, LIMITED, HIGH),
        (LIMITED, True, LIMITED, LIMITED),
        (LIMITED, True, HIGH, HIGH),
        (RiskTier.UNACCEPTABLE, False, LIMITED, RiskTier.UNACCEPTABLE),
    ],
)
def test_the_stricter_decides_until_it_is_confirmed(
    left: RiskTier | None, is_confirmed: bool, lowest: RiskTier, decides: RiskTier
) -> None:
    assert residual.deciding_tier(HIGH, left, lowest, is_confirmed=is_confirmed) == decides


@given(TIERS, st.none() | TIERS, st.sampled_from(ActClass), st.integers(0, 3), st.booleans())
def test_nothing_decides_below_the_law_and_an_open_mitigation_takes_nothing_off(
    inherent: RiskTier, left: RiskTier | None, act_class: ActClass, open_count: int, sure: bool
) -> None:
    inherent = residual.stricter(inherent, FLOOR[act_class])
    lowest = residual.lowest_residual(inherent, act_class, open_count=open_count, done=1)
    decides = residual.deciding_tier(inherent, left, lowest, is_confirmed=sure)
    assert decides.level >= FLOOR[act_class].level
    if open_count or not sure:
        assert decides.level >= inherent.level


def test_the_stricter_of_two_tiers_is_the_same_from_both_sides() -> None:
    for one, other in product(RiskTier, RiskTier):
        assert residual.stricter(one, other) == residual.stricter(other, one)


# The services


@pytest.fixture
def relieved(
    add: Callable[..., Mitigation],
    assessed: RiskAssessment,
    use_case: UseCase,
    owner: User,
    safety: User,
    now: datetime,
) -> ResidualRisk:
    """One mitigation done, the rest judged by the owner and confirmed by a safety officer."""
    one = add()
    actor = Actor.person(owner)
    mitigations.finish_mitigation(actor=actor, mitigation_id=one.pk, evidence="Seen.", now=now)
    left = mitigations.judge_residual(
        actor=actor, use_case=use_case, tier="limited", rationale="Somebody looks.", now=now
    )
    assert tier_of(use_case) == "high"
    return mitigations.confirm_residual(actor=Actor.person(safety), residual_id=left.pk, now=now)


def test_a_confirmed_residual_decides_until_a_new_risk_is_found(
    relieved: ResidualRisk,
    use_case: UseCase,
    add: Callable[..., Mitigation],
    now: datetime,
    owner: User,
) -> None:
    assert tier_of(use_case) == "limited"
    assert StageSubject().tier(UseCase.objects.get(pk=use_case.pk), {}) == LIMITED
    later = now + timedelta(minutes=1)
    one = add(now=later)
    assert tier_of(use_case) == "high"
    actor = Actor.person(owner)
    mitigations.finish_mitigation(actor=actor, mitigation_id=one.pk, evidence="Done.", now=later)
    assert tier_of(use_case) == "high"
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {
        "use_case.mitigation_added",
        "use_case.mitigation_done",
        "use_case.residual_judged",
        "use_case.residual_confirmed",
    } <= actions


def test_a_new_assessment_ends_what_was_judged(
    relieved: ResidualRisk, use_case: UseCase, owner: User, now: datetime
) -> None:
    answers = {"harm": True, "decides": True}
    assessments.assess_risk(
        actor=Actor.person(owner), use_case=use_case, answers=answers, now=now + timedelta(hours=1)
    )
    assert tier_of(use_case) == "high"
    with pytest.raises(WrongState):
        mitigations.confirm_residual(
            actor=Actor.person(make_person("safety")), residual_id=relieved.pk, now=now
        )


def test_who_judged_or_owns_it_does_not_confirm_it(
    assessed: RiskAssessment, use_case: UseCase, owner: User, safety: User, now: datetime
) -> None:
    left = mitigations.judge_residual(
        actor=Actor.person(safety), use_case=use_case, tier="high", rationale="As it was.", now=now
    )
    for person in (safety, owner, make_person("board")):
        with pytest.raises(NotAllowed):
            mitigations.confirm_residual(actor=Actor.person(person), residual_id=left.pk, now=now)
    second = make_person("safety")
    mitigations.confirm_residual(actor=Actor.person(second), residual_id=left.pk, now=now)
    with pytest.raises(WrongState, match="already"):
        mitigations.confirm_residual(
            actor=Actor.person(make_person("safety")), residual_id=left.pk, now=now
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        ResidualRisk.objects.filter(pk=left.pk).update(confirmed_by=safety)


def test_an_older_judgement_or_one_before_a_new_risk_is_not_confirmed(
    assessed: RiskAssessment,
    use_case: UseCase,
    owner: User,
    safety: User,
    add: Callable[..., Mitigation],
    now: datetime,
) -> None:
    facts: dict[str, Any] = {"actor": Actor.person(owner), "use_case": use_case, "tier": "high"}
    first = mitigations.judge_residual(**facts, rationale="One.", now=now)
    later = now + timedelta(minutes=1)
    second = mitigations.judge_residual(**facts, rationale="Two.", now=later)
    add(now=later + timedelta(minutes=1))
    for left in (first, second):
        with pytest.raises(WrongState, match="newer"):
            mitigations.confirm_residual(actor=Actor.person(safety), residual_id=left.pk, now=later)


def test_a_lower_rest_is_not_confirmed_while_a_mitigation_is_open(
    assessed: RiskAssessment,
    use_case: UseCase,
    owner: User,
    safety: User,
    add: Callable[..., Mitigation],
    now: datetime,
) -> None:
    actor, one = Actor.person(owner), add()
    mitigations.finish_mitigation(actor=actor, mitigation_id=one.pk, evidence="Seen.", now=now)
    left = mitigations.judge_residual(
        actor=actor, use_case=use_case, tier="limited", rationale="Somebody looks.", now=now
    )
    add()
    with pytest.raises(WrongState, match="is open"):
        mitigations.confirm_residual(actor=Actor.person(safety), residual_id=left.pk, now=now)


def test_a_residual_worse_than_the_rules_counts_at_once(
    assessed: RiskAssessment, use_case: UseCase, owner: User, now: datetime
) -> None:
    mitigations.judge_residual(
        actor=Actor.person(owner),
        use_case=use_case,
        tier="unacceptable",
        rationale="Worse than it looks.",
        now=now,
    )
    assert tier_of(use_case) == "unacceptable"


def test_nothing_is_judged_without_an_assessment_that_holds(
    use_case: UseCase, owner: User, now: datetime
) -> None:
    facts: dict[str, Any] = {
        "actor": Actor.person(owner),
        "use_case": use_case,
        "tier": "high",
        "rationale": "Why.",
        "now": now,
    }
    with pytest.raises(WrongState, match="first"):
        mitigations.judge_residual(**facts)
    assessments.assess_risk(
        actor=Actor.person(owner), use_case=use_case, answers={"harm": True}, now=now
    )
    version = UseCase.objects.get(pk=use_case.pk).version
    services.save_step(
        actor=Actor.person(owner), use_case=use_case, version=version, now=now, is_user_facing=True
    )
    with pytest.raises(WrongState, match="reach people outside"):
        mitigations.judge_residual(**facts)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"risk": " "}, "risk"),
        ({"measure": "x" * 501}, "measure"),
        ({"due_on": date(2020, 1, 1)}, "due_on"),
        ({"owner": None}, "owner"),
    ],
)
def test_what_does_not_fit_is_said_by_field(
    add: Callable[..., Mitigation], facts: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        add(**facts)
    assert set(refused.value.fields) == {field}


def test_a_stranger_owns_nothing(add: Callable[..., Mitigation]) -> None:
    with pytest.raises(Invalid):
        add(owner=make_person("owner", make_team()))


def test_its_owner_finishes_it_once_and_is_told_of_it(
    add: Callable[..., Mitigation], now: datetime
) -> None:
    responsible = make_person("board")
    one = add(owner=responsible)
    notice = Notification.objects.get(user=responsible)
    assert notice.title.endswith("A person looks first")
    mine = [item for item in waiting_for(responsible, now) if item.kind == "mitigation"]
    assert [item.title for item in mine] == ["A person looks first"]
    facts: dict[str, Any] = {"mitigation_id": one.pk, "evidence": "Seen.", "now": now}
    with pytest.raises(NotAllowed):
        mitigations.finish_mitigation(actor=Actor.person(make_person("compliance")), **facts)
    actor = Actor.person(responsible)
    with pytest.raises(Invalid):
        mitigations.finish_mitigation(actor=actor, **facts | {"evidence": " "})
    assert mitigations.finish_mitigation(actor=actor, **facts).evidence == "Seen."
    with pytest.raises(WrongState):
        mitigations.finish_mitigation(actor=actor, **facts)
    assert not [item for item in waiting_for(responsible, now) if item.kind == "mitigation"]


def test_a_safety_officer_finds_what_waits_for_confirmation(
    assessed: RiskAssessment, use_case: UseCase, owner: User, safety: User, now: datetime
) -> None:
    left = mitigations.judge_residual(
        actor=Actor.person(owner), use_case=use_case, tier="high", rationale="As it was.", now=now
    )

    def waits(person: User) -> bool:
        return any(item.kind == "residual" for item in waiting_for(person, now))

    assert waits(safety)
    assert not waits(owner)
    mitigations.confirm_residual(actor=Actor.person(safety), residual_id=left.pk, now=now)
    assert not waits(safety)


def test_the_pack_holds_the_measures_and_what_was_left(
    relieved: ResidualRisk, use_case: UseCase, owner: User, safety: User, now: datetime
) -> None:
    day = timedelta(days=1)

    def rows(name: str, team_id: int | None, starts_at: datetime) -> list[dict[str, Any]]:
        section = evidence_sections[name]
        found = list(section.rows(PackScope(starts_at, now + day, team_id)))
        assert all(tuple(row) == section.columns for row in found)
        return found

    for team_id in (None, use_case.team_id):
        [measure] = rows("mitigations", team_id, now - day)
        assert (measure["owner"], measure["evidence"]) == (owner.email, "Seen.")
        [left] = rows("residual_risks", team_id, now - day)
        assert (left["inherent"], left["residual"]) == ("high", "limited")
        assert left["confirmed_by"] == safety.email
    assert rows("mitigations", make_team().pk, now - day) == []
    assert rows("mitigations", None, now + day / 2) == []


def test_a_worse_judgement_is_not_talked_away(
    assessed: RiskAssessment, use_case: UseCase, owner: User, safety: User, now: datetime
) -> None:
    facts: dict[str, Any] = {"use_case": use_case, "rationale": "So it is."}
    minute = timedelta(minutes=1)
    mitigations.judge_residual(actor=Actor.person(safety), tier="unacceptable", now=now, **facts)
    milder = {"actor": Actor.person(owner), "tier": "high", **facts}
    mitigations.judge_residual(**milder, now=now + minute)
    assert tier_of(use_case) == "unacceptable"
    answers = {"harm": True}
    assessments.assess_risk(
        actor=Actor.person(owner), use_case=use_case, answers=answers, now=now + 2 * minute
    )
    assert tier_of(use_case) == "unacceptable"
    left = mitigations.judge_residual(**milder, now=now + 3 * minute)
    mitigations.confirm_residual(
        actor=Actor.person(make_person("safety")), residual_id=left.pk, now=now + 4 * minute
    )
    assert tier_of(use_case) == "high"
