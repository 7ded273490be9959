"""The database refuses, in plain SQL, what no decided change stands behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest
from governance.approvals.policies import STARTING_POLICIES
from governance.kernel.canonical import canonical_bytes
from governance.model_cards.models import ModelCard
from governance.registry.models import UseCase
from telemetry.chargeback.models import Budget
from tests.factories.chargeback import limit_change, limit_to, make_budget
from tests.factories.ledger import make_deployment, make_person, make_team, make_use_case
from tests.factories.stages import approve, at_stage, decided

pytestmark = pytest.mark.django_db


def run(sql: str, *values: Any) -> None:
    """As somebody at the database's own console would, to the end of their transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refused(sql: str, *values: Any) -> str:
    with pytest.raises(IntegrityError) as caught:
        run(sql, *values)
    return str(caught.value)


@pytest.fixture
def use_case() -> UseCase:
    return make_use_case(stage="pilot")


STAGE = "UPDATE registry_usecase SET stage = %s, stage_change_id = %s WHERE id = %s"


def test_a_stage_alone_is_refused(use_case: UseCase) -> None:
    sql = "UPDATE registry_usecase SET stage = 'production' WHERE id = %s"
    assert "needs a decided change" in refused(sql, use_case.pk)
    assert "needs a decided change" in refused(STAGE, "production", None, use_case.pk)


@pytest.mark.parametrize("state", ["open", "rejected", "withdrawn", "expired", "stale"])
def test_a_stage_under_a_request_that_was_not_granted_is_refused(
    use_case: UseCase, state: str
) -> None:
    facts = {"proposal": {"target": "production"}, "base": {"stage": "pilot"}}
    change = decided("use_case_stage", use_case.pk, use_case.owner, state=state, **facts)
    refused(STAGE, "production", change.pk, use_case.pk)


def test_a_stage_under_anothers_change_or_an_old_one_is_refused(use_case: UseCase) -> None:
    facts = {"proposal": {"target": "production"}, "base": {"stage": "pilot"}}
    for kind, subject in (("use_case_stage", make_use_case().pk), ("budget", use_case.pk)):
        kinds = "budget" if kind == "budget" else "use_case_stage"
        change = decided(kinds, subject, use_case.owner, **facts)
        refused(STAGE, "production", change.pk, use_case.pk)
    old = use_case.stage_change_id
    at_stage(use_case, "production")
    refused(STAGE, "pilot", old, use_case.pk)
    refused(STAGE, "retired", use_case.stage_change_id, use_case.pk)


def test_a_stage_under_its_change_passes_and_an_emergency_goes_back(use_case: UseCase) -> None:
    facts = {"proposal": {"target": "production"}, "base": {"stage": "pilot"}}
    change = decided("use_case_stage", use_case.pk, use_case.owner, state="provisional", **facts)
    run(STAGE, "production", change.pk, use_case.pk)
    ChangeRequest.objects.filter(pk=change.pk).update(state="reverted")
    run(STAGE, "pilot", change.pk, use_case.pk)
    refused(STAGE, "production", change.pk, use_case.pk)


def test_a_use_case_begins_at_the_beginning(use_case: UseCase) -> None:
    use_case.pk, use_case.slug = None, "another"
    with pytest.raises(IntegrityError, match="needs a decided change"), transaction.atomic():
        use_case.save(force_insert=True)


@pytest.fixture
def card() -> ModelCard:
    return make_deployment().card


CARD = "UPDATE model_cards_modelcard SET state = 'approved' WHERE id = %s"


def test_a_card_is_approved_only_under_an_approval_in_force(card: ModelCard) -> None:
    assert "needs an approval" in refused(CARD, card.pk)
    other = approve(decided("model_card", make_deployment().card.pk, card.author, proposal={}))
    refused(CARD, card.pk)
    Approval.objects.filter(pk=other.pk).update(subject_id=card.pk, state="revoked")
    refused(CARD, card.pk)
    Approval.objects.filter(pk=other.pk).update(state="in_force")
    run(CARD, card.pk)


