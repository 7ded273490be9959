"""Cards in the formats of others: what a card becomes, and what a card read from one says."""

from __future__ import annotations

from typing import Any

from django.utils.text import slugify

from governance.approvals.models import Approval
from governance.kernel.authority import Actor
from governance.model_cards.cyclonedx import CardFacts, Service, to_cyclonedx
from governance.model_cards.forms import LONGEST_TEXT, NewCardForm
from governance.model_cards.markdown_import import from_markdown
from governance.model_cards.models import Deployment, ModelCard
from governance.model_cards.writing import check_author

MARKDOWN = "text/markdown; charset=utf-8"
CYCLONEDX = "application/vnd.cyclonedx+json; version=1.6"


def read_markdown(*, actor: Actor, document: str) -> tuple[dict[str, Any], list[str]]:
    """The fields of a new card as the document fills them, and what was not understood.

    Saves nothing: the fields go through the form, where a person checks them.
    """
    check_author(actor)
    reading = from_markdown(document)
    fields = {"slug": slugify(reading.fields.get("name", ""))[:80].strip("-")} | reading.fields
    return fields, reading.notes + [*_gaps(fields), *_too_long(fields)]


def _gaps(fields: dict[str, Any]) -> list[str]:
    return [
        f"{NewCardForm.base_fields[name].label or name.capitalize()}: not found, give it below."
        for name in ("name", "provider", "model_id")
        if not fields.get(name)
    ]


def _too_long(fields: dict[str, Any]) -> list[str]:
    """What has to be shortened before it can be saved; it is shown whole."""
    found = []
    for name, field in NewCardForm.base_fields.items():
        value, most = fields.get(name, ""), getattr(field, "max_length", None) or LONGEST_TEXT
        if len(value) > most:
            label = field.label or name.replace("_", " ").capitalize()
            found.append(
                f"{label} has {len(value):,} characters and may have {most:,}: shorten it."
            )
    return found


def cyclonedx(card: ModelCard) -> str:
    """The card's ML-BOM, with the deployments that are not retired."""
    approval = (
        Approval.objects.filter(kind="model_card", subject_id=card.pk)
        .order_by("-valid_from", "-pk")
        .first()
    )
    facts = CardFacts(
        slug=card.slug,
        version=card.version,
        state=card.state,
        fingerprint=card.fingerprint(),
        approval_digest=approval.digest if approval else "",
        at=approval.valid_from if approval else card.created_at,
    )
    running = card.deployments.exclude(state="retired").order_by("slug")
    return to_cyclonedx(card.content(), facts, [_service(one, card) for one in running])


def _service(deployment: Deployment, card: ModelCard) -> Service:
    return Service(
        slug=deployment.slug,
        name=deployment.name,
        provider=card.provider,
        endpoint=deployment.endpoint,
        hosting=deployment.hosting,
        region=deployment.region,
        sensitivity_ceiling=deployment.sensitivity_ceiling,
        state=deployment.state,
        is_authenticated=deployment.has_secret,
    )
