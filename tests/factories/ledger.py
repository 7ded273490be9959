"""Calls and what they need, built small."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.contenttypes.models import ContentType

from governance.access.models import Grant, Organisation, Team, User
from governance.model_cards.models import Deployment, ModelCard, Price
from governance.registry.models import UseCase
from telemetry.ledger import services
from telemetry.ledger.models import Call
from telemetry.ledger.services import BilledAttempt, Body
from tests.factories.stages import at_stage

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
_numbers = count(1)


def make_team(slug: str = "") -> Team:
    slug = slug or f"team-{next(_numbers)}"
    team, _ = Team.objects.get_or_create(
        slug=slug, defaults={"name": slug.title(), "code": slug.upper()}
    )
    return team


def make_person(role: str = "", team: Team | None = None) -> User:
    """Somebody with one role: on the team if one is given, else on the organisation."""
    number = next(_numbers)
    person = User.objects.create_user(
        f"person{number}@placet.example", f"Person {number}", "x" * 12
    )
    if role:
        scope: Any = team or Organisation.objects.get_or_create(pk=1, defaults={"name": "Org"})[0]
        Grant.objects.create(
            user=person,
            role=role,
            scope_type=ContentType.objects.get_for_model(scope),
            scope_id=scope.pk,
            starts_at=NOW - timedelta(days=3650),
            granted_by_label="test",
        )
    return person


def make_use_case(team: Team | None = None, **changes: Any) -> UseCase:
    number = next(_numbers)
    facts: dict[str, Any] = {
        "title": f"Use case {number}",
        "slug": f"use-case-{number}",
        "team": team or make_team(),
        "created_at": NOW,
    }
    if "owner" not in changes:
        facts["owner"] = make_person()
    stage = changes.pop("stage", "proposed")
    return at_stage(UseCase.objects.create(**(facts | changes)), stage)


def make_deployment(
    input_price: str = "2.50", output_price: str = "10.00", currency: str = "USD"
) -> Deployment:
    """A deployment with prices per million tokens since 2020."""
    number = next(_numbers)
    author = make_person()
    card = ModelCard.objects.create(
        slug=f"model-{number}",
        name=f"Model {number}",
        provider="Provider",
        model_id="model",
        licence="Apache-2.0",
        intended_use="x",
        out_of_scope_use="x",
        training_data="x",
        limitations="x",
        review_on=date(2027, 1, 1),
        author=author,
        created_at=NOW,
    )
    deployment = Deployment.objects.create(
        name=f"Deployment {number}",
        slug=f"deployment-{number}",
        card=card,
        litellm_model="openai/model",
        hosting="hosted",
        sensitivity_ceiling="internal",
        author=author,
        created_at=NOW,
    )
    for kind, amount in (("input", input_price), ("output", output_price)):
        Price.objects.create(
            deployment=deployment,
            kind=kind,
            amount=Decimal(amount),
            currency=currency,
            starts_on=date(2020, 1, 1),
        )
    return deployment


def make_call(use_case: UseCase | None = None, **facts: Any) -> Call:
    """An admitted call."""
    now = facts.pop("now", NOW)
    mode = facts.pop("mode", "sync")
    return services.admit_call(use_case=use_case or make_use_case(), mode=mode, now=now, **facts)


def bill(deployment: Deployment, amount: str = "0.5", attempt: int = 1) -> BilledAttempt:
    return BilledAttempt(
        attempt=attempt,
        deployment=deployment,
        tokens_input=100,
        tokens_output=10,
        amount=Decimal(amount),
    )


def body(text: str, now: datetime = NOW) -> Body:
    return Body(text, now + timedelta(days=30))


def make_settled(
    use_case: UseCase | None = None,
    *,
    outcome: str = "deliver",
    deployment: Deployment | None = None,
    amount: str = "0.5",
    text: str = "the answer",
    now: datetime = NOW,
    **facts: Any,
) -> Call:
    """A call that was started, billed once and settled; no budget is involved."""
    deployment = deployment or make_deployment()
    call = make_call(use_case, now=now, request=body("the question", now), **facts)
    call = services.start_call(call=call, now=now, deployment=deployment)
    return services.settle_call(
        call=call,
        outcome=outcome,
        now=now,
        billed=[bill(deployment, amount)],
        response=body(text, now),
    )
