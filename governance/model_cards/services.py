"""Write cards, deployments and prices; propose them to the board."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from governance.approvals.models import ChangeRequest
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.encryption import encrypt
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import Sensitivity
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment, ModelCard, Price
from governance.model_cards.pricing import MILLION
from governance.model_cards.rules import DEPLOYMENT_STATES, HOSTING, PRICE_KINDS

PRICE_TABLE = "model_prices_and_context_window_backup.json"


def _check_author(actor: Actor) -> None:
    if not actor.may(Permission.MODEL_AUTHOR):
        raise NotAllowed("Nothing was saved: ML engineers write cards and deployments.")


@transaction.atomic
def create_card(*, actor: Actor, slug: str, now: datetime, **content: Any) -> ModelCard:
    """The next version of the card of that short name, as a draft."""
    _check_author(actor)
    latest = ModelCard.objects.filter(slug=slug).aggregate(Max("version"))["version__max"] or 0
    card = ModelCard.objects.create(
        slug=slug, version=latest + 1, author=actor.user, created_at=now, **content
    )
    after = {"version": card.version, "model_id": card.model_id}
    record(actor=actor, action="model_card.created", subject=card, now=now, after=after)
    return card


def propose_card(*, actor: Actor, card: ModelCard, reason: str, now: datetime) -> ChangeRequest:
    return open_change(
        actor=actor,
        kind="model_card",
        subject_id=card.pk,
        proposal={},
        title=f"Approve the model card {card}",
        reason=reason,
        now=now,
    )


@transaction.atomic
def create_deployment(
    *,
    actor: Actor,
    name: str,
    slug: str,
    card: ModelCard,
    litellm_model: str,
    hosting: str,
    sensitivity_ceiling: str,
    now: datetime,
    secret: str = "",
    **facts: Any,
) -> Deployment:
    """A place to call a model, not callable until it is approved. The secret is write-only."""
    _check_author(actor)
    if hosting not in HOSTING:
        raise Invalid(
            "Nothing was saved: choose how it is hosted.", fields={"hosting": ["Choose."]}
        )
    Sensitivity(sensitivity_ceiling)
    if Deployment.objects.filter(slug=slug).exists():
        raise Invalid(
            "Nothing was saved: another deployment has this short name.",
            fields={"slug": ["Another deployment has this short name."]},
        )
    sealed = encrypt(secret, context=f"deployment:{slug}:secret") if secret else None
    deployment = Deployment.objects.create(
        name=name,
        slug=slug,
        card=card,
        litellm_model=litellm_model,
        hosting=hosting,
        sensitivity_ceiling=sensitivity_ceiling,
        secret_sealed=sealed,
        author=actor.user,
        created_at=now,
        **facts,
    )
    after = {"model": litellm_model, "hosting": hosting, "ceiling": sensitivity_ceiling}
    record(actor=actor, action="deployment.created", subject=deployment, now=now, after=after)
    return deployment


def propose_deployment(
    *, actor: Actor, deployment: Deployment, reason: str, now: datetime
) -> ChangeRequest:
    return open_change(
        actor=actor,
        kind="deployment",
        subject_id=deployment.pk,
        proposal={},
        title=f"Call {deployment.card.name} at {deployment.name}",
        reason=reason,
        now=now,
    )


@transaction.atomic
def switch_deployment(
    *, actor: Actor, deployment_id: int, action: str, reason: str, now: datetime
) -> Deployment:
    """Suspend or resume a deployment; acts on the next call."""
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was changed: a safety officer suspends and resumes deployments.")
    deployment: Deployment = get_or_404(Deployment.objects.select_for_update(), pk=deployment_id)
    deployment.state = DEPLOYMENT_STATES.target(deployment.state, action)
    deployment.save(update_fields=["state"])
    record(actor=actor, action=f"deployment.{action}", subject=deployment, now=now, reason=reason)
    return deployment


@transaction.atomic
def set_price(
    *,
    actor: Actor,
    deployment: Deployment,
    kind: str,
    amount: Decimal,
    starts_on: date,
    now: datetime,
    currency: str = "",
    source: str = "",
) -> Price:
    """A price from that day on; the one before ends on that day. Never back into the past of it."""
    if not actor.may(Permission.PRICE_MANAGE) and not actor.may(Permission.MODEL_AUTHOR):
        raise NotAllowed("No price was set: finance and ML engineers set prices.")
    if kind not in PRICE_KINDS or amount < 0:
        raise Invalid("No price was set: give a kind and an amount of zero or more.")
    current = deployment.prices.select_for_update().filter(kind=kind, ends_on=None).first()
    if current is not None and current.starts_on >= starts_on:
        raise Invalid(
            f"No price was set: one holds from {current.starts_on} already. "
            "Choose a later day; booked calls keep the price they were made at.",
            fields={"starts_on": ["Choose a later day."]},
        )
    if current is not None:
        current.ends_on = starts_on
        current.save(update_fields=["ends_on"])
    price = Price.objects.create(
        deployment=deployment,
        kind=kind,
        amount=amount,
        currency=currency or settings.PLACET_CURRENCY,
        starts_on=starts_on,
        source=source,
    )
    after = {"kind": kind, "amount": amount, "currency": price.currency, "starts_on": starts_on}
    record(actor=actor, action="price.set", subject=deployment, now=now, after=after, reason=source)
    return price


def litellm_prices(model: str) -> dict[str, Decimal]:
    """Kind → amount per million tokens in USD from the table that litellm ships.

    Reads the table as data; litellm itself is not imported. Raises Invalid for a model that
    the table does not know: unknown is not free.
    """
    entry = _price_table().get(model)
    if entry is None or "input_cost_per_token" not in entry:
        raise Invalid(f"No price was set: litellm's price table does not know {model}.")
    fields = {
        "input": "input_cost_per_token",
        "cached_input": "cache_read_input_token_cost",
        "output": "output_cost_per_token",
    }
    return {
        kind: (Decimal(entry[field]) * MILLION).quantize(Decimal("0.000000001"))
        for kind, field in fields.items()
        if field in entry
    }


def _price_table() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise Invalid("No price was set: litellm is not installed here.")
    path = Path(spec.origin).parent / PRICE_TABLE
    table: dict[str, dict[str, Any]] = json.loads(path.read_text(), parse_float=str)
    return table


def import_litellm_prices(
    *, actor: Actor, deployment: Deployment, model: str, starts_on: date, now: datetime
) -> list[Price]:
    """Set every price that litellm's table knows for `model`, from that day on."""
    source = f"litellm's price table, {model}"
    return [
        set_price(
            actor=actor,
            deployment=deployment,
            kind=kind,
            amount=amount,
            currency="USD",
            starts_on=starts_on,
            source=source,
            now=now,
        )
        for kind, amount in litellm_prices(model).items()
    ]
