"""A vendor's record, put together through its services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from governance.access.models import User
from governance.approvals.services import decide
from governance.kernel.authority import Actor
from governance.model_cards.vendor_models import Vendor
from governance.model_cards.vendors import create_vendor, propose_vendor


def vendor_facts(answers: User, **changes: Any) -> dict[str, Any]:
    today = timezone.now().date()
    return {
        "name": "Cloud Models",
        "terms_link": "https://terms.example/1",
        "terms_version": "2026-10",
        "regions": ["eu-west"],
        "sub_processors": ["Hosting Ltd"],
        "trains_on_data": "no",
        "data_use_clause": "What we send is kept for 30 days and not trained on.",
        "contract_from": today - timedelta(days=30),
        "contract_until": None,
        "reviewed_on": today,
        "review_due": today + timedelta(days=180),
        "owner": answers.pk,
    } | changes


def make_vendor(writer: User, owner: User, **changes: Any) -> Vendor:
    facts = vendor_facts(owner, **changes)
    return create_vendor(actor=Actor.person(writer), now=timezone.now(), **facts)


def approve_vendor(vendor: Vendor, writer: User, signer: User, **changes: Any) -> Vendor:
    """Proposed with these facts changed, and signed."""
    now = timezone.now()
    change = propose_vendor(
        actor=Actor.person(writer), vendor=vendor, changes=changes, reason="Read.", now=now
    )
    decide(
        actor=Actor.person(User.objects.get(pk=signer.pk)),
        change_id=change.pk,
        outcome="approve",
        rationale="Read.",
        digest_seen=change.digest,
        now=now,
    )
    vendor.refresh_from_db()
    return vendor
