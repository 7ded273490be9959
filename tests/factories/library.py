"""A policy document, put in force through its services."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone

from governance.approvals.models import ChangeRequest
from governance.approvals.services import decide
from governance.compliance.library import propose_version, start_document
from governance.compliance.library_models import PolicyDocument, PolicyVersion
from governance.kernel.authority import Actor


def propose(
    writer: Actor, document: PolicyDocument, *, roles: tuple[str, ...] = (), **facts: Any
) -> ChangeRequest:
    content = {
        "body": facts.get("body", "Read **this**."),
        "roles": list(roles),
        "effective_from": facts.get("effective_from", date(2026, 1, 1)),
    }
    return propose_version(
        actor=writer,
        document=document,
        proposal=content,
        reason="It was time.",
        now=facts.get("now", timezone.now()),
    )


def publish(
    writer: Actor,
    signer: Actor,
    *,
    document: PolicyDocument | None = None,
    roles: tuple[str, ...] = (),
    **facts: Any,
) -> PolicyVersion:
    """The next version of a document, signed."""
    now = facts.get("now", timezone.now())
    document = document or start_document(actor=writer, title="Acceptable use", now=now)
    change = propose(writer, document, roles=roles, **facts)
    decide(
        actor=signer,
        change_id=change.pk,
        outcome="approve",
        rationale="Read.",
        digest_seen=change.digest,
        now=now,
    )
    return PolicyVersion.objects.get(change=change)