def test_a_card_is_not_written_as_approved(card: ModelCard) -> None:
    card.pk, card.slug, card.state = None, "another", "approved"
    with pytest.raises(IntegrityError, match="needs an approval"), transaction.atomic():
        card.save(force_insert=True)
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_card_may_be_approved_before_its_approval_in_one_transaction(card: ModelCard) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CARD, [card.pk])
        approve(decided("model_card", card.pk, card.author, proposal={}))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


POLICY = """
INSERT INTO approvals_approvalpolicy
    (kind, tier, version, sign_offs, veto, decision_hours, validity_days, active, change_id)
VALUES ('budget', 'minimal', %s, %s, '[]', 40, 730, %s, %s)
"""
TWO = [{"permission": "sign_board", "count": 2}]


def as_json(sign_offs: Any) -> str:
    return canonical_bytes(sign_offs).decode()


def test_only_the_first_version_of_a_policy_comes_without_a_change() -> None:
    starting = as_json(STARTING_POLICIES[("budget", "minimal")])
    assert "needs a decided change" in refused(POLICY, 2, starting, True, None)
    run(POLICY, 1, starting, True, None)
    ApprovalPolicy.objects.update(active=False)
    for version in (1, 2):
        assert "needs a decided change" in refused(POLICY, version, starting, True, None)


def test_a_later_version_says_what_was_decided() -> None:
    run(POLICY, 1, as_json(STARTING_POLICIES[("budget", "minimal")]), True, None)
    first = ApprovalPolicy.objects.get(kind="budget")
    change = decided("approval_policy", first.pk, make_person(), proposal={"sign_offs": TWO})
    ApprovalPolicy.objects.filter(pk=first.pk).update(active=False)
    one = [{"permission": "sign_budget", "count": 1}]
    refused(POLICY, 2, as_json(one), True, change.pk)
    refused(POLICY, 3, as_json(TWO), True, change.pk)
    ChangeRequest.objects.filter(pk=change.pk).update(state="open")
    refused(POLICY, 2, as_json(TWO), True, change.pk)
    ChangeRequest.objects.filter(pk=change.pk).update(state="applied")
    run(POLICY, 2, as_json(TWO), True, change.pk)


@pytest.fixture
def budget() -> Budget:
    return make_budget(make_team(), "10")


LIMIT = 'UPDATE chargeback_budget SET "limit" = %s, change_id = %s WHERE id = %s'


def test_a_limit_alone_is_refused(budget: Budget) -> None:
    assert "needs a decided change" in refused(LIMIT, "99", None, budget.pk)
    run(
        'UPDATE chargeback_budget SET alerted = \'[80]\', "limit" = "limit" WHERE id = %s',
        budget.pk,
    )


def test_a_limit_is_the_one_that_was_decided_and_no_older_one(budget: Budget) -> None:
    refused(LIMIT, "21", limit_change(budget, "20").pk, budget.pk)
    other = make_budget(make_team(), "10")
    refused(LIMIT, "20", limit_change(other, "20").pk, budget.pk)
    first = limit_change(budget, "20")
    run(LIMIT, "20", first.pk, budget.pk)
    budget.refresh_from_db()
    limit_to(budget, "5")
    refused(LIMIT, "20", first.pk, budget.pk)


def test_a_reverted_emergency_gives_the_old_limit_back(budget: Budget) -> None:
    change = limit_change(budget, "20")
    ChangeRequest.objects.filter(pk=change.pk).update(state="provisional")
    run(LIMIT, "20", change.pk, budget.pk)
    ChangeRequest.objects.filter(pk=change.pk).update(state="reverted")
    run(LIMIT, "10", change.pk, budget.pk)
    refused(LIMIT, "20", change.pk, budget.pk)
