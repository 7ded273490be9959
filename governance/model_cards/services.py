"""Write cards and propose them to the board; deployments and prices have files of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction

from governance.approvals.models import ChangeRequest
from governance.approvals.selectors import open_change_for
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.canonical import plain, text_digest
from governance.kernel.errors import Conflict, Invalid, WrongState
from governance.model_cards.deployment_services import (
    all_facts,
    change_deployment,
    create_deployment,
    propose_deployment,
    replace_secret,
    run_deployment,
    running_facts,
    switch_deployment,
)
from governance.model_cards.models import CONTENT_FIELDS, ModelCard
from governance.model_cards.price_services import (
    import_litellm_prices,
    set_price,
    set_prices,
)
from governance.model_cards.rules import CARD_STATES, result_problem
from governance.model_cards.writing import check_author, difference, locked

__all__ = [
    "add_version",
    "change_deployment",
    "create_card",
    "create_deployment",
    "edit_card",
    "import_litellm_prices",
    "propose_card",
    "propose_deployment",
    "replace_secret",
    "run_deployment",
    "all_facts",
    "running_facts",
    "set_price",
    "set_prices",
    "switch_deployment",
    "withdraw_card",
]

LONGEST_IN_EVENT = 300


def _for_event(values: Mapping[str, Any]) -> dict[str, Any]:
    """Long texts by their digest: an event has a greatest size."""
    return {name: _short(plain(value)) for name, value in values.items()}


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else str(value)
    return f"sha256:{text_digest(text)}" if len(text) > LONGEST_IN_EVENT else value


@transaction.atomic
def create_card(*, actor: Actor, slug: str, now: datetime, **content: Any) -> ModelCard:
    """The first version of a card, as a draft; what is left out is filled before it is proposed."""
    check_author(actor)
    if ModelCard.objects.filter(slug=slug).exists():
        raise Invalid(
            "Nothing was saved: another card has this short name. "
            "To document the same model anew, open that card and write a new version.",
            fields={"slug": ["Another card has this short name."]},
        )
    return _write_card(actor, slug, 1, content, now)


@transaction.atomic
def add_version(*, actor: Actor, card: ModelCard, now: datetime, **content: Any) -> ModelCard:
    """The next version of a card, as a draft: `card`'s content with these changes."""
    check_author(actor)
    same = ModelCard.objects.filter(slug=card.slug)
    list(same.select_for_update(no_key=True).values_list("pk", flat=True))
    draft = same.filter(state="draft").first()
    if draft is not None:
        raise WrongState(
            f"Nothing was saved: version {draft.version} is a draft already. "
            "Edit or withdraw that one first."
        )
    latest: int = same.aggregate(models.Max("version"))["version__max"]
    return _write_card(actor, card.slug, latest + 1, card.content() | content, now)


def _write_card(
    actor: Actor, slug: str, version: int, content: dict[str, Any], now: datetime
) -> ModelCard:
    _check_results(content.get("evaluation_results", []))
    try:
        with transaction.atomic():
            card = ModelCard.objects.create(
                slug=slug, version=version, author=actor.user, created_at=now, **content
            )
    except IntegrityError:
        raise Conflict(
            "Nothing was saved: somebody else wrote a card of this short name just now. "
            "Open it and look."
        ) from None
    after = {"version": card.version, "model_id": card.model_id}
    record(actor=actor, action="model_card.created", subject=card, now=now, after=after)
    return card


def _check_results(results: Iterable[Mapping[str, str]]) -> None:
    problem = result_problem(results)
    if problem:
        raise Invalid(f"Nothing was saved. {problem}", fields={"evaluation_results": [problem]})


@transaction.atomic
def edit_card(
    *, actor: Actor, card_id: int, now: datetime, seen: str = "", **content: Any
) -> ModelCard:
    """Change a draft. `seen` is the fingerprint of what was edited; raises Conflict if it moved.

    An undecided request on it goes stale: nobody approves what they have not read.
    """
    check_author(actor)
    card: ModelCard = locked(ModelCard.objects.all(), pk=card_id)
    if card.state != "draft":
        raise WrongState(
            f"Nothing was saved: this version is {card.state}, and what was decided on does not "
            "change. Write a new version."
        )
    if seen and seen != card.fingerprint():
        raise Conflict(
            "Nothing was saved: somebody else changed this draft since you opened it. "
            "What you typed is kept below; saving it again replaces theirs."
        )
    _check_results(content.get("evaluation_results", []))
    before, after = difference(card.content(), content)
    if not after:
        return card
    for name in CONTENT_FIELDS:
        setattr(card, name, content.get(name, getattr(card, name)))
    card.save(update_fields=list(after))
    record(
        actor=actor,
        action="model_card.changed",
        subject=card,
        now=now,
        before=_for_event(before),
        after=_for_event(after),
    )
    return card


@transaction.atomic
def withdraw_card(*, actor: Actor, card_id: int, reason: str, now: datetime) -> ModelCard:
    """Take a draft back; it stays readable and is never called under."""
    check_author(actor)
    card: ModelCard = locked(ModelCard.objects.all(), pk=card_id)
    if card.state != "draft":
        raise WrongState(
            f"Nothing was withdrawn: this version is {card.state}. Those who sign cards can "
            "revoke an approval."
        )
    if open_change_for("model_card", card.pk) is not None:
        raise WrongState(
            "Nothing was withdrawn: a change request on this draft is undecided. "
            "Its proposer withdraws that one first."
        )
    card.state = CARD_STATES.target(card.state, "withdraw")
    card.save(update_fields=["state"])
    record(actor=actor, action="model_card.withdrawn", subject=card, now=now, reason=reason)
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
